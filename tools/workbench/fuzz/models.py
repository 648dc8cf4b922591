# SPDX-License-Identifier: Apache-2.0
"""Fuzzes tflm's loading, planning and running of models, with sanitizers; and micdsp, and the link.

`python -m workbench.fuzz.models SECONDS [FILE...]` runs libFuzzer (clang) from the files of
tests/tflm/tflm_corpus, which is not changed, and from given models. What it finds is left in
build/fuzz. With `--target micdsp` it draws what a listener hears and is asked to record.
`python -m workbench.fuzz.models --target smp|cbor|media|bus [--inputs N] [--seed S]` is for `link`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.fuzz import link
from workbench.paths import BUILD, MODULES, ROOT

TESTS = ROOT / "tests"
CORPUS = TESTS / "tflm" / "tflm_corpus"
# By module, the files that fuzzing starts from.
CORPORA: dict[str, Path | None] = {"tflm": CORPUS, "micdsp": None}
CFLAGS = ["-std=c99", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all"]
CFLAGS += ["-DTFLM_FOR_TOOLS=1"]
MAX_BYTES = 100_000


class FuzzError(WorkbenchError):
    """The target did not build, or the fuzzer found a fault; the message says where it lies."""


def build(module: str, compiler: str, output: Path, *flags: str) -> None:
    """Compiles a module's fuzz target and core with `flags`.

    Raises:
        FuzzError: The compiler failed.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    core = MODULES / module / "core"
    sources = [TESTS / module / f"{module}_fuzz.c", *sorted(core.glob("**/*.c"))]
    command = [compiler, *CFLAGS, *flags, "-I", str(core), "-o", str(output), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FuzzError(f"the fuzz target did not compile:\n{done.stderr}")


def build_replay(module: str = "tflm") -> Path:
    """Builds the program that replays files, with gcc's or clang's sanitizers.

    Raises:
        FuzzError: It did not compile.
    """
    output = BUILD / "fuzz" / f"replay_{module}"
    build(module, "cc", output, "-fsanitize=address,undefined", "-DREPLAY")
    return output


def fuzz(module: str, seconds: int, extra: list[Path]) -> None:
    """Runs the fuzzer.

    Raises:
        FuzzError: No clang, or a fault was found.
    """
    if not shutil.which("clang"):
        raise FuzzError("no clang: install it (Debian: apt-get install clang libclang-rt-14-dev)")
    folder = BUILD / "fuzz" / module
    target = folder / "target"
    build(module, "clang", target, "-fsanitize=fuzzer,address,undefined")
    found = folder / "corpus"
    found.mkdir(exist_ok=True)
    seeds = folder / "seeds"
    shutil.rmtree(seeds, ignore_errors=True)
    seeds.mkdir()
    corpus = CORPORA[module]
    for path in [*(corpus.iterdir() if corpus else ()), *extra]:
        shutil.copyfile(path, seeds / path.name)
    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        "-timeout=10",
        "-rss_limit_mb=512",
    ]
    artifacts = f"-artifact_prefix={folder}/"
    done = subprocess.run([target, *limits, artifacts, found, seeds], check=False)
    if done.returncode:
        raise FuzzError(f"a fault was found: the input is in {folder}")


def main(arguments: list[str]) -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m workbench.fuzz.models", description=__doc__)
    parser.add_argument("--target", choices=(*CORPORA, *link.TARGETS), default="tflm")
    parser.add_argument("--inputs", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("seconds", type=int, nargs="?", default=60)
    parser.add_argument("files", type=Path, nargs="*")
    given = parser.parse_args(arguments)
    try:
        if given.target in CORPORA:
            fuzz(given.target, given.seconds, given.files)
        else:
            link.fuzz(given.target, given.seed, given.inputs)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
