# SPDX-License-Identifier: Apache-2.0
"""Files that are no model, or a truncated one, are refused before anything is sent."""

import json

import pytest
from glint import ModelError
from glint.model_files import check_manifest, check_model
from sweep import share
from workbench.build import zoo

MODELS = ("okay_nabu", "hey_jarvis")
WAKE = {"wake_word": "Mine", "micro": {"probability_cutoff": 0.9, "sliding_window_size": 5}}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_zoo_pass(name):
    model, manifest = zoo.files(name)
    check_model("it", model)
    check_manifest("it", manifest)


@pytest.mark.parametrize("name", MODELS)
def test_no_beginning_of_a_model_passes(name):
    model, _ = zoo.files(name)
    for length in share(list(range(len(model))), 400):
        with pytest.raises(ModelError, match=r"cut short|no TensorFlow Lite model"):
            check_model("it", model[:length])


@pytest.mark.parametrize("data", [b"", b"\xff" * 5000, b"\x04\0\0\0TFL3" + b"\xff" * 500])
def test_what_is_no_model(data):
    with pytest.raises(ModelError, match=r"it is no|cut short"):
        check_model("it", data)


def test_one_that_is_too_large():
    with pytest.raises(ModelError, match="1048577 bytes; the glasses take 1048576"):
        check_model("it", bytes(0x100001))


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (b"{}", "is no manifest"),
        (b"[]", "is no manifest"),
        (b"{", "is no JSON"),
        (b"\xff", "is no JSON"),
        (json.dumps({"micro": 5}).encode(), "lacks probability_cutoff, sliding_window_size, wake"),
        (json.dumps({**WAKE, "wake_word": 5}).encode(), "lacks wake_word"),
        (json.dumps({"labels": []}).encode(), "list of names"),
    ],
)
def test_what_is_no_manifest(manifest, why):
    with pytest.raises(ModelError, match=why):
        check_manifest("it", manifest)


def test_manifests_of_both_kinds():
    check_manifest("it", json.dumps(WAKE).encode())
    check_manifest("it", json.dumps({"labels": ["cat", "no cat"]}).encode())
