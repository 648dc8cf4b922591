# SPDX-License-Identifier: Apache-2.0
"""Checks the CI job that builds our ESP32-S3 image, as far as possible without running it."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from hardware import whole_image
from workbench.build import receiver, sources
from workbench.paths import ROOT

yaml = pytest.importorskip("yaml")

# What Espressif's container has, Debian's build-essential adds and uv is installed as.
PROGRAMS = {"apt-get", "cp", "curl", "export", "git", "grep", "make", "python", "tar", "uv", "."}
HEADERS = ROOT / "tests" / "device" / "esp32s3" / "include"
ACTIONS = {"actions/checkout@v4", "actions/upload-artifact@v4"}


@pytest.fixture(scope="module")
def workflow():
    text = (ROOT / ".github" / "workflows" / "esp32s3-image.yml").read_text()
    found = yaml.safe_load(text)
    assert set(found[True]) == {"push", "workflow_dispatch"}  # YAML 1.1 reads `on` as true
    return found


@pytest.fixture(scope="module")
def job(workflow):
    return {"env": workflow["env"], **workflow["jobs"]["build"]}


@pytest.fixture(scope="module")
def scripts(workflow):
    """Each step's script, by the step's name."""
    found = {}
    for job in workflow["jobs"].values():
        assert job["defaults"]["run"]["shell"] == "bash"
        found |= {step["name"]: step["run"] for step in job["steps"] if "run" in step}
    return found


def test_nothing_is_built_before_the_receiver_compiles_against_real_headers(workflow, scripts):
    headers = workflow["jobs"]["headers"]
    assert workflow["jobs"]["build"]["needs"] == "headers"
    assert headers["container"] == "espressif/idf:${{ matrix.idf }}"
    numbers = {f"{version}.0".removeprefix("v") for version in headers["strategy"]["matrix"]["idf"]}
    shown = (HEADERS / "driver" / "i2s_common.h").read_text()
    for number in numbers:  # each that is restated for make test
        assert "".join(f"{int(part):02}" for part in number.split(".")[:3]).lstrip("0") in shown
    assert receiver.main.__doc__
    script = scripts["Compile the receiver against ESP-IDF's headers"]
    assert f'-m {receiver.__name__} "$IDF_PATH"' in script


SDKCONFIG = ROOT / "boards" / "esp32s3" / "image" / "sdkconfig.board"


def test_a_setting_that_esp_idf_does_not_take_ends_it(scripts, tmp_path):
    settings = tmp_path / "boards" / "esp32s3" / "image" / "sdkconfig.board"
    settings.parent.mkdir(parents=True)
    settings.write_text(SDKCONFIG.read_text())
    made = tmp_path / "build" / "image" / "sdkconfig"
    made.parent.mkdir(parents=True)
    made.write_text(SDKCONFIG.read_text())
    command = ["bash", "-eo", "pipefail", "-c", scripts["Check the image's settings"]]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    made.write_text(SDKCONFIG.read_text().replace("CONFIG_I2S_ISR_IRAM_SAFE=y\n", ""))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "not set: CONFIG_I2S_ISR_IRAM_SAFE=y\n")


def test_its_container_and_micropython_fit(job):
    assert job["env"]["MICROPYTHON"] == sources.GIT_TAG
    image, _, version = job["container"].partition(":")
    assert image == "espressif/idf"
    port = sources.micropython() / "ports" / "esp32" / "README.md"
    supported = re.search(r"MicroPython supports (.*)\.\n", port.read_text())
    assert version in re.findall(r"v[\d.]*\d", supported[1])


def test_it_uses_actions_that_are_known(job):
    assert {step["uses"] for step in job["steps"] if "uses" in step} == ACTIONS


def test_bash_and_shellcheck_take_its_scripts(scripts, tmp_path):
    for name, script in scripts.items():
        assert "${{" not in script, name
        path = tmp_path / "script"
        path.write_text(script)
        commands = [["bash", "-n", path]]
        if shutil.which("shellcheck"):  # SC1091: what is sourced is not there
            commands.append(["shellcheck", "-s", "bash", "-e", "SC1091", path])
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, name + done.stdout + done.stderr


def test_it_calls_programs_and_names_files_that_are_there(scripts):
    for name, script in scripts.items():
        for line in script.replace("\\\n", " ").splitlines():
            found = re.match(r"\s*(?:\w+=\"\$\([^)]*\)\" +)?([\w./-]+)(?= |$)", line)
            if found and not re.match(r"\s*(#|for |done|-|\"|options)", line):
                program = found[1]
                assert program in PROGRAMS or program == "build/venv/bin/python", (name, line)
    text = "\n".join(scripts.values())
    for path in re.findall(r"\$PWD/(boards/[\w/.]+)", text):
        assert (ROOT / path).exists(), path
    assert (ROOT / re.search(r" -c (\S+\.txt)", text)[1]).exists()
    asked = re.search(r"uv venv --python 3\.(\d+)", text)[1]
    for folder, extra in re.findall(r"-e '?(\w+)(?:\[(\w+)\])?'?", text):
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        assert not extra or extra in project["optional-dependencies"]
        assert int(asked) >= int(project["requires-python"].removeprefix(">=3."))


def test_micropythons_makefile_makes_what_it_copies(scripts):
    text = scripts["Build the image"]
    makefile = (sources.micropython() / "ports" / "esp32" / "Makefile").read_text()
    for target in re.findall(r'"\$\{options\[@\]\}" (\w+)', text):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for variable in re.findall(r"[( ](BOARD|BOARD_DIR|BUILD|USER_C_MODULES)=", text):
        assert f"$({variable}" in makefile or f"${{{variable}}}" in makefile
    copied = re.search(r"cp build/image/(\S+) ", text)[1]
    assert f"$(BUILD)/{copied}" in makefile


def test_what_it_attaches_is_checked_and_packed(job, scripts, tmp_path):
    (tmp_path / "glint-esp32s3.bin").write_bytes(whole_image())
    python = tmp_path / "build" / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)

    def run(script):
        command = ["bash", "-eo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run(scripts["Check the image"])
    assert done.returncode == 0, done.stderr
    assert "factory" in done.stdout
    damaged = bytearray(whole_image())
    damaged[0x10800] ^= 0x10
    (tmp_path / "glint-esp32s3.bin").write_bytes(damaged)
    assert run(scripts["Check the image"]).returncode != 0

    (uploaded,) = [step["with"]["path"].split() for step in job["steps"] if "with" in step]
    attached = re.search(r"(?m)^file=(.*)$", scripts["Attach to the release"])[1].split()
    assert uploaded == attached == ["glint-esp32s3.bin"]
