# SPDX-License-Identifier: Apache-2.0
"""Builds what runs on boards from source: MicroPython, native modules, ROMFS images."""
