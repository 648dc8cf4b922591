# SPDX-License-Identifier: Apache-2.0
"""Bonds as NimBLE keeps them through MicroPython's secret IRQs: layout, lookup, eviction."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bumble.hci import Address
from bumble.keys import KeyStore, PairingKeys

# BLE_STORE_OBJ_TYPE_* of NimBLE's ble_store.h.
OUR_SECRET = 1
PEER_SECRET = 2
# struct ble_store_value_sec of the same header, as 32-bit compilers lay it out: address (type, then
# little endian), key size, EDIV, padding, Rand, LTK, LTK present, IRK, IRK present, CSRK, then a
# byte of flags (CSRK present, authenticated, secure connections), padding.
_LAYOUT = struct.Struct("<B6sBH6xQ16sB16sB16sB5x")
SECRET_BYTES = _LAYOUT.size
_AUTHENTICATED = 2
_SECURE_CONNECTIONS = 4
_KEY_BYTES = 16
# NimBLE itself would loop for ever.
_DELETE_ATTEMPTS = 16


class EndlessError(Exception):
    """NimBLE would loop for ever here."""


@dataclass(frozen=True)
class Secret:
    """One side's keys of one bond."""

    peer: Address
    ltk: bytes
    irk: bytes | None
    authenticated: bool
    secure_connections: bool
    ediv: int = 0
    rand: int = 0

    def pack(self) -> bytes:
        """Returns it in NimBLE's layout."""
        flags = _AUTHENTICATED * self.authenticated
        flags |= _SECURE_CONNECTIONS * self.secure_connections
        return _LAYOUT.pack(
            not self.peer.is_public,
            bytes(self.peer),
            _KEY_BYTES,
            self.ediv,
            self.rand,
            self.ltk,
            1,
            self.irk or bytes(_KEY_BYTES),
            self.irk is not None,
            bytes(_KEY_BYTES),
            flags,
        )

    @classmethod
    def unpack(cls, data: bytes) -> Secret | None:
        """Reads NimBLE's layout; None when it is not that, or holds no long-term key."""
        if len(data) != SECRET_BYTES:
            return None
        kind, address, _, ediv, rand, ltk, has_ltk, irk, has_irk, _, flags = _LAYOUT.unpack(data)
        if not has_ltk:
            return None
        return cls(
            Address(
                address, Address.RANDOM_DEVICE_ADDRESS if kind else Address.PUBLIC_DEVICE_ADDRESS
            ),
            ltk,
            irk if has_irk else None,
            bool(flags & _AUTHENTICATED),
            bool(flags & _SECURE_CONNECTIONS),
            ediv,
            rand,
        )


def address_key(peer: Address) -> bytes:
    """The key under which a peer's secrets are stored: NimBLE's ble_addr_t."""
    return bytes([not peer.is_public]) + bytes(peer)


GetSecret = Callable[[int, int, bytes | None], Awaitable[bytes | None]]
SetSecret = Callable[[int, bytes, bytes | None], Awaitable[bool]]


class PairedLink(Protocol):
    """The part of a link that the bonds use once its peer has paired."""

    def on_kept(self) -> None:
        """Called when its keys have been handed over."""


class Bonds(KeyStore):
    """bumble's key store over the firmware's secret IRQs.

    Args:
        get_secret: (type, index, key or None) -> value or None.
        set_secret: (type, key, value or None to delete) -> whether it was done.
        on_keys: Called when a pairing has ended with these keys. It returns the link to notify when
            they are stored, or None if they must not be stored.
        unpaired: Called when the bond of a peer was evicted.
        resolve: (peer, identity resolving key): has the controller resolve a peer's addresses.

    Attributes:
        storing: The task that hands over the keys of the last pairing, if there was one.
        host_task: Held while the stack reports related events, for which it has a single task.
    """

    def __init__(
        self,
        get_secret: GetSecret,
        set_secret: SetSecret,
        on_keys: Callable[[PairingKeys], PairedLink | None],
        unpaired: Callable[[Address], None],
        resolve: Callable[[Address, bytes], Awaitable[None]],
    ) -> None:
        self._get_secret = get_secret
        self._set_secret = set_secret
        self._on_keys = on_keys
        self._unpaired = unpaired
        self.storing: asyncio.Task[None] | None = None
        self._resolve = resolve
        self.host_task = asyncio.Lock()

    async def restore(self, secrets: list[Secret]) -> None:
        """Has the identities in the peers' stored secrets resolved (ble_hs_misc.c:141)."""
        for secret in secrets:
            if secret.irk:
                await self._resolve(secret.peer, secret.irk)

    async def secret(self, kind: int, peer: Address) -> Secret | None:
        """Asks the firmware for a peer's secret."""
        data = await self._get_secret(kind, 0, address_key(peer))
        return Secret.unpack(data) if data is not None else None

    async def forget_before_pairing(self, peer: Address) -> bool:
        """Deletes the bond of a peer that pairs again, until it is gone, as NimBLE's binding does.

        Returns False where NimBLE would never return: the firmware keeps returning the secret, or
        reports for each deletion that there was something to delete.
        """
        with contextlib.suppress(EndlessError):
            for _ in range(_DELETE_ATTEMPTS):
                if await self.secret(PEER_SECRET, peer) is None:
                    return True
                await self._delete(peer)
        return False

    async def _delete(self, peer: Address) -> bool:
        """Deletes each kind until the firmware has no more, as ble_store_util_delete_peer does.

        The controller still resolves the peer's addresses (ble_store_util.c:113 of a2acac3).
        """
        deleted = 0
        for kind in (OUR_SECRET, PEER_SECRET):
            for _ in range(_DELETE_ATTEMPTS):
                if not await self._set_secret(kind, address_key(peer), None):
                    break
                deleted += 1
            else:
                raise EndlessError
        return deleted > 0

    async def _evict_oldest(self) -> bool:
        data = await self._get_secret(PEER_SECRET, 0, None)
        oldest = Secret.unpack(data) if data is not None else None
        if oldest is None or not await self._delete(oldest.peer):
            return False
        self._unpaired(oldest.peer)
        return True

    async def _store(self, kind: int, secret: Secret) -> None:
        # False from the firmware means "no room": NimBLE then makes room and tries again.
        while not await self._set_secret(kind, address_key(secret.peer), secret.pack()):
            if not await self._evict_oldest():
                return

    async def update(self, name: str, keys: PairingKeys) -> None:
        # NimBLE stores in one go, whatever happens to the link; bumble would cancel us with it.
        self.storing = asyncio.create_task(self._end_pairing(Address(name), keys))
        await asyncio.shield(self.storing)

    async def _end_pairing(self, peer: Address, keys: PairingKeys) -> None:
        async with self.host_task:
            link = self._on_keys(keys)
            if link is not None:
                await self._keep(peer, keys)
                link.on_kept()

    async def _keep(self, peer: Address, keys: PairingKeys) -> None:
        # bumble's names in a responder: ltk_central is the key that we gave away.
        ours, theirs = keys.ltk or keys.ltk_central, keys.ltk or keys.ltk_peripheral
        irk = keys.irk.value if keys.irk else None
        for kind, key, irk_of_kind in ((OUR_SECRET, ours, None), (PEER_SECRET, theirs, irk)):
            if key is None or len(key.value) != _KEY_BYTES:
                continue
            rand = int.from_bytes(key.rand or b"", "little")
            secret = Secret(
                peer,
                key.value,
                irk_of_kind,
                key.authenticated,
                keys.ltk is not None,
                key.ediv or 0,
                rand,
            )
            await self._store(kind, secret)
            if irk_of_kind:
                await self._resolve(peer, irk_of_kind)  # ble_store.c:241 of a2acac3

    async def get(self, name: str) -> PairingKeys | None:
        ours = await self.secret(OUR_SECRET, Address(name))
        if ours is None:
            return None
        return PairingKeys(ltk=PairingKeys.Key(ours.ltk, ours.authenticated))

    async def get_resolving_keys(self) -> list[tuple[bytes, Address]]:
        return []  # the controller resolves, the host does not

    async def delete(self, name: str) -> None:
        await self._delete(Address(name))
