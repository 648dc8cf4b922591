# SPDX-License-Identifier: Apache-2.0
"""The Glint group's commands about settings, models and the journal."""

import os

from glasses import arguments, config, protocol, smp
from glasses.perception import models

# Names of models in one response.
LISTED_MAX = 12


class Settings:
    """Answers requests about settings and models with `server`.

    Args:
        server: The smp.Server.
        settings: The map of them, as they are.
        path: Where they are kept.
        folder: Of the models.
        use: Called with changes that have been checked; returns what puts them to use, which is
            called once they are kept. OSError: there is no such model; ValueError, MemoryError: it
            does not run.
    """

    def __init__(self, server, settings, path, folder, use):
        self._settings = settings
        self._path = path
        self._models = folder
        self._use = use
        glint = protocol.SMP_GROUP_GLINT
        server.handle(glint, protocol.SMP_GLINT_CONFIG, smp.READ, self._read)
        server.handle(glint, protocol.SMP_GLINT_CONFIG, smp.WRITE, self._write)
        server.handle(glint, protocol.SMP_GLINT_MODELS, smp.READ, self._list)
        server.handle(glint, protocol.SMP_GLINT_MODELS, smp.WRITE, self._change)

    def _read(self, body):
        return {"settings": self._settings}

    def _write(self, body):
        changes = body["set"]
        try:
            for key, value in changes.items():
                config.check(key, value)
        except config.UnknownError as error:
            raise smp.RequestError(protocol.RC_NOT_FOUND, str(error))
        except arguments.KindError as error:
            raise smp.RequestError(protocol.RC_WRONG_TYPE, str(error))
        except arguments.RangeError as error:
            raise smp.RequestError(protocol.RC_OUT_OF_RANGE, str(error))
        self._apply(changes)
        return self._read(body)

    def _apply(self, changes):
        """All of it or nothing: what may fail comes first, then the file, then what cannot."""
        try:
            put_to_use = self._use(changes)
        except OSError as error:
            raise smp.RequestError(protocol.RC_NOT_FOUND, "no such model: %s" % error)
        except (ValueError, MemoryError) as error:
            raise smp.RequestError(protocol.RC_FAILED, str(error))
        try:
            config.save(self._path, changes)
        except OSError as error:
            raise smp.RequestError(protocol.RC_FAILED, "not stored: %s" % error)
        self._settings.update(changes)
        put_to_use()

    # Models.

    def _kind(self, name):
        """ "wake", "vision", or "" for what has no manifest that says so."""
        try:
            manifest = models.manifest(self._models, name)
        except (OSError, ValueError):
            return ""
        return "wake" if "micro" in manifest else "vision" if "labels" in manifest else ""

    def _active(self, name):
        return name in self._settings["words"] or name == self._settings["vision"]

    def _list(self, body):
        names = models.names(self._models)
        start = body.get("from", 0)
        rows = [
            {
                "name": name,
                "kind": self._kind(name),
                "bytes": os.stat(models.find(self._models, name + models.MODEL))[6],
                "active": self._active(name),
            }
            for name in names[start : start + LISTED_MAX]
        ]
        return {"models": rows, "count": len(names)}

    def _change(self, body):
        name, to = body["name"], body["to"]
        if not config.is_model(name) or name not in models.names(self._models):
            raise smp.RequestError(protocol.RC_NOT_FOUND, "no such model")
        kind, words = self._kind(name), self._settings["words"]
        if to == "remove":
            if self._active(name):
                raise smp.RequestError(protocol.RC_BUSY, "it is active")
            self._remove(name)
        elif to == "active" and kind == "wake":
            if name not in words:
                self._write({"set": {"words": words + [name]}})
        elif to == "active" and kind == "vision":
            self._apply({"vision": name})
        elif to == "idle":
            changes = {"words": [word for word in words if word != name]}
            if name == self._settings["vision"]:
                changes = {"vision": config.MOTION}
            self._apply(changes)
        else:
            raise smp.RequestError(protocol.RC_BAD_REQUEST, "no such state, or no manifest")
        return {"name": name}

    def _remove(self, name):
        try:
            for ending in (models.MODEL, models.MANIFEST):
                os.remove(self._models + "/" + name + ending)
        except OSError as error:
            raise smp.RequestError(protocol.RC_FAILED, str(error))
