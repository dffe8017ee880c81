"""Fashion-MNIST's real files, as Debian packages them (``dataset-fashion-mnist``), and as they were published."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from course_utils.data.real import IDX_FILES

FOLDER = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))

# When each file was packed for publication, in seconds since 1970. Debian leaves this and the file's name out of the
# head of its .gz files; the compressed bytes behind it are the same.
PACKED_AT = dict(zip(IDX_FILES, (1_504_176_606, 1_504_176_606, 1_504_176_627, 1_504_176_627)))

ABSENT = (
    f"{FOLDER} does not hold Fashion-MNIST. On Debian: apt-get install dataset-fashion-mnist; or unpack that package "
    "anywhere (apt-get download, dpkg -x) and name the folder with the four files in FASHION_MNIST."
)


def is_here() -> bool:
    return all((FOLDER / name).is_file() for name in IDX_FILES)


def published(name: str) -> bytes:
    """Return a file as it was published, made from Debian's: the name and the time are put back into its head."""
    packed = (FOLDER / name).read_bytes()
    if packed[:4] != b"\x1f\x8b\x08\x00":
        raise ValueError(f"{FOLDER / name} does not begin like Debian's file, but with {packed[:4].hex(' ')}.")
    original = name.removesuffix(".gz").encode() + b"\0"
    return b"\x1f\x8b\x08\x08" + PACKED_AT[name].to_bytes(4, "little") + packed[8:10] + original + packed[10:]


def drawn(name: str) -> bytes:
    """Return a file of the same kind and shape with random pictures, where the package is absent."""
    count = 60_000 if name.startswith("train") else 10_000
    rng = np.random.default_rng(len(name))
    shape = (count, 28, 28) if "images" in name else (count,)
    values = rng.integers(0, 256 if "images" in name else 10, shape, np.uint8)
    head = bytes([0, 0, 8, values.ndim]) + np.array(shape, ">u4").tobytes()
    return gzip.compress(head + values.tobytes(), 1, mtime=0)
