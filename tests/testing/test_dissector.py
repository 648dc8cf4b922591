# SPDX-License-Identifier: Apache-2.0
"""Wireshark's dissector of Glint's records, on a capture of the protocol's test vectors."""

import json
import re
import subprocess

import pytest
from bumble import att, hci, l2cap
from bumble.snoop import BtSnooper, Snooper
from glint import protocol
from workbench.paths import FIRMWARE
from workbench.system import provide, say_step
from workbench.testing.report import DISSECTOR

HANDLE = 0x40
ATT_CID = 4
CHARACTERISTIC = (0x2803).to_bytes(2, "little")
ANY_PROPERTIES = b"\x1a"
UUIDS = {name: getattr(protocol, f"UUID_{name.upper()}") for name in ("events", "media", "smp")}
BODY = {"seq": "glint_event.seq", "time_ms": "glint_event.time_ms"}


def vectors(name):
    return json.loads((FIRMWARE / "vectors" / f"{name}.json").read_text())["vectors"]


def record_all(path):
    """Writes a capture in which a companion finds the characteristics, and then all vectors."""
    with path.open("wb") as file:
        snooper = BtSnooper(file)

        def say(pdu, sent):
            data = bytes(l2cap.L2CAP_PDU(ATT_CID, bytes(pdu)))
            packet = hci.HCI_AclDataPacket(HANDLE, 2, 0, len(data), data)
            direction = Snooper.Direction
            way = direction.HOST_TO_CONTROLLER if sent else direction.CONTROLLER_TO_HOST
            snooper.snoop(bytes(packet), way)

        handles = {}
        for number, (name, uuid) in enumerate(UUIDS.items()):
            declared = 0x10 + 4 * number
            handles[name] = declared + 1
            say(att.ATT_Read_By_Type_Request(
                starting_handle=declared, ending_handle=0xFFFF,
                attribute_type=att.UUID.from_16_bits(0x2803),
            ), False)  # fmt: skip
            value = ANY_PROPERTIES + handles[name].to_bytes(2, "little")
            value += bytes.fromhex(uuid.replace("-", ""))[::-1]
            entry = declared.to_bytes(2, "little") + value
            say(att.ATT_Read_By_Type_Response(length=len(entry), attribute_data_list=entry), True)
        told = []
        for name, handle in handles.items():
            for vector in vectors(name):
                data = bytes.fromhex(vector["hex"])
                if vector["means"].get("to") == "glasses":
                    pdu = att.ATT_Write_Command(attribute_handle=handle, attribute_value=data)
                else:
                    pdu = att.ATT_Handle_Value_Notification(
                        attribute_handle=handle, attribute_value=data
                    )
                say(pdu, vector["means"].get("to") != "glasses")
                told.append((name, vector))
    return told


@pytest.fixture(scope="module")
def dissected(tmp_path_factory):
    """Each vector, with the fields that Wireshark found in its packet."""
    if todo := provide(["tshark"], say_step):
        pytest.skip(f"no Wireshark here: {todo}")
    path = tmp_path_factory.mktemp("capture") / "vectors.btsnoop"
    told = record_all(path)
    command = ["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", str(path), "-T", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # An object's keys may repeat, as those of several ranges do.
    packets = json.loads(done.stdout, object_pairs_hook=list)
    layers = [dict(dict(packet)["_source"])["layers"] for packet in packets]
    return list(zip(told, layers[2 * len(UUIDS) :], strict=True))


def fields(layers):
    """All values of each field, wherever it stands."""
    found = {}

    def collect(pairs):
        for key, value in pairs:
            if isinstance(value, list):
                collect(value) if value and isinstance(value[0], tuple) else None
            else:
                found.setdefault(key, []).append(value)

    collect(layers)
    return found


def numbers(found, name):
    return [int(value, 0) for value in found.get(name, [])]


def check_event(means, found):
    assert numbers(found, "glint_event.seq") == [means["seq"]]
    assert numbers(found, "glint_event.time_ms") == [means["time_ms"]]
    (kind,) = numbers(found, "glint_event.type")
    assert kind == getattr(protocol, f"EVENT_{means['type'].upper()}")
    assert set(means["body"]) <= set(found["cbor.type.textstring"])


def check_media(means, found):
    if means["to"] == "companion":
        assert numbers(found, "glint_media.offset") == [means["offset"]]
        data = "".join(found.get("glint_media.data", [])).replace(":", "")
        assert data == means["data"].removeprefix("0x")
    else:
        (command,) = numbers(found, "glint_media.command")
        assert command == getattr(protocol, f"MEDIA_{means['command'].upper()}")
        starts, stops = (numbers(found, f"glint_media.{end}") for end in ("start", "stop"))
        ranges = [list(both) for both in zip(starts, stops, strict=True)]
        assert ranges == means.get("ranges", [])
    if "notifications" in means:
        assert numbers(found, "glint_media.notifications") == [means["notifications"]]
    else:
        assert numbers(found, "glint_media.id") == [means["id"]]


def check_smp(means, found):
    operations = ["read", "read response", "write", "write response"]
    assert [operations[n] for n in numbers(found, "glint_smp.op")] == [means["op"]]
    for name in ("group", "command", "sequence"):
        assert numbers(found, f"glint_smp.{name}") == [means[name]]
    assert set(means["body"]) <= set(found.get("cbor.type.textstring", []))


def test_every_vector_is_understood(dissected):
    checks = {"events": check_event, "media": check_media, "smp": check_smp}
    for (name, vector), layers in dissected:
        found = fields(layers)
        assert "_ws.lua.error" not in found, (vector["name"], found)
        assert not [key for key in found if key.startswith("_ws.malformed")], vector["name"]
        checks[name](vector["means"], found)


def test_it_names_what_the_protocol_names():
    script = DISSECTOR.read_text()
    for uuid in UUIDS.values():
        assert f'"{uuid}"' in script
    for table, prefix in (("EVENTS", "EVENT_"), ("COMMANDS", "MEDIA_")):
        text = re.search(rf"local {table} = {{(.*?)}}", script, re.DOTALL)[1]
        said = {name: int(number) for number, name in re.findall(r'\[(\d+)\] = "(\w+)"', text)}
        known = {
            name.removeprefix(prefix).lower(): value
            for name, value in vars(protocol).items()
            if name.startswith(prefix)
        }
        assert said == known
