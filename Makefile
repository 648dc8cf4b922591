# SPDX-License-Identifier: Apache-2.0
# Sets up what each target needs below .venv and build, then runs it.

PYTHON ?= python3
BOARD ?= linux
# Folder with model files, for machines without internet.
MIRROR ?= $(wildcard ../shared/models)
ifneq ($(MIRROR),)
export GLINT_MIRROR := $(abspath $(MIRROR))
endif

BIN := .venv/bin
# --no-compile leaves compiling to the first import, which makes installing a quarter faster. pip
# before 23.1 warns unless --use-pep517 is given; later versions do what it says anyway.
PIP_INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --use-pep517 \
  -c constraints.txt
# A .venv may date from before Glint was split into two distributions.
PIP_UNINSTALL := $(BIN)/python -m pip uninstall -qqy --disable-pip-version-check
C_FILES = $(shell find firmware boards -name '*.[ch]')

# A folder of pictures for the demo's camera, in place of its own.
CAMERA ?=

# A newer MicroPython, which test-all also builds and tests with: see workbench.build.sources.
NEWER := 1.26.1

.PHONY: help demo test test-all bench bench-link bluez fuzz natmod docs dist lint format clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo    run emulated glasses and a companion: say the wake word, see it arrive'
	@echo 'make test    run the tests'
	@echo 'make test-all  run them with every sweep whole: hours on two cores'
	@echo 'make bench   measure perception, models and the image'
	@echo 'make bench-link  measure what the link carries, and look for losses'
	@echo 'make bluez [KERNEL=bookworm]  try the companion on the real BlueZ, in a guest (minutes)'
	@echo 'make fuzz SECONDS=60  look for models that harm tflm (needs clang)'
	@echo 'make fuzz TARGET=smp|cbor|media|bus INPUTS=1000000  look for input that harms the link'
	@echo 'make natmod ARCH=xtensawin|armv7emsp|rv32imc|x64 [MODELS="NAME..."]  build the C modules as native .mpy files'
	@echo 'make docs    build the documentation into build/docs'
	@echo 'make lint    check style and types'
	@echo 'make format  put Python and C into the house style'
	@echo 'make dist    build both distributions into dist/, with the native modules ready-made'
	@echo 'make clean   remove everything built or installed here'
	@echo 'Variables: PYTHON=$(PYTHON) BOARD=$(BOARD) MIRROR=$(MIRROR) CAMERA=$(CAMERA)'

demo: .venv/workbench.stamp
	@$(BIN)/python -m workbench.build.micropython $(BOARD) >/dev/null
	@$(BIN)/glint demo --board $(BOARD) $(if $(CAMERA),--camera $(CAMERA))

test: .venv/dev.stamp
	@$(BIN)/python -m workbench.build.micropython linux corstone300 mps2_an386 >/dev/null
	@$(BIN)/python -m pytest -n auto --dist=loadfile
	@$(BIN)/python -m pytest -n auto --dist=loadfile --glasses=corstone300 tests/features

# Runs every sweep whole; `make test` runs a seeded share of each: see tests/sweep.py.
test-all: export GLINT_TEST_ALL := 1
test-all: .venv/train.stamp test
	@$(BIN)/python -m pytest -n auto --dist=loadfile --stack=keys-first tests/features
	@GLINT_MICROPYTHON_VERSION=$(NEWER) $(BIN)/python -m workbench.build.micropython linux corstone300 >/dev/null
	@GLINT_MICROPYTHON_VERSION=$(NEWER) $(BIN)/python -m pytest -n auto --dist=loadfile \
	  tests/build/test_build.py tests/build/test_natmod.py tests/port tests/device/test_deploy.py \
	  tests/features

bench: .venv/workbench.stamp
	@$(BIN)/python -m workbench.build.micropython linux >/dev/null
	@$(BIN)/python -m workbench.measure.firmware

bench-link: .venv/workbench.stamp
	@$(BIN)/python -m workbench.measure.link

# Debian suite of the guest's kernel: bookworm-backports has 6.12, bookworm 6.1.
KERNEL ?= bookworm-backports

bluez: .venv/workbench.stamp
	@$(BIN)/python -m workbench.build.micropython linux >/dev/null
	@$(BIN)/python -m workbench.bluez --kernel $(KERNEL)

# How long `make fuzz` looks for models that harm tflm.
SECONDS ?= 60
TARGET ?= tflm
INPUTS ?= 1000000

fuzz: .venv/dev.stamp
	@$(BIN)/python -m workbench.fuzz.models --target $(TARGET) --inputs $(INPUTS) $(SECONDS)

natmod: .venv/workbench.stamp
	@$(BIN)/python -m workbench.build.natmod $(or $(ARCH),xtensawin) $(if $(MODELS),--models $(MODELS))

docs: .venv/dev.stamp
	@$(BIN)/python -m sphinx -q -W -b html docs build/docs
	@echo 'build/docs/index.html'

dist: .venv/dev.stamp
	@$(BIN)/python -m workbench.build.dist dist

# What trains models is large; only test-all needs it.
.venv/train.stamp: .venv/dev.stamp
	@echo 'installing TensorFlow into .venv (minutes, once)'
	@$(BIN)/python -m workbench.system c++
	@$(PIP_INSTALL) -e 'tools[train]'
	@touch $@

lint: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	@echo $(BIN)/clang-format --dry-run -Werror '...'
	@$(BIN)/clang-format --dry-run -Werror $(C_FILES)

format: .venv/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	@$(BIN)/clang-format -i $(C_FILES)

clean:
	rm -rf .venv build dist demo .mypy_cache .pytest_cache .ruff_cache .hypothesis

# workbench.system checks the machine before any package is installed, and needs only Python.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or later is needed: make PYTHON=/path/to/python3 ...' >&2; exit 1; }
	@PYTHONPATH=tools:companion $(PYTHON) -m workbench.system cc make venv
	@$(PYTHON) -m venv .venv

.venv/workbench.stamp: companion/pyproject.toml tools/pyproject.toml constraints.txt | .venv/bin/python
	@echo 'installing Python packages into .venv (a minute or so, once)'
	@$(PIP_UNINSTALL) glint
	@$(PIP_INSTALL) -e 'companion[hci]' -e tools
	@touch $@

.venv/dev.stamp: companion/pyproject.toml tools/pyproject.toml constraints.txt | .venv/bin/python
	@echo 'installing Python packages into .venv (a minute or so, once)'
	@$(PIP_UNINSTALL) glint
	@$(PIP_INSTALL) -e 'companion[hci]' -e 'tools[dev]'
	@$(PIP_INSTALL) --no-deps smpmgr readchar
	@touch .venv/workbench.stamp $@
