# SPDX-License-Identifier: Apache-2.0
"""`glint wake eval` counts misses and false accepts in recordings of known content."""

import json
import subprocess
import sys

import pytest
import soundfile
from workbench.emulation import sound
from workbench.models import wake


def said(text, before_s=0.5, after_s=1.0):
    spoken = sound.join(sound.silence(before_s), sound.speech(text), sound.silence(after_s))
    return sound.mix(spoken, sound.noise(len(spoken) / sound.SAMPLE_RATE_HZ, 40))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Recordings of "okay nabu" and one other, and of other words and two of "okay nabu"."""
    root = tmp_path_factory.mktemp("recordings")
    said_in, other = root / "said", root / "other"
    (said_in / "below").mkdir(parents=True)
    other.mkdir()
    phrase = said("okay nabu")
    sound.save(said_in / "whole.wav", phrase)
    # The phrase ends with the file: only what follows it lets the model say so.
    sound.save(said_in / "cut.wav", said("okay nabu", after_s=0))
    soundfile.write(said_in / "below" / "lossless.flac", phrase, 16000)
    sound.save(said_in / "not_it.wav", said("the weather is nice today"))
    sound.save(other / "weather.wav", said("the weather is nice today"))
    sound.save(other / "twice.wav", sound.join(phrase, phrase))
    (other / "README.md").write_text("No sound, and no file that should be one.")
    return said_in, other


def glint(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "glint", "wake", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_it_counts_what_the_recordings_hold(folders):
    said_in, other = folders
    done = glint("eval", "okay_nabu", "--positives", said_in, "--negatives", other, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["positives"], found["negatives"]) == (4, 2)
    assert found["missed_files"] == [str(said_in / "not_it.wav")]
    assert (found["missed"], found["miss_rate"]) == (1, 0.25)
    assert [row["file"] for row in found["false_accept_files"]] == [str(other / "twice.wav")] * 2
    samples = sum(soundfile.info(path).frames for path in other.glob("*.wav"))
    assert found["hours"] == pytest.approx(samples / 16000 / 3600, abs=1e-4)
    assert found["false_accepts"] == 2
    assert found["false_accepts_per_hour"] == pytest.approx(2 / (samples / 16000 / 3600), abs=1e-3)
    assert found["unreadable"] == []
    misses = [point["miss_rate"] for point in found["det"]]
    assert misses == sorted(misses)


def test_any_cutoff_gives_what_the_firmware_decides_at_it(folders):
    said_in, other = folders
    found = wake.evaluate("okay_nabu", wake.sounds_in(said_in), wake.sounds_in(other))
    assert found.at(found.cutoff) == found.at_manifest
    assert found.at(0.999).missed == 4
    assert found.at(0.0).missed == 0


def test_files_that_cannot_be_read_are_named_and_skipped(folders, tmp_path):
    said_in, _ = folders
    (tmp_path / "broken.wav").write_bytes(b"RIFF nonsense")
    (tmp_path / "whole.wav").write_bytes((said_in / "whole.wav").read_bytes())
    evaluated = glint("eval", "okay_nabu", "--positives", tmp_path, "--json")
    tested = glint("test", "okay_nabu", "--json", *sorted(tmp_path.iterdir()), tmp_path / "no.wav")
    for done in (evaluated, tested):
        assert done.returncode == 1
        assert "broken.wav" in done.stderr
        assert "Traceback" not in done.stderr
    assert "no.wav" in tested.stderr
    found = json.loads(evaluated.stdout)
    assert (found["positives"], found["missed"]) == (1, 0)
    assert [row["file"] for row in found["unreadable"]] == [str(tmp_path / "broken.wav")]
    (row,) = map(json.loads, tested.stdout.splitlines())
    assert row["file"] == str(tmp_path / "whole.wav")
    assert len(row["detections"]) == 1


def test_folders_without_sounds(tmp_path):
    for folder, word in ((tmp_path, "no sound file"), (tmp_path / "none", "no folder")):
        done = glint("eval", "okay_nabu", "--positives", folder)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert word in line
        assert str(folder) in line
    assert glint("eval", "okay_nabu").returncode == 2
