# SPDX-License-Identifier: Apache-2.0
"""Builds the guest's root file system, kernel and initramfs from Debian packages."""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.paths import BUILD
from workbench.system import Say, provide

FOLDER = BUILD / "bluez"
# The guest uses this checkout's Python packages, so it has the Python that they were made for.
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
# The first is a 6.12 beside bookworm's own packages; the others have 6.1 and 6.12 of their own.
KERNELS = ("bookworm-backports", "bookworm", "trixie")
# mmdebstrap names the base suite's mirror and keys; backports lie on the same mirror.
ADD_BACKPORTS = (
    "--setup-hook=sed -n 's/ {} / {} /p' \"$1/etc/apt/sources.list\" "
    '>"$1/etc/apt/sources.list.d/backports.list"'
)
ROOT_PACKAGES = "bluez,dbus,python3,kmod,busybox-static"
KERNEL_PACKAGES = "linux-image-amd64,kmod"
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
# The kernel modules needed to mount the root file system.
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
SHARE = "trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro"
INIT = """\
#!/bin/busybox sh
B=/bin/busybox
for kind in proc sysfs devtmpfs; do
  case $kind in proc) at=/proc;; sysfs) at=/sys;; *) at=/dev;; esac
  $B mount -t $kind $kind $at
done
for module in {modules}; do $B insmod /$module; done
$B mount -t 9p -o {share} root /low
$B mount -t tmpfs tmpfs /new
$B mkdir /new/upper /new/work /new/root
$B mount -t overlay -o lowerdir=/low,upperdir=/new/upper,workdir=/new/work root /new/root
cd /new/root
$B mkdir -p proc sys dev run tmp inside glint packages files usr/lib/modules
for share in inside glint packages files; do $B mount -t 9p -o {share} $share $share; done
$B mount -t 9p -o {share} modules usr/lib/modules
for folder in proc sys dev; do $B mount --move /$folder $folder; done
for folder in run tmp; do $B mount -t tmpfs tmpfs $folder; done
exec $B switch_root /new/root /usr/bin/python3 -u /inside/inside.py
"""


class GuestError(WorkbenchError):
    """The guest cannot be made, did not come up, or does not answer."""


@dataclass(frozen=True)
class System:
    """The files that QEMU boots from.

    Attributes:
        root: The root file system, a folder.
        kernel: The kernel's image.
        modules: Its modules, a folder for /usr/lib/modules.
        initramfs: A cpio that mounts them.
    """

    root: Path
    kernel: Path
    modules: Path
    initramfs: Path


def _run(command: list[str], **options: object) -> None:
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
            **options,  # type: ignore[call-overload]
        )
    except subprocess.CalledProcessError as error:
        last = str(error.stderr).strip().splitlines()[-3:]
        raise GuestError(f"{command[0]} failed: {' / '.join(last)}") from None


def _unpacked(name: str, suite: str, packages: str, say: Say) -> Path:
    """Unpacks Debian packages and their dependencies, without running their scripts."""
    folder = FOLDER / name
    if folder.exists():
        return folder
    say(f"fetching {packages} of Debian's {suite}")
    new = FOLDER / f"{name}.new"
    shutil.rmtree(new, ignore_errors=True)
    options = ["--variant=extract", "--format=directory", f"--hook-dir={MERGED}"]
    base, _, backports = suite.partition("-")
    if backports:
        options.append(ADD_BACKPORTS.format(base, suite))
        options.append(f'--aptopt=APT::Default-Release "{suite}"')
    _run(["mmdebstrap", *options, f"--include={packages}", base, str(new)])
    return new.rename(folder)


def _kernel(suite: str, say: Say) -> Path:
    folder = _unpacked(f"kernel-{suite}", suite, KERNEL_PACKAGES, say)
    (version,) = (folder / "usr/lib/modules").iterdir()
    if not (version / "modules.dep").exists():
        # The root's own program and libraries are used: this machine's may differ or be missing.
        loader = folder / "usr/lib64/ld-linux-x86-64.so.2"
        libraries = folder / "usr/lib/x86_64-linux-gnu"
        command = [str(loader), "--argv0", "depmod", "--library-path", str(libraries)]
        _run([*command, str(folder / "usr/bin/kmod"), "-b", str(folder), version.name])
    return folder


def _initramfs(root: Path, kernel: Path, target: Path) -> None:
    (version,) = (kernel / "usr/lib/modules").iterdir()
    paths: dict[str, list[str]] = {}
    for line in (version / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        # The last to be needed comes first in the file.
        paths[Path(path).name.partition(".")[0]] = [*reversed(needs.split()), path]
    wanted = [path for module in MODULES for path in paths.get(module, ())]
    folder = target.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "proc", "sys", "dev", "low", "new"):
        (folder / name).mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", folder / "bin/busybox")
    names = []
    for path in dict.fromkeys(wanted):
        module = (version / path).read_bytes()
        name = Path(path).name.removesuffix(".xz")
        (folder / name).write_bytes(lzma.decompress(module) if path.endswith(".xz") else module)
        names.append(name)
    init = folder / "init"
    init.write_text(INIT.format(modules=" ".join(names), share=SHARE))
    init.chmod(0o755)
    archive = f"find . | bin/busybox cpio -o -H newc > {target}"
    _run(["sh", "-c", archive], cwd=folder)


def ensure(kernel_suite: str, say: Say) -> System:
    """Builds those parts of the guest's system that are missing.

    Args:
        kernel_suite: Debian suite that the kernel comes from.
        say: Called with a line for each step that takes a while.

    Raises:
        GuestError: A package or a program is missing.
    """
    suite = SUITES.get(sys.version_info[:2])
    if suite is None or os.uname().machine != "x86_64":
        wanted = " or ".join(f"{major}.{minor}" for major, minor in SUITES)
        raise GuestError(f"the guest needs a PC and Python {wanted}: make bluez PYTHON=...")
    if missing := provide(["mmdebstrap", "qemu-system-x86_64"], say):
        raise GuestError(missing)
    FOLDER.mkdir(parents=True, exist_ok=True)
    root = _unpacked(f"root-{suite}", suite, ROOT_PACKAGES, say)
    kernel = _kernel(kernel_suite, say)
    initramfs = FOLDER / f"initramfs-{kernel_suite}.cpio"
    _initramfs(root, kernel, initramfs)
    (image,) = (kernel / "boot").glob("vmlinuz-*")
    return System(root, image, kernel / "usr/lib/modules", initramfs)
