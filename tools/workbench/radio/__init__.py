# SPDX-License-Identifier: Apache-2.0
"""The radio of emulated glasses: MicroPython's `bluetooth` over the bench bus."""

from workbench.radio.radio import Radio

__all__ = ["Radio"]
