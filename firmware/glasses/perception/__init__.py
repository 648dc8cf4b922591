# SPDX-License-Identifier: Apache-2.0
"""What the glasses hear and see: the loop over the microphone's sound, wake words, vision."""
