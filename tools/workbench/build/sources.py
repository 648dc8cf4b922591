# SPDX-License-Identifier: Apache-2.0
"""Obtains the unmodified source of a pinned version of MicroPython.

`micropython()` tries, in this order: a tree that the user names, the tree that an earlier run
unpacked, Debian's source package from the mirror that this machine uses, and git.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.paths import BUILD, MICROPYTHON
from workbench.system import Say, provide, say_step


class SourceError(WorkbenchError):
    """MicroPython's source is not to be had, or is not what it should be."""


@dataclass(frozen=True)
class Release:
    """A release of MicroPython that Glint is built and tested with.

    Attributes:
        debian_suite: Debian's suite that carries its source package.
        tarball_sha256: Of the upstream part of that package, as in its signed .dsc file: the
            release without what Debian may not ship. Debian's patches are not applied.
        git_commit: The commit that the release's tag names.
        released_s: The day it came out, in seconds since 1970.
    """

    debian_suite: str
    tarball_sha256: str
    git_commit: str
    released_s: int


RELEASES = {
    "1.25.0": Release(
        "trixie",
        "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
        "f498a16c7db6d4b2de200b3e0856528dfe0613c3",
        1744675200,
    ),
    "1.26.1": Release(
        "forky",
        "f5ad2ec89d3e921f753d448955af98b6005655f84ba26087dde6ba0e8d062f34",
        "647c8b96cae7e202c7a020395b7cfe65e5b8ce04",
        1757548800,
    ),
}
VERSION = MICROPYTHON
if VERSION not in RELEASES:
    raise SourceError(f"GLINT_MICROPYTHON_VERSION={VERSION}; there are: {', '.join(RELEASES)}")
RELEASE = RELEASES[VERSION]
DEBIAN_VERSION = f"{VERSION}+ds-1"
TARBALL = f"micropython_{VERSION}+ds.orig.tar.xz"
GIT_URL = "https://github.com/micropython/micropython"
GIT_TAG = f"v{VERSION}"

APT_FOLDER = Path("/etc/apt")
# A sources entry with one of these as its suite names a mirror that has trixie too. Other archives
# for Debian (security, and those of third parties) use other suite names.
DEBIAN_RELEASES = frozenset(["buster", "bullseye", "bookworm", "trixie", "forky", "duke"])
DEBIAN_CLASSES = frozenset(["oldoldstable", "oldstable", "stable", "testing", "unstable", "sid"])
DEBIAN_SUITES = DEBIAN_RELEASES | DEBIAN_CLASSES
APT_TIMEOUT_S = 120
GIT_TIMEOUT_S = 300


@dataclass(frozen=True)
class Mirror:
    """An apt archive: its address and the options needed to read it."""

    uri: str
    options: tuple[tuple[str, str], ...] = ()

    def stanza(self) -> str:
        """Returns the deb822 paragraph for the source packages of the Debian suite that we need."""
        fields = [
            ("Types", "deb-src"),
            ("URIs", self.uri),
            ("Suites", RELEASE.debian_suite),
            ("Components", "main"),
            *self.options,
        ]
        return "".join(f"{name}: {value}\n" for name, value in fields)


# Options of an entry that decide whether apt trusts the archive, by their one-line names.
_KEPT_OPTIONS = {
    "signed-by": "Signed-By",
    "trusted": "Trusted",
    "check-valid-until": "Check-Valid-Until",
}


def _one_line(text: str) -> Iterator[tuple[list[str], list[str], list[str], dict[str, str]]]:
    entry = re.compile(r"deb(?:-src)?\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S+\s+.+)")
    for line in text.splitlines():
        if match := entry.fullmatch(line.split("#")[0].strip()):
            uri, suite, *components = match["rest"].split()
            pairs = (option.split("=", 1) for option in (match["options"] or "").split())
            options = {pair[0].rstrip("+-"): pair[1] for pair in pairs if len(pair) == 2}
            yield [uri], [suite], components, options


def _deb822(text: str) -> Iterator[tuple[list[str], list[str], list[str], dict[str, str]]]:
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                fields[name] = fields.get(name, "") + "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() not in ("no", "false", "0"):
            uris, suites, components = (
                fields.get(key, "").split() for key in ("uris", "suites", "components")
            )
            yield uris, suites, components, fields


def debian_mirrors(folder: Path) -> list[Mirror]:
    """The Debian mirrors that the machine's apt is configured with, in apt's order."""
    mirrors: list[Mirror] = []
    parts = folder / "sources.list.d"
    for path in [folder / "sources.list", *sorted(parts.glob("*.list")), *parts.glob("*.sources")]:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        for uris, suites, components, options in (
            _deb822(text) if path.suffix == ".sources" else _one_line(text)
        ):
            if "main" not in components or not DEBIAN_SUITES.intersection(suites):
                continue
            kept = tuple((_KEPT_OPTIONS[k], v) for k, v in options.items() if k in _KEPT_OPTIONS)
            mirrors += [Mirror(uri, kept) for uri in uris]
    return list(dict.fromkeys(mirrors))


# Read after the system's own settings; clears hooks that run programs on the system's lists.
_APT_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{folder}/sources.list.d";
Dir::State::Lists "{folder}/lists";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "{user}";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
"""


def _run(command: list[str], *, cwd: Path, timeout_s: int) -> None:
    """Runs a program; raises SourceError with the last line it printed when it fails."""
    environment = os.environ | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"{command[0]} gave no answer in {timeout_s} s") from None
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"(E|fatal|error): ?", line)] or lines[-1:]
        raise SourceError(f"{command[0]}: {' '.join(errors[:2])}")


def _from_debian(folder: Path) -> Path:
    """Downloads the upstream tarball of Debian's package, with apt's state kept below `folder`."""
    if shutil.which("apt-get") is None:
        raise SourceError("this machine has no apt-get")
    mirrors = debian_mirrors(APT_FOLDER)
    if not mirrors:
        raise SourceError("this machine's apt knows no Debian mirror")
    apt = folder / "apt"
    for part in ("sources.list.d", "lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    user = "root" if os.geteuid() == 0 else ""
    config = apt / "apt.conf"
    config.write_text(_APT_CONF.format(folder=apt, user=user))
    command = ["apt-get", "-c", str(config), "-q"]
    failures = []
    for mirror in mirrors:
        (apt / "sources.list.d" / "debian.sources").write_text(mirror.stanza())
        try:
            _run([*command, "update"], cwd=apt, timeout_s=APT_TIMEOUT_S)
            package = f"micropython={DEBIAN_VERSION}"
            source = [*command, "source", "--download-only", "--tar-only", package]
            _run(source, cwd=apt, timeout_s=APT_TIMEOUT_S)
            return apt / TARBALL
        except SourceError as error:
            failures.append(str(error))
    raise SourceError("; ".join(failures))


def unpack(tarball: Path, tree: Path) -> None:
    """Unpacks the pinned tarball as folder `tree`, completely or not at all.

    Raises:
        SourceError: The tarball is not the pinned one.
    """
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if digest != RELEASE.tarball_sha256:
        tarball.unlink()
        raise SourceError(f"{tarball.name} has sha256 {digest}, not {RELEASE.tarball_sha256}")
    unfinished = tree.with_suffix(".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    with tarfile.open(tarball, "r:xz") as archive:
        # Debian 12's Python 3.11.2 has no extraction filters yet; the pinned archive needs none.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        archive.extractall(unfinished)
    (top,) = unfinished.iterdir()
    top.rename(tree)
    unfinished.rmdir()


def _from_git(tree: Path) -> None:
    unfinished = tree.with_suffix(".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    patience = ["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=10"]
    clone = ["git", *patience, "-c", "advice.detachedHead=false", "clone", "-q", "--depth", "1"]
    _run(
        [*clone, "--branch", GIT_TAG, GIT_URL, str(unfinished)],
        cwd=tree.parent,
        timeout_s=GIT_TIMEOUT_S,
    )
    head = (unfinished / ".git" / "HEAD").read_text().strip()
    if head != RELEASE.git_commit:
        shutil.rmtree(unfinished)
        raise SourceError(f"git tag {GIT_TAG} is commit {head}, not {RELEASE.git_commit}")
    unfinished.rename(tree)


def version_of(tree: Path) -> str:
    """Returns the version that a MicroPython tree states.

    Raises:
        SourceError: It is not a MicroPython tree.
    """
    try:
        text = (tree / "py" / "mpconfig.h").read_text()
    except OSError:
        raise SourceError(f"{tree} is no MicroPython source tree (no py/mpconfig.h)") from None
    numbers = re.findall(r"#define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", text)
    return ".".join(numbers[:3])


def micropython(say: Say = say_step, *, folder: Path = BUILD / "sources") -> Path:
    """Returns the root of an unmodified MicroPython tree, or of the tree in GLINT_MICROPYTHON.

    Args:
        say: Called with a line for each step.
        folder: Where downloads and the tree are kept.

    Raises:
        SourceError: No source could be obtained; the message says what was tried and what to do.
    """
    if named := os.environ.get("GLINT_MICROPYTHON"):
        version = version_of(Path(named))
        if version != VERSION:
            raise SourceError(f"GLINT_MICROPYTHON={named} is MicroPython {version}, not {VERSION}")
        return Path(named).resolve()
    tree = folder / f"micropython-{VERSION}"
    if tree.is_dir():
        return tree
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    try:
        say(f"getting MicroPython {VERSION} (Debian's source package)")
        unpack(_from_debian(folder), tree)
        return tree
    except SourceError as error:
        failures.append(f"Debian's source package: {error}")
    try:
        say(f"getting MicroPython {VERSION} (git, {GIT_URL})")
        if todo := provide(["git"], say):
            raise SourceError(todo)
        _from_git(tree)
        return tree
    except SourceError as error:
        failures.append(f"git: {error}")
    raise SourceError(
        f"MicroPython {VERSION} is not to be had. Unpack it yourself and name its folder in "
        f"GLINT_MICROPYTHON. Tried {'. Tried '.join(failures)}"
    )
