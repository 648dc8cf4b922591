# SPDX-License-Identifier: Apache-2.0
"""Checks the documents: they build without warnings, have no dead links, and their code parses."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from workbench.paths import ROOT

LISTED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.split()
PAGES = [ROOT / name for name in LISTED if (ROOT / name).exists()]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def name_of(page):
    return str(page.relative_to(ROOT))


def blocks(language):
    """Yields (page, number, text) of each block of code in that language."""
    for page in PAGES:
        found = [text for _, kind, text in FENCE.findall(page.read_text()) if kind == language]
        yield from ((page, number, text) for number, text in enumerate(found))


def test_the_documentation_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "tutorial.html").exists()


def slug(heading):
    """The anchor that a forge gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def anchors(page):
    text = FENCE.sub("", page.read_text())
    return {slug(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_within_the_repository_is_dead(page):
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize(
    ("page", "number", "text"),
    [pytest.param(*block, id=f"{name_of(block[0])}-{block[1]}") for block in blocks("python")],
)
def test_python_in_the_documents_is_python(page, number, text):
    ast.parse(text)


def test_every_page_of_docs_is_in_the_table_of_contents():
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {path.stem for path in Path(ROOT / "docs").glob("*.md")} - {"index", "README"}
    assert pages == set(re.findall(r"^([\w-]+)$", index, re.MULTILINE)) & pages


def test_the_readme_says_the_same_in_both_languages():
    english, chinese = ((ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md"))
    for code in re.findall(r"(?:^    .*\n)+", english, re.MULTILINE):
        assert code in chinese
    figures = [line for line in english.splitlines() if re.match(r"\|.*\| [\d,.]+ ", line)]
    assert figures
    assert not [line for line in figures if line not in chinese]


def test_every_control_command_of_emulated_glasses_is_documented():
    tree = ast.parse((ROOT / "tools" / "workbench" / "emulation" / "sim.py").read_text())
    within = next(node for node in ast.walk(tree) if getattr(node, "name", "") == "obey")
    cases = [node.pattern for node in ast.walk(within) if isinstance(node, ast.match_case)]
    commands = [case.value.value for case in cases if isinstance(case, ast.MatchValue)]
    page = (ROOT / "docs" / "emulated-glasses.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page.partition("| `do` |")[2], re.M) == commands
