# SPDX-License-Identifier: Apache-2.0
"""Microphone signal processing. Samples are int16 little-endian, mono, 16 kHz.

Buffers are anything with the buffer protocol (bytes, bytearray, array, memoryview). Functions and
methods allocate nothing; constructors do.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from _typeshed import ReadableBuffer, WriteableBuffer

Samples: TypeAlias = ReadableBuffer

HOP_SAMPLES: int  # 160: samples from one frame to the next
CHANNELS: int  # 40: uint16 values in a frame
PDM_BITS: int  # 128: bits of a PDM microphone that make one sample

class Frontend:
    """Computes features for microWakeWord models, as TensorFlow's microfrontend does: 30 ms window,
    10 ms hop."""

    def process(self, samples: Samples, features: WriteableBuffer) -> int:
        """Takes all the samples, and writes the frames that they complete.

        Args:
            samples: Any number of them.
            features: Receives CHANNELS uint16 values, 80 bytes, per frame.

        Returns:
            Number of frames written.

        Raises:
            ValueError: features has no room for the frames (no samples are taken then), or samples
                has an odd number of bytes.
        """

    def quantize(
        self, features: ReadableBuffer, out: WriteableBuffer, scale: float, zero_point: int
    ) -> None:
        """Converts one frame to a model's input: round(value * 0.0390625 / scale + zero_point).

        Args:
            features: CHANNELS uint16 values.
            out: Receives CHANNELS int8 values, rounded half to even and saturated.
            scale: Scale of the model's input tensor.
            zero_point: Zero point of the model's input tensor.

        Raises:
            ValueError: A buffer is too small, scale is not positive or zero_point is not an int8.
        """

    def reset(self) -> None:
        """Forgets all samples and the noise estimate."""

class Spotter:
    """One wake word: quantises rows of features into its model's input, runs the model for each
    input that is complete, and compares the sliding mean of its outputs with a cutoff.

    Args:
        invoke: Runs the model; a bound method of tflm.Model.
        input: Its input, int8, CHANNELS values a row; each row is a hop.
        output: Its output; the first byte counts.
        scale: Scale of the input tensor.
        zero_point: Zero point of the input tensor.
        window: The number of outputs in the mean, 1..255.
        cutoff_sum: The word is heard while the sum of the window exceeds this, 0..65025.

    Raises:
        ValueError: A number is out of range, or a buffer has another size.
    """

    began: bool
    """Whether the word began with the last features. Read-only, as are the others."""
    inferred: bool
    """Whether the model ran with the last features."""
    full: bool
    """Whether the window is full; before, no word begins."""
    sum: int
    """Of the outputs in the window."""

    def __init__(
        self,
        invoke: Callable[[], object],
        input: WriteableBuffer,
        output: ReadableBuffer,
        scale: float,
        zero_point: int,
        window: int,
        cutoff_sum: int,
    ) -> None: ...
    def push(self, features: ReadableBuffer) -> bool:
        """Takes a hop's features, CHANNELS uint16 values; returns `began`.

        Raises:
            ValueError: features or the model's input have another size.
            Exception: What `invoke` raises.
        """

    def reset(self) -> None:
        """Forgets what was heard; it does not reset the model's own state."""

class Listener:
    """Processes every hop: keeps the most recent ones, adds ADPCM to a recording, and gives the
    spotters the front-end's features. It allocates only where numbers from 2^30 on are read.

    Args:
        ring: Keeps the last hops: 320 bytes each, 3 or more, aligned to 4.
        clock: Returns microseconds that wrap around, as time.ticks_us does.

    Raises:
        ValueError: ring has another size.
    """

    hops: int
    """Hops since it was made. Read-only, as are the others."""
    slow_hops: int
    """Of them, those that took longer than the 10 ms they last."""
    busy_s: int
    """Time spent in hops, whole seconds; `busy_us` has the rest."""
    busy_us: int
    recording: bool
    """Whether a recording is in progress; False once it is complete."""
    recorded_bytes: int
    """Bytes of the last recording."""
    crc: int
    """CRC-32 of the last recording."""

    def __init__(self, ring: WriteableBuffer, clock: Callable[[], int]) -> None: ...
    def listen_for(self, spotters: Sequence[Spotter]) -> None:
        """Listens for these from the next hop on. Raises ValueError when one is not a Spotter."""

    def feed(self, samples: Samples, at: int, start_us: int) -> int | None:
        """Takes whole hops until a word begins or a recording is complete.

        It also returns after 5 ms, so that other tasks can run; a hop is never interrupted.

        Args:
            samples: Any number of hops of HOP_SAMPLES.
            at: The byte to begin at: 0, or what an earlier call returned.
            start_us: When work on the first of them began, by the clock.

        Returns:
            The byte at which to continue, once that is handled; None when all samples were taken.

        Raises:
            ValueError: samples are not whole hops, `at` is not a position in them, or the ring or
                the recording have changed their size.
            Exception: What a spotter raises.
        """

    def record(self, recording: WriteableBuffer, whole_bytes: int) -> None:
        """Begins a recording as IMA ADPCM, in place of the last one: first all hops of the ring.

        These are encoded while new ones are heard, three with each, so that no call takes long.

        Args:
            recording: Receives it, HOP_SAMPLES / 2 bytes a hop; if it is too small, new hops
                overwrite the oldest.
            whole_bytes: Its final length: more than the ring's hops.

        Raises:
            ValueError: A size is another one.
        """

    def stop(self) -> None:
        """Ends the recording, and releases its buffer.

        It has all that was heard once half as many hops as the ring keeps were heard after
        `record`; before that, the newest are not encoded yet and are left out.
        """

class AdpcmEncoder:
    """IMA ADPCM, 4 bits a sample, as in WAV files: the first sample in the low nibble."""

    predictor: int
    """What a decoder has after the samples so far, -32768..32767. Read-only."""
    index: int
    """Index into the table of steps, 0..88. Read-only."""

    def encode(self, samples: Samples, out: WriteableBuffer) -> int:
        """Encodes an even number of samples.

        Returns:
            Number of bytes written: half the number of samples.

        Raises:
            ValueError: The number of samples is odd, or out is too small.
        """

    def reset(self) -> None:
        """Starts a new stream: predictor 0, index 0."""

class PdmDecimator:
    """Converts the bits of a PDM microphone clocked at 2.048 MHz to samples.

    Args:
        gain_shift: How many times to double the samples, 0..7.

    Raises:
        ValueError: gain_shift is out of range.
    """

    def __init__(self, gain_shift: int = 0) -> None: ...
    def process(self, bits: ReadableBuffer, samples: WriteableBuffer) -> int:
        """Converts bits to samples, and removes the microphone's offset.

        Args:
            bits: As I2S receives them in 32-bit words, the first bit highest; 16 bytes a sample.
            samples: Gets int16 values.

        Returns:
            Number of samples written.

        Raises:
            ValueError: bits are not whole samples, or samples is too small.
        """

def rms(samples: Samples) -> int:
    """Root of the mean square, rounded down, 0..32767; 0 without samples."""

def peak(samples: Samples) -> int:
    """Largest magnitude, 0..32768; 0 without samples."""

def narrow(words: ReadableBuffer, samples: WriteableBuffer, gain_shift: int) -> int:
    """Takes samples from the highest bits of int32 words, as I2S microphones give 24 bits in 32.

    Args:
        words: int32 values, little-endian.
        samples: Gets int16 values, saturated; may be `words`.
        gain_shift: How many times to double them, 0..15.

    Returns:
        Number of samples written.

    Raises:
        ValueError: words are not whole, samples is too small or gain_shift is out of range.
    """
