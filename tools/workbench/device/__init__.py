# SPDX-License-Identifier: Apache-2.0
"""Boards on a serial port: flashed, deployed to, tested, examined."""
