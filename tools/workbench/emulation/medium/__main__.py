# SPDX-License-Identifier: Apache-2.0
"""`python -m workbench.emulation.medium`: serves a simulated Bluetooth medium until interrupted.

Prints {"event": "ready", "hci": TRANSPORT} as soon as hosts can connect.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from pathlib import Path

from workbench.emulation.medium import Medium, Timing, serve


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    off = Timing()
    parser = argparse.ArgumentParser(
        prog="python -m workbench.emulation.medium", description=__doc__
    )
    parser.add_argument("--listen", default="tcp:127.0.0.1:0", metavar="SPEC")
    parser.add_argument(
        "--system",
        nargs=2,
        metavar=("SPEC", "ADDRESS"),
        help="another port, for an operating system, whose controller has this public address",
    )
    parser.add_argument("--capture", type=Path, metavar="FILE", help="btsnoop of the first host")
    parser.add_argument("--interval-ms", type=float, default=off.interval_ms)
    parser.add_argument("--phy", type=int, default=off.phy)
    parser.add_argument("--ll-octets", type=int, default=off.ll_octets)
    parser.add_argument("--packet-error-rate", type=float, default=off.packet_error_rate)
    parser.add_argument("--drop-notifications", type=float, default=off.drop_notifications)
    parser.add_argument("--supervision-s", type=float, default=off.supervision_s)
    parser.add_argument("--seed", type=int, default=off.seed)
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    """Serves the medium until SIGINT or SIGTERM."""
    fields = vars(options)
    listen, capture, system = (fields.pop(name) for name in ("listen", "capture", "system"))
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with contextlib.ExitStack() as files:
        file = files.enter_context(capture.open("wb", buffering=0)) if capture else None
        medium = Medium(Timing(**fields))
        server = await serve(medium, listen, capture=file)
        servers, said = [server], {"event": "ready", "hci": server.address}
        if system:
            servers.append(await serve(medium, system[0], public_address=system[1]))
            said["system"] = servers[1].address
        print(json.dumps(said), flush=True)
        try:
            await stopped.wait()
        finally:
            for one in servers:
                await one.close()


def main() -> int:
    try:
        asyncio.run(run(arguments()))
    except (ValueError, OSError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
