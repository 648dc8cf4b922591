# SPDX-License-Identifier: Apache-2.0
"""`glint model`: looks into .tflite models and runs them, here or on an emulated board."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workbench import hosttflm, mcu, onboard, zoo
from workbench.errors import WorkbenchError

app = typer.Typer(no_args_is_help=True, help="Look into .tflite models and run them.")

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A file, or a name of the zoo.")]
Mirror = Annotated[
    Path | None,
    typer.Option(envvar="GLINT_MIRROR", help="Folder to take model files from, without internet."),
]
ELEMENT_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}


BOARDS_THAT_RUN = ("host", "linux", "rv32", "xtensa")


class ModelFileError(WorkbenchError):
    """A file for a model cannot be read or written, or does not hold what it should."""


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the {what} {path}: {error.strerror}") from None


def _json_tensor(tensor: hosttflm.Tensor) -> dict[str, object]:
    described = asdict(tensor)
    del described["name"]
    return described


def describe(name: str, mirror: Path | None = None) -> dict[str, object]:
    """What `glint model info --json` prints; macs and arena_bytes are None for unsupported models.

    Raises:
        zoo.ZooError: No such model.
        hosttflm.ModelError: It is malformed.
    """
    model = _read(zoo.find(name, mirror), "model")
    counts = hosttflm.operators(model)
    unsupported = sorted(set(counts) - set(hosttflm.supported()))
    macs = arena_bytes = None
    try:
        loaded = hosttflm.Model(model)
        macs, arena_bytes = loaded.macs, loaded.arena_bytes
    except hosttflm.MissingOperatorError:
        pass
    except hosttflm.ModelError as error:
        raise hosttflm.ModelError(f"{name}: {error}") from None
    return {
        "model_bytes": len(model),
        "macs": macs,
        "arena_bytes": arena_bytes,
        "ops": dict(sorted(counts.items())),
        "unsupported": unsupported,
        "inputs": [_json_tensor(tensor) for tensor in hosttflm.tensors(model)],
        "outputs": [_json_tensor(tensor) for tensor in hosttflm.tensors(model, outputs=True)],
    }


def _line(kind: str, tensor: hosttflm.Tensor) -> str:
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
    data = _read(zoo.find(model, mirror), "model")
    print(f"model   {described['model_bytes']} bytes")
    if described["macs"] is not None:
        print(f"macs    {described['macs']} an inference")
        print(f"arena   {described['arena_bytes']} bytes")
    for tensor in hosttflm.tensors(data):
        print(_line("input ", tensor))
    for tensor in hosttflm.tensors(data, outputs=True):
        print(_line("output", tensor))
    for name, count in hosttflm.operators(data).items():
        supported = name in hosttflm.supported()
        print(f"{count:6}  {name}{'' if supported else '  NOT SUPPORTED'}")


def _tensor_bytes(tensor: hosttflm.Tensor) -> int:
    size = ELEMENT_BYTES[tensor.dtype]
    for dim in tensor.shape:
        size *= dim
    return size


def run_on_host(model: bytes, data: bytes) -> bytes:
    """The outputs of a model for one or more inferences' inputs, which follow one another.

    Raises:
        hosttflm.ModelError: It is malformed or cannot be run.
    """
    loaded = hosttflm.Model(model)
    sizes = [_tensor_bytes(tensor) for tensor in loaded.inputs]
    result = bytearray()
    for start in range(0, len(data), sum(sizes)):
        at = start
        for i, size in enumerate(sizes):
            loaded.set_input(i, data[at : at + size])
            at += size
        loaded.invoke()
        for i in range(len(loaded.outputs)):
            result += loaded.output(i)
    return bytes(result)


@app.command()
def run(
    model: ModelName,
    input_file: Annotated[
        Path, typer.Option("--input", help="Raw bytes of the inputs of one or more inferences.")
    ],
    output_file: Annotated[Path, typer.Option("--output", help="Where the outputs' bytes go.")],
    board: Annotated[
        str, typer.Option(help=f"Where it runs: {', '.join(BOARDS_THAT_RUN)}.")
    ] = "host",
    mirror: Mirror = None,
) -> None:
    """Run a model on raw little-endian tensor bytes; state is kept from inference to inference."""
    path = zoo.find(model, mirror)
    data = _read(path, "model")
    once_bytes = sum(_tensor_bytes(tensor) for tensor in hosttflm.tensors(data))
    samples = _read(input_file, "input")
    if not samples or not once_bytes or len(samples) % once_bytes:
        hosttflm.Model(data)  # A broken model is the better reason.
        raise ModelFileError(
            f"{input_file} has {len(samples)} bytes; give {once_bytes} for each inference"
        )
    if board == "host":
        result = run_on_host(data, samples)
    elif board == "linux":
        result = onboard.run("model_run", path, stdin=samples)
    elif board == "rv32":
        from workbench import rv32

        result = rv32.run_model(data, samples)
    elif board == "xtensa":
        from workbench import xtensa

        result = xtensa.run_model(data, samples)
    else:
        known = ", ".join(BOARDS_THAT_RUN)
        raise ModelFileError(f"no board '{board}' to run models on; there are: {known}")
    try:
        output_file.write_bytes(result)
    except OSError as error:
        raise ModelFileError(f"cannot write {output_file}: {error.strerror}") from None


@app.command()
def bench(
    model: ModelName,
    board: Annotated[str, typer.Option(help="A board in QEMU.")] = "corstone300",
    profile: Annotated[bool, typer.Option("--profile", help="Each operator's share.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    mirror: Mirror = None,
) -> None:
    """Count the instructions of one inference on an emulated microcontroller (not its cycles)."""
    measured = mcu.bench(board, _read(zoo.find(model, mirror), "model"))
    if as_json:
        described: dict[str, object] = {
            "board": board,
            "model": model,
            "instructions_per_invoke": measured.instructions,
            "arena_bytes": measured.arena_bytes,
            "text_bytes": measured.text_bytes,
            "macs": measured.macs,
        }
        if profile:
            described["profile"] = measured.profile
        print(json.dumps(described))
        return
    per_mac = f", {measured.instructions / measured.macs:.2f} a MAC" if measured.macs else ""
    print(f"instructions  {measured.instructions} an inference on {board}{per_mac}")
    print(f"macs          {measured.macs}")
    print(f"arena         {measured.arena_bytes} bytes")
    print(f"text          {measured.text_bytes} bytes, all operators")
    if profile:
        total = sum(instructions for _, instructions in measured.profile)
        for name, instructions in measured.profile:
            print(f"{instructions:12}  {instructions / total:6.1%}  {name}")


@app.command()
def verify(
    model: ModelName,
    samples: Annotated[int, typer.Option(min=1, help="How many inferences.")] = 100,
    mirror: Mirror = None,
) -> None:
    """Compare tflm with TensorFlow Lite Micro on random and extreme inputs, byte for byte."""
    from workbench import modelverify

    modelverify.verify(_read(zoo.find(model, mirror), "model"), samples)
    print(f"{model}: {samples} inferences, every output byte equal to TensorFlow Lite Micro's")
