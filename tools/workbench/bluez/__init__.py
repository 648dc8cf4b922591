# SPDX-License-Identifier: Apache-2.0
"""The companion on the real BlueZ: a guest of Linux and Debian on the simulated radio."""
