# SPDX-License-Identifier: Apache-2.0
"""Tests the firmware's verification of images made by imgtool: intact, damaged and foreign ones."""

import hashlib
import io
import shutil
import struct
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from glasses.boot import keys
from glasses.boot.image import Image, ImageError, parse_version, pss_verified, version_text
from hypothesis import given, settings
from hypothesis import strategies as st
from update_images import BOARD, NEW_TRUST, key, make
from workbench.device import update_image as builder
from workbench.paths import ROOT

PREHASHED = Prehashed(hashes.SHA256())


def verify(data, board=BOARD):
    file = io.BytesIO(data)
    read = Image(file, len(data))
    assert read.verify(file, board, NEW_TRUST) == hashlib.sha256(data).digest()
    return read


@pytest.fixture(scope="module")
def good():
    return make()


def test_imgtool_image_is_taken():
    data = make("1.2.3+45678")
    read = verify(data)
    assert read.version == (1, 2, 3, 45678)
    assert (read.board, read.payload_at, read.size) == (BOARD, 32, len(data))
    assert data[read.payload_at :][:4] == b"\xd2\xcd\x31\x80"


def test_own_builder_makes_what_imgtool_does():
    good = make(counter=0)
    read = verify(good)
    payload = good[read.payload_at :][: read.payload_bytes]
    ours = builder.sign(payload, version="1.0.0", board=BOARD, key=builder.DEVELOPMENT_KEY)
    # Salt makes signatures differ; what is signed does not.
    assert ours[: read.hashed_bytes] == good[: read.hashed_bytes]
    assert verify(ours).hash == read.hash


def test_a_larger_header_and_protected_tlvs_of_others_are_taken():
    verify(make(extra=("--security-counter", "7", "--custom-tlv", "0x00b0", "note")))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "ecdsa-p256"}, "signed with ECDSA, not RSA-2048"),
        ({"kind": "ecdsa-p384"}, "hashed with SHA-384, not SHA-256"),
        ({"kind": "ed25519"}, "signed with Ed25519, not RSA-2048"),
        ({"kind": "rsa-3072"}, "signed with RSA-3072, not RSA-2048"),
        ({"kind": "rsa-2048"}, "a key that is not trusted"),
        ({"board": "esp32s3"}, "for the board esp32s3, not linux"),
        ({"board": ""}, "no protected TLVs, so no board"),
        ({"board": "", "extra": ("--security-counter", "1")}, "has no board"),
        ({"extra": ("--public-key-format", "full")}, "a whole public key"),
        ({"extra": ("--non-bootable",)}, "not bootable"),
        ({"extra": ("--rom-fixed", "0x1000")}, "flags 0x100"),
        ({"extra": ("--load-addr", "0x1000")}, "flags 0x20"),
        ({"extra": ("-d", "(1, 1.2.3+0)")}, "depends on another image"),
        ({"extra": ("--pad",)}, "bytes after its end"),
    ],
    ids=str,
)
def test_refused_by_name(changes, reason):
    data = make(**changes)
    with pytest.raises(ImageError, match=reason):
        verify(data)


def test_encrypted_and_compressed_are_refused_by_name(good):
    for flags, reason in ((0x04, "encrypted"), (0x08, "encrypted"), (0x400, "compressed")):
        data = good[:16] + struct.pack("<I", flags) + good[20:]
        with pytest.raises(ImageError, match=reason):
            verify(data)


def test_every_flipped_bit_is_noticed(good):
    assert len(good) < 1200
    for at in range(len(good)):
        for bit in range(8):
            data = bytearray(good)
            data[at] ^= 1 << bit
            with pytest.raises(ImageError):
                verify(bytes(data))


def test_every_truncation_is_noticed(good):
    for length in range(len(good)):
        with pytest.raises(ImageError):
            verify(good[:length])
    with pytest.raises(ImageError, match="after its end"):
        verify(good + b"\0")


def test_a_tlv_twice_is_refused(good):
    read = verify(good)
    area = good[read.hashed_bytes :]
    for kind in (0x01, 0x10, 0x20):
        at = 4
        while struct.unpack_from("<H", area, at)[0] != kind:
            at += 4 + struct.unpack_from("<HH", area, at)[1]
        tlv = area[at : at + 4 + struct.unpack_from("<HH", area, at)[1]]
        grown = area[:2] + struct.pack("<H", len(area) + len(tlv)) + area[4:] + tlv
        with pytest.raises(ImageError, match="more than one"):
            verify(good[: read.hashed_bytes] + grown)
    unsigned = area[:2] + struct.pack("<H", len(area) + 5) + area[4:] + b"\xb0\0\1\0x"
    with pytest.raises(ImageError, match="outside of what is signed"):
        verify(good[: read.hashed_bytes] + unsigned)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_nonsense_is_refused_and_nothing_else_happens(data):
    """Headers and TLVs with any numbers raise ImageError and nothing else."""
    good = make()
    mutated = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.sampled_from((0, 8, 10, 12, 16, len(good) - 340, len(good) - 336)))
        at += data.draw(st.integers(0, 3))
        mutated[at] = data.draw(st.integers(0, 255))
    tail = data.draw(st.binary(max_size=40))
    try:
        verify(bytes(mutated) + tail)
    except ImageError:
        return
    assert bytes(mutated) + tail == good


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(noise):
    for data in (noise, b"\x3d\xb8\xf3\x96" + noise):
        with pytest.raises(ImageError):
            verify(data)


@given(digest=st.binary(min_size=32, max_size=32), at=st.integers(0, 255), bit=st.integers(0, 7))
@settings(max_examples=20, deadline=None)
def test_pss_agrees_with_cryptography(digest, at, bit):
    private = serialization.load_pem_private_key(key("rsa-2048"), None)
    modulus = private.public_key().public_numbers().n
    how = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
    signature = private.sign(digest, how, PREHASHED)
    assert pss_verified(modulus, signature, digest)
    bad = bytearray(signature)
    bad[at] ^= 1 << bit
    assert not pss_verified(modulus, bytes(bad), digest)
    with pytest.raises(InvalidSignature):
        private.public_key().verify(bytes(bad), digest, how, PREHASHED)


def test_other_paddings_of_the_same_key_are_refused():
    private = serialization.load_pem_private_key(key("rsa-2048"), None)
    modulus = private.public_key().public_numbers().n
    digest = hashlib.sha256(b"x").digest()
    mgf = padding.MGF1(hashes.SHA256())
    for how in (
        padding.PKCS1v15(),
        padding.PSS(mgf, salt_length=20),
        padding.PSS(mgf, salt_length=0),
        padding.PSS(padding.MGF1(hashes.SHA1()), salt_length=32),
    ):
        assert not pss_verified(modulus, private.sign(digest, how, PREHASHED), digest)
    for number in (0, 1, modulus - 1, modulus, modulus + 1):
        assert not pss_verified(modulus, number.to_bytes(256, "big"), digest)


def test_trusted_keys_are_what_the_tree_says():
    development = builder.load_key(builder.DEVELOPMENT_KEY)
    assert builder.render_keys([development]) == builder.TRUSTED_KEYS.read_text()
    assert {development.digest: ("development", development.modulus)} == keys.TRUSTED
    assert b"development" in builder.DEVELOPMENT_KEY.read_bytes().splitlines()[0]


def test_no_secret_key_is_in_the_tree_but_that_for_development():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not in a git checkout")
    command = ["git", "grep", "-l", "PRIVATE KEY" + "-----"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(builder.DEVELOPMENT_KEY.relative_to(ROOT))]


def test_keys_that_cannot_be_verified_cannot_sign(tmp_path):
    path = tmp_path / "key.pem"
    for kind in ("ecdsa-p256", "ed25519", "rsa-3072"):
        path.write_bytes(key(kind))
        with pytest.raises(builder.ImageError, match="RSA-2048"):
            builder.load_key(path)
    private = rsa.generate_private_key(3, 2048)
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(builder.ImageError, match="exponent"):
        builder.load_key(path)


@given(st.tuples(*[st.integers(0, 255)] * 2, st.integers(0, 65535), st.integers(0, 2**32 - 1)))
def test_versions(version):
    assert parse_version(version_text(version)) == version
