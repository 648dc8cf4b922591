# SPDX-License-Identifier: Apache-2.0
"""Tests how MicroPython's source is found: apt's source lists, pins, and a tree of the user's."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil
import subprocess
import tarfile

import pytest
from workbench.build import sources

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib  # the mirror
deb-src [arch=amd64 signed-by=/keys/debian.gpg check-valid-until=no] https://b.example/d trixie main
deb http://mirror.example/debian-security bookworm-security main
deb [signed-by=/keys/tool.asc] https://tool.example/apt bookworm stable
"""

DEB822 = """\
# as Debian's installer writes it
Types: deb
URIs: http://one.example/debian http://two.example/debian
Suites: trixie trixie-updates
Components: main
# a comment inside
Signed-By: /keys/debian.gpg

Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
Enabled: no

Types: deb
URIs: http://inline.example/debian
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----
"""

UBUNTU = """\
Types: deb
URIs: http://ubuntu.example/ubuntu
Suites: noble noble-updates
Components: main universe
"""


@pytest.fixture
def apt(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_one_line_lists(apt):
    (apt / "sources.list").write_text(ONE_LINE)
    assert sources.debian_mirrors(apt) == [
        sources.Mirror("http://mirror.example/debian"),
        sources.Mirror(
            "https://b.example/d",
            (("Signed-By", "/keys/debian.gpg"), ("Check-Valid-Until", "no")),
        ),
    ]


def test_deb822_lists(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    found = sources.debian_mirrors(apt)
    assert [mirror.uri for mirror in found] == [
        "http://one.example/debian",
        "http://two.example/debian",
        "http://inline.example/debian",
    ]
    assert found[0].options == (("Signed-By", "/keys/debian.gpg"),)
    # A key inside the entry is carried over with its indentation, as apt needs it.
    assert "Signed-By: \n -----BEGIN" in found[2].stanza()
    assert found[2].stanza().startswith("Types: deb-src\nURIs: http://inline.example/debian\n")


def test_no_debian_mirror_on_ubuntu(apt):
    (apt / "sources.list.d" / "ubuntu.sources").write_text(UBUNTU)
    assert sources.debian_mirrors(apt) == []


def test_a_machine_without_apt(tmp_path):
    assert sources.debian_mirrors(tmp_path / "nothing") == []


def a_tarball(path, *, top="micropython-1.25.0"):
    with tarfile.open(path, "w:xz") as archive:
        info = tarfile.TarInfo(f"{top}/py/mpconfig.h")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))


def test_the_pinned_tarball_is_unpacked(tmp_path, monkeypatch):
    tarball = tmp_path / "a.tar.xz"
    a_tarball(tarball)
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    release = dataclasses.replace(sources.RELEASE, tarball_sha256=digest)
    monkeypatch.setattr(sources, "RELEASE", release)
    sources.unpack(tarball, tmp_path / "tree")
    assert (tmp_path / "tree" / "py" / "mpconfig.h").read_text() == "abc"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.xz", "tree"]


def test_another_tarball_is_refused_and_not_kept(tmp_path):
    tarball = tmp_path / "a.tar.xz"
    a_tarball(tarball)
    with pytest.raises(sources.SourceError, match="sha256"):
        sources.unpack(tarball, tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


def a_tree(folder, version):
    (folder / "py").mkdir()
    (folder / "py" / "mpconfig.h").write_text(
        "".join(
            f"#define MICROPY_VERSION_{part} {number}\n"
            for part, number in zip(("MAJOR", "MINOR", "MICRO"), version.split("."), strict=True)
        )
    )


def test_a_tree_of_the_users_comes_first(tmp_path, monkeypatch):
    a_tree(tmp_path, sources.VERSION)
    monkeypatch.setenv("GLINT_MICROPYTHON", str(tmp_path))
    assert sources.micropython() == tmp_path.resolve()


def test_a_tree_of_another_version_is_refused(tmp_path, monkeypatch):
    a_tree(tmp_path, "1.24.0")
    monkeypatch.setenv("GLINT_MICROPYTHON", str(tmp_path))
    with pytest.raises(sources.SourceError, match=rf"1\.24\.0, not {sources.VERSION}"):
        sources.micropython()
    monkeypatch.setenv("GLINT_MICROPYTHON", str(tmp_path / "py"))
    with pytest.raises(sources.SourceError, match="no MicroPython source tree"):
        sources.micropython()


def test_failures_of_every_way_are_told(tmp_path, monkeypatch):
    monkeypatch.delenv("GLINT_MICROPYTHON", raising=False)
    monkeypatch.setattr(sources, "APT_FOLDER", tmp_path)
    monkeypatch.setattr(sources, "GIT_URL", str(tmp_path / "no-repository"))
    said = []
    with pytest.raises(sources.SourceError, match=r"knows no Debian mirror|no apt-get") as caught:
        sources.micropython(said.append, folder=tmp_path / "sources")
    assert "GLINT_MICROPYTHON" in str(caught.value)
    assert "git" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(said) == 2


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository in place of MicroPython's, for when only git can provide the source."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    origin = tmp_path / "origin"
    origin.mkdir()
    a_tree(origin, sources.VERSION)

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        command = ["git", "-C", str(origin), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "release")
    git("tag", sources.GIT_TAG)
    monkeypatch.delenv("GLINT_MICROPYTHON", raising=False)
    monkeypatch.setattr(sources, "APT_FOLDER", tmp_path / "no-apt")
    monkeypatch.setattr(sources, "GIT_URL", origin.as_uri())
    return git("rev-parse", "HEAD")


def test_git_serves_where_debian_cannot(repository, tmp_path, monkeypatch):
    release = dataclasses.replace(sources.RELEASE, git_commit=repository)
    monkeypatch.setattr(sources, "RELEASE", release)
    tree = sources.micropython(folder=tmp_path / "sources")
    assert sources.version_of(tree) == sources.VERSION


def test_a_tag_that_moved_is_refused_and_not_kept(repository, tmp_path):
    with pytest.raises(sources.SourceError, match=f"is commit {repository}, not"):
        sources.micropython(folder=tmp_path / "sources")
    assert not list((tmp_path / "sources").glob("micropython*"))
