# SPDX-License-Identifier: Apache-2.0
"""Generates the wire protocol's constants from firmware/protocol.toml.

`python -m workbench.build.protocol` writes the two Python files, and what is generated from
firmware/requests.toml; with `--check` it only reports whether they are up to date.
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from pathlib import Path

from workbench.build import requests
from workbench.paths import FIRMWARE, ROOT

SOURCE = FIRMWARE / "protocol.toml"
PRODUCTS = (FIRMWARE / "glasses" / "protocol.py", ROOT / "companion" / "glint" / "protocol.py")
LINE_WIDTH = 100

_HEADER = '''\
# SPDX-License-Identifier: Apache-2.0
"""The numbers of the wire protocol; what the bytes mean is in SPEC.md.

Generated from firmware/protocol.toml: change that file, and run
`python -m workbench.build.protocol`.
"""
'''
_ENTRY = re.compile(r'(?P<key>\w+) = (?P<value>"[^"]*"|\w+)\s*(?P<comment>#.*)?')


def _wrapped(comment: str) -> list[str]:
    return [f"# {part}" for part in textwrap.wrap(comment.lstrip("# "), LINE_WIDTH - 2)]


def constants(text: str) -> dict[str, int | str]:
    """The constants of a protocol file by name: key `events` of table `[uuid]` is `UUID_EVENTS`."""
    tables = tomllib.loads(text)
    return {
        f"{table}_{key}".upper(): value
        for table, entries in tables.items()
        for key, value in entries.items()
    }


def generate(text: str) -> str:
    """Generates the Python source for a protocol file.

    Numbers and comments are copied as written, so that 0x180A stays hexadecimal.

    Raises:
        ValueError: A line is neither blank, nor a comment, a table header or `key = value`.
    """
    lines: list[str] = []
    table = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            table = line.strip("[]")
        elif not table:
            continue  # the file's own head
        elif not line:
            lines.append("")
        elif line.startswith("#"):
            lines += _wrapped(line)
        elif entry := _ENTRY.fullmatch(line):
            constant = f"{table}_{entry['key']}".upper() + f" = {entry['value']}"
            comment = entry["comment"]
            if not comment:
                lines.append(constant)
            elif len(constant) + 2 + len(comment) <= LINE_WIDTH:
                lines.append(f"{constant}  {comment}")
            else:
                lines += [*_wrapped(comment), constant]
        else:
            raise ValueError(f"firmware/protocol.toml: cannot carry over: {line}")
    return _HEADER + "\n" + "\n".join(lines) + "\n"


def wanted(source: Path = SOURCE) -> dict[Path, str]:
    """The generated files and the content that they should have."""
    text, asked = source.read_text(), requests.SOURCE.read_text()
    numbers = constants(text)
    files = dict.fromkeys(PRODUCTS, generate(text))
    files[requests.TABLE] = requests.generate(asked, numbers)
    specification = requests.SPECIFICATION.read_text()
    files[requests.SPECIFICATION] = requests.specify(specification, asked, numbers)
    return files


def stale(source: Path = SOURCE) -> list[Path]:
    """The generated files that are missing or out of date."""
    files = wanted(source).items()
    return [path for path, text in files if not path.exists() or path.read_text() != text]


def main(arguments: list[str]) -> int:
    """Runs the command; the exit status is 1 when `--check` finds a file out of date."""
    behind = stale()
    for path in behind:
        if "--check" in arguments:
            print(
                f"{path.relative_to(ROOT)} is out of date: run python -m workbench.build.protocol"
            )
        else:
            path.write_text(wanted()[path])
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if behind and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
