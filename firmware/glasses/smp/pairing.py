# SPDX-License-Identifier: Apache-2.0
"""The Glint group's commands about companions: which are known, and whether a new one may pair."""

from glasses import protocol, smp


def serve(server, bonds, link):
    """Answers requests about `bonds` with `server`; `link` knows whose they are."""

    def listed(body):
        rows = [
            {"id": bond.id, "name": bond.name, "address": bond.address, "this": bond is link.peer}
            for bond in bonds
        ]
        return {"bonds": rows, "most": protocol.LIMIT_BONDS}

    def change(body):
        bond = bonds.find(body["id"])
        if bond is None:
            raise smp.RequestError(protocol.RC_NOT_FOUND, "no such bond")
        if body.get("remove"):
            bonds.remove(bond)
        elif "name" in body:
            bonds.rename(bond, body["name"])
        else:
            raise smp.RequestError(protocol.RC_BAD_REQUEST, "a name, or remove, is missing")
        if not bonds.save():
            why = "in force, but not stored as the flash is full; it will be retried"
            raise smp.RequestError(protocol.RC_FAILED, why)
        return {"id": bond.id}

    def window(body):
        told = bonds.window
        return {"open": told.is_open, "left_ms": told.left_ms, "method": link.digits.method}

    def move_window(body):
        if body["open"]:
            bonds.window.open()
        else:
            bonds.window.is_open = False
        return window(body)

    glint = protocol.SMP_GROUP_GLINT
    server.handle(glint, protocol.SMP_GLINT_BONDS, smp.READ, listed)
    server.handle(glint, protocol.SMP_GLINT_BONDS, smp.WRITE, change)
    server.handle(glint, protocol.SMP_GLINT_PAIRING, smp.READ, window)
    server.handle(glint, protocol.SMP_GLINT_PAIRING, smp.WRITE, move_window)
