# SPDX-License-Identifier: Apache-2.0
"""Compares micdsp's C core, value for value, with pymicro-features, audioop and numpy."""

import ctypes
import importlib.util
import subprocess
from pathlib import Path

import micdsp_cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pymicro_features import MicroFrontend
from pymicro_wakeword import MicroWakeWord, Model
from workbench.fuzz import models
from workbench.host import hostlib, micdsp
from workbench.paths import MODULES

CORE = MODULES / "micdsp" / "core"
FEATURE_SCALE = 0.0390625


def make_tables():
    path = MODULES / "micdsp" / "make_tables.py"
    spec = importlib.util.spec_from_file_location("make_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The core with the filter weights that pymicro-features computes on this machine.

    pymicro-features uses the C library's log1pf, which glibc 2.41 made exact; that changes two
    weights by 1/4096. core/tables.c holds the older ones, with which the models were trained.
    """
    libm = ctypes.CDLL(None)
    libm.log1pf.restype = ctypes.c_float
    libm.log1pf.argtypes = [ctypes.c_float]
    text = make_tables().tables(libm.log1pf)
    if text == (CORE / "tables.c").read_text():
        return micdsp.load()
    return micdsp.declare(ctypes.CDLL(str(compile_with_tables(text, tmp_path_factory))))


def compile_with_tables(text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("core")
    tables, built = folder / "tables.c", folder / "libmicdsp.so"
    tables.write_text(text)
    sources = [path for path in CORE.glob("*.c") if path.name != "tables.c"]
    command = ["cc", *hostlib.CFLAGS, "-I", CORE, "-o", built, tables, *sources]
    subprocess.run(command, check=True)
    return built


def oracle(samples):
    """Returns the frames of pymicro-features as uint16 values."""
    frontend, frames, taken = MicroFrontend(), [], 0
    while taken + micdsp.HOP_SAMPLES <= len(samples):
        hop = samples[taken : taken + micdsp.HOP_SAMPLES]
        output = frontend.process_samples(hop.tobytes())
        taken += output.samples_read
        if output.features:
            frames.append(np.array(output.features) / FEATURE_SCALE)
    return np.array(frames).reshape(-1, micdsp.CHANNELS).astype(np.uint16)


@pytest.mark.parametrize("name", micdsp_cases.NAMES)
def test_features_equal_pymicro_features(library, name):
    samples = micdsp_cases.samples(name)
    np.testing.assert_array_equal(micdsp.Frontend(library).process(samples), oracle(samples))


def test_exact_log1pf_changes_two_weights(tmp_path_factory):
    """What `library` does where log1pf is exact; seldom does it change a feature."""
    tables = make_tables()
    text = tables.tables(tables.exact_log1pf)
    exact = ctypes.CDLL(str(compile_with_tables(text, tmp_path_factory)))
    weights, exact_weights = (
        np.array((ctypes.c_uint16 * 235).in_dll(core, "micdsp_band_weights"), int)
        for core in (micdsp.load(), exact)
    )
    changed = np.flatnonzero(weights != exact_weights)
    assert [*(changed + 5)] == [*tables.GLIBC_WEIGHTS]
    assert [*weights[changed]] == [*tables.GLIBC_WEIGHTS.values()]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_features_do_not_depend_on_cuts(data):
    samples = micdsp_cases.samples("random")[:6400]
    cuts = data.draw(st.lists(st.integers(0, len(samples)), max_size=30).map(sorted))
    frontend = micdsp.Frontend()
    pieces = [frontend.process(piece) for piece in np.split(samples, cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), micdsp.Frontend().process(samples))


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(np.int16, st.integers(320, 2000)),
    st.integers(0, 15),
)
def test_features_equal_pymicro_features_on_any_samples(library, samples, shift):
    samples = samples >> shift
    samples = samples[: len(samples) // 160 * 160]
    np.testing.assert_array_equal(micdsp.Frontend(library).process(samples), oracle(samples))


def test_reset_forgets(library):
    samples = micdsp_cases.samples("noise")
    state, features = micdsp.FrontendState(), np.zeros((400, micdsp.CHANNELS), np.uint16)
    results = []
    for _ in range(2):
        library.micdsp_frontend_reset(ctypes.byref(state))
        library.micdsp_frontend_process(
            ctypes.byref(state), samples.ctypes.data, len(samples), features.ctypes.data
        )
        results.append(features.copy())
    np.testing.assert_array_equal(*results)


def test_checked_in_tables_are_generated():
    assert make_tables().tables() == (CORE / "tables.c").read_text()


@pytest.mark.parametrize("model", list(Model))
def test_quantize_equals_pymicro_wakeword(model):
    """For every feature, it is round(feature / scale + zero point) in numpy's float32."""
    detector = MicroWakeWord.from_builtin(model)
    features = np.arange(1 << 16, dtype=np.uint16)[: (1 << 16) // 40 * 40].reshape(-1, 40)
    scaled = (features * np.float32(FEATURE_SCALE)) / detector.input_scale
    expected = np.clip(np.round(scaled + detector.input_zero_point), -128, 127)
    got = micdsp.quantize(features, detector.input_scale, detector.input_zero_point)
    np.testing.assert_array_equal(got, expected.astype(np.int8))


@settings(deadline=None, max_examples=100)
@given(
    hnp.arrays(np.uint16, 40, elements=st.integers(0, 1300) | st.integers(0, 65535)),
    st.integers(-20, 12).map(lambda power: 2.0**power),
    st.integers(-128, 127),
)
def test_quantize_rounds_half_to_even(features, scale, zero_point):
    """Scales that are powers of two divide exactly and give many halves."""
    exact = np.round(features * FEATURE_SCALE / scale + zero_point)
    expected = np.clip(exact, -128, 127).astype(np.int8)
    np.testing.assert_array_equal(micdsp.quantize(features, scale, zero_point)[0], expected)


INT16S = hnp.arrays(np.int16, st.integers(0, 300))


@settings(deadline=None, max_examples=100)
@given(INT16S, st.integers(0, 300))
def test_adpcm_equals_audioop(samples, cut):
    audioop = pytest.importorskip("audioop", reason="this Python has no audioop")
    samples, cut = samples[: len(samples) // 2 * 2], cut // 2 * 2
    encoder = micdsp.AdpcmEncoder()
    encoded = encoder.encode(samples[:cut]) + encoder.encode(samples[cut:])
    expected, state = audioop.lin2adpcm(samples.tobytes(), 2, None)
    assert encoded == bytes((byte & 15) << 4 | byte >> 4 for byte in expected)
    assert (encoder.predictor, encoder.index) == state


@pytest.mark.parametrize("name", ["speech", "noise", "square 440.3", "random"])
def test_adpcm_decodes(name):
    audioop = pytest.importorskip("audioop", reason="this Python has no audioop")
    samples = micdsp_cases.samples(name)
    encoder = micdsp.AdpcmEncoder()
    swapped = bytes((byte & 15) << 4 | byte >> 4 for byte in encoder.encode(samples))
    decoded, state = audioop.adpcm2lin(swapped, 2, None)
    assert (encoder.predictor, encoder.index) == state
    error = np.frombuffer(decoded, np.int16).astype(float) - samples
    if name == "speech":
        ratio_db = 10 * np.log10(np.mean(samples.astype(float) ** 2) / np.mean(error**2))
        assert ratio_db > 20


@settings(deadline=None, max_examples=100)
@given(INT16S)
def test_level_equals_numpy(samples):
    wide = samples.astype(np.int64)
    mean = sum(int(value) ** 2 for value in wide) // len(wide) if len(wide) else 0
    assert micdsp.rms(samples) == min(32767, int(np.sqrt(mean)))
    assert micdsp.peak(samples) == (int(abs(wide).max()) if len(wide) else 0)


@pytest.mark.parametrize("gain_shift", [0, 4, 15])
def test_words_of_an_i2s_microphone_saturate(gain_shift):
    words = np.random.default_rng(gain_shift).integers(-(1 << 31), 1 << 31, 1000, np.int64)
    words >>= np.arange(1000) % 24  # soft ones, too
    loud = (words << gain_shift) >> 16
    expected = np.clip(loud, -32768, 32767).astype(np.int16)
    assert np.array_equal(micdsp.narrow(words.astype(np.int32), gain_shift), expected)


@pytest.mark.parametrize("value", [0, 1, -1, 32767, -32768])
def test_level_of_long_constant(value):
    samples = np.full(1 << 20, value, np.int16)
    assert micdsp.rms(samples) == min(32767, abs(value))
    assert micdsp.peak(samples) == abs(value)


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """micdsp_driver.c and the core with AddressSanitizer and UndefinedBehaviorSanitizer."""
    built = tmp_path_factory.mktemp("driver") / "micdsp_driver"
    source = Path(__file__).with_name("micdsp_driver.c")
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    flags = [flag for flag in hostlib.CFLAGS if flag not in ("-fPIC", "-shared")]
    command = ["cc", *flags, *sanitizers, "-I", CORE, "-o", built, source, *CORE.glob("*.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    if "asan" in done.stderr and "ld" in done.stderr:
        pytest.skip("this compiler has no sanitizer libraries")
    assert done.returncode == 0, done.stderr
    return built


@pytest.mark.parametrize("name", micdsp_cases.NAMES)
def test_core_is_clean_under_sanitizers(driver, name):
    """In uneven pieces, in buffers of exact size, some at odd addresses."""
    samples = micdsp_cases.samples(name)
    done = subprocess.run([driver], input=samples.tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    features = np.frombuffer(done.stdout, np.uint16).reshape(-1, micdsp.CHANNELS)
    np.testing.assert_array_equal(features, micdsp.Frontend().process(samples))


def test_drawn_recordings_are_hops_encoded_in_a_row():
    try:
        replay = models.build_replay("micdsp")
    except models.FuzzError as error:
        pytest.skip(str(error))
    subprocess.run([replay, "300", "1"], check=True)
