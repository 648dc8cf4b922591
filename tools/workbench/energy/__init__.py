# SPDX-License-Identifier: Apache-2.0
"""A bench's current meter beside the glasses' energy ledger."""
