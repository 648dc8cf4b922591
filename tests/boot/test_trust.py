# SPDX-License-Identifier: Apache-2.0
"""Tests whose updates the glasses accept: keys, the security counter, and closed glasses."""

import hashlib
import io

import cbor2
import pytest
from glasses import config, protocol
from glasses.boot import keys, start, trust
from glasses.boot.image import Image, ImageError, key_hash_of
from update_device import UPDATE, Device, choose, factory, payload
from update_images import BOARD, NEW_TRUST, make, modulus
from workbench.device import update_image as builder

FIRST, SECOND = (key_hash_of(modulus(number)) for number in (0, 1))
DEVELOPMENT = keys.DEVELOPMENT


def changes(add=(), retire=(), close=False):
    """The TLV of an image that adds keys by number and retires keys by hash."""
    said = {}
    if add:
        said["add"] = {f"key {number}": modulus(number) for number in add}
    if retire:
        said["retire"] = list(retire)
    if close:
        said["close"] = True
    return cbor2.dumps(said)


def image(version, number=None, counter=None, **said):
    """An image, signed with the development key or with the key of a number."""
    return make(
        version,
        payload=payload(version),
        kind=None if number is None else "rsa-2048",
        number=number or 0,
        counter=counter,
        trust=changes(**said) if said else None,
    )


ADDING = image("1.0.0", add=[0])
CLOSING = image("1.1.0", number=0, counter=3, retire=[DEVELOPMENT], close=True)


@pytest.fixture(params=[True, False], ids=["unpacked", "mounted"])
def device(monkeypatch, request):
    made = Device(factory("through"), monkeypatch, request.param)
    made.start()
    return made


def trusted(device):
    return {key_hash for key_hash, _ in device.updater.trust.trusted()}


def refused(device, data, reason):
    with pytest.raises(ImageError, match=reason):
        device.upload(data)


def test_a_key_counts_once_the_update_that_adds_it_is_confirmed(device):
    assert trusted(device) == {DEVELOPMENT}
    device.upload(ADDING)
    choose(device)
    assert device.start() == "1.0.0"
    assert trusted(device) == {DEVELOPMENT}
    device.updater.confirm()
    assert trusted(device) == {DEVELOPMENT, FIRST}
    assert device.start() == "1.0.0"
    assert trusted(device) == {DEVELOPMENT, FIRST}
    assert ("key 0", int.from_bytes(modulus(0), "big")) == device.updater.trust.find(FIRST)


def test_a_revert_leaves_what_was_trusted(device):
    device.upload(ADDING)
    choose(device)
    assert device.start() == "1.0.0"
    assert device.start() == config.FIRMWARE
    assert trusted(device) == {DEVELOPMENT}
    refused(device, image("1.1.0", number=0), "a key that is not trusted")


def test_an_update_that_is_permanent_changes_trust_when_it_starts(device):
    device.upload(ADDING)
    choose(device, permanent=True)
    assert trusted(device) == {DEVELOPMENT}
    assert device.start() == "1.0.0"
    assert trusted(device) == {DEVELOPMENT, FIRST}


def test_closed_glasses_refuse_the_development_key_whatever_comes(device):
    device.install(ADDING)
    device.start()
    device.install(CLOSING)
    assert device.start() == "1.1.0"
    assert trusted(device) == {FIRST}
    assert device.updater.trust.closed
    refused(device, image("1.2.0", counter=9), "signed with the development key")
    # No image can bring it back, and neither can losing the record of which starts.
    again = cbor2.dumps({"add": {"development": builder_modulus()}})
    refused(device, make("1.2.0", kind="rsa-2048", counter=9, trust=again), "adds a key that is")
    del device.flash.files[UPDATE + "/state.json"]
    device.start()
    assert trusted(device) == {FIRST}
    assert device.updater.trust.closed


def builder_modulus():
    return builder.load_key(builder.DEVELOPMENT_KEY).modulus.to_bytes(256, "big")


def test_what_only_closes_shuts_the_development_key_out_too(device):
    device.install(ADDING)
    device.start()
    device.install(image("1.1.0", number=0, close=True))
    device.start()
    assert trusted(device) == {FIRST}
    again = cbor2.dumps({"add": {"development": builder_modulus()}})
    device.install(make("1.2.0", kind="rsa-2048", payload=payload("1.2.0"), trust=again))
    device.start()
    assert trusted(device) == {FIRST}
    refused(device, image("1.3.0"), "signed with the development key")


def test_an_older_image_does_not_bring_a_retired_key_back(device):
    device.install(ADDING)
    device.start()
    adding = image("1.1.0", number=0, add=[1])
    device.install(adding)
    device.start()
    device.install(image("1.2.0", number=0, retire=[SECOND]))
    device.start()
    assert trusted(device) == {DEVELOPMENT, FIRST}
    device.updater.downgrade = True
    refused(device, adding, "adds a key that is retired")
    refused(device, image("1.3.0", number=1), "not trusted")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (image("1.0.0", retire=[DEVELOPMENT]), "retires the key that it is signed with"),
        (image("1.0.0", close=True), "closes the glasses and is signed with the development key"),
        (image("1.0.0", add=[0], retire=[FIRST]), "adds a key that is retired"),
        (
            image("1.0.0", retire=[bytes([n]) * 32 for n in range(17)]),
            "more than 16 keys retired",
        ),
        (
            make(trust=cbor2.dumps({"open": True})),
            "changes of trust that this firmware does not know",
        ),
        (make(trust=cbor2.dumps({"close": 1})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"retire": [b"short"]})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"retire": [5]})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"retire": 5})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"add": [modulus(0)]})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"add": {"": modulus(0)}})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"add": {"n" * 33: modulus(0)}})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"add": {"k": modulus(0)[1:]}})), "cannot be decoded"),
        (make(trust=cbor2.dumps({"add": {"k": bytes(256)}})), "cannot be decoded"),
        (make(trust=cbor2.dumps([1])), "cannot be decoded"),
        (make(trust=b"\xff"), "cannot be decoded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_changes_that_are_refused(device, data, reason):
    refused(device, data, reason)
    assert trusted(device) == {DEVELOPMENT}


def test_no_more_keys_than_there_is_room_for(device):
    device.install(image("1.0.0", add=[0, 1, 2]))
    device.start()
    refused(device, image("1.1.0", add=[3]), "more than 4 keys trusted")
    device.install(image("1.1.0", add=[3], retire=[SECOND]))
    device.start()
    assert len(trusted(device)) == protocol.LIMIT_TRUSTED_KEYS


# The security counter.


def test_the_counter_is_imgtools(device):
    data = make("1.0.0", counter=0x01020304)
    assert Image(io.BytesIO(data), len(data)).counter == 0x01020304
    read = Image(io.BytesIO(data), len(data))
    ours = builder.sign(
        data[read.payload_at :][: read.payload_bytes],
        version="1.0.0",
        board=BOARD,
        key=builder.DEVELOPMENT_KEY,
        counter=0x01020304,
    )
    assert ours[: read.hashed_bytes] == data[: read.hashed_bytes]
    auto = make("1.2.3+4", extra=("--security-counter", "auto"))
    assert Image(io.BytesIO(auto), len(auto)).counter == (1 << 24) + (2 << 16) + 3


def test_a_counter_twice_or_of_another_size_is_refused():
    data = make("1.0.0", counter=1)
    for value, reason in ((b"\x01\x00", "of 2 bytes"), (b"\x01\x00\x00\x00\x00", "of 5 bytes")):
        with pytest.raises(ImageError, match=f"security counter {reason}"):
            with_counters(data, value)
    with pytest.raises(ImageError, match="more than one security counter"):
        with_counters(data, b"\x01\x00\x00\x00", b"\x02\x00\x00\x00")


def with_counters(data, *values):
    """Reads an image whose counter is replaced by these; its hash is not checked."""
    read = Image(io.BytesIO(data), len(data))
    at = read.payload_at + read.payload_bytes
    area, rest = data[at : read.hashed_bytes], data[read.hashed_bytes :]
    own = area.index(b"\x50\x00\x04\x00")
    grown = area[4:own] + area[own + 8 :]
    grown += b"".join(b"\x50\x00" + len(value).to_bytes(2, "little") + value for value in values)
    size = (len(grown) + 4).to_bytes(2, "little")
    made = data[:10] + size + data[12:at] + area[:2] + size + grown + rest
    return Image(io.BytesIO(made), len(made))


def test_the_counter_is_raised_by_what_is_confirmed_and_never_lowered(device):
    device.upload(image("1.0.0", counter=5))
    choose(device)
    device.start()
    assert device.updater.trust.counter == 0  # a revert must be possible
    device.updater.confirm()
    assert device.updater.trust.counter == 5
    device.updater.downgrade = True
    for older in (image("0.9.0"), image("1.1.0", counter=4)):
        refused(device, older, r"security counter \d; at least 5")
    device.install(image("1.1.0", counter=5))
    assert device.start() == "1.1.0"
    assert device.updater.trust.counter == 5


def test_a_downgrade_below_the_counter_is_refused_at_boot(device):
    device.install(image("1.0.0"))
    device.start()
    device.install(image("1.1.0", counter=2))
    device.start()
    old = device.stored.image(device.stored.other()).hash
    device.updater.downgrade = True
    with pytest.raises(ImageError, match="security counter 0; at least 2"):
        device.updater.choose(old, False)
    assert "security counter 0" in device.updater.refused
    for role in ("pending", "confirmed"):  # as if an older application had let it in
        device.stored.write(**{role: old.hex()})
        device.start()
        assert device.stored.state["active"] != old.hex()
        assert "security counter 0; at least 2" in device.stored.state["refused"]


def test_what_lies_beneath_does_not_start_below_the_counter(device):
    device.install(image("1.0.0", counter=1))
    device.flash.files[device.stored.path(0)] = b"nothing"
    assert device.start() == start.SAFE
    assert "beneath the slots has security counter 0; at least 1" in device.stored.state["refused"]
    assert device.start() == start.SAFE
    device.upload(image("1.1.0", counter=1))
    choose(device)
    assert device.start() == "1.1.0"


def test_without_files_the_keys_of_the_firmware_are_trusted():
    assert NEW_TRUST.trusted() == [(DEVELOPMENT, "development")]
    assert not NEW_TRUST.closed
    assert hashlib.sha256(b"").digest() not in dict(NEW_TRUST.trusted())
    assert trust.FILE == "/trust.json"
