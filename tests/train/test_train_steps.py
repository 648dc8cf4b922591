# SPDX-License-Identifier: Apache-2.0
"""The steps of a wake word's training that need no TensorFlow."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from pymicro_wakeword import MicroWakeWord
from workbench.build import zoo
from workbench.emulation import espeak, sound
from workbench.models import wake
from workbench.train import calibrate, card, recipe, texts, voices
from workbench.train.errors import TrainError

PHRASE = "smart mirror"


# Texts.


@pytest.mark.parametrize(
    ("phrase", "language", "words"),
    [
        ("", "en", "empty"),
        (" ?! ", "en", "empty"),
        ("\u2603", "en", "empty"),
        ("hey glint", "tlh-none", "no voice"),
    ],
)
def test_a_phrase_that_cannot_be_spoken(phrase, language, words):
    with pytest.raises(TrainError, match=words):
        texts.checked(phrase, language)


def test_a_phrase_keeps_its_words_and_gets_phonemes():
    phrase, phonemes = texts.checked("  Smart\n mirror ! ", "en")
    assert phrase == "Smart mirror"
    assert [len(word) for word in phonemes] == [4, 4]
    assert texts.checked("你好小光", "cmn")[1]


def test_short_phrases_are_warned_of():
    assert "only 2 sounds" in texts.warning(texts.checked("hey", "en")[1])
    assert not texts.warning(texts.checked("hey glint", "en")[1])


def test_distances_count_edits():
    assert texts.distance(list("kitten"), list("sitting")) == 3
    assert texts.distance([], list("abc")) == 3
    assert texts.distance(list("abc"), list("abc")) == 0


def test_texts_around_the_phrase_are_never_the_phrase():
    drawn, rng = texts.Texts(PHRASE, "en"), np.random.default_rng(0)
    said = espeak.engine().phonemes(PHRASE, "gmw/en-US")
    for _ in range(200):
        assert drawn.near(rng) != PHRASE
        assert not {"smart", "mirror"} & set(drawn.sentence(rng).split())
        changed = drawn.misspoken(rng)
        assert changed.startswith("[[")
        assert changed != "[[" + " ".join("".join(word) for word in said) + "]]"
    near = {drawn.near(rng) for _ in range(300)}
    assert {"smart", "mirror", "start mirror"} <= near


def test_the_same_seed_draws_the_same():
    drawn = [texts.Texts(PHRASE, "en") for _ in range(2)]
    first, second = (
        [each(np.random.default_rng(5)) for each in (one.near, one.misspoken, one.sentence)]
        for one in drawn
    )
    assert first == second


# Voices.


def test_every_engine_speaks():
    found = voices.speakers("en")
    assert len(found["espeak"]) > 100
    requests = [(PHRASE, voices.Voice(engine, names[0])) for engine, names in found.items()]
    for samples in voices.speak([*requests, *requests[:1]]):
        assert 0.3 < len(samples) / sound.SAMPLE_RATE_HZ < 1.5


def test_slow_voices_speak_longer():
    stretched = [voices.Voice("espeak", "gmw/en-US", stretch) for stretch in (0.8, 1.0, 1.3)]
    lengths = [len(samples) for samples in voices.speak([(PHRASE, one) for one in stretched])]
    assert lengths == sorted(lengths)
    assert lengths[2] > 1.2 * lengths[0]


def test_a_language_without_voices_is_named_with_those_that_have_some():
    with pytest.raises(TrainError, match=r"'xx'.*de, .*fr"):
        voices.speakers("xx")


def test_other_voices_of_espeak_are_other_sounds():
    said = [sound.speech(PHRASE, voice) for voice in ("en-us", "en-us+f3")]
    assert not np.array_equal(*[samples[:4000] for samples in said])


# The cutoff.


def heard(traces):
    return [wake.Heard(max(trace), [], list(trace)) for trace in traces]


def test_a_long_recording_is_counted():
    # A peak in each of 600 blocks: 6 hours allow 4 false accepts.
    rng = np.random.default_rng(1)
    highest = np.sort(rng.uniform(0.3, 0.9, 600))
    traces = np.zeros((600, calibrate.BLOCK_INFERENCES))
    traces[np.arange(600), rng.integers(0, 66, 600)] = highest
    found = calibrate.calibrate(heard(traces), 6.0, people=True)
    assert not found.extrapolated
    assert sum(one.detected(found.cutoff) for one in heard(traces)) == 4
    assert found.expected_per_hour <= calibrate.FALSE_ACCEPTS_PER_HOUR


@pytest.mark.parametrize("seed", range(3))
def test_a_short_recording_is_extrapolated_to_the_rate(seed):
    # Logits with an exponential tail: the cutoff holds for ten times the sound, too.
    rng = np.random.default_rng(seed)

    def traces(hours):
        logits = rng.exponential(1.2, round(hours * 1800)) - 7
        return [[0.0] * 65 + [p] for p in 1 / (1 + np.exp(-logits))]

    found = calibrate.calibrate(heard(traces(0.75)), 0.75, people=True)
    assert found.extrapolated
    assert found.expected_per_hour <= calibrate.FALSE_ACCEPTS_PER_HOUR * 1.01
    assert found.cutoff < calibrate.HIGHEST
    accepts = sum(one.detected(found.cutoff) for one in heard(traces(10)))
    assert accepts / 10 < 4


def test_a_cutoff_stays_within_what_the_firmware_takes():
    loud, quiet = heard([[1.0] * 66] * 20), heard([[0.0] * 66] * 20)
    assert calibrate.calibrate(loud, 0.5, people=True).cutoff == calibrate.HIGHEST
    assert calibrate.calibrate(quiet, 0.5, people=True).cutoff == calibrate.LOWEST
    assert 0 < calibrate.calibrate([], 0.0, people=False).cutoff < 1


# The folder.


def test_names_of_models_are_names_of_files(tmp_path):
    request = recipe.Request("Hey, Glint!", tmp_path)
    assert request.name == "hey_glint"
    assert recipe.Request("你好小光", tmp_path, "cmn").name == "wake_word"


def test_a_manifest_is_one_of_the_ecosystem(tmp_path):
    made = card.manifest("hey glint", "hey_glint", "en", 0.61, 4, 16000)
    (tmp_path / "hey_glint.json").write_text(json.dumps(made))
    shutil.copy(zoo.find("okay_nabu"), tmp_path / "hey_glint.tflite")
    read = MicroWakeWord.from_config(tmp_path / "hey_glint.json")
    assert (read.wake_word, read.probability_cutoff) == ("hey glint", 0.61)
    assert read.sliding_window_size == 4
    # The firmware's own detector takes it, too.
    (found,) = wake.listen(str(tmp_path / "hey_glint.tflite"), [sound.silence(0.5)])
    assert found.detections == []


def test_the_folder_of_another_training_is_left_alone(tmp_path):
    request = recipe.Request(PHRASE, tmp_path / "made", minutes=0.01)
    recipe._begin(request)
    recipe._begin(request)
    with pytest.raises(TrainError, match="another training"):
        recipe._begin(replace(request, seed=2))


def test_a_disk_without_room_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(TrainError, match=r"needs \d+ MB"):
        recipe._begin(recipe.Request(PHRASE, tmp_path, minutes=1e9))
    assert not (tmp_path / "work" / "request.json").exists()
