# SPDX-License-Identifier: Apache-2.0
"""firmware/protocol.toml and the two files generated from it say the same."""

from __future__ import annotations

import runpy

import pytest
from workbench import protocol


@pytest.mark.parametrize("path", protocol.PRODUCTS, ids=lambda path: path.parent.name)
def test_generated_file_holds_the_constants(path):
    held = {name: value for name, value in runpy.run_path(str(path)).items() if name.isupper()}
    assert held == protocol.constants(protocol.SOURCE.read_text())


def test_generated_files_are_current():
    assert protocol.stale() == []


def test_a_change_makes_the_files_stale(tmp_path):
    source = tmp_path / "protocol.toml"
    source.write_text(protocol.SOURCE.read_text().replace("version = 1", "version = 2"))
    assert protocol.stale(source) == list(protocol.PRODUCTS)


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
