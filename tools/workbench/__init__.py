# SPDX-License-Identifier: Apache-2.0
"""Host tools for people who make glasses: sources, builds, emulation, measurement."""
