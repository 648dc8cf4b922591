# SPDX-License-Identifier: Apache-2.0
"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Mirror = Annotated[
    Path | None,
    typer.Option(envvar="GLINT_MIRROR", help="Folder to take model files from, without internet."),
]
