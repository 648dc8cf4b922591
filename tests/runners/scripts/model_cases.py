# SPDX-License-Identifier: Apache-2.0
# Runs models one after another on a board. Standard input holds, for each, the model's length and
# its inputs' length (32 bits, little-endian), then both. Writes the bytes of the outputs, or the
# message of the error that loading raised. With the argument `digest`, for output over a console,
# writes the first DIGEST_BYTES of these bytes' SHA-256 instead.

import sys

import tflm

DIGEST_BYTES = 8


def number():
    return int.from_bytes(sys.stdin.buffer.read(4), "little")


def outputs_of(content, inputs):
    model = tflm.Model(content)
    result = b""
    while inputs:
        for i in range(len(model.inputs)):
            view = model.input(i)
            size = len(bytes(view))
            view[:] = inputs[:size]
            inputs = inputs[size:]
        model.invoke()
        for i in range(len(model.outputs)):
            result += bytes(model.output(i))
    model.deinit()
    return result


def digest(data):
    import hashlib

    return hashlib.sha256(data).digest()[:DIGEST_BYTES]


def main():
    while True:
        size = number()
        if not size:
            return
        inputs_size = number()
        content = sys.stdin.buffer.read(size)
        inputs = sys.stdin.buffer.read(inputs_size)
        try:
            result = outputs_of(content, inputs)
        except ValueError as error:
            result = str(error).encode()
        sys.stdout.buffer.write(digest(result) if "digest" in sys.argv else result)


main()
