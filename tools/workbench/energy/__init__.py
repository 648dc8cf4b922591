# SPDX-License-Identifier: Apache-2.0
"""Compares a bench current meter with the glasses' energy ledger."""
