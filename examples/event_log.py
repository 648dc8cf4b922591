# SPDX-License-Identifier: Apache-2.0
"""Writes every event of the glasses into an SQLite database, and loses none when it is restarted.

    python event_log.py [DATABASE]

The glasses keep an event until it is acknowledged, and the client acknowledges one when the next is
asked for. By then this program has committed it. What comes twice because the program was killed in
between is stored once: the number of the run and the sequence number name an event for ever.
"""

import asyncio
import json
import sqlite3
import sys
from pathlib import Path

import glint

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time TEXT,
    kind TEXT NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (boot, seq)
)
"""


async def main(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute(SCHEMA)
    async with glint.connect() as glasses:
        async for event in glasses.events("unread"):
            fields = event.as_json()
            row = glasses.boot_id, fields.pop("seq"), fields.pop("time"), fields.pop("type")
            with database:
                insert = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?)"
                database.execute(insert, (*row, json.dumps(fields)))
            print(event, flush=True)
    database.close()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "events.sqlite")))
    except KeyboardInterrupt:
        pass
    except glint.GlintError as error:
        sys.exit(str(error))
