# SPDX-License-Identifier: Apache-2.0
"""Chips for smart glasses: their published figures, measurements here, and battery budgets."""
