"""Pictures with boxes in YOLO layout, read as a classification data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from torch.utils.data import Dataset

from course_utils.data.pictures import SUFFIXES, pictures_in, read_rgb, size_upright

# `val` and `valid` are two names of the same split.
_ALIASES = {"valid": ("valid", "val"), "val": ("val", "valid")}


class YOLODataset(Dataset):
    """One split of a folder in YOLO layout; the label of a picture is the class of its largest box.

    The folder holds ``data.yaml`` with the class ``names`` (a list, or a dictionary from 0), and for every split a
    folder of pictures and one of labels, ``train/images`` and ``train/labels`` or ``images/train`` and
    ``labels/train``. A label file has the name of its picture, the ending ``.txt``, and one line per box:
    ``class cx cy w h``, the centre and size as fractions of the picture's width and height.

    All labels are read and checked here, so that a mistake in the last file does not come up after an hour. A picture
    is decoded when it is asked for.

    Parameters
    ----------
    root : path
        The folder with ``data.yaml``.
    split : str
        ``"train"``, ``"valid"`` or ``"test"``; ``"valid"`` also finds a folder named ``val``.
    transform : callable, optional
        Applied to the PIL image (RGB) of each item.

    Attributes
    ----------
    class_names : list of str
    paths : list of Path
        The pictures, sorted by name.
    label_paths : list of Path
        The label file of each.
    targets : list of int
        The label of each picture.

    Raises
    ------
    FileNotFoundError
        If a folder, ``data.yaml`` or a label file is missing.
    ValueError
        If a file is not as described above, or a class has no picture; the message names the file and the line.

    Taught in lesson 15.
    """

    def __init__(self, root: Path | str, split: str, transform: Callable | None = None) -> None:
        self.root = Path(root)
        self.split = split
        self.transform = transform
        if not self.root.is_dir():
            raise FileNotFoundError(f"{self.root} is not a folder; expected one with data.yaml and a folder per split.")
        self.class_names = _read_names(self.root / "data.yaml")
        images, labels = self._folders()
        self.paths = pictures_in(images)
        if not self.paths:
            kinds = " ".join(sorted(SUFFIXES))
            raise ValueError(f"{images} holds no pictures; expected files ending in one of {kinds}.")
        if not labels.is_dir():
            raise FileNotFoundError(
                f"{labels} does not exist; expected a .txt file there for each picture of {images}."
            )
        self.label_paths = [labels / f"{path.stem}.txt" for path in self.paths]
        self._labels = [_read_label(label, path, self.class_names) for label, path in zip(self.label_paths, self.paths)]
        self.targets = [_largest(rows) for rows in self._labels]
        for number, name in enumerate(self.class_names):
            if number not in self.targets:
                raise ValueError(
                    f"No picture in {images} has the class {name!r} (number {number} in data.yaml) as its largest box. "
                    "Add pictures of it, or take the name out of data.yaml and renumber the labels."
                )

    def _folders(self) -> tuple[Path, Path]:
        names = _ALIASES.get(self.split, (self.split,))
        pairs = [
            pair
            for name in names
            for pair in (
                (self.root / name / "images", self.root / name / "labels"),
                (self.root / "images" / name, self.root / "labels" / name),
            )
        ]
        for images, labels in pairs:
            if images.is_dir():
                return images, labels
        there = ", ".join(sorted(path.name for path in self.root.iterdir() if path.is_dir())) or "no folders at all"
        raise FileNotFoundError(
            f"{self.root} has no split {self.split!r}: expected the folder {pairs[0][0].relative_to(self.root)} "
            f"or {pairs[1][0].relative_to(self.root)}, found {there}."
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int):
        """Return (image, label): a PIL image in RGB, or what ``transform`` makes of it, and an int.

        Raises
        ------
        PictureError
            If the file is no readable picture; the message names it.
        """
        image = read_rgb(self.paths[index])
        return (image if self.transform is None else self.transform(image)), self.targets[index]

    def boxes(self, index: int) -> np.ndarray:
        """Return the boxes of a picture, float32, (n, 4): x0, y0, x1, y1 in pixels, cut at the picture's edges."""
        width, height = size_upright(self.paths[index])
        centre, size = self._labels[index][:, 1:3], self._labels[index][:, 3:5]
        corners = np.concatenate([centre - size / 2, centre + size / 2], axis=1).clip(0, 1)
        return (corners * [width, height, width, height]).astype(np.float32)

    def classes(self, index: int) -> np.ndarray:
        """Return the class number of each box of a picture, int64, (n,)."""
        return self._labels[index][:, 0].astype(np.int64)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text (byte {error.start} is 0x{error.object[error.start]:02x}). Save it as UTF-8."
        ) from error


def _read_names(path: Path) -> list[str]:
    """Return the class names of a ``data.yaml``, in the order of their numbers."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; expected a file with the line `names: [angry, happy]`.")
    try:
        content = yaml.safe_load(_read_text(path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ValueError(f"{path}{line} is not valid YAML: {getattr(error, 'problem', None) or error}.") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise ValueError(
                f"{path}: the numbers of `names` are {list(names)}; expected 0 to {len(names) - 1}, each once."
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise ValueError(f"{path} has no class names; expected a line like `names: [angry, happy]`, got {names!r}.")
    count = content.get("nc", len(names))
    if count != len(names):
        raise ValueError(f"{path}: nc is {count}, but `names` has {len(names)}: {names}. Make them agree.")
    return [str(name) for name in names]


def _read_label(path: Path, image: Path, class_names: list[str]) -> np.ndarray:
    """Return the boxes of one label file as rows (class, cx, cy, w, h), float64, (n, 5)."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; expected the boxes of the picture {image.name} in it.")
    rows = []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        if line.strip():
            try:
                rows.append(_read_line(line, class_names))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    if not rows:
        raise ValueError(
            f"{path} has no box, so the picture {image.name} has no class. Add a line `class cx cy w h`, "
            "or remove both files."
        )
    return np.array(rows)


def _read_line(line: str, class_names: list[str]) -> tuple[float, ...]:
    parts = line.split()
    if len(parts) != 5:
        hint = " (a polygon? Export boxes)" if len(parts) > 5 else ""
        raise ValueError(f"expected 5 numbers, class cx cy w h, got {len(parts)}{hint}: {line.strip()!r:.80}.")
    try:
        kind, values = int(parts[0]), [float(part) for part in parts[1:]]
    except ValueError:
        raise ValueError(f"expected a whole number and 4 fractions, got {line.strip()!r:.80}.") from None
    if not 0 <= kind < len(class_names):
        raise ValueError(
            f"class {kind} is out of range; data.yaml names {len(class_names)} classes, 0 to {len(class_names) - 1}."
        )
    for name, value in zip(("cx", "cy", "w", "h"), values):
        if not 0 <= value <= 1:  # false for nan as well
            raise ValueError(
                f"{name} is {value}; expected a fraction of the picture, 0 to 1 (pixels? Divide by its size)."
            )
    if values[2] == 0 or values[3] == 0:
        raise ValueError(f"the box is {values[2]} wide and {values[3]} high; expected both above 0.")
    return (kind, *values)


def _largest(rows: np.ndarray) -> int:
    """Return the class of the box with the largest area, the first of equals."""
    return int(rows[np.argmax(rows[:, 3] * rows[:, 4]), 0])
