# SPDX-License-Identifier: Apache-2.0
"""Trains a wake word model from a phrase; each step has its own module, and recipe.py runs them.

Modules that need TensorFlow are network.py, training.py and convert.py.
"""

import os

# TensorFlow reads this on import; without it, it logs what machine it finds.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
