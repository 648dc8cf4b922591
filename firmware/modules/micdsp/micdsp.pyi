# SPDX-License-Identifier: Apache-2.0
"""Microphone signal processing. Samples are int16 little-endian, mono, 16 kHz.

Buffers are anything with the buffer protocol (bytes, bytearray, array, memoryview). Functions and
methods allocate nothing; constructors do.
"""

from typing import TypeAlias

from _typeshed import ReadableBuffer, WriteableBuffer

Samples: TypeAlias = ReadableBuffer

HOP_SAMPLES: int  # 160: samples from one frame to the next
CHANNELS: int  # 40: uint16 values in a frame
PDM_BITS: int  # 128: bits of a PDM microphone that make one sample

class Frontend:
    """Features for microWakeWord models: TensorFlow's microfrontend, 30 ms window, 10 ms hop."""

    def process(self, samples: Samples, features: WriteableBuffer) -> int:
        """Takes all the samples and writes the frames they complete.

        Args:
            samples: Any number of them.
            features: Gets CHANNELS uint16 values, 80 bytes, a frame.

        Returns:
            Number of frames written.

        Raises:
            ValueError: features has no room for the frames due (nothing is taken then), or samples
                has an odd number of bytes.
        """

    def quantize(
        self, features: ReadableBuffer, out: WriteableBuffer, scale: float, zero_point: int
    ) -> None:
        """Makes a model's input of one frame: round(value * 0.0390625 / scale + zero_point).

        Args:
            features: CHANNELS uint16 values.
            out: Gets CHANNELS int8 values, rounded half to even and saturated.
            scale: Scale of the model's input tensor.
            zero_point: Zero point of the model's input tensor.

        Raises:
            ValueError: A buffer is too small, scale is not positive or zero_point not an int8.
        """

    def reset(self) -> None:
        """Forgets all samples and the noise estimate."""

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
    """Samples from the bits of a PDM microphone clocked at 2.048 MHz.

    Args:
        gain_shift: Doubles the samples so many times, 0..7.

    Raises:
        ValueError: gain_shift is out of range.
    """

    def __init__(self, gain_shift: int = 0) -> None: ...
    def process(self, bits: ReadableBuffer, samples: WriteableBuffer) -> int:
        """Makes samples; the microphone's own offset is taken out.

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
    """Makes samples of the highest bits of int32 words, as I2S microphones give 24 bits in 32.

    Args:
        words: int32 values, little-endian.
        samples: Gets int16 values, saturated; may be `words`.
        gain_shift: Doubles them so many times, 0..15.

    Returns:
        Number of samples written.

    Raises:
        ValueError: words are not whole, samples is too small or gain_shift out of range.
    """
