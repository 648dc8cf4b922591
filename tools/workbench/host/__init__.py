# SPDX-License-Identifier: Apache-2.0
"""Compiles the C cores of firmware/modules for this machine and calls them from Python."""
