# SPDX-License-Identifier: Apache-2.0
"""firmware/protocol.toml and the two files generated from it agree."""

from __future__ import annotations

import re
import runpy

import pytest
from glasses import journal, media
from glasses import protocol as numbers
from glasses.boot import start
from glasses.smp import images
from workbench.build import protocol
from workbench.paths import FIRMWARE

# Two samples a byte, at 16 kHz.
ADPCM_BYTES_A_SECOND = 8000


@pytest.mark.parametrize("path", protocol.PRODUCTS, ids=lambda path: path.parent.name)
def test_generated_file_holds_the_constants(path):
    held = {name: value for name, value in runpy.run_path(str(path)).items() if name.isupper()}
    assert held == protocol.constants(protocol.SOURCE.read_text())


def test_generated_files_are_current():
    assert protocol.stale() == []


def test_a_change_makes_the_files_stale(tmp_path):
    source = tmp_path / "protocol.toml"
    source.write_text(protocol.SOURCE.read_text().replace("version = 1", "version = 2"))
    assert set(protocol.PRODUCTS) <= set(protocol.stale(source))


def test_comments_and_notation_are_carried():
    text = '# head\n[sig]\n# of the SIG\nlevel = 0x2A19   # a percentage\n[codec]\njpeg = "jpeg"\n'
    lines = protocol.generate(text).splitlines()
    assert "# head" not in lines
    assert lines[-3:] == [
        "# of the SIG",
        "SIG_LEVEL = 0x2A19  # a percentage",
        'CODEC_JPEG = "jpeg"',
    ]


def test_a_line_it_does_not_understand_is_refused():
    with pytest.raises(ValueError, match="many"):
        protocol.generate("[limit]\nmany = [1, 2]\n")


def test_the_specification_says_the_times_that_count():
    table = (FIRMWARE / "SPEC.md").read_text().split("## Timing")[1].split("\n##")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| ")][1:]
    said = [[int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", row[1])] for row in rows]
    answered, *others = said  # the time in which requests are answered is not a constant
    assert answered == [2500]
    assert others == [
        [numbers.LIMIT_STRANGER_MS],
        [numbers.LIMIT_ENCRYPT_MS],
        [numbers.LIMIT_PAIRING_WINDOW_MS, numbers.LIMIT_PAIRING_HOLD_MS],
        [numbers.LIMIT_NEW_WINDOW_MS, numbers.LIMIT_ERASE_HOLD_MS],
        [images.RESET_AFTER_MS],
        [images.HEALTHY_MS],
        [images.TRIAL_MS],
        [start.TRIAL_WATCHDOG_MS, start.WATCHDOG_MS],
    ]


def test_the_specification_says_the_limits_that_count():
    text = " ".join((FIRMWARE / "SPEC.md").read_text().split())
    for said in (
        f"the newest {journal.KEPT_MAX} records that are not acknowledged",
        f"the newest {journal.RESTORED_MAX} of them",
        f"{journal.SAVE_AFTER_MS / 1000:g} s after they were written",
        f"more than {media.OBJECTS_MAX} objects or {media.KEPT_BYTES_MAX:,} bytes",
        f"more than {media.KEPT_MS_MAX // 60000} minutes old",
        f"the last {media.RING_BYTES_MAX / ADPCM_BYTES_A_SECOND:g} s",
        f"`ms`: {numbers.LIMIT_RECORD_MIN_MS} to {numbers.LIMIT_RECORD_MAX_MS}",
        f"A message takes at most {numbers.LIMIT_SMP_BYTES:,} bytes",
        f"there are not {['none', 'one', 'two', 'three', 'four', 'five'][numbers.LIMIT_BONDS]} of",
        f"then 1 to {numbers.LIMIT_MEDIA_RANGES} times u32 start",
        f"at most {numbers.LIMIT_EVENT_BYTES} bytes:",
        f"at most {numbers.LIMIT_IMAGE_BYTES >> 20} MiB.",
        f"the glasses reset {images.FAILED_MS // 1000} s later",
        f"command 16 tells {images.REPORT_MAX} characters",
    ):
        assert said in text, said
