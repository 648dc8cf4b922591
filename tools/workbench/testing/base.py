# SPDX-License-Identifier: Apache-2.0
"""What glasses under test have in common, and how they are started."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import glint

from workbench.emulation.radio.stacks import DEFAULT

# bluetooth: companions can connect. console: tests see what they print. hci: their Bluetooth is
# emulated, at an HCI transport. light: tests see their privacy light. peripherals: tests give them
# sound, pictures, battery and button. power: tests cut it. range: they can be carried away, and
# their links disturbed. serial: their prompt is on a port.
EMULATED_ABILITIES = frozenset(
    {"bluetooth", "console", "hci", "light", "peripherals", "power", "range"}
)
ABILITIES = EMULATED_ABILITIES | {"serial"}


@dataclass
class Settings:
    """How emulated glasses are started.

    Attributes:
        stack: The Bluetooth stack whose behaviour they emulate.
        words: Their wake words.
        files: Folders of files for their flash.
        person: Whether a person is there to do what real glasses need.
        report: Folder for what the report shows; None for no report.
    """

    stack: str = DEFAULT
    words: list[str] = field(default_factory=lambda: ["okay_nabu"])
    files: list[Path] = field(default_factory=list)
    person: bool = False
    report: Path | None = None


settings = Settings()


class Target(ABC):
    """Glasses under test, which run inside `async with`.

    Attributes:
        board: The name of their board.
        abilities: Their abilities, out of ABILITIES.
        left: The path, without suffix, of their files for the report; None if there are none yet.
    """

    left: Path | None = None
    board: str
    abilities: frozenset[str]

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Starts them.

        Raises:
            GlintError, WorkbenchError: They were not found, or did not start.
        """

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops what was started."""

    @abstractmethod
    async def check(self) -> None:
        """Fails, with their last output, if they are known to have ended."""

    @abstractmethod
    def connect(self) -> glint.Glasses:
        """Returns a companion, for `async with`."""


class Real(Target):
    """Real glasses, which cannot be observed while their application runs, and keep running."""

    async def __aexit__(self, *_: object) -> None:
        """Stops nothing."""

    async def check(self) -> None:
        """Checks nothing."""
