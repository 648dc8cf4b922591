# SPDX-License-Identifier: Apache-2.0
"""Hostile input for the model runtime and for the link."""
