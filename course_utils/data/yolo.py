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

# Text files that labelling tools write beside the labels.
_NO_LABELS = {"classes", "notes"}


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
        If a file is not as described above, a label file has no picture, or a class has none; the message names the
        file and the line.

    Taught in lesson 15.
    """

    def __init__(self, root: Path | str, split: str, transform: Callable | None = None) -> None:
        self.root = Path(root)
        self.split = split
        self.transform = transform
        if not self.root.is_dir():
            raise FileNotFoundError(
                f"{self.root} is not a folder; expected one with data.yaml and a folder per split. Correct the path."
            )
        self.class_names = _read_names(self.root / "data.yaml")
        images, labels = self._folders()
        self.paths = pictures_in(images)
        if not self.paths:
            kinds = " ".join(sorted(SUFFIXES))
            raise ValueError(
                f"{images} holds no pictures; expected files ending in one of {kinds}. Add or convert some."
            )
        if not labels.is_dir():
            raise FileNotFoundError(
                f"{labels} does not exist; expected a .txt file there for each picture of {images}. Make that folder, "
                "or move the one that holds the labels."
            )
        self._check_orphans(images, labels)
        self.label_paths = [labels / f"{path.stem}.txt" for path in self.paths]
        self._labels = [_read_label(label, path, self.class_names) for label, path in zip(self.label_paths, self.paths)]
        self.targets = [_largest(rows) for rows in self._labels]
        for number, name in enumerate(self.class_names):
            if number not in self.targets:
                raise ValueError(
                    f"No picture in {images} has the class {name!r} (number {number} in data.yaml) as its largest "
                    "box; expected one at least. Add pictures of it, or take the name out of data.yaml and renumber "
                    "the labels."
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
            f"or {pairs[1][0].relative_to(self.root)}, found {there:.150}. "
            "Add the split, or rename its folder."
        )

    def _check_orphans(self, images: Path, labels: Path) -> None:
        """Raise an error for a label file without a picture: a picture may have got lost, or is of an unread kind."""
        known = {path.stem for path in self.paths} | _NO_LABELS
        orphans = sorted(p for p in labels.glob("*.txt") if p.stem not in known and not p.name.startswith("."))
        if orphans:
            more = f" (one of {len(orphans)} such files)" if len(orphans) > 1 else ""
            raise ValueError(
                f"{orphans[0]}{more} has no picture in {images}; expected {orphans[0].stem}.jpg or another of "
                f"{' '.join(sorted(SUFFIXES))} there. Add or convert the picture, or remove the label file."
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
    except PermissionError as error:
        raise PermissionError(f"{path} cannot be read: its permissions forbid it. Change them.") from error


def _read_names(path: Path) -> list[str]:
    """Return the class names of a ``data.yaml``, in the order of their numbers."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; expected a file with a line like `names: [angry, happy]`. Write one."
        )
    text = _read_text(path)
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date of the 13th month
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise ValueError(
            f"{path}{line} is not valid YAML: {problem:.150}. Expected a line like `names: [angry, happy]`: correct it."
        ) from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise ValueError(
                f"{path}: the numbers of `names` are {str(list(names)):.80}; expected 0 to {len(names) - 1}, each "
                "once. Number the classes anew, in the labels too."
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        got = f"{names!r:.80}" if names is not None else "none" if content else "an empty file"
        raise ValueError(
            f"{path} has no class names; expected a line like `names: [angry, happy]`, got {got}. Write such a line."
        )
    for name in names:
        if not isinstance(name, str | int | float) or isinstance(name, bool):  # YAML reads yes, no, on and off as bool
            kinds = {bool: f"the truth value {name}", type(None): "an empty entry"}
            kind = kinds.get(type(name), f"a {type(name).__name__}")
            raise ValueError(
                f"{path}: `names` holds {kind}; expected texts. Put each name in quotes, such as ['yes', 'no']."
            )
    names = [str(name) for name in names]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path}: `names` holds {twice!r:.80} twice; expected each class once. Rename one of the two.")
    count = content.get("nc", len(names))
    if count != len(names):
        raise ValueError(
            f"{path}: nc is {count!r:.20}, but `names` has {len(names)}: {str(names):.150}. Make them agree."
        )
    return names


def _read_label(path: Path, image: Path, class_names: list[str]) -> np.ndarray:
    """Return the boxes of one label file as rows (class, cx, cy, w, h), float64, (n, 5)."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist, or is no file; expected the boxes of the picture {image.name} in it. "
            "Add it, or remove the picture."
        )
    rows = []
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        if line.strip():
            try:
                rows.append(_read_line(line, class_names))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error} Correct the line.") from None
    if not rows:
        raise ValueError(
            f"{path} has no box, so the picture {image.name} has no class. Add a line `class cx cy w h`, "
            "or remove both files."
        )
    return np.array(rows)


def _read_line(line: str, class_names: list[str]) -> tuple[float, ...]:
    parts = line.split()
    if len(parts) != 5:
        hint = ""
        if "," in line:
            hint = " (commas? Put spaces in their place)"
        elif len(parts) > 5:
            hint = " (a confidence? Leave it out)" if len(parts) == 6 else " (a polygon? Export boxes)"
        raise ValueError(f"expected 5 numbers, class cx cy w h, got {len(parts)}{hint}: {line.strip()!r:.80}.")
    try:
        kind, values = int(parts[0]), [float(part) for part in parts[1:]]
    except ValueError:
        hint = " (a decimal comma? Write a point)" if "," in line else ""
        raise ValueError(f"expected a whole number and 4 fractions{hint}, got {line.strip()!r:.80}.") from None
    if not 0 <= kind < len(class_names):
        raise ValueError(
            f"class {parts[0]:.20} is out of range; expected one that data.yaml names, 0 to {len(class_names) - 1} "
            "(a new class? Add it there)."
        )
    for name, value in zip(("cx", "cy", "w", "h"), values):
        if not 0 <= value <= 1:  # false for nan as well
            hint = " (pixels? Divide by its size)" if 1 < value < float("inf") else ""
            raise ValueError(f"{name} is {value}; expected a fraction of the picture, 0 to 1{hint}.")
    if values[2] == 0 or values[3] == 0:
        raise ValueError(f"the box is {values[2]} wide and {values[3]} high; expected both above 0.")
    return (kind, *values)


def _largest(rows: np.ndarray) -> int:
    """Return the class of the box with the largest area, the first of equals."""
    return int(rows[np.argmax(rows[:, 3] * rows[:, 4]), 0])
