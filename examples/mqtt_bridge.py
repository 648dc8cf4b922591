# SPDX-License-Identifier: Apache-2.0
"""Hands every event to an MQTT broker, as JSON below glint/NAME/.

    pip install aiomqtt
    python mqtt_bridge.py [BROKER[:PORT]]

An event is acknowledged to the glasses once the broker has confirmed it (quality of service 1).
"""

import asyncio
import json
import sys

import aiomqtt
import glint

PORT = 1883


async def main(broker: str, port: int) -> None:
    async with aiomqtt.Client(broker, port) as mqtt, glint.connect() as glasses:
        name = (await glasses.info()).name
        print(f"{name}'s events go to {broker}:{port}.", flush=True)
        async for event in glasses.events("unread"):
            await mqtt.publish(f"glint/{name}/{event.name}", json.dumps(event.as_json()), qos=1)


if __name__ == "__main__":
    host, _, given = (sys.argv[1] if len(sys.argv) > 1 else "localhost").partition(":")
    try:
        asyncio.run(main(host, int(given or PORT)))
    except KeyboardInterrupt:
        pass
    except (aiomqtt.MqttError, glint.GlintError) as error:
        sys.exit(str(error))
