# SPDX-License-Identifier: Apache-2.0
"""Runs the commands and programs of the documents, unchanged, on emulated glasses.

A comment above a block says how it is run, where that is not obvious: see `HOW`.
"""

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from glint.cli.app import build
from test_docs import PAGES, name_of
from test_forward import Server, broker, port  # noqa: F401
from typer.main import get_command
from workbench.build import micropython, zoo
from workbench.device import deploy
from workbench.emulation import sound
from workbench.emulation.simprocess import simulator
from workbench.paths import BOARDS, ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

GLINT = str(Path(sys.executable).with_name("glint"))
TIMEOUT_S = 120.0
MIRROR = ROOT.parent / "shared" / "models"
# A block of code, fenced or indented, and the text of a comment just above it.
BLOCK = re.compile(
    r"(?:^<!-- runs: (?P<how>[^\n]*) -->\n\n?)?"
    r"(?:^```(?P<kind>python)[^\n]*\n(?P<fenced>.*?)^```$|(?P<shell>(?:^ {4}\S[^\n]*\n)+))",
    re.MULTILINE | re.DOTALL,
)
HOW = {
    "app": "a program that ends by itself",
    "app until LINE": "a program that is stopped once it has printed LINE",
    "extension": "a module that the glasses import",
    "board": "a board's board.py",
    "in FILE": "a piece of a file of this repository, which has tests of its own",
    "tflm": "a script for the linux board, with a model in `buf` and its input in `features`",
    "synopsis": "an overview: each command has to exist",
    "in test-all": "takes long: make test-all runs it",
    "no": "no commands",
}
# The beginnings of lines that are not run here, and why.
NOT_RUN = {
    "make ": "a target of the Makefile: CI runs those it needs",
    "git clone": "it needs a network",
    "cd glint": "the tests run in a checkout",
    ". .venv": "the tests run in that environment",
    "pip install": "it needs a network",
    "pytest --glasses=serial": "it needs a board",
    "pytest --glasses=linux": "tests/examples/test_own_tests.py runs it",
    "wireshark": "it needs a desktop; tests/examples/test_own_tests.py runs tshark",
    "mpremote connect": "it needs a board",
    "python -m workbench.runners.porttest": "it takes five minutes",
    "python -m workbench.measure.speech --voices": "it needs recordings of people",
    "glint wake eval": "it needs recordings of people",
    "glint hil": "it needs a person; tests/testing/test_hil.py plays one",
    "glint train wake": "it takes an hour",
    "glint listen --hci": "it needs the address that another terminal shows",
}

# Commands that have commands of their own.
GROUPS = ("energy", "image", "model", "train", "vision", "wake")


def blocks(kind):
    """Each block of a kind, "python" or "shell", as a parameter (page, how it is run, text)."""
    for page in PAGES:
        if page.name == "README.zh-CN.md":
            continue  # another test holds it to the same code
        found = [block for block in BLOCK.finditer(page.read_text()) if block[kind_of(kind)]]
        for number, block in enumerate(found):
            text = block[kind_of(kind)]
            name = f"{name_of(page)}-{number}"
            yield pytest.param(page, block["how"] or "", text, id=name)


def kind_of(kind):
    return "fenced" if kind == "python" else kind


EXTENSIONS = [
    text for page, how, text in (p.values for p in blocks("python")) if how == "extension"
]
# The page's second block is a function that its reader would call.
CALLED = """
_start = start


def start(app, server):
    async def fall():
        while True:
            report_fall(app, 120)
            await asyncio.sleep(5)

    return _start(app, server) + [fall()]
"""


LISTENING = """
import asyncio, glint

async def main():
    async with glint.connect() as glasses:
        async for event in glasses.events():
            print(event)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what the documents assume: models, sounds, and the user's own modules."""
    folder = tmp_path_factory.mktemp("docs")
    for name in ("mymodel", "my_word"):
        zoo.place("okay_nabu", folder, MIRROR if MIRROR.is_dir() else None)
        for made in list(folder.glob("okay_nabu.*")):
            made.rename(folder / f"{name}{made.suffix}")
    pause = sound.silence(2.5)
    said = sound.join(pause, sound.speech("okay nabu"), pause, pause)
    for name in ("speech", "said-by-me", "somebody-else"):
        sound.save(folder / f"{name}.wav", said)
    asked = sound.join(said, sound.speech("okay nabu"), sound.speech("battery"), pause, pause)
    sound.save(folder / "speech.wav", asked)
    (folder / "extension.py").write_text("\n".join(EXTENSIONS) + CALLED)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def glasses(folder, tmp_path_factory):
    """Emulated glasses that hear their wake word again and again, and import the extension."""
    flash = tmp_path_factory.mktemp("flash")
    shutil.copy(folder / "extension.py", flash)
    mirror = ["--mirror", str(MIRROR)] if MIRROR.is_dir() else []
    sounds = ["--mic", str(folder / "speech.wav"), "--loop"]
    async with simulator("--flash", str(flash), *sounds, *mirror) as running:
        yield running


def environment(glasses):
    mirror = {"GLINT_MIRROR": str(MIRROR)} if MIRROR.is_dir() else {}
    path = os.pathsep.join([str(Path(GLINT).parent), os.environ["PATH"]])
    return {**os.environ, **mirror, "PATH": path, "GLINT_HCI": glasses.address}


async def run(words, glasses, folder):
    """Runs a program to its end; it has to succeed."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=environment(glasses),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode()
    return said.decode()


def commands(text):
    """The lines of a block without their comments."""
    return [re.sub(r"\s+# .*", "", line).strip() for line in text.splitlines()]


def why_not(line):
    """Returns why a line is not run here, or ""."""
    if re.search(r"--port\b|/dev/tty", line):
        return "it needs a board"
    return next((why for start, why in NOT_RUN.items() if line.startswith(start)), "")


@pytest.mark.parametrize(("page", "how", "text"), list(blocks("shell")))
async def test_commands(page, how, text, glasses, folder, request):
    if how == "no":
        return
    lines = commands(text)
    if how == "synopsis":
        check_synopsis(lines)
        return
    reasons = [why_not(line) for line in lines]
    if all(reasons):
        pytest.skip("; ".join(dict.fromkeys(reasons)))
    if how == "in test-all" and not os.environ.get("GLINT_TEST_ALL"):
        pytest.skip("it takes long: make test-all runs it")
    for line in lines:
        if why_not(line):
            continue
        if line.startswith("export GLINT_HCI="):
            # The output on the page has to look like what `glint sim` prints.
            shape = re.sub(r"\d+", "N", line.removeprefix("export GLINT_HCI="))
            assert shape == re.sub(r"\d+", "N", glasses.address)
        elif line.startswith("glint sim"):
            await run([GLINT, *shlex.split(line)[1:], "--seconds", "1"], glasses, folder)
        elif line.startswith("glint dash"):
            await run_until("/?token=", [GLINT, *shlex.split(line)[1:]], glasses, folder)
        elif line.startswith("glint listen "):
            await forwards(line, glasses, folder, request)
        elif line.startswith("glint "):
            await run([GLINT, *shlex.split(line)[1:]], glasses, folder)
        else:
            known = line.startswith(("mkdir ", "printf "))
            assert known, f"nobody has said how to run: {line}"
            await run(["sh", "-c", line], glasses, folder)


def check_synopsis(lines):
    """Each command of lines such as `glint scan | photo -o FILE` has its help."""
    named = set()
    for line in lines:
        first, *others = [part.split() for part in line.removeprefix("glint ").split("|")]
        words = [word for word in first if re.fullmatch(r"[a-z]+", word)]
        group = words[:1] if words[0] in GROUPS else []
        named.add((*group, words[len(group)]))
        named |= {(*group, other[0]) for other in others if re.fullmatch(r"[a-z]+", other[0])}
    assert len(named) > 10
    every = get_command(build())
    for words in named:
        command = every
        for word in words:
            command = command.commands.get(word)
            assert command, words


@pytest.mark.parametrize(("page", "how", "text"), list(blocks("python")))
async def test_python(page, how, text, glasses, folder, tmp_path):
    if how.startswith("in "):
        assert text in (ROOT / how.removeprefix("in ")).read_text()
        return
    kind, _, line = how.partition(" until ")
    match kind:
        case "app":
            (folder / "app.py").write_text(text)
            if line:
                await run_until(line, [sys.executable, "-u", "app.py"], glasses, folder)
            else:
                assert await run([sys.executable, "-W", "error", "app.py"], glasses, folder)
        case "extension":
            script = "import asyncio, glint\n"
            script += "async def main():\n"
            script += "    async with glint.connect() as glasses:\n"
            script += "        async for event in glasses.events():\n"
            script += (
                "            if isinstance(event, glint.events.Unknown): return print(event)\n"
            )
            script += "asyncio.run(main())\n"
            said = await run([sys.executable, "-c", script], glasses, folder)
            assert "'height_cm': 120" in said
        case "board":
            check_board(text, tmp_path)
        case "tflm":
            (tmp_path / "m").write_bytes(zoo.find("okay_nabu").read_bytes())
            before = "buf = open('m', 'rb').read()\nfeatures = bytes(120)\n"
            script = f"{before}{text}\nprint(probability)"
            assert await run([micropython.ensure("linux"), "-c", script], glasses, tmp_path)
        case _:
            pytest.fail(f"{name_of(page)} does not say how this is run: {', '.join(HOW)}")


async def run_until(line, words, glasses, folder):
    """Runs a program until it has printed `line`, then stops it as Ctrl-C does."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=folder,
        env=environment(glasses),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while line not in (said := (await process.stdout.readline()).decode()):
                assert said, (await process.stderr.read()).decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(2)
        await asyncio.wait_for(process.communicate(), TIMEOUT_S)


async def forwards(line, glasses, folder, request):
    """Runs `glint listen` until the program, server or broker that it forwards to has an event.

    Hosts that are not there are replaced by this one, and so is the desktop's notify-send.
    """
    async with contextlib.AsyncExitStack() as stack:
        if "--webhook" in line:
            server = await stack.enter_async_context(Server())
            line = line.replace("https://example.org/hook", server.url)
            taken = lambda: server.bodies  # noqa: E731
        elif "--mqtt" in line:
            import aiomqtt

            port = request.getfixturevalue("port")
            await stack.enter_async_context(broker(port))
            line = re.sub(r"(?<=[@/])broker", f"127.0.0.1:{port}", line)
            reader = await stack.enter_async_context(aiomqtt.Client("127.0.0.1", port))
            await reader.subscribe("#")
            arrived = asyncio.ensure_future(anext(aiter(reader.messages)))
            stack.callback(arrived.cancel)
            taken = arrived.done
        else:
            program = folder / "notify-send"
            program.write_text(f'#!/bin/sh\ncat >"{folder}/notified"\n')
            program.chmod(0o755)
            line = line.replace("notify-send", str(program))
            taken = (folder / "notified").exists
        process = await asyncio.create_subprocess_exec(
            *[GLINT, *shlex.split(line)[1:], "--unread"], cwd=folder, env=environment(glasses)
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not taken():
                    assert process.returncode is None
                    await asyncio.sleep(0.05)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def check_board(text, folder):
    """The block is a board's board.py: it runs with the drivers, and the hardware is played."""
    for path, data in deploy.bundle(str(ROOT / "examples" / "own_board"), [], "", None).items():
        if "/" not in path:
            (folder / path).write_bytes(data)
    (folder / "board.py").write_text(text)
    played = ROOT / "tests" / "device" / "esp32s3"
    done = subprocess.run(
        [micropython.ensure("linux"), "-c", "import board; print(board.name, board.camera)"],
        capture_output=True,
        text=True,
        check=False,
        env={"MICROPYPATH": f"{folder}:{played}:{BOARDS / 'simulation'}:.frozen"},
    )
    assert done.stdout == "own_board None\n", done.stdout + done.stderr
