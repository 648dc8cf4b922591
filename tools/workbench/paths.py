# SPDX-License-Identifier: Apache-2.0
"""Where things lie in a checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
FIRMWARE = ROOT / "firmware"
MODULES = FIRMWARE / "modules"
BOARDS = ROOT / "boards"
MODELS = ROOT / "models"
