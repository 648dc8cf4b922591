# SPDX-License-Identifier: Apache-2.0
"""Fuzzes the model runtime and the link with hostile input."""
