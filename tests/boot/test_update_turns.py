# SPDX-License-Identifier: Apache-2.0
"""Tests how long verifying an update image blocks other tasks on a microcontroller."""

import json

import tflm_oracle
from board_scripts import SCRIPTS
from emulators import emulated
from test_update_micropython import application
from workbench.build import zoo
from workbench.emulation import sound
from workbench.emulation.bus import BYTES_PER_SECOND
from workbench.runners.cortexm import CortexM
from workbench.runners.runner import CHECKS

# The buffer of an emulated board's microphone, as large as DMA buffers would be.
MIC_BUFFER_BYTES = 16000
HOP_US = 10000


def test_verification_lets_others_have_their_turn_in_time():
    # On a Cortex-M55 that takes 32 ns for each instruction, whatever the machine it is emulated on.
    board = emulated("corstone300")
    data = application("9.0.0", board=board)
    counting = CortexM(board, counting=True)
    turns = json.loads(counting.run(SCRIPTS / "verify_turns.py", board, stdin=data))
    # The signature takes longest: what the microphone hears meanwhile has to fit its buffer,
    assert 0 < turns["longest_us"] < 1000000 * MIC_BUFFER_BYTES / BYTES_PER_SECOND
    # and before and after it there is time to hear as much as is said.
    word = {
        "okay_nabu.tflite": tflm_oracle.load("okay_nabu"),
        "okay_nabu.json": json.dumps(zoo.manifest("okay_nabu")).encode(),
    }
    samples = sound.noise(1, 3000).tobytes()
    arguments = (CHECKS / "hops.py", "/rom", "100", "0", "okay_nabu")
    hops = json.loads(counting.run(*arguments, stdin=samples, files=word))
    between_us = (turns["took_us"] - turns["longest_us"]) / turns["turns"]
    assert between_us + hops["busy_us"] / hops["hops"] < HOP_US
