# SPDX-License-Identifier: Apache-2.0
"""Tests the catalogue of chips: what it refuses, and that it gives the sources of its figures."""

import re

import pytest
from workbench.chips import catalog, energy, state
from workbench.models import fit
from workbench.paths import BOARDS, ROOT
from workbench.runners import boards

# A pattern for each chip or family of chips that the field's analysts name for glasses.
NAMED = [
    "ESP32-S3",
    "ESP32-P4",
    "ESP32-C5",
    "ESP32-C6",
    "BES2500YP",
    "BES2700",
    "BES2800",
    "STM32N6",
    "TL721X",
    "TL751X",
    "ATS3085",
    "Bluetrum",
    "Apollo4",
    "Apollo5",
    "Balletto.B1",
    "WE2",
    "nRF54H",
    "nRF54L",
    "W517",
    "MC6305",
    "Anyka",
    "T31",
    "RK3588",
    "RK356",
    "RV1103",
    "RV1106",
    "RV1126",
    "RK182",
    "V8",
    "A311D",
    "AR1.Gen.1",
]

GOOD = """
[sources]
sheet = { title = "A datasheet, page 12", url = "https://example.org/sheet", seen = 2026-11-21 }

[[chip]]
name = "X1"
maker = "Somebody"
family = "Cortex-M"
core = { is = "cortex-m55", source = "sheet" }
clock_mhz = { is = 100, source = "sheet" }
active_ma = { is = [4, 6], source = "sheet" }
sleep_ma = { is = 0.5, source = "sheet" }
price_usd = { is = 3, source = "sheet" }
unknown = ["npu", "ram_kb", "storage", "radio", "process_nm", "serves"]
"""


@pytest.fixture
def read(tmp_path):
    """Reads GOOD as a catalogue, with one piece of its text replaced."""

    def read(old="", new=""):
        assert old in GOOD
        path = tmp_path / "catalog.toml"
        path.write_text(GOOD.replace(old, new) if old else GOOD)
        return catalog.load(path)

    return read


def test_the_catalogue_names_every_chip_and_uses_every_source():
    known = catalog.load()
    names = " ".join(f"{chip.maker} {chip.name}" for chip in known.chips)
    assert [name for name in NAMED if not re.search(name, names)] == []
    used = {
        key
        for chip in known.chips
        for figure in chip.figures.values()
        if figure
        for key in figure.sources
    }
    for board in fit.boards():
        currents = energy.load(board)
        used |= {key for keys in (currents.sources if currents else {}).values() for key in keys}
    notes = " ".join(chip.note for chip in known.chips)
    assert [key for key in known.sources if key not in used and key not in notes] == []


def test_what_is_sound_is_read(read):
    (chip,) = read().chips
    assert chip.span("active_ma") == (4, 6)
    assert chip.span("ram_kb") is None
    assert chip.text("npu") == catalog.UNKNOWN
    assert (chip.price_class, chip.power_class) == ("$$", "low")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{ is = 100, source = "sheet" }', "{ is = 100 }", "X1, clock_mhz has no source"),
        ('{ is = 100, source = "sheet" }', "100", "X1, clock_mhz: write"),
        ('is = 100, source = "sheet"', 'is = 100, source = "memory"', "no source 'memory'"),
        ("is = [4, 6]", "is = -4", "X1, active_ma is negative: -4"),
        ("is = [4, 6]", "is = [-4, 6]", "X1, active_ma is negative: -4"),
        ("is = [4, 6]", "is = 90000", "X1, active_ma is absurd: 90000"),
        ("is = [4, 6]", "is = [6, 4]", "the least, 6, is more than the most, 4"),
        ("is = [4, 6]", 'is = "some"', "X1, active_ma: give a number"),
        ("is = [4, 6]", "is = nan", "X1, active_ma is absurd"),
        ("is = 0.5", "is = 50", "X1 takes more asleep than awake"),
        ('"npu", ', "", "X1: npu stands nowhere"),
        ('"npu"', '"npu", "core"', "X1: core stands twice"),
        ("price_usd =", "prize_usd =", "prize_usd: no such figure"),
        ('"Cortex-M"', '"Cortex"', "X1: family is to be one of"),
        (", seen = 2026-11-21", "", "source sheet has no seen"),
        ('core = { is = "cortex-m55"', "core = { is = 55", "X1, core: give it in words"),
        ("[[chip]]", "[[chip", "catalog.toml"),
    ],
)
def test_what_is_not_is_refused_in_clear_words(read, old, new, said):
    with pytest.raises(catalog.CatalogError, match=re.escape(said)):
        read(old, new)


def test_everything_wrong_is_said_at_once(read):
    with pytest.raises(catalog.CatalogError) as refused:
        read('source = "sheet"', 'source = "x"')
    assert str(refused.value).count("no source 'x'") == 5


def test_a_chip_that_is_not_there_is_told_what_is():
    with pytest.raises(catalog.CatalogError, match=r"no chip 'esp99'.*ESP32-S3"):
        catalog.load().chip("esp99")


def test_what_is_emulated_here_is_run_by_tests():
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    classes = {"rv32": "Rv32(", "xtensa": "xtensa."}
    for chip in catalog.load().chips:
        here = state.state(chip)
        if here.name == "emulated":
            for board in here.by:
                assert board in boards.BOARDS
                assert (BOARDS / board / "board.toml").exists()
                assert f'"{board}"' in tests or classes.get(board, f'"{board}"') in tests


def test_the_state_follows_the_boards(monkeypatch, tmp_path):
    known = catalog.load()
    s3, wiseeye, w517 = (known.chip(name) for name in ("ESP32-S3", "WiseEye2 (WE2)", "W517"))
    assert str(state.state(s3)) == "emulated (xtensa)"
    assert state.state(w517).name == "described"
    monkeypatch.setattr(state, "BOARDS", tmp_path)
    assert state.state(wiseeye).name == "builds"  # native modules for it, and no board
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "board.toml").write_text('[chip]\nname = "W517"\n')
    assert str(state.state(w517)) == "builds (mine)"
    (tmp_path / "mine" / "board.toml").write_text(
        '[chip]\nname = "W517"\n[silicon]\nran = "tests/features on 2026-12-01"\n'
    )
    assert str(state.state(w517)) == "silicon (mine)"
