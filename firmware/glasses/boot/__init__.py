# SPDX-License-Identifier: Apache-2.0
"""Chooses and starts the application. No update replaces anything in this package."""
