# SPDX-License-Identifier: Apache-2.0
"""Freezes the modules of our ESP32-S3 image with MicroPython's own makemanifest.py."""

import itertools
import os
import shutil
import subprocess
import sys

from workbench.build import micropython, sources
from workbench.paths import BOARDS

IMAGE = BOARDS / "esp32s3" / "image"


def freeze(folder):
    """Freezes the recipe's manifest into `folder`; gives where its .mpy files are, and its C."""
    (folder / "genhdr").mkdir(parents=True)
    # The names that an image has of its own; those of ESP-IDF's build are not to be had here.
    names = micropython.ensure("linux").parent / "genhdr" / "qstrdefs.preprocessed.h"
    shutil.copy(names, folder / "genhdr")
    tree = sources.micropython()
    variables = {
        "MPY_DIR": tree,
        "MPY_LIB_DIR": tree / "lib" / "micropython-lib",
        "PORT_DIR": tree / "ports" / "esp32",
        "BOARD_DIR": IMAGE,
    }
    command = [sys.executable, tree / "tools" / "makemanifest.py", "-b", folder]
    command += [*itertools.chain(*(("-v", f"{name}={path}") for name, path in variables.items()))]
    command += ["-f=-march=xtensawin", "-o", folder / "frozen_content.c", IMAGE / "manifest.py"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MICROPY_MPYCROSS": str(micropython.mpy_cross())},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "frozen_mpy", (folder / "frozen_content.c").read_text()
