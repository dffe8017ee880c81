"""The fetched data: where it lies, and what to say when it is not there."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.settings import data_dir

if TYPE_CHECKING:
    import numpy as np

# name -> what `course data fetch` brings
REAL: dict[str, str] = {
    "faces": "Labeled Faces in the Wild: the 26 people with most pictures",
    "vehicles": "Caltech-101: airplanes, motorbikes, schooners",
    "cats": "your own photographs in YOLO layout (--from)",
    "photos": "Caltech-256: six animals and airplanes",
    "digits": "Fashion-MNIST: clothes, 28 x 28",
}

# The four files of MNIST, and of every set made in its image.
IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

# The classes of Fashion-MNIST.
FASHION_NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]


def real_folder(name: str) -> Path:
    """Return where the fetched set ``name`` lies; if the folder is there, it is complete."""
    return data_dir() / "real" / name


def require_real(name: str) -> Path:
    """Return the folder of the fetched set ``name``.

    Raises
    ------
    FileNotFoundError
        If it has not been fetched.
    """
    folder = real_folder(name)
    if not folder.is_dir():
        where = " --from ADDRESS-OR-PATH" if name == "cats" else ""
        raise FileNotFoundError(
            f"The real {name} have not been fetched: {folder} does not exist. "
            f"Run `course data fetch {name}{where}` on a machine with internet, or use source='embedded'."
        )
    return folder


def read_idx(path: Path) -> np.ndarray:
    """Read one file in MNIST's IDX format, gzipped or not.

    Parameters
    ----------
    path : Path
        Its header says the type (only unsigned bytes are read) and the shape.

    Returns
    -------
    numpy.ndarray
        uint8, (N, H, W) for images and (N,) for labels.

    Raises
    ------
    ValueError
        If the file is damaged or is not an IDX file of bytes.

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats".
    """
    import numpy as np

    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            raw = file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}); expected a whole gzip file. Copy or fetch it again.") from error
    if raw[:3] != b"\x00\x00\x08" or len(raw) < 4 + 4 * raw[3]:
        raise ValueError(
            f"{path} is not an IDX file of bytes: expected it to start with 00 00 08, got "
            f"{raw[:4].hex() or 'nothing'}. Copy or fetch it again."
        )
    shape = tuple(np.frombuffer(raw, ">u4", count=raw[3], offset=4).tolist())
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])
    if values.size != math.prod(shape):
        raise ValueError(
            f"{path} is damaged: its header promises {shape}, it holds {values.size} values. Copy or fetch it again."
        )
    return values.reshape(shape)


def check_digits(
    place: Path | str,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    *,
    classes: int | None = None,
) -> None:
    """Check that the four files of a set in MNIST's format belong together.

    Parameters
    ----------
    place : Path or str
        What an error calls the set.
    train_images, train_labels, test_images, test_labels : numpy.ndarray
        As :func:`read_idx` returns them.
    classes : int, optional
        How many there are. By default as many as the training labels name.

    Raises
    ------
    ValueError
        If an array has another shape than it should, or a label is too large.
    """
    for images, labels in ((train_images, train_labels), (test_images, test_labels)):
        if images.ndim != 3 or labels.shape != images.shape[:1] or not len(labels):
            raise ValueError(
                f"{place} holds images of shape {images.shape} with labels of shape {labels.shape}; expected (N, H, "
                "W) and (N,). Copy the files again, all four of one set."
            )
    classes = int(train_labels.max()) + 1 if classes is None else classes
    highest = max(train_labels.max(), test_labels.max())
    if highest >= classes:
        raise ValueError(
            f"{place} has labels up to {highest}; expected 0 to {classes - 1}, one for each class of the training "
            "images. Copy the files again, all four of one set."
        )
