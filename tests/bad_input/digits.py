"""Digits in MNIST's format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from bad_input.cases import bad
from course_utils import data
from course_utils.data.real import IDX_FILES


def idx(array, count=None) -> bytes:
    """Return an array as the bytes of an IDX file, whose header says ``count`` items."""
    array = np.asarray(array, np.uint8)
    shape = (len(array) if count is None else count, *array.shape[1:])
    return bytes([0, 0, 8, array.ndim]) + np.array(shape, ">u4").tobytes() + array.tobytes()


def digits(folder: Path) -> Path:
    root = folder / "digits"
    root.mkdir()
    for prefix in ("train", "t10k"):
        (root / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.ones((6, 2, 3))), mtime=0))
        (root / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(6) % 3), mtime=0))
    return root


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def gz_flipped() -> bytes:
    content = bytearray(gz(idx(np.random.default_rng(0).integers(0, 255, (6, 20, 30)))))
    content[len(content) // 2] ^= 255
    return bytes(content)


def gz_no_block() -> bytes:
    """Return a gzip file whose first block is of the kind that does not exist."""
    content = bytearray(gz(idx(np.ones((6, 2, 3)))))
    content[10] |= 0b110
    return bytes(content)


START = "expected it to start with 00 00 08"
AGAIN = "Copy or fetch it again"
# name: (what is wrong, which file, content, expected, came, do)
IDX = {
    "empty": ("an empty file", 0, b"", START, "got nothing", AGAIN),
    "text": ("a text", 0, b"hello", "expected a whole gzip file", "Not a gzipped file", AGAIN),
    "other-type": ("numbers of 4 bytes", 0, gz(b"\0\0\x0c\1\0\0\0\0"), START, "got 00000c01", AGAIN),
    "cut": ("a file that is cut short", 0, gz(idx(np.ones((6, 2, 3))))[:-12], "whole gzip file", "is damaged", AGAIN),
    "flipped": ("a damaged byte", 0, gz_flipped(), "expected a whole gzip file", "is damaged", AGAIN),
    "no-block": ("a damaged first byte", 0, gz_no_block(), "expected a whole gzip file", "is damaged", AGAIN),
    "short": (
        "fewer images than its header says",
        0,
        gz(idx(np.ones((5, 2, 3)), count=6)),
        "its header promises (6, 2, 3)",
        "it holds 30 values",
        AGAIN,
    ),
    "count": (
        "fewer images than labels",
        0,
        gz(idx(np.ones((5, 2, 3)))),
        "expected (N, H, W) and (N,)",
        "images of shape (5, 2, 3) with labels of shape (6,)",
        "Copy the files again",
    ),
    "swapped": (
        "labels under the name of images",
        0,
        gz(idx(np.arange(6) % 3)),
        "expected (N, H, W) and (N,)",
        "images of shape (6,)",
        "Copy the files again",
    ),
    "label-too-large": (
        "a test label that no training image has",
        3,
        gz(idx([0, 1, 2, 3, 0, 1])),
        "expected 0 to 2",
        "has labels up to 3",
        "Copy the files again",
    ),
}
for name, (wrong, which, content, expected, came, do) in IDX.items():

    @bad(f"idx-{name}", wrong, ValueError, named="/digits", expected=expected, came=came, do=do)
    def _(folder, which=which, content=content):
        root = digits(folder)
        (root / IDX_FILES[which]).write_bytes(content)
        return lambda: data.load_digits(root)


@bad(
    "idx-no-images",
    "files without an image",
    ValueError,
    named="/digits",
    expected="expected (N, H, W) and (N,)",
    came="images of shape (0, 2, 3)",
    do="Copy the files again",
)
def _(folder):
    root = digits(folder)
    (root / IDX_FILES[0]).write_bytes(gz(idx(np.ones((0, 2, 3)))))
    (root / IDX_FILES[1]).write_bytes(gz(idx(np.ones(0))))
    return lambda: data.load_digits(root)


@bad(
    "idx-missing",
    "one of the four files is missing",
    FileNotFoundError,
    named=f"/digits lacks {IDX_FILES[2]}",
    expected="expected the four files of MNIST's format",
    came="lacks",
    do="Copy them there",
)
def _(folder):
    root = digits(folder)
    (root / IDX_FILES[2]).unlink()
    return lambda: data.load_digits(root)
