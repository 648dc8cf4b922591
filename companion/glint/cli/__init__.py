# SPDX-License-Identifier: Apache-2.0
"""The `glint` command."""

from glint.cli.app import main

__all__ = ["main"]
