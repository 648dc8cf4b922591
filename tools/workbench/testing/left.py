# SPDX-License-Identifier: Apache-2.0
"""The files that glasses under test leave for the report, named after them."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

import glint
from smpclient.generics import success
from smpclient.requests.statistics_management import GroupData, ListOfGroups

CAPTURE, CONSOLE, STATISTICS = SUFFIXES = (".btsnoop", ".console.log", ".statistics.json")


def place(folder: Path, name: str) -> Path:
    """Returns a path in a folder, without suffix, that no other glasses of this run have."""
    # Several processes of pytest-xdist may test on the same glasses.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    stem = "-".join(filter(None, (re.sub(r"\W+", "_", name), worker)))
    number = 1
    while list(folder.glob(f"{stem}-{number}.*")):
        number += 1
    return folder / f"{stem}-{number}"


async def statistics(glasses: glint.Glasses) -> dict[str, dict[str, int]]:
    """Asks for all statistics of the glasses, including memory, by group and name."""
    listed = await glasses.request(ListOfGroups())
    groups = listed.stat_list if success(listed) else []
    found = {}
    for name in groups:
        answer = await glasses.request(GroupData(name=name))
        if success(answer):
            found[name] = dict(answer.fields)
    return found


async def leave_statistics(path: Path, glasses: glint.Glasses) -> None:
    """Writes the statistics to a file, if the glasses still answer."""
    with contextlib.suppress(glint.GlintError):
        async with glasses as connected:
            path.write_text(json.dumps(await statistics(connected), indent=2))
