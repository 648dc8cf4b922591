# SPDX-License-Identifier: Apache-2.0
"""The error of all steps of a training."""

import importlib.util

from workbench.errors import WorkbenchError

PACKAGES = ("tensorflow", "pyworld", "pyroomacoustics", "tflite_micro")


class TrainError(WorkbenchError):
    """A model cannot be trained as asked; the message says what to change."""


def need_packages() -> None:
    """Checks for the packages of the extra `train`, before anything slow begins.

    Raises:
        TrainError: One is missing.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise TrainError(
            f"training needs {', '.join(missing)}: pip install --pre 'glint-workbench[train]'"
        )
