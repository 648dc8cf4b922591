# SPDX-License-Identifier: Apache-2.0
"""Runs the board.py of examples/own_board with emulated hardware."""

import subprocess

from workbench.build import micropython
from workbench.device import deploy
from workbench.paths import BOARDS, ROOT

OWN_BOARD = str(ROOT / "examples" / "own_board")
CHECK = """
import board
board.mic.start()
board.light.set(True)
print(board.name, board.camera, board.battery.percent, board.light._pin.value())
"""


def test_it_runs_with_its_drivers(tmp_path):
    for path, data in deploy.bundle(OWN_BOARD, [], "", None).items():
        if "/" not in path:
            (tmp_path / path).write_bytes(data)
    (tmp_path / "check.py").write_text(CHECK)
    played = ROOT / "tests" / "device" / "esp32s3"
    done = subprocess.run(
        [micropython.ensure("linux"), tmp_path / "check.py"],
        capture_output=True,
        text=True,
        check=False,
        env={"MICROPYPATH": f"{tmp_path}:{played}:{BOARDS / 'simulation'}:.frozen"},
    )
    assert done.stdout == "own_board None 100 1\n", done.stdout + done.stderr
    assert deploy.chip_of(OWN_BOARD) == "ESP32S3"
