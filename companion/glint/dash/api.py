# SPDX-License-Identifier: Apache-2.0
"""What the dashboard's pages ask of the glasses, and the answers."""

import csv
import dataclasses
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from glint.dash.board import Board
from glint.errors import GlintError

_COLUMNS = ("time", "type", "seq", "boot_id", "fields")
# An image is a ROMFS with application and models.
_MAX_IMAGE_BYTES = 16 << 20
_MAX_NOTE_S = 60.0

Answer = Callable[[Request], Awaitable[Response]]


class Api:
    """Answers the pages' requests.

    Args:
        boards: The pairs of glasses; addresses count them from 0.
    """

    def __init__(self, boards: list[Board]) -> None:
        self._boards = boards

    def reads(self) -> dict[str, Answer]:
        """Returns the handlers that change nothing, by their paths below /api/."""
        return {
            "pairs": self.pairs,
            "{pair:int}/state": self.state,
            "{pair:int}/events": self.events,
            "{pair:int}/stream": self.stream,
            "{pair:int}/media": self.media,
            "{pair:int}/media/{boot:int}/{seq:int}": self.content,
            "{pair:int}/words": self.words,
            "{pair:int}/energy": self.energy,
            "{pair:int}/models": self.models,
            "{pair:int}/config": self.config,
            "{pair:int}/bonds": self.bonds,
            "{pair:int}/log": self.log,
            "{pair:int}/boot": self.boot,
        }

    def acts(self) -> dict[str, Answer]:
        """Returns the handlers that do something, by their paths below /api/."""
        return {
            "{pair:int}/live": self.live,
            "{pair:int}/photo": self.photo,
            "{pair:int}/note": self.note,
            "{pair:int}/model": self.model,
            "{pair:int}/setting": self.setting,
            "{pair:int}/bond": self.bond,
            "{pair:int}/window": self.window,
            "{pair:int}/update": self.update,
        }

    def _board(self, request: Request) -> Board:
        pair: int = request.path_params["pair"]
        if pair >= len(self._boards):
            raise HTTPException(404)
        return self._boards[pair]

    async def pairs(self, _: Request) -> Response:
        """Lists the names of the pairs of glasses."""
        return JSONResponse([board.name for board in self._boards])

    async def state(self, request: Request) -> Response:
        """Says whether the glasses are connected and, if they are, what state they are in."""
        board = self._board(request)
        if not board.glasses.connected:
            return JSONResponse({"connected": False, "gone": board.gone})
        status = await board.glasses.status()
        return JSONResponse({"connected": True, **dataclasses.asdict(status)})

    async def events(self, request: Request) -> Response:
        """Lists the events that are kept, as JSON or, with format=csv, as CSV."""
        events = self._board(request).events
        if request.query_params.get("format") != "csv":
            return JSONResponse(list(events))
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(_COLUMNS)
        for event in events:
            fields = {key: value for key, value in event.items() if key not in _COLUMNS}
            rows.writerow([*(event[key] for key in _COLUMNS[:-1]), json.dumps(fields)])
        named = {"Content-Disposition": 'attachment; filename="events.csv"'}
        return Response(text.getvalue(), media_type="text/csv", headers=named)

    async def stream(self, request: Request) -> Response:
        """Streams what happens as server-sent events, with the kinds of `Board.pages`."""
        board = self._board(request)

        async def lines() -> AsyncIterator[str]:
            yield ": hello\n\n"
            async for kind, fields in board.pages.follow():
                yield f"event: {kind}\ndata: {json.dumps(fields)}\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def media(self, request: Request) -> Response:
        """Lists photos and recordings."""
        return JSONResponse(list(self._board(request).media))

    async def content(self, request: Request) -> Response:
        """Gives a photo or a recording, once it has arrived."""
        path = request.path_params
        kept = await self._board(request).gallery.get(path["boot"], path["seq"])
        return Response(kept.data, media_type=kept.media_type)

    async def words(self, request: Request) -> Response:
        """Gives each wake word's probability at this moment."""
        return JSONResponse(await self._board(request).glasses.chances())

    async def energy(self, request: Request) -> Response:
        """Gives the energy ledger."""
        return JSONResponse(dataclasses.asdict(await self._board(request).glasses.energy()))

    async def models(self, request: Request) -> Response:
        """Lists the models."""
        models = await self._board(request).glasses.models()
        return JSONResponse([dataclasses.asdict(model) for model in models])

    async def config(self, request: Request) -> Response:
        """Gives the settings."""
        return JSONResponse(await self._board(request).glasses.config())

    async def bonds(self, request: Request) -> Response:
        """Lists the bonds, and says how long the pairing window stays open."""
        glasses = self._board(request).glasses
        bonds = [dataclasses.asdict(bond) for bond in await glasses.bonds()]
        return JSONResponse({"bonds": bonds, "open_s": await glasses.pairing_left()})

    async def log(self, request: Request) -> Response:
        """Lists the lines of the log."""
        return JSONResponse(list(self._board(request).log))

    async def boot(self, request: Request) -> Response:
        """Gives the last crash, and why the last update was refused."""
        boot = await self._board(request).glasses.boot()
        said = {"safe": boot.safe, "crash": boot.crash, "refused": boot.refused}
        return JSONResponse(said)

    async def live(self, request: Request) -> Response:
        """Streams the microphone's int16 samples at 16 kHz, until the page leaves."""
        heard = self._board(request).ear.follow()
        try:
            first = await anext(heard)
        except StopAsyncIteration:
            raise GlintError("The glasses stopped listening: try again.") from None

        async def pieces() -> AsyncIterator[bytes]:
            try:
                yield first
                async for piece in heard:
                    yield piece
            finally:
                await heard.aclose()

        return StreamingResponse(pieces(), media_type="application/octet-stream")

    async def photo(self, request: Request) -> Response:
        """Takes a photo, which the stream announces like any other."""
        await self._board(request).glasses.photo()
        return Response(status_code=204)

    async def note(self, request: Request) -> Response:
        """Records the microphone for some `seconds`; the stream announces the recording."""
        seconds = (await _fields(request, seconds=(int, float)))["seconds"]
        if not 1 <= seconds <= _MAX_NOTE_S:
            raise HTTPException(400, f"A note is 1 to {_MAX_NOTE_S:g} s long.")
        await self._board(request).glasses.record(seconds)
        return Response(status_code=204)

    async def model(self, request: Request) -> Response:
        """Enables, disables or removes a model: `name`, `to`."""
        fields = await _fields(request, name=str, to=str)
        glasses, name = self._board(request).glasses, fields["name"]
        match fields["to"]:
            case "active" | "idle" as to:
                await glasses.use_model(name, to == "active")
            case "remove":
                await glasses.remove_model(name)
            case _:
                raise HTTPException(400, "A model becomes active or idle, or is removed.")
        return await self.models(request)

    async def setting(self, request: Request) -> Response:
        """Changes a setting: `name`, `value`."""
        fields = await _fields(request, name=str, value=(str, int, list))
        changes = {fields["name"]: fields["value"]}
        return JSONResponse(await self._board(request).glasses.set_config(**changes))

    async def bond(self, request: Request) -> Response:
        """Names the bond `id`, or removes it if `name` is null."""
        fields = await _fields(request, id=int, name=(str, type(None)))
        glasses = self._board(request).glasses
        if fields["name"] is None:
            await glasses.remove_bond(fields["id"])
        else:
            await glasses.name_bond(fields["id"], fields["name"])
        return await self.bonds(request)

    async def window(self, request: Request) -> Response:
        """Opens or closes the pairing window: `open`."""
        fields = await _fields(request, open=bool)
        await self._board(request).glasses.let_pair(fields["open"])
        return await self.bonds(request)

    async def update(self, request: Request) -> Response:
        """Installs the update image in the request's body; the stream reports progress."""
        image = bytearray()
        async for piece in request.stream():
            image += piece
            if len(image) > _MAX_IMAGE_BYTES:
                raise HTTPException(413, "This file is too large to be an update image.")
        done = await self._board(request).update(bytes(image))
        return JSONResponse(dataclasses.asdict(done))


async def _fields(request: Request, **kinds: Any) -> dict[str, Any]:
    """Returns the JSON object in a request's body; its fields must have these types."""
    try:
        fields = await request.json()
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not all(
        name in fields and isinstance(fields[name], kind) for name, kind in kinds.items()
    ):
        raise HTTPException(400, f"This needs a JSON object with {', '.join(kinds)}.")
    return fields
