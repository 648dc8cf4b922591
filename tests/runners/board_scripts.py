# SPDX-License-Identifier: Apache-2.0
"""The folder of the scripts that tests run on boards."""

from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
