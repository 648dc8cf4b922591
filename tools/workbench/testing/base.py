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

# bluetooth: companions reach them. console: tests see what they print. hci: their Bluetooth is
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
        stack: The Bluetooth stack that they behave like.
        words: Their wake words.
        files: Folders whose files are on their flash.
        person: Whether someone is there to do what real glasses need.
        report: Folder where they leave what the report shows; None for no report.
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
        abilities: Those of ABILITIES that they have.
        left: What they leave for the report is at this path, with suffixes; None for nothing yet.
    """

    left: Path | None = None
    board: str
    abilities: frozenset[str]

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Starts them.

        Raises:
            GlintError, WorkbenchError: They are not there, or did not start.
        """

    @abstractmethod
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends what was started."""

    @abstractmethod
    async def check(self) -> None:
        """Fails, with their last output, if they are known to have ended."""

    @abstractmethod
    def connect(self) -> glint.Glasses:
        """A companion, as `async with`."""


class Real(Target):
    """Real glasses: nothing is known of them while their application runs, and they go on."""

    async def __aexit__(self, *_: object) -> None:
        """Ends nothing."""

    async def check(self) -> None:
        """Checks nothing."""
