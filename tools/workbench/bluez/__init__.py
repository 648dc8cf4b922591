# SPDX-License-Identifier: Apache-2.0
"""Tests the companion on the real BlueZ, in a Debian virtual machine on the simulated radio."""
