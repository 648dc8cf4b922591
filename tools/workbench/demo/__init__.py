# SPDX-License-Identifier: Apache-2.0
"""The demo: emulated glasses hear a wake word, and a companion shows it."""
