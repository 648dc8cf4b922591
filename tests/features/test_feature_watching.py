# SPDX-License-Identifier: Apache-2.0
"""On glasses of their own: they look by themselves, and tell what they see when it changes."""

import asyncio
import contextlib

import glint
import numpy as np
import pytest
import pytest_asyncio
from glint import protocol
from glint.errors import RequestError
from glint.events import Notice, Seen
from glint.smp import WatchWrite
from glint.waiting import end_tasks
from PIL import Image
from smpclient.requests.statistics_management import GroupData
from workbench.build import zoo
from workbench.emulation import pictures, sound
from workbench.host import tflm
from workbench.paths import ROOT
from workbench.testing import targets

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs("hci", "peripherals", "light"),
]
RATE_HZ = 5.0
MIRROR = ROOT.parent / "shared" / "models" if (ROOT.parent / "shared").is_dir() else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(target_name):
    async with targets.named(target_name) as started:
        yield started


@pytest.fixture
def scenes(target, tmp_path):
    """A wall, and what comes into view: half of it white, and darkness."""
    wall = Image.new("L", (320, 240), 90)
    wall.save(tmp_path / "a.png")
    wall.paste(255, (0, 0, 160, 240))
    wall.save(tmp_path / "b.png")
    Image.new("L", (320, 240), 0).save(tmp_path / "c.png")
    target.sim.do("camera", folder=str(tmp_path))
    return tmp_path


async def next_of(changes):
    return await asyncio.wait_for(anext(changes), 30)


def oracle(path):
    """What person_detect sees in a picture, by the same C code on this machine."""
    model = tflm.Model(zoo.find("person_detect", MIRROR).read_bytes())
    grey = np.frombuffer(pictures.grey(path, 96, 96), np.uint8)
    model.set_input(0, (grey.astype(int) - 128).astype(np.int8).tobytes())
    model.invoke()
    shares = (np.frombuffer(model.output(0), np.int8).astype(int) + 128) / 256
    label = zoo.manifest("person_detect")["labels"][int(shares.argmax())]
    return label, pytest.approx(shares.max(), abs=1e-3)


async def counts(glasses, group="energy"):
    return (await glasses.request(GroupData(name=group))).fields


async def looked(glasses, seconds):
    """How often the image model looked in so many seconds."""
    before = (await counts(glasses))["looks"]
    await asyncio.sleep(seconds)
    return (await counts(glasses))["looks"] - before


async def test_what_comes_into_view_is_told_once_and_no_sound_is_lost(target, scenes):
    """Tests the whole path beside hearing, and that everything is off afterwards."""
    mark, said = target.sim.mark(), len(target.sim.said("light"))
    async with target.connect() as glasses, contextlib.AsyncExitStack() as stack:
        before = await glasses.status()
        assert (before.watch_every_ms, before.light) == (0, False)
        played = asyncio.create_task(target.play(sound.noise(6, 500), realtime=True))
        stack.push_async_callback(end_tasks, played)
        async with contextlib.aclosing(glasses.watch(RATE_HZ)) as changes:
            first = await next_of(changes)
            assert first.media == 0
            assert first.by == before.vision
            if first.by == "person_detect":
                assert (first.label, first.probability) == oracle(scenes / "a.png")
            status = await glasses.status()
            assert (status.watch_every_ms, status.light) == (1000 / RATE_HZ, True)
            # The picture does not change: the model rests, and nothing is told.
            assert await looked(glasses, 1.0) == 0
            target.sim.do("picture")
            target.sim.do("picture")  # darkness
            while (seen := await next_of(changes)).label != "dark":
                pass
            assert (seen.probability, seen.by) == (1.0, "motion")
            assert await looked(glasses, 0.5) == 0
            target.sim.do("picture")
            assert (await next_of(changes)).label != "dark"
            # A photo takes the camera in between.
            assert (await glasses.photo()).image().size == (640, 480)
            await played
        async with asyncio.timeout(20):
            while (after := await glasses.status()).hops < before.hops + 600:
                await asyncio.sleep(0.05)
        assert after.hops == before.hops + 600
        assert after.lost_ms == 0
        await target.sim.wait_for("light", since=mark, on=False)
        assert (after.watch_every_ms, (await glasses.status()).light) == (0, False)
        spent = await counts(glasses)
        assert spent["watching_ms"] > 2000
        # At least the first, the change back to light, and the photo's.
        assert spent["looks"] >= 3
    assert [light["on"] for light in target.sim.said("light")[said:]] == [True, False]


async def test_a_change_that_does_not_last_is_not_told(target, scenes):
    async with target.connect() as glasses:
        await glasses.set_config(vision="motion")
        try:
            async with contextlib.aclosing(glasses.watch(10)) as changes:
                assert (await next_of(changes)).label == "still"
                target.sim.do("picture")
                assert (await next_of(changes)).label == "motion"
                assert (await next_of(changes)).label == "still"
        finally:
            await glasses.set_config(vision="person_detect")


async def test_a_companion_that_is_gone_leaves_nothing_on(target, scenes):
    async with target.connect() as glasses:
        mark = target.sim.mark()
        await glasses._events.ensure_started()
        await glasses.request(WatchWrite(every_ms=200))
        await target.sim.wait_for("light", since=mark, on=True)
    await target.sim.wait_for("light", since=mark, on=False)


@pytest.mark.needs("range")
async def test_it_goes_on_after_a_lost_link(target, scenes):
    async with (
        glint.connect(hci=target.sim.address, timeout_s=30) as glasses,
        contextlib.aclosing(glasses.watch(RATE_HZ)) as changes,
    ):
        first = await next_of(changes)
        mark = target.sim.mark()
        target.sim.do("range", **{"in": False})
        await target.sim.wait_for("light", since=mark, timeout_s=30, on=False)
        target.sim.do("range", **{"in": True})
        await target.sim.wait_for("light", since=mark, timeout_s=30, on=True)
        target.sim.do("picture")
        target.sim.do("picture")
        # What is told again after the link is no change: the next one is.
        while (seen := await next_of(changes)).label != "dark":
            assert seen.label != first.label
            first = seen


async def test_a_camera_that_fails_is_told_once_and_tried_again(target, scenes, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.png").write_bytes(b"no picture")
    async with target.connect() as glasses:
        since = (await glasses.status()).next
        mark = target.sim.mark()
        async with contextlib.aclosing(glasses.watch(RATE_HZ)) as changes:
            await next_of(changes)
            target.sim.do("camera", folder=str(broken))
            await target.sim.wait_for("light", since=mark, on=False)
            again = target.sim.mark()
            await target.sim.wait_for("light", since=again, on=False)  # it tried, in vain
            target.sim.do("camera", folder=str(scenes))
            target.sim.do("picture")
            target.sim.do("picture")
            while (await next_of(changes)).label != "dark":
                pass
        notices = []
        async with asyncio.timeout(20):
            async for event in glasses.events(since):
                if isinstance(event, Notice):
                    notices.append(event)
                elif isinstance(event, Seen) and event.label == "dark":
                    break
        assert [notice.about for notice in notices] == ["camera"]
        assert "a.png" in notices[0].text


async def test_configured_glasses_watch_after_a_restart(target, scenes):
    async with target.connect() as glasses:
        for wrong in (50, 99, 5001, -1):
            with pytest.raises(RequestError) as refusal:
                await glasses.set_config(watch_every_ms=wrong)
            assert refusal.value.rc == protocol.RC_OUT_OF_RANGE
        assert (await glasses.config())["watch_every_ms"] == 0
        await glasses.set_config(watch_every_ms=200)
        mark = target.sim.mark()
        await glasses.reset()
        await target.sim.wait_for("restarted", since=mark, timeout_s=30)
        await target.sim.wait_for("light", since=mark, timeout_s=30, on=True)
    async with target.connect() as glasses:
        assert (await glasses.status()).watch_every_ms == 200
        async with asyncio.timeout(30):
            async for event in glasses.events("unread"):
                if isinstance(event, Seen) and not event.media and event.time_ms < 15_000:
                    break
        await glasses.set_config(watch_every_ms=0)
        assert (await glasses.status()).watch_every_ms == 0
