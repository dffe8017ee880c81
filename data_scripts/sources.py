"""Where each real data set comes from, and how what comes becomes what the loaders read."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils.data.pictures import pictures_in
from course_utils.data.real import FASHION_NAMES, IDX_FILES, check_digits, read_idx

LFW_PEOPLE, LFW_IMAGES = 26, 890

# The face in LFW's 250 x 250 pictures ("funneled": aligned), somewhat more than scikit-learn cuts out, in the
# proportions of 130 x 170: x0, y0, x1, y1.
LFW_CROP = (73, 64, 177, 200)

# class folder in Caltech-101's pictures -> (our class, class folder in its annotations)
CALTECH101 = {
    "airplanes": ("airplane", "Airplanes_Side_2"),
    "Motorbikes": ("motorbike", "Motorbikes_16"),
    "schooner": ("schooner", "schooner"),
}

CALTECH256 = {
    "009.bear": "bear",
    "024.butterfly": "butterfly",
    "038.chimp": "chimp",
    "151.ostrich": "ostrich",
    "158.penguin": "penguin",
    "190.snake": "snake",
    "251.airplanes-101": "airplanes",
}


class LayoutError(Exception):
    """What was fetched is not laid out as expected; the message says what was looked for."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Parameters
    ----------
    url : str
    name : str
        What to call it here.
    checksum : str or None
        Like ``"md5:..."`` or ``"sha256:..."``, as its publisher or a library that fetches it states.
    size : int
        Bytes, to be told before the download starts.
    """

    url: str
    name: str
    checksum: str | None
    size: int


@dataclass(frozen=True)
class Source:
    """A real data set.

    Parameters
    ----------
    files : tuple of RemoteFile
        Archives are unpacked; other files are used as they are. Empty: there is no public address.
    prepare : callable
        ``prepare(tree, out)`` reads the folder with the unpacked files, which it leaves alone, and fills the empty
        folder ``out``.
    keep : tuple of str
        If given, only what lies below folders of these names is unpacked.
    shows : tuple of str
        What a complete folder of this set has in it, as far as a glance tells.
    unpacked, ready : int
        Bytes on the disk, at most: of what is unpacked for the while, archives inside archives included, and of what
        is made of it.
    """

    files: tuple[RemoteFile, ...]
    prepare: Callable[[Path, Path], None]
    keep: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    unpacked: int = 0
    ready: int = 0


def _find_folder(tree: Path, name: str) -> Path | None:
    """Return the folder called ``name`` nearest to the top of ``tree``, or ``tree`` itself if that is its name."""
    if tree.name == name:
        return tree
    found = [path for path in tree.rglob(name) if path.is_dir()]
    return min(found, key=lambda path: (len(path.parts), path), default=None)


def shares(available: list[int], total: int) -> list[int]:
    """Return how many pictures to take of each person, as equal as what is available allows.

    One is taken of everybody in turn who has any left, until there are ``total``.
    """
    taken = [0] * len(available)
    while sum(taken) < total:
        for i, limit in enumerate(available):
            if taken[i] < limit and sum(taken) < total:
                taken[i] += 1
        if taken == available:
            break
    return taken


def prepare_faces(tree: Path, out: Path) -> None:
    """Choose the 26 people of Labeled Faces in the Wild with most pictures, and 890 pictures of them.

    Equal counts are ordered by name. Each gives 33 to 35 pictures, chosen by a seed: the 530 of the most frequent
    person would otherwise be most of the set.
    """
    from course_utils.data.loaders import faces_of, people_in

    people = people_in(_find_folder(tree, "lfw_funneled") or tree)
    most = sorted(people, key=lambda name: (-len(people[name]), name))[:LFW_PEOPLE]
    taken = shares([len(people[name]) for name in most], LFW_IMAGES)
    if len(most) < LFW_PEOPLE or sum(taken) < LFW_IMAGES:
        raise LayoutError(
            f"There are {sum(taken)} pictures of {len(most)} people; expected {LFW_IMAGES} of {LFW_PEOPLE}, "
            "in one folder per person, as in lfw-funneled.tgz."
        )
    rng = np.random.default_rng(0)
    chosen = {
        name: [people[name][i] for i in sorted(rng.permutation(len(people[name]))[:count])]
        for name, count in zip(most, taken)
    }
    try:
        faces = faces_of(chosen, crop=LFW_CROP)
    except ValueError as error:  # somebody has a single picture
        raise LayoutError(str(error)) from error
    arrays = {key: value for key, value in faces._asdict().items() if value is not None}
    np.savez(out / "faces.npz", **arrays)


def prepare_vehicles(tree: Path, out: Path) -> None:
    """Copy three classes of Caltech-101 under the course's names, with their boxes if the annotations are there."""
    root = _find_folder(tree, "101_ObjectCategories") or tree
    annotations = _find_folder(tree, "Annotations")
    lines = ["file,x0,y0,x1,y1"]
    for theirs, (ours, annotated) in CALTECH101.items():
        if not (root / theirs).is_dir():
            raise LayoutError(
                f"There is no folder {theirs}; expected {', '.join(CALTECH101)}, as in 101_ObjectCategories "
                "of caltech-101.zip."
            )
        pictures = pictures_in(root / theirs)
        if not pictures:
            raise LayoutError(f"The folder {theirs} holds no pictures; expected those of caltech-101.zip.")
        (out / ours).mkdir()
        for path in pictures:
            shutil.copyfile(path, out / ours / path.name)
            if annotations is not None:
                number = path.stem.removeprefix("image_")
                box = _read_box(annotations / annotated / f"annotation_{number}.mat")
                lines.append(",".join([f"{ours}/{path.name}", *(f"{value:g}" for value in box)]))
    if annotations is not None:
        (out / "boxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read_box(path: Path) -> list[float]:
    """Return x0, y0, x1, y1 in pixels from a Caltech-101 annotation, which stores y0, y1, x0, x1 counted from 1."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        y0, y1, x0, x1 = (float(value) for value in loadmat(path)["box_coord"].ravel())
    except (FileNotFoundError, KeyError, ValueError, MatReadError) as error:
        raise LayoutError(f"The annotation {path.parent.name}/{path.name} is missing or damaged ({error}).") from error
    return [x0 - 1, y0 - 1, x1, y1]


def prepare_photos(tree: Path, out: Path) -> None:
    """Copy seven classes of Caltech-256, under their names without the number."""
    for theirs, ours in CALTECH256.items():
        folder = _find_folder(tree, theirs)
        if folder is None or not pictures_in(folder):
            raise LayoutError(f"There is no folder {theirs} with pictures; expected it as in 256_ObjectCategories.tar.")
        (out / ours).mkdir()
        for path in pictures_in(folder):
            shutil.copyfile(path, out / ours / path.name)


def prepare_digits(tree: Path, out: Path) -> None:
    """Check the four files of Fashion-MNIST, and copy them; those that were unpacked are packed again."""
    arrays = []
    for name in IDX_FILES:
        packed, plain = (
            sorted(path for path in tree.rglob(as_named) if path.is_file()) for as_named in (name, name[:-3])
        )
        found = next(iter(packed + plain), None)
        if found is None:
            raise LayoutError(f"The file {name} is missing; expected {', '.join(IDX_FILES)}.")
        try:
            arrays.append(read_idx(found))
        except ValueError as error:
            raise LayoutError(str(error)) from error
        if packed:
            shutil.copyfile(found, out / name)
        else:
            with open(found, "rb") as content, gzip.open(out / name, "wb") as file:
                shutil.copyfileobj(content, file)
    try:
        check_digits("The set", *arrays, classes=len(FASHION_NAMES))
    except ValueError as error:
        raise LayoutError(str(error)) from error


def prepare_cats(tree: Path, out: Path) -> None:
    """Check a folder in YOLO layout, and copy its three splits under the names train, valid and test."""
    import yaml

    from course_utils.data.yolo import YOLODataset

    tables = list(tree.rglob("data.yaml"))
    if not tables:
        raise LayoutError(
            "There is no data.yaml; expected the YOLO layout: data.yaml, and train, valid and test with images/ and "
            "labels/ in each."
        )
    root = min(tables, key=lambda path: (len(path.parts), path)).parent
    for split in ("train", "valid", "test"):
        try:
            dataset = YOLODataset(root, split)
        except (FileNotFoundError, ValueError) as error:
            raise LayoutError(str(error)) from error
        for kind in ("images", "labels"):
            (out / split / kind).mkdir(parents=True)
        for image, label in zip(dataset.paths, dataset.label_paths):
            shutil.copyfile(image, out / split / "images" / image.name)
            shutil.copyfile(label, out / split / "labels" / label.name)
    (out / "data.yaml").write_text(yaml.safe_dump({"names": dataset.class_names}, allow_unicode=True), encoding="utf-8")


_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"

# Addresses and checksums are those that scikit-learn (faces) and torchvision (the others) state.
SOURCES: dict[str, Source] = {
    "faces": Source(
        (
            RemoteFile(
                "https://ndownloader.figshare.com/files/5976015",
                "lfw-funneled.tgz",
                "sha256:b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
                243_346_528,
            ),
        ),
        prepare_faces,
        shows=("faces.npz",),
        unpacked=300_000_000,
        ready=20_000_000,
    ),
    "vehicles": Source(
        (
            RemoteFile(
                "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
                "caltech-101.zip",
                "md5:3138e1922a9193bfa496528edbbc45d0",
                137_414_764,
            ),
        ),
        prepare_vehicles,
        keep=(*CALTECH101, *(annotated for _, annotated in CALTECH101.values())),
        shows=tuple(ours for ours, _ in CALTECH101.values()),
        unpacked=200_000_000,
        ready=35_000_000,
    ),
    "cats": Source((), prepare_cats, shows=("data.yaml", "train", "valid", "test")),
    "photos": Source(
        (
            RemoteFile(
                "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar",
                "256_ObjectCategories.tar",
                "md5:67b4f42ca05d46448c6bb8ecd2220f6d",
                1_183_006_720,
            ),
        ),
        prepare_photos,
        keep=tuple(CALTECH256),
        shows=tuple(CALTECH256.values()),
        unpacked=90_000_000,
        ready=90_000_000,
    ),
    "digits": Source(
        tuple(
            RemoteFile(f"{_FASHION}/{name}", name, f"md5:{md5}", size)
            for name, md5, size in zip(
                IDX_FILES,
                (
                    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                    "25c81989df183df01b3e8a0aad5dffbe",
                    "bef4ecab320f06d8554ea6380940ec79",
                    "bb300cfdad3c16e7a12a480ee83cd310",
                ),
                (26_421_880, 29_515, 4_422_102, 5_148),
            )
        ),
        prepare_digits,
        shows=IDX_FILES,
        unpacked=31_000_000,
        ready=31_000_000,
    ),
}
