# SPDX-License-Identifier: Apache-2.0
# Frozen, and so run instead of the flash's own, which is what `glint deploy` put there. Before that
# the application starts when it has been set up: models in the ROMFS, and config.json.

import os

names = os.listdir("/")
if "main.py" in names:
    with open("/main.py") as file:
        exec(file.read())
elif "config.json" in names:
    import glasses.main  # noqa: F401
