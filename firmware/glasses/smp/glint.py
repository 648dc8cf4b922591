# SPDX-License-Identifier: Apache-2.0
"""The Glint group's commands about the glasses' state, their events, photos and recordings."""

import gc
import sys

from glasses import config, media, protocol, smp
from glasses.perception import vision


def serve(server, app, files):
    """Answers requests about `app`, the glasses.app.Glasses, with `server`; `files` finds files."""

    def status(body):
        gc.collect()
        heard, eye, link = app.perception, app.vision, app.link
        arenas = {detector.name: detector.model.arena_used for detector in heard.detectors}
        if eye.name != vision.Motion.name:
            arenas[eye.name] = eye.model.arena_used
        answer = {
            "board": app.board.name,
            "firmware": config.FIRMWARE,
            "micropython": ".".join(str(n) for n in sys.implementation.version[:3]),
            "uptime_ms": app.journal.time_ms(),
            "battery_percent": app.board.battery.percent,
            "heap_used": gc.mem_alloc(),
            "heap_free": gc.mem_free(),
            "words": [detector.word for detector in heard.detectors],
            "vision": eye.name,
            "arena": arenas,
            "look_ms": eye.took_ms,
            "silent": heard.pace.silent,
            "camera": app.board.camera is not None,
            "notified": link.notified,
            "notified_bytes": link.notified_bytes,
            "next": app.journal.next,
            "light": app.privacy.lit,
            "watch_every_ms": app.watcher.every_ms,
        }
        answer.update(heard.counts())
        answer.update(app.ledger.status(answer["battery_percent"], app.settings["battery_mah"]))
        return answer

    def tell_journal(body):
        return {"boot": app.boot, "first": app.journal.first, "next": app.journal.next}

    def acknowledge(body):
        app.journal.acknowledge(body["acknowledge"])
        return tell_journal(body)

    def listen(body):
        try:
            app.link.listen(body["from"])
        except ValueError as error:
            raise smp.RequestError(protocol.RC_FAILED, str(error))
        return {
            "boot": app.boot,
            "first": app.journal.unread,
            "next": app.journal.next,
            "own": app.journal.own,
            "uptime_ms": app.journal.time_ms(),
        }

    def record(body):
        if not app.link.listening or app.perception.recorder.item:
            raise smp.RequestError(protocol.RC_BUSY, "a recording is under way")
        return {"id": app.record(body["ms"], 0)}

    def stop(body):
        if app.perception.recorder.item:
            app.stop_recording()
        return {}

    def send_file(body):
        if not app.link.listening:
            raise smp.RequestError(protocol.RC_BUSY, "events have not been asked for")
        try:
            item = media.File(app.outbox.reserve(), files.found(body["name"]))
            app.outbox.keep(item, codec=protocol.CODEC_RAW)
        except (OSError, smp.RequestError) as error:
            raise smp.RequestError(protocol.RC_NOT_FOUND, str(error))
        except MemoryError as error:
            raise smp.RequestError(protocol.RC_BUSY, str(error))
        return {"id": item.id}

    def photo(body):
        if not app.link.listening or app.photo_id is not None:
            raise smp.RequestError(protocol.RC_BUSY, "a photo is under way")
        if app.board.camera is None:
            raise smp.RequestError(protocol.RC_NO_CAMERA, "this board has no camera")
        return {"id": app.take_photo()}

    def watch(body):
        if app.board.camera is None:
            raise smp.RequestError(protocol.RC_NO_CAMERA, "this board has no camera")
        try:
            app.link.watch(body.get("every_ms", 0))
        except ValueError as error:
            raise smp.RequestError(protocol.RC_BUSY, str(error))
        return {"every_ms": app.watcher.every_ms}

    for command, op, handler in (
        (protocol.SMP_GLINT_STATUS, smp.READ, status),
        (protocol.SMP_GLINT_EVENTS, smp.WRITE, listen),
        (protocol.SMP_GLINT_PHOTO, smp.WRITE, photo),
        (protocol.SMP_GLINT_RECORD, smp.WRITE, record),
        (protocol.SMP_GLINT_JOURNAL, smp.READ, tell_journal),
        (protocol.SMP_GLINT_JOURNAL, smp.WRITE, acknowledge),
        (protocol.SMP_GLINT_STOP, smp.WRITE, stop),
        (protocol.SMP_GLINT_FILE, smp.WRITE, send_file),
        (protocol.SMP_GLINT_WATCH, smp.WRITE, watch),
    ):
        server.handle(protocol.SMP_GROUP_GLINT, command, op, handler)
