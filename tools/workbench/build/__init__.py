# SPDX-License-Identifier: Apache-2.0
"""What runs on boards, made from sources: MicroPython, native modules, ROMFS images."""
