# SPDX-License-Identifier: Apache-2.0
"""`glint model`: looks into .tflite models and runs them, here or on an emulated board."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import Mirror
from workbench.errors import WorkbenchError
from workbench.host import tflm
from workbench.models import inference

app = typer.Typer(no_args_is_help=True, help="Look into .tflite models and run them.")

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A file, or a name of the zoo.")]
BoardThatRuns = Annotated[str, typer.Option(help=f"Where it runs: {', '.join(inference.BOARDS)}.")]


class ModelFileError(WorkbenchError):
    """A file for a model cannot be read or written, or does not hold what it should."""


def _model(name: str, mirror: Path | None) -> bytes:
    """The bytes of a model, by its file or its name in the zoo."""
    from workbench.build import zoo

    return _read(zoo.find(name, mirror), "model")


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the {what} {path}: {error.strerror}") from None


def _json_tensor(tensor: tflm.Tensor) -> dict[str, object]:
    described = asdict(tensor)
    del described["name"]
    return described


def describe(name: str, mirror: Path | None = None) -> dict[str, object]:
    """What `glint model info --json` prints; macs and arena_bytes are None for unsupported models.

    Raises:
        zoo.ZooError: No such model.
        tflm.ModelError: It is malformed.
    """
    model = _model(name, mirror)
    counts = tflm.operators(model)
    unsupported = sorted(set(counts) - set(tflm.supported()))
    macs = arena_bytes = None
    try:
        loaded = tflm.Model(model)
        macs, arena_bytes = loaded.macs, loaded.arena_bytes
    except tflm.MissingOperatorError:
        pass
    except tflm.ModelError as error:
        raise tflm.ModelError(f"{name}: {error}") from None
    return {
        "model_bytes": len(model),
        "macs": macs,
        "arena_bytes": arena_bytes,
        "ops": dict(sorted(counts.items())),
        "unsupported": unsupported,
        "inputs": [_json_tensor(tensor) for tensor in tflm.tensors(model)],
        "outputs": [_json_tensor(tensor) for tensor in tflm.tensors(model, outputs=True)],
    }


def _line(kind: str, tensor: tflm.Tensor) -> str:
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    quantized = f", scale {tensor.scale:g}, zero point {tensor.zero_point}" if tensor.scale else ""
    return f"{kind}  {tensor.dtype} {shape}{quantized}  {tensor.name}"


@app.command()
def info(
    model: ModelName,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    mirror: Mirror = None,
) -> None:
    """Show a model's operators, size, arena, inputs and outputs."""
    described = describe(model, mirror)
    if as_json:
        print(json.dumps(described))
        return
    data = _model(model, mirror)
    print(f"model   {described['model_bytes']} bytes")
    if described["macs"] is not None:
        print(f"macs    {described['macs']} an inference")
        print(f"arena   {described['arena_bytes']} bytes")
    for tensor in tflm.tensors(data):
        print(_line("input ", tensor))
    for tensor in tflm.tensors(data, outputs=True):
        print(_line("output", tensor))
    for name, count in tflm.operators(data).items():
        supported = name in tflm.supported()
        print(f"{count:6}  {name}{'' if supported else '  NOT SUPPORTED'}")


@app.command()
def run(
    model: ModelName,
    input_file: Annotated[
        Path, typer.Option("--input", help="Raw bytes of the inputs of one or more inferences.")
    ],
    output_file: Annotated[Path, typer.Option("--output", help="Where the outputs' bytes go.")],
    board: BoardThatRuns = inference.HOST,
    mirror: Mirror = None,
) -> None:
    """Run a model on raw little-endian tensor bytes; state is kept from inference to inference."""
    data = _model(model, mirror)
    once_bytes = sum(inference.tensor_bytes(tensor) for tensor in tflm.tensors(data))
    samples = _read(input_file, "input")
    if not samples or not once_bytes or len(samples) % once_bytes:
        tflm.Model(data)  # A broken model is the better reason.
        raise ModelFileError(
            f"{input_file} has {len(samples)} bytes; give {once_bytes} for each inference"
        )
    result = inference.on(board, data, samples)
    try:
        output_file.write_bytes(result)
    except OSError as error:
        raise ModelFileError(f"cannot write {output_file}: {error.strerror}") from None


@app.command()
def bench(
    model: ModelName,
    board: Annotated[
        str, typer.Option(help="Where its instructions are counted; a wrong name lists where.")
    ] = inference.HOST,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="Each operator's share (xtensa: function's)."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    mirror: Mirror = None,
) -> None:
    """Count the instructions of one inference (not its cycles).

    On this machine also time it beside TensorFlow Lite Micro's wheel, in the same run.
    """
    from workbench.models import benchmark, hostbench

    measured = benchmark.bench(board, _model(model, mirror))
    if profile and not measured.profile:
        emulated = " or ".join(benchmark.BOARDS[1:])
        raise ModelFileError(f"no profile on {board}: name {emulated}")
    if as_json:
        print(json.dumps(measured.as_json(model, profile=profile)))
        return
    if measured.instructions is None:
        print(f"instructions  not counted: {measured.not_counted}")
    else:
        per_mac = f", {measured.instructions / measured.macs:.2f} a MAC" if measured.macs else ""
        print(f"instructions  {measured.instructions} an inference on {board}{per_mac}")
    print(f"macs          {measured.macs}")
    print(f"arena         {measured.arena_bytes} bytes")
    print(f"text          {measured.text_bytes} bytes, all operators")
    if isinstance(measured.times, hostbench.Times):
        times = measured.times
        print(
            f"time          {times.us:.1f} us, TensorFlow Lite Micro {times.reference_us:.1f} us: "
            f"ratio {times.ratio:.2f} (medians of one run; {times.reference})"
        )
    elif measured.times:
        print(f"time          no ratio: {measured.times}")
    if profile:
        total = sum(instructions for _, instructions in measured.profile)
        for name, instructions in measured.profile:
            print(f"{instructions:12}  {instructions / total:6.1%}  {name}")


@app.command()
def verify(
    model: ModelName,
    board: BoardThatRuns = inference.HOST,
    samples: Annotated[int, typer.Option(min=1, help="How many inferences.")] = 100,
    mirror: Mirror = None,
) -> None:
    """Compare tflm with TensorFlow Lite Micro on random and extreme inputs.

    Byte for byte; float32 within 1e-5, relative.
    """
    from workbench.models import verification

    content = _model(model, mirror)
    verification.verify(content, samples, board)
    where = "" if board == inference.HOST else f" on {board}"
    real = any(tensor.dtype == "float32" for tensor in tflm.tensors(content, outputs=True))
    equal = "every output byte equal to TensorFlow Lite Micro's"
    within = f", float32 within {verification.FLOAT_TOLERANCE:g}" if real else ""
    print(f"{model}: {samples} inferences{where}, {equal}{within}")


@app.command()
def check(
    model: ModelName,
    board: Annotated[str, typer.Option(help="Where it is to run; a wrong name lists where.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    mirror: Mirror = None,
) -> None:
    """Say whether a model fits and runs on a board, how fast, and what to change if not."""
    from workbench.models import fit

    checked = fit.check(_model(model, mirror), board)
    if as_json:
        print(json.dumps({"model": model, **asdict(checked)}))
    else:
        print("\n".join(fit.lines(checked)))
    if checked.problems:
        raise typer.Exit(1)
