# SPDX-License-Identifier: Apache-2.0
"""Measures the firmware, its models and its link, for `make bench` and `make bench-link`."""
