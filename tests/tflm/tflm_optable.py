# SPDX-License-Identifier: Apache-2.0
"""Writes the table of operators in firmware/modules/tflm/README.md.

`python tests/tflm/tflm_optable.py` runs every case of every operator. test_tflm_ops.py does so too,
and fails when a row of the table differs from the results.
"""

import re

import tflm_cases
import tflm_conformance
from workbench.paths import MODULES

README = MODULES / "tflm" / "README.md"
CORE = MODULES / "tflm" / "core"
BEGIN = "<!-- Written by tests/tflm/tflm_optable.py. -->\n"
END = "<!-- Until here. -->\n"
HEAD = """\
| operator | types | kernel |
|---|---|---|
"""
# What faster kernels use, and how a file tells that it has some or calls them.
SUMS = r"tflm_conv_part|tflm_depthwise_sums|tflm_dense\w*\(|tflm_dot1\("
SEAMS = r"(?:elements|pool|bytes|lstm)\.h"
EXTENSIONS = {
    "DSP": rf"TFLM_DSP|{SUMS}|{SEAMS}",
    "Helium": rf"TFLM_HELIUM|{SUMS}|{SEAMS}",
    "MAC16": r"TFLM_XTENSA|tflm_dense_all\(",
}
VARIANTS = {"FLOAT32": " float32", "INT16": " int16", "INT4": " int4"}
ROW = r"ROW\((\w+), (\w+), \w+, \d+, \w+, \w+, (\w+)\)"


def kernels():
    """What runs each operator of operators.h, by the name of its cases: a file of core/ops.

    Beside it stand the instruction sets for which it has, or calls, faster kernels.
    """
    files = {}
    for path in sorted((CORE / "ops").glob("*.c")):
        text = path.read_text()
        fast = [extension for extension, said in EXTENSIONS.items() if re.search(said, text)]
        for name in re.findall(r"^(?:TFLM_EVAL|EVAL)\((\w+)", text, re.MULTILINE):
            files.setdefault(name, ", ".join([path.name, *fast]))  # xtensa.c comes last.
    rows = re.findall(ROW, (CORE / "ops" / "operators.h").read_text())
    int8 = {name: files.get(run, "") for name, kind, run in rows if kind == "INT8"}
    others = [(name, kind, files[run]) for name, kind, run in rows if kind != "INT8"]
    return int8 | {name + VARIANTS[kind]: file for name, kind, file in others}


def row(name, result):
    """A row of the table; `result` is a Comparison, or None for what only whole models show."""
    operator, file = name.split()[0], kernels()[name]
    if result is None:
        return f"| {operator} | | {file} |\n"
    types = ", ".join(result.types) + (" with int4 weights" if name.endswith("int4") else "")
    return f"| {operator} | {types} | {file} |\n"


def written():
    """The rows that the README has."""
    table = README.read_text().partition(BEGIN)[2].partition(END)[0]
    return table.removeprefix(HEAD).splitlines(keepends=True)


def main():
    results = {name: tflm_conformance.compare(name) for name in tflm_cases.CASES}
    results |= dict.fromkeys(tflm_conformance.ELSEWHERE)
    before, _, rest = README.read_text().partition(BEGIN)
    table = "".join(row(name, results[name]) for name in sorted(results))
    README.write_text(before + BEGIN + HEAD + table + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
