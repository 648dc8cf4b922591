# SPDX-License-Identifier: Apache-2.0
"""Figures of the firmware, its models and its link, as `make bench` prints them."""
