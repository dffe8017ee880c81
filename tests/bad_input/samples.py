"""Right files for the cases to spoil, and a pickle that would run a program."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image


def picture(path: Path, colour=(120, 60, 30), size=(12, 8)) -> None:
    """Write a picture of one colour, and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def photo() -> Image.Image:
    """Return 24 x 16 pixels, all of them different."""
    y, x = np.mgrid[:16, :24]
    return Image.fromarray(np.stack([10 * x, 15 * y, 100 + 4 * x + 3 * y], 2).astype(np.uint8))


def encoded(kind: str, image: Image.Image | None = None, **options) -> bytes:
    """Return a picture as the bytes of a file of some kind."""
    file = io.BytesIO()
    (image or photo()).save(file, kind, **options)
    return file.getvalue()


def cats(folder: Path) -> Path:
    """Write a right set in YOLO layout: three splits of two pictures, a.png of class 0 and b.png of class 1."""
    root = folder / "cats"
    for split in ("train", "valid", "test"):
        for number, name in enumerate("ab"):
            picture(root / split / "images" / f"{name}.png")
            label = root / split / "labels" / f"{name}.txt"
            label.parent.mkdir(exist_ok=True)
            label.write_text(f"{number} 0.5 0.5 0.5 0.5\n")
    (root / "data.yaml").write_text("names: [angry, happy]\n")
    return root


LABEL, IMAGE, YAML = "train/labels/a.txt", "train/images/a.png", "data.yaml"


def npz(**changes) -> bytes:
    """Return a small file of faces, with some arrays replaced, or left out by ``None``."""
    images, labels = np.zeros((2, 170, 130), np.uint8), np.array([0, 1])
    arrays = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    arrays |= {"names": np.array(["Ada", "Emmy"])} | changes
    file = io.BytesIO()
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
    return file.getvalue()


class Hostile:
    """Unpickles into a call that would leave a trace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)
