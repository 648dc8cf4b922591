# SPDX-License-Identifier: Apache-2.0
"""Emulates glasses: boards as processes or in QEMU, their radio, camera and microphone."""
