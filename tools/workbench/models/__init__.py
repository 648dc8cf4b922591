# SPDX-License-Identifier: Apache-2.0
"""Runs, measures, verifies and checks models on each board."""
