# SPDX-License-Identifier: Apache-2.0
"""The unmodified smpclient, over its own bumble transport, runs every command of every group."""

import hashlib
import os
import zlib

import pytest
import pytest_asyncio
from glint import protocol
from glint import smp as requests
from glint import smp_manage as manage
from smpclient import SMPClient
from smpclient.generics import error_v2, success
from smpclient.mcuboot import ImageInfo
from smpclient.requests import file_management as fs
from smpclient.requests import image_management as img
from smpclient.requests import os_management as system
from smpclient.requests import statistics_management as stat
from smpclient.transport.bumble import SMPBumbleTransport
from smpclient.transport.bumble.keystore import Custom
from smpclient.transport.bumble.pairing import NoInputNoOutput
from update_images import APP, make
from workbench.build import romfs
from workbench.testing import targets

FILE = "/models/extra.bin"

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.needs("hci")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(target_name):
    async with targets.named(target_name) as started:
        async with started.connect():
            pass  # paired, as in an operating system's settings
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(target, tmp_path_factory):
    """smpclient over its own bumble transport, as a separate companion."""
    async with target.connect() as glasses:
        await glasses.let_pair()
    transport = SMPBumbleTransport(
        hci=target.sim.address,
        keystore=Custom(tmp_path_factory.mktemp("smpclient") / "bonds.json"),
        pair_on_connect=NoInputNoOutput(),
    )
    async with SMPClient(transport, "Glint") as connected:
        yield connected


async def ask(client, request):
    response = await client.request(request)
    assert success(response), response
    return response


async def refusal(client, request):
    response = await client.request(request)
    assert error_v2(response), response
    return int(response.err.group), int(response.err.rc)


async def test_smpclient_os(client):
    assert (await ask(client, system.EchoWrite(d="there?"))).r == "there?"
    assert (await ask(client, system.MCUMgrParametersRead())).buf_size == protocol.LIMIT_SMP_BYTES
    assert (await ask(client, system.OSApplicationInfoRead())).output == "Glint"
    assert "MicroPython" in (await ask(client, system.OSApplicationInfoRead(format="a"))).output
    bad = system.OSApplicationInfoRead(format="q")
    assert await refusal(client, bad) == (0, protocol.OS_RC_INVALID_FORMAT)
    assert (await ask(client, system.DateTimeRead())).datetime  # as its companion has set it
    await ask(client, system.DateTimeWrite(datetime="2026-12-31T23:59:59.999999Z"))
    now = (await ask(client, system.DateTimeRead())).datetime
    assert now.startswith(("2026-12-31T23:59:59", "2027-01-01T00:00"))
    bad = system.DateTimeWrite(datetime="yesterday")
    assert await refusal(client, bad) == (0, protocol.OS_RC_INVALID_FORMAT)


async def test_smpclient_statistics(client):
    names = (await ask(client, stat.ListOfGroups())).stat_list
    fields = {name: (await ask(client, stat.GroupData(name=name))).fields for name in names}
    assert fields["smp_svr_stats"]["requests"] > fields["smp_svr_stats"]["refused"]
    assert set(fields) == {"perception", "words", "link", "energy", "smp_svr_stats", "heap"}
    assert set(fields["words"]) == {"okay_nabu", "alexa"}
    assert all(isinstance(value, int) for group in fields.values() for value in group.values())
    bad = await refusal(client, stat.GroupData(name="nothing"))
    assert bad == (protocol.SMP_GROUP_STAT, protocol.STAT_RC_INVALID_GROUP)


async def test_smpclient_files(client):
    data = os.urandom(7001)
    async for _ in client.upload_file(data, FILE):
        pass
    assert await client.download_file(FILE) == data
    assert (await ask(client, fs.FileStatus(name=FILE))).len == len(data)
    crc = await ask(client, fs.FileHashChecksum(name=FILE))
    assert (crc.type, crc.output) == ("crc32", zlib.crc32(data))
    sha = await ask(client, fs.FileHashChecksum(name=FILE, type="sha256", off=1, len=500))
    assert sha.output == hashlib.sha256(data[1:501]).digest()
    kinds = (await ask(client, fs.SupportedFileHashChecksumTypes())).types
    assert set(kinds) == {"crc32", "sha256"}
    await ask(client, fs.FileClose())
    for name, rc in (
        ("/bonds.json", protocol.FILE_RC_INVALID_NAME),
        ("/models/../bonds.json", protocol.FILE_RC_INVALID_NAME),
        ("/models/nothing", protocol.FILE_RC_NOT_FOUND),
    ):
        bad = await refusal(client, fs.FileDownload(name=name, off=0))
        assert bad == (protocol.SMP_GROUP_FILE, rc)


async def test_smpclient_images(client, target, tmp_path):
    path = tmp_path / "update.bin"
    payload = romfs.build({**APP, "models/other.tflite": os.urandom(20000)})
    path.write_bytes(make("9.0.0", board=target.board, payload=payload))
    async for begun in client.upload(path.read_bytes()):
        if begun > 10000:
            break
    resumed = [at async for at in client.upload(path.read_bytes())]
    assert begun <= resumed[0] < resumed[-1] == path.stat().st_size
    images = (await ask(client, img.ImageStatesRead())).images
    assert [(one.slot, one.active) for one in images] == [(0, True), (1, False)]
    assert images[1].version == "9.0.0"
    digest = next(
        tlv.value for tlv in ImageInfo.load_file(str(path)).tlvs if tlv.header.type == 0x10
    )
    assert images[1].hash == digest
    await ask(client, img.ImageStatesWrite(hash=digest))
    assert (await ask(client, img.ImageStatesRead())).images[1].pending
    await ask(client, img.ImageErase(slot=1))
    assert len((await ask(client, img.ImageStatesRead())).images) == 1


async def test_smpclient_glint(client, target):
    status = await ask(client, requests.StatusRead())
    assert status.board == target.board
    events = await ask(client, requests.EventsWrite(since=status.next))
    assert events.next >= events.first
    assert (await ask(client, requests.PhotoWrite())).id > 0
    assert (await ask(client, requests.RecordWrite(ms=1000))).id > 0
    assert (await ask(client, requests.StatusRead())).light
    await ask(client, requests.StopWrite())
    journal = await ask(client, manage.JournalRead())
    forgot = await ask(client, manage.JournalWrite(acknowledge=journal.next - 1))
    assert forgot.first >= journal.next
    settings = (await ask(client, manage.ConfigRead())).settings
    changed = await ask(client, manage.ConfigWrite(set={"wake_audio_ms": 2000}))
    assert changed.settings == {**settings, "wake_audio_ms": 2000}
    bad = await refusal(client, manage.ConfigWrite(set={"wake_audio_ms": 1}))
    assert bad == (protocol.SMP_GROUP_GLINT, protocol.RC_OUT_OF_RANGE)
    models = (await ask(client, manage.ModelsRead(since=0))).models
    assert {"okay_nabu", "alexa"} <= {model.name for model in models if model.active}
    await ask(client, manage.ModelWrite(name="alexa", to="idle"))
    await ask(client, manage.ModelWrite(name="alexa", to="active"))
    (bond,) = [one for one in (await ask(client, manage.BondsRead())).bonds if one.this]
    await ask(client, manage.BondNameWrite(id=bond.id, name="smpclient"))
    assert (await ask(client, manage.PairingWrite(open=True))).left_ms > 0
    assert not (await ask(client, manage.PairingWrite(open=False))).open
