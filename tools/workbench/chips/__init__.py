# SPDX-License-Identifier: Apache-2.0
"""The chips of the field: what is known of them, what is measured here, what that means."""
