# SPDX-License-Identifier: Apache-2.0
"""`glint hil`: tests real glasses, with a person beside them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

FEATURES = Path("tests") / "features"


def hil(
    tests: Annotated[
        list[Path] | None,
        typer.Argument(help="Tests (default: those of the checkout, or of this folder)."),
    ] = None,
    glasses: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET", help="serial:PORT or ble:NAME; may be repeated."),
    ] = None,
    report: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("report"),
) -> None:
    """Run tests on real glasses, ask for what only a person can do, and give a verdict."""
    if not glasses:
        raise typer.BadParameter("say which: serial:PORT or ble:NAME", param_hint="--glasses")
    chosen = tests or ([FEATURES] if FEATURES.is_dir() else [Path()])
    command = [sys.executable, "-m", "pytest", "-s", "-rs", "--glasses-person"]
    command += [f"--glasses={name}" for name in glasses]
    command += [f"--glasses-report={report}"]
    (report / "junit.xml").unlink(missing_ok=True)
    status = subprocess.run([*command, *map(str, chosen)], check=False).returncode
    counts = _counts(report / "junit.xml")
    good = status == 0 and counts["passed"] > 0
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
    print(f"{'GOOD' if good else 'BAD'}: {', '.join(glasses)}: {told}")
    if (page := report / "report.html").exists():
        print(f"the report: {page.absolute()}")
    if not good:
        raise typer.Exit(1)


def _counts(path: Path) -> Counter[str]:
    """Counts the tests of a JUnit file by how they ended."""
    from xml.etree import ElementTree

    outcomes = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    counts: Counter[str] = Counter()
    for case in ElementTree.parse(path).iter("testcase") if path.exists() else ():
        ends = [outcomes[part.tag] for part in case if part.tag in outcomes]
        counts[ends[0] if ends else "passed"] += 1
    return counts


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command()(hil)
