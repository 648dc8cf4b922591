# SPDX-License-Identifier: Apache-2.0
"""Runs scripts on the linux board, which is MicroPython's unix port."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from workbench.build import micropython
from workbench.paths import BOARDS, FIRMWARE
from workbench.runners.runner import CHECKS, RunError


class Linux:
    """MicroPython's unix port with the C modules built in."""

    def run(
        self,
        script: Path,
        *arguments: str,
        stdin: bytes = b"",
        files: Mapping[str, bytes] | None = None,
    ) -> bytes:
        """Runs a script as `Runner.run` says; standard error only gives a failure's reason."""
        program = micropython.ensure("linux")
        with tempfile.TemporaryDirectory(prefix="glint-run-") as folder:
            for name, content in (files or {}).items():
                (Path(folder) / name).write_bytes(content)
            done = subprocess.run(
                [program, script, *arguments],
                input=stdin,
                capture_output=True,
                check=False,
                cwd=folder,
                env={"MICROPYPATH": f"{FIRMWARE}:{BOARDS / 'simulation'}:{CHECKS}:.frozen"},
            )
        if done.returncode:
            words = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
            raise RunError(f"{script.stem}: {words[-1] if words else 'the board said nothing'}")
        return done.stdout
