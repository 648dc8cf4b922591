# SPDX-License-Identifier: Apache-2.0
"""Perception: the loop over the microphone's sound, wake words, and vision."""
