"""One function per data set: from a source to arrays or a torch data set."""

from __future__ import annotations

import csv
import importlib.util
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.utils.data import Dataset
from torchvision.datasets import ImageFolder
from tqdm.auto import tqdm

from course_utils.data.pictures import SUFFIXES, pictures_in, read_rgb
from course_utils.data.real import FASHION_NAMES, IDX_FILES, check_digits, read_idx, require_real
from course_utils.data.store import make_embedded
from course_utils.data.yolo import YOLODataset

FACE_SIZE = (130, 170)  # width, height in pixels

# The colour photographs that lie in the wheels of scikit-image (0.23 and later) and scikit-learn.
PHOTOS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "hubble_deep_field": ("skimage", "data/hubble_deep_field.jpg"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}


class Faces(NamedTuple):
    """Grey face pictures of known people, in two halves.

    Attributes
    ----------
    train_images, test_images : numpy.ndarray
        uint8, (N, 170, 130), 0 is black.
    train_labels, test_labels : numpy.ndarray
        int64, (N,), positions in ``names``.
    names : list of str
    train_boxes, test_boxes : numpy.ndarray or None
        float32, (N, 4), x0, y0, x1, y1 of the face in pixels; ``None`` where the source has none.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    names: list[str]
    train_boxes: np.ndarray | None = None
    test_boxes: np.ndarray | None = None


class CatSplits(NamedTuple):
    """The three splits of the cats."""

    train: YOLODataset
    valid: YOLODataset
    test: YOLODataset


class Digits(NamedTuple):
    """Small grey pictures of ten classes, in two parts.

    Attributes
    ----------
    train_images, test_images : numpy.ndarray
        float32, (N, H, W), from 0 (background) to 1.
    train_labels, test_labels : numpy.ndarray
        int64, (N,), positions in ``names``.
    names : list of str
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    names: list[str]


class VehicleFolder(ImageFolder):
    """A folder of class folders, read in RGB, with the box of the object where one is known.

    ``boxes.csv`` in the folder, if there is one, has the columns ``file,x0,y0,x1,y1`` in pixels, ``file`` like
    ``airplane/0001.jpg``.

    Attributes
    ----------
    boxes : list of numpy.ndarray, or None
        float32, (1, 4) for each picture, in the order of ``samples``; ``None`` without ``boxes.csv``.
    classes, class_to_idx, samples, targets
        As in ``torchvision.datasets.ImageFolder``.
    """

    def __init__(self, root: Path | str, transform: Callable | None = None) -> None:
        if not os.path.isdir(root):
            raise FileNotFoundError(
                f"{root} is not a folder; expected one that holds a folder for each class. Correct the path."
            )
        super().__init__(str(root), transform=transform, loader=read_rgb)
        self.boxes = self._read_boxes(Path(root))

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        """Return the class folders; hidden ones (``.ipynb_checkpoints``) are no classes."""
        classes = sorted(path.name for path in Path(directory).iterdir() if path.is_dir() and path.name[0] != ".")
        if not classes:
            raise FileNotFoundError(
                f"{directory} has no folders; expected one per class, with its pictures inside. Make a folder for each "
                "class, or give the folder that holds them."
            )
        return classes, {name: number for number, name in enumerate(classes)}

    @staticmethod
    def make_dataset(directory: str, class_to_idx: dict[str, int], *args, **options) -> list[tuple[str, int]]:
        """Return (file, label) of each picture directly in a class folder; hidden files are no pictures.

        ``ImageFolder`` looks into folders below as well, and without end into a link that leads back up.
        """
        samples = []
        for name, label in class_to_idx.items():
            folder = Path(directory) / name
            pictures = pictures_in(folder)
            if not pictures:
                raise FileNotFoundError(
                    f"{folder} holds no pictures; expected files ending in one of {' '.join(sorted(SUFFIXES))} in the "
                    "folder of each class. Add some, or remove the folder."
                )
            samples += [(str(path), label) for path in pictures]
        return samples

    def _read_boxes(self, root: Path) -> list[np.ndarray] | None:
        table = root / "boxes.csv"
        if not table.is_file():
            return None
        boxes = {}
        try:
            with open(table, newline="", encoding="utf-8-sig") as file:
                rows = csv.DictReader(file)
                for row in rows:
                    boxes[row.get("file")] = _box(row, f"{table}, line {rows.line_num}")
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{table} is no table of UTF-8 text ({error}). Save it as CSV in UTF-8.") from error
        names = [Path(path).relative_to(root).as_posix() for path, _ in self.samples]
        missing = [name for name in names if name not in boxes]
        if missing:
            more = f" nor for {len(missing) - 1} other pictures" if len(missing) > 1 else ""
            raise ValueError(
                f"{table} has no box for {missing[0]}{more}; expected a line file,x0,y0,x1,y1 for each picture. "
                "Add what is missing, or remove the table."
            )
        return [boxes[name] for name in names]


def _box(row: dict, place: str) -> np.ndarray:
    """Return x0, y0, x1, y1 of a line of ``boxes.csv``, float32, (1, 4); ``place`` is what an error calls the line."""
    try:
        x0, y0, x1, y1 = corners = [float(row[corner]) for corner in ("x0", "y0", "x1", "y1")]
    except (KeyError, TypeError, ValueError):
        got = ",".join(str(value) for value in row.values() if value is not None)
        raise ValueError(
            f"{place}: expected file,x0,y0,x1,y1, with a file and four numbers, got {got:.80}. "
            "The first line must name these columns, and commas must stand between them."
        ) from None
    if not (np.isfinite(corners).all() and x0 < x1 and y0 < y1):
        raise ValueError(f"{place}: expected finite pixels with x0 < x1 and y0 < y1, got {corners}. Correct the line.")
    return np.array([corners], np.float32)


def _folder(name: str, source: Path | str) -> Path:
    """Return the folder that ``source`` means for the data set ``name``."""
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source is {source!r}; expected 'embedded', 'real' or the path of a folder.")
    if source == "embedded":
        return make_embedded(name)
    if source == "real":
        return require_real(name)
    folder = Path(os.path.expanduser(source))
    if not os.path.isdir(folder) or not str(source):
        found = f"there is no folder {folder.absolute()}"
        if folder.is_file():
            found = f"{folder.absolute()} is a file: unpack it, and give the folder"
        elif not str(source):
            found = "that is an empty text"
        raise FileNotFoundError(
            f"source is {str(source)!r}; expected 'embedded' (the default), 'real' (after `course data fetch {name}`) "
            f"or the path of a folder, and {found}."
        )
    return folder


def load_faces(source: Path | str = "embedded") -> Faces:
    """Load grey 170 x 130 pictures of faces: 26 people, 445 pictures to train on and 445 to test.

    Parameters
    ----------
    source : str or path
        ``"embedded"`` draws them at the first call. ``"real"`` is Labeled Faces in the Wild. A path is a folder with
        one folder per person, of at least two pictures each; see :func:`faces_of`.

    Returns
    -------
    Faces

    Raises
    ------
    FileNotFoundError
        If ``source`` is a folder that does not exist, or real data that has not been fetched.
    ValueError
        If the folder is not as described.
    """
    folder = _folder("faces", source)
    if source not in ("embedded", "real"):
        people = people_in(folder)
        if len(people) < 2:
            raise ValueError(
                f"{folder} has {len(people)} folders; expected one per person, of two people at least. "
                "Give the folder that holds them."
            )
        try:
            return faces_of(people)
        except ValueError as error:
            raise ValueError(f"{folder}: {error}") from None
    file = folder / "faces.npz"
    try:
        with zipfile.ZipFile(file), np.load(file) as arrays:
            loaded = {key: arrays[key] for key in arrays.files}
        lacking, strange = set(Faces._fields[:5]) - loaded.keys(), loaded.keys() - set(Faces._fields)
        if lacking or strange:
            raise ValueError(f"it {'lacks' if lacking else 'holds'} {sorted(lacking or strange)[0]}")
    except PermissionError as error:
        raise PermissionError(f"{file} cannot be read: its permissions forbid it. Change them.") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        again = "run `course data fetch faces` again" if source == "real" else "load again"
        reason = getattr(error, "strerror", None) or str(error)
        raise OSError(f"{file} is damaged ({reason:.120}). Delete the folder {folder} and {again}.") from error
    loaded["names"] = [str(name) for name in loaded["names"]]
    loaded |= {key: boxes.astype(np.float32) for key, boxes in loaded.items() if key.endswith("_boxes")}
    return Faces(**loaded)


def people_in(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of each person, by name, of a folder with one folder per person.

    An underscore in a folder's name is read as a space.
    """
    return {
        path.name.replace("_", " "): pictures_in(path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }


def faces_of(people: dict[str, list[Path]], *, crop: tuple[int, int, int, int] | None = None, seed: int = 0) -> Faces:
    """Read the pictures of some people, and deal them out into halves to train on and to test.

    Each person's pictures are shuffled and dealt in turn, so that the halves differ by one picture at most, for every
    person and altogether.

    Parameters
    ----------
    people : dict
        name -> picture files, two at least.
    crop : tuple of int, optional
        x0, y0, x1, y1 in pixels, cut out of each picture. By default the largest part of the face's proportions,
        from the middle.
    seed : int
        Of the shuffle.

    Raises
    ------
    ValueError
        If a person has fewer than two pictures.
    PictureError
        If a file is no readable picture.
    """
    for name, paths in people.items():
        if len(paths) < 2:
            raise ValueError(
                f"{name} has too few pictures, {len(paths)}; expected 2 at least, one to train on and one to test. "
                "Add some, or remove the folder."
            )
    names = sorted(people)
    dealt = [
        (people[name][i], label)
        for label, name in enumerate(names)
        for i in np.random.default_rng([seed, label]).permutation(len(people[name]))
    ]
    images = np.empty((len(dealt), FACE_SIZE[1], FACE_SIZE[0]), np.uint8)
    for i, (path, _) in enumerate(tqdm(dealt, desc="Reading faces", unit="image", leave=False)):
        face = read_rgb(path).convert("L")
        if crop is not None:
            face = face.crop(crop)
        images[i] = np.asarray(ImageOps.fit(face, FACE_SIZE, Image.Resampling.BICUBIC))
    labels = np.array([label for _, label in dealt], np.int64)
    return Faces(images[::2], labels[::2], images[1::2], labels[1::2], names)


def load_vehicles(source: Path | str = "embedded", transform: Callable | None = None) -> VehicleFolder:
    """Load pictures of airplanes, motorbikes and schooners: 800, 798 and 63 of them.

    Parameters
    ----------
    source : str or path
        ``"embedded"`` draws them at the first call. ``"real"`` is three classes of Caltech-101. A path is a folder
        with one folder per class.
    transform : callable, optional
        Applied to the PIL image (RGB) of each item.

    Returns
    -------
    VehicleFolder
        Items are (image, label).

    Raises
    ------
    FileNotFoundError
        If ``source`` is a folder that does not exist, or real data that has not been fetched, or holds no pictures.
    """
    return VehicleFolder(_folder("vehicles", source), transform)


def load_cats(source: Path | str = "embedded", transform: Callable | None = None) -> CatSplits:
    """Load pictures of angry and happy cats with boxes: 240 to train on, 68 to validate, 36 to test.

    Parameters
    ----------
    source : str or path
        ``"embedded"`` draws them at the first call. ``"real"`` is what ``course data fetch cats --from`` brought. A
        path is a folder in YOLO layout, see :class:`YOLODataset`.
    transform : callable, optional
        Applied to the images of all three splits. To augment the training split alone, set ``splits.train.transform``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder is missing or is not in YOLO layout; the message names the file and the line.
    """
    folder = _folder("cats", source)
    return CatSplits(*(YOLODataset(folder, split, transform) for split in CatSplits._fields))


def load_photos(source: Path | str = "embedded") -> dict[str, np.ndarray]:
    """Load a few colour photographs by name.

    Parameters
    ----------
    source : str or path
        ``"embedded"``: those that are installed with scikit-image and scikit-learn, such as ``chelsea`` (a cat),
        ``coffee`` and ``rocket``. They come with every source, since lessons ask for them by name. ``"real"``: the
        first picture of each of seven classes of Caltech-256 besides. A path is a folder; each picture in it is added
        under its name without the ending, and of each folder in it the first picture, under the folder's name. A
        picture of the folder takes the place of an installed one with the same name.

    Returns
    -------
    dict of numpy.ndarray
        name -> uint8, (H, W, 3), RGB; the sizes differ.

    Raises
    ------
    FileNotFoundError
        If ``source`` is a folder that does not exist, or real data that has not been fetched.
    ValueError
        If the folder holds no pictures.
    """
    files = {name: _package(package) / file for name, (package, file) in PHOTOS.items()}
    if source != "embedded":
        folder = _folder("photos", source)
        own = {path.stem: path for path in pictures_in(folder)}
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.name.startswith(".") and (pictures := pictures_in(inner)):
                own[inner.name] = pictures[0]
        if not own:
            raise ValueError(
                f"{folder} holds no pictures, nor does a folder in it; expected files ending in one of "
                f"{' '.join(sorted(SUFFIXES))}. Give the folder that holds them."
            )
        files |= own
    return {name: np.array(read_rgb(files[name])) for name in sorted(files)}


def _package(name: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    return Path(importlib.util.find_spec(name).origin).parent


def load_digits(source: Path | str = "embedded") -> Digits:
    """Load small grey pictures of ten classes.

    Parameters
    ----------
    source : str or path
        ``"embedded"``: scikit-learn's 1,797 digits of 8 x 8, three quarters to train on, stratified. ``"real"``:
        Fashion-MNIST's 60,000 + 10,000 pictures of 28 x 28. A path is a folder with the four files of MNIST, or of
        another set in its format.

    Returns
    -------
    Digits

    Raises
    ------
    FileNotFoundError
        If ``source`` is a folder that does not exist or lacks one of the files, or real data that has not been
        fetched.
    ValueError
        If a file is damaged or of another format.
    """
    if source == "embedded":
        from sklearn.datasets import load_digits as sklearn_digits
        from sklearn.model_selection import train_test_split

        digits = sklearn_digits()
        images, labels = (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)
        train_images, test_images, train_labels, test_labels = train_test_split(
            images, labels, test_size=0.25, random_state=0, stratify=labels
        )
        return Digits(train_images, train_labels, test_images, test_labels, [str(n) for n in digits.target_names])
    folder = _folder("digits", source)
    missing = [name for name in IDX_FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {', '.join(missing)}; expected the four files of MNIST's format. Copy them there."
        )
    arrays = [read_idx(folder / name) for name in IDX_FILES]
    check_digits(folder, *arrays, classes=len(FASHION_NAMES) if source == "real" else None)
    train_images, train_labels, test_images, test_labels = arrays
    names = FASHION_NAMES if source == "real" else [str(n) for n in range(int(train_labels.max()) + 1)]
    return Digits(
        train_images.astype(np.float32) / 255,
        train_labels.astype(np.int64),
        test_images.astype(np.float32) / 255,
        test_labels.astype(np.int64),
        list(names),
    )


def as_tensors(dataset: Dataset, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Decode every picture of a data set once, and return them as two tensors.

    Each is resized so that its short side is ``size`` (bicubic, antialiased), and the middle is cut out.

    Parameters
    ----------
    dataset : Dataset
        Items are (PIL image in RGB, label), as from :func:`load_vehicles` or :func:`load_cats` without a transform.
    size : int
        Side in pixels.

    Returns
    -------
    images : torch.Tensor
        uint8, (N, 3, size, size). 1,000 pictures of 224 x 224 take 150 MB.
    labels : torch.Tensor
        int64, (N,).

    Raises
    ------
    TypeError
        If an item is not a PIL image.
    ValueError
        If ``size`` is not a whole number of at least 1.
    PictureError
        If a file is no readable picture; the message names it.
    """
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"size is {size!r}; expected the side of the square in pixels, a whole number of at least 1.")
    images = torch.empty((len(dataset), 3, size, size), dtype=torch.uint8)
    labels = torch.empty(len(dataset), dtype=torch.int64)
    for i in tqdm(range(len(dataset)), desc="Decoding", unit="image", leave=False):
        image, labels[i] = dataset[i]
        if not isinstance(image, Image.Image):
            raise TypeError(
                f"Item {i} is a {type(image).__name__}; expected a PIL image: load the data with transform=None."
            )
        square = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
        images[i] = torch.from_numpy(np.array(square)).permute(2, 0, 1)
    return images, labels
