# SPDX-License-Identifier: Apache-2.0
"""On glasses of their own: settings, models and files, changed over the link."""

import asyncio
import json
import os

import glint
import pytest
import pytest_asyncio
from glint import protocol
from glint.errors import RequestError
from glint.events import Wake
from workbench.emulation import sound
from workbench.testing import targets

pytestmark = pytest.mark.needs("hci")
CORRUPT = 9  # MGMT_ERR_ECORRUPT, of MCUmgr's general codes


@pytest_asyncio.fixture
async def target(target_name):
    async with targets.named(target_name) as started:
        yield started


async def refused(request):
    with pytest.raises(RequestError) as error:
        await request
    return error.value.group, error.value.rc


def glint_rc(rc):
    return protocol.SMP_GROUP_GLINT, rc


async def heard(target, glasses, *phrases):
    """Returns the first wake word that is heard while phrases are spoken."""
    since = (await glasses.status()).next
    parts = [sound.silence(1.0)]
    for phrase in phrases:
        parts += [sound.speech(phrase), sound.silence(1.5)]
    said = sound.join(*parts)
    await target.play(sound.mix(said, sound.noise(len(said) / sound.SAMPLE_RATE_HZ, 40)))
    async with asyncio.timeout(20):
        async for event in glasses.events(since):
            if isinstance(event, Wake):
                return event.word


async def test_settings_are_checked_kept_and_count_at_once(target):
    async with target.connect() as glasses:
        before = await glasses.config()
        assert before["words"] == ["okay_nabu", "alexa"]
        bad = (
            ({"nonsense": 1}, protocol.RC_NOT_FOUND),
            ({"name": 5}, protocol.RC_WRONG_TYPE),
            ({"wake_audio_ms": "long"}, protocol.RC_WRONG_TYPE),
            ({"wake_audio_ms": True}, protocol.RC_WRONG_TYPE),
            ({"words": [1]}, protocol.RC_WRONG_TYPE),
            ({"name": ""}, protocol.RC_OUT_OF_RANGE),
            ({"name": "x" * 12}, protocol.RC_OUT_OF_RANGE),
            ({"wake_audio_ms": 999}, protocol.RC_OUT_OF_RANGE),
            ({"words": ["../config"]}, protocol.RC_OUT_OF_RANGE),
            ({"words": ["alexa"] * 2}, protocol.RC_OUT_OF_RANGE),
            ({"words": ["not_there"]}, protocol.RC_NOT_FOUND),
            ({"vision": "not_there"}, protocol.RC_NOT_FOUND),
        )
        for changes, rc in bad:
            # With a valid setting beside it: all or nothing.
            request = glasses.set_config(**({"wake_audio_ms": 1500} | changes))
            assert await refused(request) == glint_rc(rc), changes
        assert await glasses.config() == before
        after = await glasses.set_config(name="Left eye", words=["alexa"], wake_audio_ms=1000)
        assert after == await glasses.config() == {**before, **after}
        assert (await glasses.status()).words == ["Alexa"]
        assert await heard(target, glasses, "okay nabu", "alexa") == "Alexa"
    async with target.connect() as glasses:
        info = await glasses.info()
        assert info.name == "Left eye"
        assert "Left eye" in info.os


async def test_a_model_is_put_there_used_and_removed(target, tmp_path):
    async with target.connect() as glasses:
        known = {model.name: model for model in await glasses.models()}
        assert known["alexa"].active
        assert known["alexa"].kind == "wake"
        await glasses.set_config(words=["okay_nabu"])
        manifest = json.loads(await glasses.get_file("models/alexa.json"))
        model = await glasses.get_file("/models/alexa.tflite")
        assert len(model) == known["alexa"].bytes
        progress = []
        await glasses.put_file("models/mine.tflite", model, lambda *at: progress.append(at))
        assert progress[-1] == (len(model), len(model))
        # A model without a manifest cannot be used.
        assert await refused(glasses.use_model("mine")) == glint_rc(protocol.RC_BAD_REQUEST)
        manifest["wake_word"] = "Mine"
        await glasses.put_file("models/mine.json", json.dumps(manifest).encode())
        await glasses.use_model("mine")
        assert (await glasses.status()).words == ["Okay Nabu", "Mine"]
        assert await heard(target, glasses, "alexa") == "Mine"
        assert await refused(glasses.remove_model("mine")) == glint_rc(protocol.RC_BUSY)
        await glasses.use_model("mine", False)
        await glasses.remove_model("mine")
        assert "mine" not in [model.name for model in await glasses.models()]
        # A file that is no model is refused once it has arrived, with the glasses' own message.
        lying = {"micro": {"probability_cutoff": 9, "sliding_window_size": 5}, "wake_word": "x"}
        for name, data, why in (
            ("bad.tflite", os.urandom(2000), "not a .tflite model"),
            ("alexa.tflite", model[: len(model) // 2], "model"),
            ("bad.json", b"{}", "neither micro"),
            ("bad.json", b'{"micro": 5}', "manifest lacks"),
            ("bad.json", json.dumps(lying).encode(), "cutoff 9"),
        ):
            with pytest.raises(RequestError, match=why) as refusal:
                await glasses.put_file(f"models/{name}", data)
            assert (refusal.value.group, refusal.value.rc) == (0, CORRUPT)
        assert "bad" not in [model.name for model in await glasses.models()]
        assert await glasses.get_file("models/alexa.tflite") == model
        assert (await glasses.config())["words"] == ["okay_nabu"]


async def test_an_upload_survives_a_lost_link(target):
    data = os.urandom(60_000)
    async with glint.connect(hci=target.sim.address, timeout_s=20) as glasses:
        lost = False

        def progress(at, _):
            nonlocal lost
            if at > len(data) // 3 and not lost:
                lost = True
                target.sim.do("range", **{"in": False})
                asyncio.get_running_loop().call_later(
                    1, lambda: target.sim.do("range", **{"in": True})
                )

        starts = []
        await glasses.put_file(
            "models/long.bin", data, lambda *at: (starts.append(at), progress(*at))
        )
        assert lost
        assert await glasses.get_file("models/long.bin") == data
        assert (0, len(data)) not in starts
