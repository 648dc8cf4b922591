# SPDX-License-Identifier: Apache-2.0
"""The C cores of firmware/modules compiled for this machine."""
