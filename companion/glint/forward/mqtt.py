# SPDX-License-Identifier: Apache-2.0
"""`glint listen --mqtt`: events to a broker, and to Home Assistant by its discovery.

    PREFIX/GLASSES/EVENT       an event as JSON: wake, seen, button, ... ; battery is retained
    PREFIX/GLASSES/available   "online" or "offline", retained; the broker says "offline" by itself

GLASSES is the glasses' address without colons, which lasts when they get another name.
"""

import contextlib
import json
import urllib.parse
from typing import Any, Self

from glint.events import Battery, Event
from glint.forward import ForwardError, again, needed
from glint.info import Info

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PREFIX = "glint"
# Home Assistant's default; device discovery came with its release 2024.12 (home-assistant.io,
# source/_integrations/mqtt.markdown, "Device discovery payload").
_DISCOVERY = "homeassistant/device/{id}/config"
_AT_LEAST_ONCE = 1


class Mqtt:
    """Publishes events to a broker, which confirms each of them (quality of service 1).

    Args:
        url: mqtt://[USER[:PASSWORD]@]HOST[:PORT][/PREFIX], or mqtts:// for TLS.
        info: The glasses'.
        discovery: Tell Home Assistant what there is.
    """

    def __init__(self, url: str, info: Info, discovery: bool) -> None:
        self._aiomqtt = needed("aiomqtt", "mqtt")
        self._url = parse(url)
        self._id = "glint_" + info.address.replace(":", "").replace("-", "").lower()
        self._base = f"{self._url.path.strip('/') or _PREFIX}/{self._id}"
        self._info = info
        self._discovery = discovery
        self._client: Any = None

    @property
    def where(self) -> str:
        """The broker, for people; without what the address has of a password."""
        return f"{self._url.hostname}:{self._url.port or _PORTS[self._url.scheme]}"

    async def __aenter__(self) -> Self:
        await again(self._connect, f"The broker {self.where}", self._aiomqtt.MqttError)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._client:
            with contextlib.suppress(self._aiomqtt.MqttError):
                await self._publish("available", "offline", retain=True)
        await self._close()

    async def _connect(self) -> None:
        url = self._url
        secret = url.password
        client = self._aiomqtt.Client(
            url.hostname,
            url.port or _PORTS[url.scheme],
            username=url.username and urllib.parse.unquote(url.username),
            password=secret and urllib.parse.unquote(secret),
            tls_params=self._aiomqtt.TLSParameters() if url.scheme == "mqtts" else None,
            will=self._aiomqtt.Will(
                f"{self._base}/available", "offline", qos=_AT_LEAST_ONCE, retain=True
            ),
        )
        self._client = await client.__aenter__()
        if self._discovery:
            config = discovery(self._id, self._base, self._info)
            topic = _DISCOVERY.format(id=self._id)
            await self._client.publish(topic, json.dumps(config), qos=_AT_LEAST_ONCE, retain=True)
        await self._publish("available", "online", retain=True)
        if self._info.battery_percent is not None:
            state = {"type": "battery", "percent": self._info.battery_percent}
            await self._publish("battery", json.dumps(state), retain=True)

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client:
            with contextlib.suppress(self._aiomqtt.MqttError):
                await client.__aexit__(None, None, None)

    async def _publish(self, topic: str, payload: str, retain: bool = False) -> None:
        await self._client.publish(
            f"{self._base}/{topic}", payload, qos=_AT_LEAST_ONCE, retain=retain
        )

    async def send(self, event: Event) -> None:
        """Returns when the broker has the event; connects again if it must. Raises ForwardError."""

        async def publish() -> None:
            if self._client is None:
                await self._connect()
            try:
                payload = json.dumps(event.as_json())
                await self._publish(event.name, payload, retain=isinstance(event, Battery))
            except self._aiomqtt.MqttError:
                await self._close()
                raise

        await again(publish, f"The broker {self.where}", self._aiomqtt.MqttError)


def parse(url: str) -> urllib.parse.SplitResult:
    """Returns the parts of a broker's address.

    Raises:
        ForwardError: It is none.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in _PORTS and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or {"+", "#"} & set(url):
        raise ForwardError("--mqtt takes mqtt://[USER:PASSWORD@]HOST[:PORT][/PREFIX], or mqtts://.")
    return parts


def discovery(id: str, base: str, info: Info) -> dict[str, Any]:
    """What Home Assistant is told of one pair of glasses: entities and where their states are."""
    entities: dict[str, dict[str, Any]] = {
        "battery": {
            "platform": "sensor",
            "name": "Battery",
            "device_class": "battery",
            "unit_of_measurement": "%",
            "state_topic": f"{base}/battery",
            "value_template": "{{ value_json.percent }}",
        },
        "wake": {
            "platform": "event",
            "name": "Wake word",
            "event_types": ["wake"],
            "state_topic": f"{base}/wake",
            "value_template": (
                "{{ {'event_type': value_json.type, 'word': value_json.word,"
                " 'probability': value_json.probability} | tojson }}"
            ),
        },
        "seen": {
            "platform": "sensor",
            "name": "Seen",
            "state_topic": f"{base}/seen",
            "value_template": "{{ value_json.label }}",
            "json_attributes_topic": f"{base}/seen",
        },
        "button": {
            "platform": "binary_sensor",
            "name": "Button",
            "state_topic": f"{base}/button",
            "value_template": "{{ 'ON' if value_json.pressed else 'OFF' }}",
        },
    }
    for name, entity in entities.items():
        entity["unique_id"] = f"{id}_{name}"
    return {
        "device": {
            "identifiers": [id],
            "name": info.name,
            "manufacturer": info.manufacturer or "Glint",
            "model": info.model or "unknown",
            "sw_version": info.firmware or "unknown",
        },
        "origin": {"name": "glint"},
        "availability_topic": f"{base}/available",
        "components": entities,
    }
