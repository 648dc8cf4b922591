# SPDX-License-Identifier: Apache-2.0
"""Imports between our packages have no cycles, and the companion never imports the workbench."""

import os
import subprocess
import sys
from pathlib import Path

from workbench.paths import FIRMWARE, ROOT


def test_imports_keep_the_contracts_of_pyproject():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(FIRMWARE)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
