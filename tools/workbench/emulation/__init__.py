# SPDX-License-Identifier: Apache-2.0
"""Emulated glasses: boards as processes or in QEMU, their radio, what they see and hear."""
