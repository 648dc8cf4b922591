# SPDX-License-Identifier: Apache-2.0
"""Flashes, deploys to, tests and examines boards on a serial port."""
