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
        vision: The image model in use, or "motion".
        arena: Bytes of tensor arena that each model uses.
        hops: Hops of 10 ms that the perception loop has processed.
        slow_hops: Hops that took longer than real time.
        lost_ms: Sound lost since boot.
        silent: Whether the microphone gives no sound now.
        camera: Whether there is a camera.
        busy_us: Time spent in the perception loop.
        notified: Notifications sent since boot.
        notified_bytes: Bytes in them.
        next: Sequence number of the next event.
        light: Whether the privacy light is on.
        used_uah: What they took since boot, microampere-hours: the least and the most that agree
            with what their board says of its currents; None if it says nothing.
        left_min: Minutes that the battery lasts if they go on so, the least and the most; None if
            they do not know what it holds (setting `battery_mah`).
        watch_every_ms: From one look of the camera to the next while they watch, else 0.
        look_ms: How long the image model's last look took; 0 before the first.
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
    used_uah: list[int] | None = None
    left_min: list[int] | None = None
    watch_every_ms: int = 0
    look_ms: int = 0


@dataclass(frozen=True)
class Energy:
    """The glasses' energy ledger, since boot; SPEC.md has what each counts.

    Attributes:
        off_ms, idle_ms, listening_ms, watching_ms, engaged_ms: Time in each state.
        busy_us: Time spent in hops.
        inferences: Of wake words.
        looks: Inferences of the image model.
        connected_ms: Time with a link.
        connection_events: Those of links whose interval a central has told.
        radio_bytes: Notified.
        flash_writes, flash_bytes: Written by the application.
    """

    off_ms: int
    idle_ms: int
    listening_ms: int
    watching_ms: int
    engaged_ms: int
    busy_us: int
    inferences: int
    looks: int
    connected_ms: int
    connection_events: int
    radio_bytes: int
    flash_writes: int
    flash_bytes: int


@dataclass(frozen=True)
class Trust:
    """Whose updates the glasses accept.

    Attributes:
        keys: Names of the trusted keys, by their hash in hex.
        development: Whether the development key, with which anyone can sign, is among them.
        signed: Name of the key that signed what runs, or its hash if that key is no longer
            trusted; empty for what came over a cable.
        counter: Images with a lower security counter are refused.
        closed: Whether the development key is refused for good.
        damaged: Whether the list of trusted keys cannot be read; then no update is accepted.
    """

    keys: dict[str, str]
    development: bool
    signed: str
    counter: int
    closed: bool
    damaged: bool


@dataclass(frozen=True)
class Info:
    """One pair of glasses, described by themselves.

    Attributes:
        name: Name that they advertise.
        address: Bluetooth address.
        manufacturer: From Device Information; None if they do not say.
        model: From Device Information; None if they do not say.
        firmware: From Device Information; None if they do not say.
        battery_percent: From the Battery service; None if they do not say.
        os: SMP's OS information.
        status: State of the Glint application.
        pairing: How they pair: "just works", which does not protect against an attacker in the
            middle, or "digits", which the wearer compares or types.
        trust: Whose updates they accept; None if they do not say.
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
        id: Identifies it in requests.
        name: Its name; empty until somebody gives it one.
        address: Its Bluetooth identity.
        this: Whether it is this companion.
    """

    id: int
    name: str
    address: str
    this: bool


@dataclass(frozen=True)
class Model:
    """A model on the glasses.

    Attributes:
        name: The name of its file, without the extension.
        kind: "wake" for a wake word, "vision" for an image model; empty without a manifest.
        bytes: Size of the .tflite file.
        active: Whether it is in use.
    """

    name: str
    kind: str
    bytes: int
    active: bool


@dataclass
class Statistics:
    """What has been received since `connect`.

    Attributes:
        links: How many times the glasses were connected.
        notifications: Notifications received, of any kind.
        notified_bytes: Bytes in them.
        write_bytes: The most bytes of one write on the last connection, as far as is known.
    """

    links: int = 0
    notifications: int = 0
    notified_bytes: int = 0
    write_bytes: int = 0
