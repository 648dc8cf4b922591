# SPDX-License-Identifier: Apache-2.0
"""What models give, take and need on each board."""
