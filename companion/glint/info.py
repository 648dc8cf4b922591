# SPDX-License-Identifier: Apache-2.0
"""What glasses say about themselves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """The glasses' state.

    Attributes:
        board: Board that the firmware runs on.
        firmware: Version of the firmware.
        micropython: Version of MicroPython.
        uptime_ms: Time since boot.
        battery_percent: Charge.
        heap_used: Bytes of MicroPython's heap in use.
        heap_free: Bytes of it that are free.
        words: Wake words that are listened for.
        vision: Model that looks, or "motion".
        arena: Bytes of tensor arena that each model uses.
        hops: 10 ms hops of sound that were perceived.
        slow_hops: Hops that took longer than they last.
        lost_ms: Sound that the microphone never gave, since boot.
        silent: Whether it gives none now.
        camera: Whether there is a camera.
        busy_us: Time spent in hops.
        notified: Notifications sent since boot.
        notified_bytes: Bytes in them.
        next: Sequence number of the next event.
        light: Whether the privacy light is on.
    """

    board: str
    firmware: str
    micropython: str
    uptime_ms: int
    battery_percent: int
    heap_used: int
    heap_free: int
    words: list[str]
    vision: str
    arena: dict[str, int]
    hops: int
    slow_hops: int
    lost_ms: int
    silent: bool
    camera: bool
    busy_us: int
    notified: int
    notified_bytes: int
    next: int
    light: bool


@dataclass(frozen=True)
class Trust:
    """Whose updates the glasses take.

    Attributes:
        keys: Names of the keys that are trusted, by their hash in hex.
        development: The development key is among them, with which anyone can sign.
        signed: Name of the key that what runs is signed with, its hash if that key is not trusted
            any more; empty for what came over a cable.
        counter: Images with a lower security counter are refused.
        closed: The development key is refused for good.
        damaged: What they trust cannot be read: they take no update.
    """

    keys: dict[str, str]
    development: bool
    signed: str
    counter: int
    closed: bool
    damaged: bool


@dataclass(frozen=True)
class Info:
    """What one pair of glasses is.

    Attributes:
        name: Name that they advertise.
        address: Bluetooth address.
        manufacturer: From Device Information; None if they do not say.
        model: From Device Information; None if they do not say.
        firmware: From Device Information; None if they do not say.
        battery_percent: From the Battery service; None if they do not say.
        os: SMP's OS information.
        status: State of the Glint application.
        pairing: How they pair: "just works", where nothing shows who stands between, or "digits",
            which the wearer compares.
        trust: Whose updates they take; None if they do not say.
    """

    name: str
    address: str
    manufacturer: str | None
    model: str | None
    firmware: str | None
    battery_percent: int | None
    os: str
    status: Status
    pairing: str
    trust: Trust | None


@dataclass(frozen=True)
class Bond:
    """A companion that the glasses know.

    Attributes:
        id: Names it in requests.
        name: What it is called; empty until somebody names it.
        address: Its Bluetooth identity.
        this: Whether it is the one that asks.
    """

    id: int
    name: str
    address: str
    this: bool


@dataclass(frozen=True)
class Model:
    """A model on the glasses.

    Attributes:
        name: Its file's name without the ending.
        kind: "wake" listens for a word, "vision" looks; empty for a model without a manifest.
        bytes: Size of the .tflite file.
        active: Whether it is used.
    """

    name: str
    kind: str
    bytes: int
    active: bool


@dataclass
class Statistics:
    """What has been received since `connect`.

    Attributes:
        links: Times the glasses were connected.
        notifications: Notifications that came, of any kind.
        notified_bytes: Bytes in them.
        write_bytes: The most bytes of one write on the last connection, as far as is known.
    """

    links: int = 0
    notifications: int = 0
    notified_bytes: int = 0
    write_bytes: int = 0
