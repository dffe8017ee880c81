"""Bad input to the loaders and to training, and what each gets; also right input that looks odd, and what it gives.

``python tests/bad_input_cases.py`` prints the table with every message. ``test_bad_input.py`` runs it as tests. A new
case is one more ``bad`` (or ``fine``) function here: it makes its input in an empty folder, and returns what to call.
"""

from __future__ import annotations

import builtins
import contextlib
import gzip
import hashlib
import io
import json
import os
import signal
import struct
import sys
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from course_utils import data, results, training
from course_utils.data import store
from course_utils.data.pictures import PictureError, read_rgb
from course_utils.data.real import IDX_FILES

LONGEST = 400  # characters of a message, without the part of its paths that the machine chooses
HANGS = 120  # seconds


@dataclass
class Attempt:
    """What a case calls, and what must be the same afterwards."""

    call: Callable[[], object]
    model: nn.Module | None = None
    optimizer: torch.optim.Optimizer | None = None
    unreadable: Path | None = None  # a stand-in for `chmod 000`, which does not stop root


@dataclass(frozen=True)
class Case:
    """An input, and the error that it gets or the array that it gives.

    Attributes
    ----------
    id : str
        Group and name.
    wrong : str
        What is wrong with the input, or odd.
    prepare : callable
        ``prepare(folder)`` makes the input in an empty folder and returns an :class:`Attempt`, or what to call.
    error : type or None
        The exact type; ``None`` if it is right input.
    named, expected, came, do : str
        What the message must hold: the file or argument, what was expected, what came, what to do.
    steps : bool
        Training has taken steps when the mistake shows, so that the weights differ.
    gives : array or None
        What right input gives, within ``off`` in each number.
    """

    id: str
    wrong: str
    prepare: Callable[[Path], Attempt | Callable[[], object]] = field(repr=False)
    error: type[Exception] | None = None
    named: str = ""
    expected: str = ""
    came: str = ""
    do: str = ""
    steps: bool = False
    gives: object = None
    off: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    error : Exception or None
    message : str
        Of the error, with ``...`` for the case's folder.
    result : object
        What the call returned.
    changed : list of str
        Files and folders that differ from before; ``"model"`` if its weights do, ``"optimizer"``
        if its moments do.
    warned : list of str
        Warnings that were shown besides.
    """

    error: Exception | None
    message: str
    result: object
    changed: list[str]
    warned: list[str]


CASES: list[Case] = []


def bad(id: str, wrong: str, error: type[Exception], *, named: str, expected: str, came: str, do: str, steps=False):
    """Add the decorated ``prepare`` as a case that gets an error."""

    def add(prepare):
        CASES.append(Case(id, wrong, prepare, error, named, expected, came, do, steps))
        return prepare

    return add


def fine(id: str, odd: str, *, gives: object, off: int = 0):
    """Add the decorated ``prepare`` as a case that just works, and gives an array."""

    def add(prepare):
        CASES.append(Case(id, odd, prepare, gives=gives, off=off))
        return prepare

    return add


def outcome(case: Case, folder: Path) -> Outcome:
    """Run a case in an empty folder, whose ``data`` is the course's data folder meanwhile."""
    with mock.patch.dict(os.environ, {"COURSE_DATA": str(folder / "data")}), time_limit():
        attempt = case.prepare(folder)
        if not isinstance(attempt, Attempt):
            attempt = Attempt(attempt)
        before, weights, moments = snapshot(folder), weights_of(attempt.model), moments_of(attempt.optimizer)
        error = result = None
        with warnings.catch_warnings(record=True) as warned, unreadable(attempt.unreadable):
            warnings.simplefilter("always")
            try:
                result = attempt.call()
            except Exception as raised:
                error = raised
        after = snapshot(folder)
        changed = sorted(path for path in before | after if before.get(path) != after.get(path))
        changed += ["model"] * (weights_of(attempt.model) != weights)
        changed += ["optimizer"] * (moments_of(attempt.optimizer) != moments)
    message = str(error).replace(str(folder), "...") if error is not None else ""
    return Outcome(error, message, result, changed, [str(each.message) for each in warned])


def snapshot(folder: Path) -> dict[str, object]:
    """Return what each path below ``folder`` is: a link's target, a file's bytes and time, or a folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(place, name)
            if path.suffix == ".lock":  # what tells processes of each other, empty and there to stay
                continue
            if path.is_symlink():
                is_ = os.readlink(path)
            elif path.is_file():
                is_ = (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            else:
                is_ = "folder" if path.is_dir() else "pipe"
            found[path.relative_to(folder).as_posix()] = is_
    return found


def weights_of(model: nn.Module | None) -> str:
    """Return a digest of a model's weights, buffers and places."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items() if model is not None else ():
        digest.update(f"{name} {tensor.device} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if not tensor.is_meta:
            digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def moments_of(optimizer: torch.optim.Optimizer | None) -> str:
    """Return the state and the options of an optimizer as text."""
    return repr(optimizer.state_dict()) if optimizer is not None else ""


@contextlib.contextmanager
def unreadable(path: Path | None):
    """Let the system refuse to open ``path`` meanwhile, as it refuses a file without rights."""
    really = builtins.open

    def guarded(file, *args, **options):
        if path is not None and not isinstance(file, int) and os.fspath(file) == os.fspath(path):
            raise PermissionError(13, "Permission denied", os.fspath(file))
        return really(file, *args, **options)

    with mock.patch.object(builtins, "open", guarded), mock.patch.object(io, "open", guarded):
        yield


@contextlib.contextmanager
def time_limit():
    """Turn a hang, such as reading from a pipe that nobody writes to, into an error."""

    def stop(number, frame):
        raise AssertionError(f"a case took more than {HANGS} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# Where the data comes from: the argument `source`.

LOADERS = {
    "faces": data.load_faces,
    "vehicles": data.load_vehicles,
    "cats": data.load_cats,
    "photos": data.load_photos,
    "digits": data.load_digits,
}


for name, load in LOADERS.items():

    @bad(
        f"source-not-fetched-{name}",
        f"`load_{name}('real')`, and nothing has been fetched",
        FileNotFoundError,
        named=f".../data/real/{name}",
        expected="source='embedded'",
        came="does not exist",
        do=f"Run `course data fetch {name}",
    )
    def _(folder, load=load):
        return lambda: load("real")

    @bad(
        f"source-nowhere-{name}",
        f"`load_{name}` with the path of a folder that is not there",
        FileNotFoundError,
        named="source is '.../nowhere'",
        expected="expected 'embedded' (the default), 'real'",
        came="there is no folder .../nowhere",
        do=f"`course data fetch {name}`",
    )
    def _(folder, load=load):
        return lambda: load(folder / "nowhere")


@bad(
    "source-misspelt",
    "`load_cats('reel')`",
    FileNotFoundError,
    named="source is 'reel'",
    expected="expected 'embedded' (the default), 'real'",
    came="there is no folder",
    do="`course data fetch cats`",
)
def _(folder):
    return lambda: data.load_cats("reel")


@bad(
    "source-empty",
    "`load_vehicles('')`",
    FileNotFoundError,
    named="source is ''",
    expected="or the path of a folder",
    came="that is an empty text",
    do="`course data fetch vehicles`",
)
def _(folder):
    return lambda: data.load_vehicles("")


@bad(
    "source-number",
    "`load_faces(3)`",
    TypeError,
    named="source is 3",
    expected="expected 'embedded', 'real' or the path of a folder",
    came="source is 3",
    do="expected 'embedded'",
)
def _(folder):
    return lambda: data.load_faces(3)


@bad(
    "source-archive",
    "the path of a zip file instead of its folder",
    FileNotFoundError,
    named="source is '.../cats.zip'",
    expected="the path of a folder",
    came=".../cats.zip is a file",
    do="unpack it, and give the folder",
)
def _(folder):
    with zipfile.ZipFile(folder / "cats.zip", "w") as file:
        file.writestr("data.yaml", "names: [angry, happy]\n")
    return lambda: data.load_cats(folder / "cats.zip")


# Label files of pictures in YOLO layout.


def picture(path: Path, colour=(120, 60, 30), size=(12, 8)) -> None:
    """Write a picture of one colour, and the folders that lead to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


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
FIVE = "expected 5 numbers, class cx cy w h"
FRACTION = "expected a fraction of the picture, 0 to 1"
WHOLE = "expected a whole number and 4 fractions"
# name: (what is wrong, content, expected, came)
LINES = {
    "too-few": ("a line of four numbers", "0 0.5 0.5 0.5", FIVE, "got 4: '0 0.5 0.5 0.5'"),
    "polygon": ("the outline of the object", "0 .1 .1 .2 .2 .3 .3", FIVE, "got 7 (a polygon? Export boxes)"),
    "confidence": (
        "a detector's output, with a sixth number",
        "0 .5 .5 .5 .5 .93",
        FIVE,
        "got 6 (a confidence? Leave it out)",
    ),
    "commas": ("commas between the numbers", "0,0.5,0.5,0.5,0.5", FIVE, "got 1 (commas? Put spaces in their place)"),
    "decimal-comma": ("decimal commas", "0 0,5 0,5 0,5 0,5", WHOLE, "(a decimal comma? Write a point)"),
    "text": ("the name of the class for its number", "angry .5 .5 .5 .5", WHOLE, "got 'angry .5 .5 .5 .5'"),
    "second-line": ("a mistake in the second line", "0 .5 .5 .5 .5\n0 x .5 .5 .5", WHOLE, "line 2"),
    "class-not-whole": ("a class number with a point", "0.5 .5 .5 .5 .5", WHOLE, "got '0.5"),
    "class-too-large": ("a class that data.yaml does not name", "2 .5 .5 .5 .5", "data.yaml names, 0 to 1", "class 2"),
    "class-negative": ("a negative class", "-1 .5 .5 .5 .5", "data.yaml names, 0 to 1", "class -1"),
    "class-huge": ("a class of 4,000 digits", "9" * 4000 + " .5 .5 .5 .5", "0 to 1", "class 99999"),
    "pixels": ("a box in pixels", "0 20 10 20 10", FRACTION, "cx is 20.0"),
    "negative": ("a negative centre", "0 .5 -.1 .5 .5", FRACTION, "cy is -0.1"),
    "nan": ("not a number", "0 .5 .5 nan .5", FRACTION, "w is nan"),
    "infinite": ("an infinite height", "0 .5 .5 .5 inf", FRACTION, "h is inf"),
    "zero-size": ("a box of no height", "0 .5 .5 .5 0", "expected both above 0", "0.0 high"),
}
for name, (wrong, content, expected, came) in LINES.items():

    @bad(f"label-{name}", wrong, ValueError, named=LABEL, expected=expected, came=came, do="Correct the line")
    def _(folder, content=content):
        root = cats(folder)
        (root / LABEL).write_text(content)
        return lambda: data.load_cats(root)


for name, content in {"empty": "", "blank": "\n  \n"}.items():

    @bad(
        f"label-{name}",
        f"a label file that is {name}",
        ValueError,
        named=LABEL,
        expected="Add a line `class cx cy w h`",
        came="has no box",
        do="or remove both files",
    )
    def _(folder, content=content):
        root = cats(folder)
        (root / LABEL).write_text(content)
        return lambda: data.load_cats(root)


# name: (what is wrong, bytes, what the message says of them)
ENCODINGS = {
    "utf16": ("a label file in UTF-16", "0 .5 .5 .5 .5".encode("utf-16"), "byte 0 is 0xff"),
    "binary": ("a picture under the name of a label file", b"0 .5 \x89PNG\r\n", "byte 5 is 0x89"),
}
for name, (wrong, content, came) in ENCODINGS.items():

    @bad(f"label-{name}", wrong, ValueError, named=LABEL, expected="UTF-8 text", came=came, do="Save it as UTF-8")
    def _(folder, content=content):
        root = cats(folder)
        (root / LABEL).write_bytes(content)
        return lambda: data.load_cats(root)


@bad(
    "label-unreadable",
    "a label file that this user may not read",
    PermissionError,
    named=LABEL,
    expected="permissions",
    came="its permissions forbid it",
    do="Change them",
)
def _(folder):
    root = cats(folder)
    return Attempt(lambda: data.load_cats(root), unreadable=root / LABEL)


@bad(
    "label-missing",
    "a picture without a label file",
    FileNotFoundError,
    named=LABEL,
    expected="expected the boxes of the picture a.png",
    came="does not exist",
    do="Add it, or remove the picture",
)
def _(folder):
    root = cats(folder)
    (root / LABEL).unlink()
    return lambda: data.load_cats(root)


@bad(
    "label-folder",
    "a folder with the name of a label file",
    FileNotFoundError,
    named=LABEL,
    expected="expected the boxes of the picture a.png",
    came="or is no file",
    do="Add it, or remove the picture",
)
def _(folder):
    root = cats(folder)
    (root / LABEL).unlink()
    (root / LABEL).mkdir()
    return lambda: data.load_cats(root)


@bad(
    "label-without-picture",
    "two label files without a picture, as of photographs in HEIC",
    ValueError,
    named="train/labels/c.txt",
    expected="expected c.jpg or another of .bmp .gif .jpeg",
    came="(one of 2 such files) has no picture in .../cats/train/images",
    do="Add or convert the picture, or remove the label file",
)
def _(folder):
    root = cats(folder)
    for name in "cd":
        (root / f"train/labels/{name}.txt").write_text("0 .5 .5 .5 .5")
        (root / f"train/images/{name}.heic").write_bytes(b"....ftypheic")
    return lambda: data.load_cats(root)


@bad(
    "label-link-loop",
    "a label file that is a link to itself",
    FileNotFoundError,
    named=LABEL,
    expected="expected the boxes of the picture a.png",
    came="does not exist",
    do="Add it, or remove the picture",
)
def _(folder):
    root = cats(folder)
    (root / LABEL).unlink()
    (root / LABEL).symlink_to("a.txt")
    return lambda: data.load_cats(root)


@bad(
    "class-without-picture",
    "a class in data.yaml that no picture has",
    ValueError,
    named="/cats/train/images",
    expected="expected one at least",
    came="has the class 'asleep' (number 2 in data.yaml)",
    do="Add pictures of it, or take the name out",
)
def _(folder):
    root = cats(folder)
    (root / YAML).write_text("names: [angry, happy, asleep]\n")
    return lambda: data.load_cats(root)


# data.yaml and the folders beside it.

NAMES = "expected a line like `names: [angry, happy]`"
# name: (what is wrong, content, expected, came, do)
YAMLS = {
    "no-names": ("no names", b"nc: 2\n", NAMES, "has no class names", "Write such a line"),
    "empty-list": ("an empty list of names", b"names: []\n", NAMES, "got []", "Write such a line"),
    "empty": ("an empty data.yaml", b"", NAMES, "got an empty file", "Write such a line"),
    "one-word": ("one word for the list of names", b"names: happy\n", NAMES, "got 'happy'", "Write such a line"),
    "gap": (
        "numbers of classes with a gap",
        b"names: {0: angry, 2: happy}\n",
        "expected 0 to 1, each once",
        "are [0, 2]",
        "Number the classes anew",
    ),
    "yes-no": (
        "names that YAML reads as true and false",
        b"names: [yes, no]\n",
        "expected texts",
        "holds the truth value True",
        "Put each name in quotes",
    ),
    "none": (
        "a name that is not there",
        b"names:\n- angry\n-\n",
        "expected texts",
        "holds an empty entry",
        "Put each name in quotes",
    ),
    "nested": (
        "lists for names",
        b"names: [[angry], [happy]]\n",
        "expected texts",
        "holds a list",
        "Put each name in quotes",
    ),
    "twice": (
        "a name twice",
        b"names: [happy, happy]\n",
        "expected each class once",
        "holds 'happy' twice",
        "Rename one",
    ),
    "count": (
        "a number of classes that disagrees",
        b"nc: 3\nnames: [angry, happy]\n",
        "`names` has 2",
        "nc is 3",
        "Make them agree",
    ),
    "broken": ("a bracket that is not closed", b"path: .\nnames: [angry\n", "Expected a line", "line 3", "correct it"),
    "date": (
        "a date of the 13th month",
        b"made: 2024-13-01\nnames: [a, b]\n",
        "Expected a line",
        "month",
        "correct it",
    ),
    "control": ("bytes that are no text", b"names: [a, b]\n\0\0\0\n", "Expected a line", "#x0000", "correct it"),
    "binary": ("a picture named data.yaml", b"\x89PNG\r\n\x1a\n", "UTF-8 text", "byte 0 is 0x89", "Save it as UTF-8"),
    "hostile": (
        "a data.yaml that would run a program",
        b"names: !!python/object/apply:os.mkdir [ran]\n",
        "Expected a line",
        "could not determine a constructor",
        "correct it",
    ),
}
for name, (wrong, content, expected, came, do) in YAMLS.items():

    @bad(f"yaml-{name}", wrong, ValueError, named="/cats/data.yaml", expected=expected, came=came, do=do)
    def _(folder, content=content):
        root = cats(folder)
        (root / YAML).write_bytes(content.replace(b"ran", os.fsencode(folder / "ran")))
        return lambda: data.load_cats(root)


@bad(
    "yaml-missing",
    "no data.yaml",
    FileNotFoundError,
    named="/cats/data.yaml",
    expected="expected a file with a line like `names: [angry, happy]`",
    came="does not exist",
    do="Write one",
)
def _(folder):
    root = cats(folder)
    (root / YAML).unlink()
    return lambda: data.load_cats(root)


@bad(
    "split-missing",
    "no split named test",
    FileNotFoundError,
    named="/cats has no split 'test'",
    expected="expected the folder test/images or images/test",
    came="found train, valid",
    do="Add the split, or rename its folder",
)
def _(folder):
    root = cats(folder)
    (root / "test").rename(folder / "elsewhere")
    return lambda: data.load_cats(root)


@bad(
    "split-no-labels",
    "no folder of labels",
    FileNotFoundError,
    named="/cats/train/labels",
    expected="expected a .txt file there for each picture",
    came="does not exist",
    do="Make that folder",
)
def _(folder):
    root = cats(folder)
    (root / "train/labels").rename(folder / "elsewhere")
    return lambda: data.load_cats(root)


@bad(
    "split-hidden-files",
    "a folder with hidden files and a folder for pictures, but no picture",
    ValueError,
    named="/cats/train/images",
    expected="expected files ending in one of",
    came="holds no pictures",
    do="Add or convert some",
)
def _(folder):
    root = cats(folder)
    for name in "ab":
        (root / f"train/images/{name}.png").rename(root / f"train/images/._{name}.png")
    (root / "train/images/c.png").mkdir()
    os.mkfifo(root / "train/images/d.png")
    (root / "train/images/e.png").symlink_to("e.png")
    return lambda: data.load_cats(root)


@bad(
    "split-root-file",
    "the path of data.yaml instead of its folder",
    FileNotFoundError,
    named="/cats/data.yaml is not a folder",
    expected="expected one with data.yaml and a folder per split",
    came="is not a folder",
    do="Correct the path",
)
def _(folder):
    root = cats(folder)
    return lambda: data.YOLODataset(root / YAML, "train")


@fine("label-crlf", "Windows line ends, a byte order mark and blank lines in labels and data.yaml", gives=[0, 1])
def _(folder):
    root = cats(folder)
    (root / LABEL).write_bytes(b"\xef\xbb\xbf0 0.5 0.5 0.5 0.5\r\n\r\n")
    (root / YAML).write_bytes(b"\xef\xbb\xbfnames: [angry, happy]\r\n")
    return lambda: data.load_cats(root).train.targets


@fine(
    "label-tool-files", "`classes.txt` beside the labels, hidden files and `Thumbs.db` among the pictures", gives=[0, 1]
)
def _(folder):
    root = cats(folder)
    (root / "train/labels/classes.txt").write_text("angry\nhappy\n")
    (root / "train/labels/._a.txt").write_bytes(b"\0\5")
    (root / "train/images/._a.png").write_bytes(b"\0\5")
    (root / "train/images/Thumbs.db").write_bytes(b"\0\5")
    return lambda: data.load_cats(root).train.targets


# Pictures that cannot be read. Each is a.png of the cats, or a file of its own for `load_photos`.

REPLACE = "replace it, or remove it with its label"


def photo() -> Image.Image:
    """Return 24 x 16 pixels, all of them different."""
    y, x = np.mgrid[:16, :24]
    return Image.fromarray(np.stack([10 * x, 15 * y, 100 + 4 * x + 3 * y], 2).astype(np.uint8))


def encoded(kind: str, image: Image.Image | None = None, **options) -> bytes:
    """Return a picture as the bytes of a file of some kind."""
    file = io.BytesIO()
    (image or photo()).save(file, kind, **options)
    return file.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG file of 100 bytes that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def cut_in_pixels(png: bytes) -> bytes:
    return png[: png.index(b"IDAT") + 14]


def floats() -> Image.Image:
    return Image.fromarray(np.ones((4, 4), np.float32))


UNREAD = "of a format that is not read here"
# name: (what is wrong, its bytes, expected, came, do)
PICTURES = {
    "zero-byte": (".png", "an empty file", b"", "", "cannot be read as a picture: it is empty", "Replace it"),
    "text": (
        ".jpg",
        "a text renamed .jpg",
        b"hello\n",
        "picture format",
        "its content is that of no known picture format",
        "Replace it, or remove it",
    ),
    "html": (
        ".jpg",
        "a web page that was saved as a picture",
        b"<!DOCTYPE html><title>404 Not Found</title>",
        "picture format",
        "its content is that of no known picture format",
        "Replace it, or remove it",
    ),
    "jpeg-half": (
        ".jpg",
        "a JPEG file cut in the middle",
        encoded("JPEG")[:420],
        "",
        "cut short",
        REPLACE,
    ),
    "jpeg-header": (".jpg", "the first 100 bytes of a JPEG file", encoded("JPEG")[:100], "", "cut short", REPLACE),
    "png-half": (
        ".png",
        "a PNG file cut in its pixels",
        cut_in_pixels(encoded("PNG")),
        "",
        "cut short",
        REPLACE,
    ),
    "png-damaged": (
        ".png",
        "a PNG file with a wrong byte in its pixels",
        encoded("PNG").replace(b"IDATx", b"IDATy"),
        "",
        "damaged",
        REPLACE,
    ),
    "gif-half": (".gif", "a GIF file cut in its pixels", encoded("GIF")[:840], "", "cut short", REPLACE),
    "float": (
        ".tif",
        "pixels in floating point",
        encoded("TIFF", floats()),
        "expected 8 or 16 bits",
        "it has floating-point pixels",
        REPLACE,
    ),
    "bomb": (
        ".png",
        "100 bytes that unpack to 400 million pixels",
        png_of_size(20_000, 20_000),
        "more than 179 million pixels",
        "it unpacks to more than",
        "Scale it down",
    ),
}
for name, (suffix, wrong, content, expected, came, do) in PICTURES.items():

    @bad(
        f"picture-{name}",
        wrong,
        PictureError,
        named=f"broken{suffix} cannot be read",
        expected=expected,
        came=came,
        do=do,
    )
    def _(folder, suffix=suffix, content=content):
        (folder / f"broken{suffix}").write_bytes(content)
        return lambda: data.load_photos(folder)


@bad(
    "picture-unreadable",
    "a picture that this user may not read",
    PictureError,
    named="/photos/a.png cannot be read",
    expected="permissions",
    came="its permissions forbid it",
    do="Change them",
)
def _(folder):
    picture(folder / "photos/a.png")
    return Attempt(lambda: data.load_photos(folder / "photos"), unreadable=folder / "photos/a.png")


@bad(
    "picture-folder",
    "the path of a folder for that of a picture",
    PictureError,
    named="/photos cannot be read as a picture",
    expected="as a picture",
    came="Is a directory",
    do=REPLACE,
)
def _(folder):
    (folder / "photos").mkdir()
    return lambda: read_rgb(folder / "photos")


@bad(
    "picture-of-item",
    "a damaged picture among the cats, found when it is asked for",
    PictureError,
    named=f"/cats/{IMAGE} cannot be read",
    expected="picture",
    came="it is empty",
    do="Replace it, or remove it with its label",
)
def _(folder):
    root = cats(folder)
    (root / IMAGE).write_bytes(b"")
    splits = data.load_cats(root)
    splits.train[1]
    return lambda: splits.train[0]


@bad(
    "picture-bomb-boxes",
    "the boxes of a picture of 400 million pixels",
    PictureError,
    named=f"/cats/{IMAGE} cannot be read",
    expected="more than 179 million pixels",
    came="it unpacks to more than",
    do="Scale it down",
)
def _(folder):
    root = cats(folder)
    (root / IMAGE).write_bytes(png_of_size(20_000, 20_000))
    return lambda: data.load_cats(root).train.boxes(0)


@bad(
    "pictures-none",
    "a folder without pictures for `load_photos`",
    ValueError,
    named="/photos holds no pictures",
    expected="expected files ending in one of",
    came="nor does a folder in it",
    do="Give the folder that holds them",
)
def _(folder):
    (folder / "photos/empty").mkdir(parents=True)
    (folder / "photos/.hidden.png").write_bytes(encoded("PNG"))
    return lambda: data.load_photos(folder / "photos")


# Pictures that are right, though not plain 8-bit RGB: (what is odd, bytes, what comes out, how far off)

RGB = np.asarray(photo())
GREY = np.asarray(photo().convert("L"))
CYAN = np.broadcast_to(np.uint8([0, 255, 255]), (16, 24, 3))


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded("PNG", exif=exif)


def animation(kind: str) -> bytes:
    red, blue = (Image.new("RGB", (24, 16), colour) for colour in ((255, 0, 0), (0, 0, 255)))
    return encoded(kind, red, save_all=True, append_images=[blue, red], duration=50)


def translucent() -> Image.Image:
    image = photo().convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.uint8([[0] * 12 + [255] * 12]), 16, 0)))
    return image


ON_WHITE = np.where(np.arange(24)[None, :, None] < 12, 255, RGB)
WIDE = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 170
ODD = {
    "cmyk": (".jpg", "CMYK", encoded("JPEG", Image.new("CMYK", (24, 16), (255, 0, 0, 0)), quality=95), CYAN, 3),
    "16-bit-png": (".png", "16 bits a pixel (PNG)", encoded("PNG", Image.fromarray(WIDE)), (WIDE >> 8)[..., None], 0),
    "16-bit-tiff": (
        ".tif",
        "16 bits a pixel (TIFF)",
        encoded("TIFF", Image.fromarray(WIDE)),
        (WIDE >> 8)[..., None],
        0,
    ),
    "palette": (".png", "a palette", encoded("PNG", photo().quantize(256)), RGB, 12),
    "palette-clear": (
        ".png",
        "a palette with a transparent colour, laid on white",
        encoded("PNG", Image.new("P", (24, 16), 0), transparency=0),
        np.full((16, 24, 3), 255),
        0,
    ),
    "alpha": (".png", "transparency, laid on white", encoded("PNG", translucent()), ON_WHITE, 0),
    "grey-alpha": (".png", "grey with transparency", encoded("PNG", photo().convert("LA")), GREY[..., None], 0),
    "grey": (".png", "grey", encoded("PNG", photo().convert("L")), GREY[..., None], 0),
    "one-bit": (".png", "black and white", encoded("PNG", Image.new("1", (24, 16), 1)), np.full((16, 24, 3), 255), 0),
    "exif-turned": (".png", "EXIF: turned by 90 degrees", turned(6), np.rot90(RGB, -1), 0),
    "exif-upside-down": (".png", "EXIF: upside down", turned(3), RGB[::-1, ::-1], 0),
    "exif-mirrored": (".png", "EXIF: mirrored", turned(2), RGB[:, ::-1], 0),
    "exif-nonsense": (".png", "EXIF: an orientation that does not exist", turned(77), RGB, 0),
    "gif-animated": (".gif", "an animated GIF; its first frame", animation("GIF"), [[[255, 0, 0]]], 0),
    "png-animated": (".png", "an animated PNG; its first frame", animation("PNG"), [[[255, 0, 0]]], 0),
    "webp-animated": (".webp", "an animated WebP; its first frame", animation("WEBP"), [[[255, 0, 0]]], 8),
    "1x1": (".png", "a single pixel", encoded("PNG", Image.new("RGB", (1, 1), (1, 2, 3))), [[[1, 2, 3]]], 0),
    "wrong-suffix": (".jpg", "a PNG file named .jpg", encoded("PNG"), RGB, 0),
    "capitals": (".PNG", "an ending in capitals", encoded("PNG"), RGB, 0),
    "png-cut-end": (".png", "a PNG file without its last 12 bytes, which hold no pixels", encoded("PNG")[:-12], RGB, 0),
}
for name, (suffix, odd, content, wanted, off) in ODD.items():

    @fine(f"picture-{name}", odd, gives=np.asarray(wanted).astype(int), off=off)
    def _(folder, suffix=suffix, content=content):
        (folder / f"odd{suffix}").write_bytes(content)
        return lambda: data.load_photos(folder)["odd"]


@fine("picture-1x1-as-tensor", "pictures of a single pixel, made 4 x 4", gives=np.full((2, 3, 4, 4), 9))
def _(folder):
    for name in "ab":
        picture(folder / "set" / name / "1.png", (9, 9, 9), (1, 1))
    return lambda: data.as_tensors(data.load_vehicles(folder / "set"), 4)[0]


@fine("picture-exif-text-boxes", "the boxes of a picture whose EXIF orientation is a text", gives=[[3, 2, 9, 6]])
def _(folder):
    root = cats(folder)
    # One entry of the type that holds text, in bytes: Pillow would not write it.
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x0112, 2, 3, b"up\0\0", 0)
    Image.new("RGB", (12, 8)).save(root / IMAGE, exif=exif)
    return lambda: data.load_cats(root).train.boxes(0)


# Folders of classes, and the table of boxes beside them.


def vehicles(folder: Path) -> Path:
    for name in ("bus/1.png", "car/1.png", "car/2.png"):
        picture(folder / "set" / name)
    return folder / "set"


@bad(
    "classes-none",
    "a folder of pictures without class folders",
    FileNotFoundError,
    named="/set has no folders",
    expected="expected one per class, with its pictures inside",
    came="has no folders",
    do="Make a folder for each class",
)
def _(folder):
    picture(folder / "set/1.png")
    return lambda: data.load_vehicles(folder / "set")


@bad(
    "classes-empty",
    "a class folder with hidden files and texts alone",
    FileNotFoundError,
    named="/set/car holds no pictures",
    expected="expected files ending in one of",
    came="holds no pictures",
    do="Add some, or remove the folder",
)
def _(folder):
    root = vehicles(folder)
    for name in "12":
        (root / f"car/{name}.png").rename(root / f"car/._{name}.png")
    (root / "car/notes.txt").write_text("cars")
    return lambda: data.load_vehicles(root)


@bad(
    "classes-link-loop",
    "a link in the folder that leads back to it, which would be walked for ever",
    FileNotFoundError,
    named="/set/loop holds no pictures",
    expected="in the folder of each class",
    came="holds no pictures",
    do="Add some, or remove the folder",
)
def _(folder):
    root = vehicles(folder)
    for name in ("loop", "bus/loop", "car/loop"):
        (root / name).symlink_to(root, target_is_directory=True)
    return lambda: data.load_vehicles(root)


@bad(
    "classes-file",
    "the path of a picture for that of the folder",
    FileNotFoundError,
    named="/set/car/1.png is not a folder",
    expected="expected one that holds a folder for each class",
    came="is not a folder",
    do="Correct the path",
)
def _(folder):
    root = vehicles(folder)
    return lambda: data.VehicleFolder(root / "car/1.png")


@fine("classes-hidden", "hidden folders and files, and a link to itself, beside the class folders", gives=[0, 1, 1])
def _(folder):
    root = vehicles(folder)
    picture(root / ".ipynb_checkpoints/1.png")
    (root / "bus/._1.png").write_bytes(b"\0\5")
    (root / "itself").symlink_to("itself")
    return lambda: data.load_vehicles(root).targets


HEAD = b"file,x0,y0,x1,y1\n"
ROWS = b"bus/1.png,0,0,5,5\ncar/1.png,0,0,5,5\n"
COLUMNS = "expected file,x0,y0,x1,y1, with a file and four numbers"
# name: (what is wrong, content, expected, came, do)
BOXES = {
    "missing-row": (
        "a picture without a line",
        HEAD + ROWS,
        "expected a line file,x0,y0,x1,y1 for each picture",
        "has no box for car/2.png;",
        "Add what is missing, or remove the table",
    ),
    "empty": (
        "an empty table",
        b"",
        "expected a line file,x0,y0,x1,y1 for each picture",
        "has no box for bus/1.png nor for 2 other pictures",
        "Add what is missing, or remove the table",
    ),
    "text": ("a word for a number", HEAD + b"car/1.png,0,zero,5,5\n", COLUMNS, "got car/1.png,0,zero,5,5", "line 2"),
    "short": ("a line of four entries", HEAD + b"car/1.png,0,0,5\n", COLUMNS, "got car/1.png,0,0,5", "line 2"),
    "semicolons": (
        "semicolons for commas, as some spreadsheets write",
        HEAD.replace(b",", b";") + b"car/1.png;0;0;5;5\n",
        COLUMNS,
        "got car/1.png;0;0;5;5",
        "commas must stand between them",
    ),
    "no-head": ("no line with the columns' names", ROWS, COLUMNS, "line 2", "The first line must name these columns"),
    "nan": (
        "not a number",
        HEAD + b"car/1.png,0,0,nan,5\n",
        "expected finite pixels with x0 < x1 and y0 < y1",
        "nan",
        "Correct the line",
    ),
    "swapped": (
        "corners in the wrong order",
        HEAD + b"car/1.png,5,0,0,5\n",
        "expected finite pixels with x0 < x1 and y0 < y1",
        "got [5.0, 0.0, 0.0, 5.0]",
        "Correct the line",
    ),
    "encoding": (
        "a table in Latin-1",
        HEAD + b"g\xfcterzug/1.png,0,0,5,5\n",
        "UTF-8",
        "0xfc",
        "Save it as CSV in UTF-8",
    ),
}
for name, (wrong, content, expected, came, do) in BOXES.items():

    @bad(f"boxes-{name}", wrong, ValueError, named="/set/boxes.csv", expected=expected, came=came, do=do)
    def _(folder, content=content):
        root = vehicles(folder)
        (root / "boxes.csv").write_bytes(content)
        return lambda: data.load_vehicles(root)


@fine("boxes-crlf", "Windows line ends and a byte order mark in boxes.csv", gives=[[[0, 0, 5, 5]]] * 3)
def _(folder):
    root = vehicles(folder)
    rows = HEAD + ROWS + b"car/2.png,0,0,5,5\n"
    (root / "boxes.csv").write_bytes(b"\xef\xbb\xbf" + rows.replace(b"\n", b"\r\n"))
    return lambda: data.load_vehicles(root).boxes


@bad(
    "tensors-of-tensors",
    "`as_tensors` of a set that is loaded with a transform",
    TypeError,
    named="Item 0",
    expected="expected a PIL image",
    came="is a ndarray",
    do="load the data with transform=None",
)
def _(folder):
    loaded = data.load_vehicles(vehicles(folder), transform=np.asarray)
    return lambda: data.as_tensors(loaded, 8)


@bad(
    "tensors-size",
    "`as_tensors` with a size of 0",
    ValueError,
    named="size is 0",
    expected="a whole number of at least 1",
    came="size is 0",
    do="expected the side of the square in pixels",
)
def _(folder):
    loaded = data.load_vehicles(vehicles(folder))
    return lambda: data.as_tensors(loaded, 0)


# Faces: a folder of people, or the file of the embedded ones.


def people(folder: Path) -> Path:
    for name in ("Ada/1.png", "Ada/2.png", "Emmy/1.png", "Emmy/2.png"):
        picture(folder / "people" / name)
    return folder / "people"


@bad(
    "faces-no-people",
    "a folder without a folder for each person",
    ValueError,
    named="/people has 0 folders",
    expected="expected one per person, of two people at least",
    came="has 0 folders",
    do="Give the folder that holds them",
)
def _(folder):
    picture(folder / "people/1.png")
    return lambda: data.load_faces(folder / "people")


@bad(
    "faces-one-picture",
    "a person with one picture",
    ValueError,
    named="/people: Emmy",
    expected="expected 2 at least, one to train on and one to test",
    came="has too few pictures, 1",
    do="Add some, or remove the folder",
)
def _(folder):
    root = people(folder)
    (root / "Emmy/2.png").unlink()
    return lambda: data.load_faces(root)


@bad(
    "faces-damaged-picture",
    "a damaged picture of a person",
    PictureError,
    named="/people/Emmy/2.png cannot be read",
    expected="picture format",
    came="no known picture format",
    do="Replace it",
)
def _(folder):
    root = people(folder)
    (root / "Emmy/2.png").write_bytes(b"hello")
    return lambda: data.load_faces(root)


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


def npz_flipped() -> bytes:
    content = bytearray(npz())
    content[len(content) // 2] ^= 1
    return bytes(content)


DELETE = "Delete the folder"
# name: (what is wrong, content, came)
FACES = {
    "cut": ("cut in the middle", npz()[:1000], "is damaged"),
    "empty": ("empty", b"", "is damaged"),
    "text": ("a text", b"hello", "File is not a zip file"),
    "flipped": ("with one bit flipped", npz_flipped(), "Bad CRC-32"),
    "no-labels": ("without one of its arrays", npz(train_labels=None), "train_labels"),
    "strange": ("with an array that is not known", npz(colours=np.zeros(2)), "colours"),
}
for name, (wrong, content, came) in FACES.items():

    @bad(
        f"faces-npz-{name}",
        f"the file of faces is {wrong}",
        OSError,
        named="/faces.npz",
        expected=DELETE,
        came=came,
        do=DELETE,
    )
    def _(folder, content=content):
        place = store.embedded_folder("faces")
        place.mkdir(parents=True)
        (place / "faces.npz").write_bytes(content)
        return lambda: data.load_faces()


@bad(
    "faces-npz-hostile",
    "a file of faces with a pickle that would run a program",
    OSError,
    named="/faces.npz",
    expected=DELETE,
    came="Object arrays cannot be loaded",
    do=DELETE,
)
def _(folder):
    place = store.embedded_folder("faces")
    place.mkdir(parents=True)
    (place / "faces.npz").write_bytes(npz(names=np.array([Hostile(folder / "ran")], dtype=object)))
    return lambda: data.load_faces()


# Digits in MNIST's format.


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


# Training.


def blobs(samples: int = 8, seed: int = 0) -> TensorDataset:
    """Two clouds of points, 4 numbers each."""
    labels = torch.arange(samples) % 2
    points = torch.randn(samples, 4, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(points + 2.0 * labels[:, None], labels)


def batches(inputs=None, labels=None, size: int = 4, **options) -> DataLoader:
    """Return the batches of the clouds, or of other inputs or labels in their place."""
    points, classes = blobs().tensors
    inputs, labels = (points if inputs is None else inputs), (classes if labels is None else labels)
    return DataLoader(TensorDataset(inputs, labels), batch_size=size, **options)


def network(hidden: int = 6, norm: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, hidden), *[nn.BatchNorm1d(hidden)] * norm, nn.ReLU(), nn.Linear(hidden, 2))


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def training_of(folder: Path, model=None, train=None, valid=None, *, optimizer=None, **options) -> Attempt:
    """Return a run of :func:`fit` that is right but for what is given, with a good checkpoint and a run on disk."""
    model = network() if model is None else model
    best, run = folder / "runs/best.pt", folder / "runs/run.pt"
    training.save_checkpoint(best, network(), epoch=1, valid_loss=0.5)
    parameters = list(model.parameters())
    optimizer = optimizer or torch.optim.SGD(parameters or [torch.zeros(1, requires_grad=True)], lr=0.1)
    options = {"epochs": 2, "checkpoint": best, "resume": run} | options
    train, valid = (batches() if loader is None else loader for loader in (train, valid))

    def call():
        with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
            return training.fit(model, train, valid, optimizer=optimizer, **options)

    return Attempt(call, model=model, optimizer=optimizer)


def fits(id: str, wrong: str, error=ValueError, *, steps=False, **words):
    """Add a case whose function returns the arguments for :func:`training_of`."""

    def add(arguments):
        def prepare(folder: Path) -> Attempt:
            return training_of(folder, **arguments())

        return bad(f"fit-{id}", wrong, error, steps=steps, **words)(prepare)

    return add


@fits(
    "nan-loss",
    "a loss that becomes NaN",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="expected a finite number",
    came="became nan in epoch 1",
    do="Try a smaller learning rate",
)
def _():
    return {"loss_fn": lambda logits, labels: nn.functional.cross_entropy(logits, labels) * float("nan")}


@fits(
    "infinite-loss",
    "a loss that becomes infinite",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="expected a finite number",
    came="became inf in epoch 1",
    do="Try a smaller learning rate",
)
def _():
    return {"loss_fn": lambda logits, labels: nn.functional.cross_entropy(logits, labels) + float("inf")}


@fits(
    "learning-rate",
    "a learning rate that is far too large",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="expected a finite number",
    came="became nan in epoch 1",
    do="Try a smaller learning rate",
)
def _():
    model = network()
    return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), lr=1e30)}


@fits(
    "nan-inputs",
    "NaN in the inputs",
    FloatingPointError,
    steps=True,
    named="The training loss",
    expected="check that the inputs are finite",
    came="became nan in epoch 1",
    do="check that the inputs are finite and normalised",
)
def _():
    return {"train": batches(torch.full((8, 4), float("nan")))}


@fits(
    "nan-validation",
    "infinite inputs in the validation split",
    FloatingPointError,
    steps=True,
    named="The validation loss",
    expected="check that the inputs are finite",
    came="became nan in epoch 1",
    do="check that the inputs are finite and normalised",
)
def _():
    return {"valid": batches(torch.full((8, 4), float("inf")))}


INDICES = "labels (N,), class indices in torch.int64"
POINTS, CLASSES = blobs().tensors
# name: (what is wrong, labels, expected, came, do)
LABELS = {
    "float": (
        "labels in floating point",
        CLASSES.float(),
        INDICES,
        "(4,) of torch.float32",
        "Convert them with labels.long()",
    ),
    "uint8": ("labels in uint8", CLASSES.to(torch.uint8), INDICES, "(4,) of torch.uint8", "labels.long()"),
    "one-hot": (
        "labels with one entry for each class",
        nn.functional.one_hot(CLASSES, 2),
        INDICES,
        "(4, 2) of torch.int64",
        "labels.argmax(1)",
    ),
    "too-large": (
        "labels from 1 to 2 for two classes",
        CLASSES + 1,
        "expected 0 to 1, because Sequential returns 2 logits an input",
        "holds the label 2",
        "Number the classes from 0",
    ),
    "negative": ("a label of -1", CLASSES - 1, "expected 0 to 1", "holds the label -1", "Number the classes from 0"),
}
for name, (wrong, labels, expected, came, do) in LABELS.items():

    @fits(f"labels-{name}", wrong, named="of the training loader", expected=expected, came=came, do=do)
    def _(labels=labels):
        return {"train": batches(labels=labels)}


@fits(
    "labels-validation",
    "a class that the training split does not have, in the validation split",
    steps=True,
    named="of the validation loader",
    expected="expected 0 to 1",
    came="holds the label 7",
    do="Number the classes from 0",
)
def _():
    return {"valid": batches(labels=CLASSES * 7)}


@fits(
    "labels-fewer",
    "fewer labels than inputs",
    named="Batch 1 of the training loader",
    expected=INDICES,
    came="inputs (8, 4) of torch.float32 and labels (7,) of torch.int64",
    do="Give one label for each input",
)
def _():
    return {"train": [(POINTS, CLASSES[:7])]}


# name: (what is wrong, model, inputs, expected, came, do)
INPUTS = {
    "columns": (
        "inputs of 5 numbers where the model takes 4",
        network,
        torch.zeros(8, 5),
        "Expected (N, 4) for the first layer, Linear",
        "(4, 5) of torch.float32",
        "change the inputs or the model",
    ),
    "channels": (
        "grey images where the model takes colour",
        convolutions,
        torch.zeros(8, 1, 6, 6),
        "Expected (N, 3, H, W)",
        "(4, 1, 6, 6) of torch.float32",
        "change the inputs or the model",
    ),
    "small": (
        "images smaller than a kernel",
        convolutions,
        torch.zeros(8, 3, 2, 2),
        "H and W not too small",
        "(4, 3, 2, 2) of torch.float32",
        "change the inputs or the model",
    ),
    "flat": (
        "flattened images for convolutions",
        convolutions,
        torch.zeros(8, 108),
        "Expected (N, 3, H, W)",
        "(4, 108) of torch.float32",
        "change the inputs or the model",
    ),
    "uint8": (
        "pixels in uint8",
        convolutions,
        torch.zeros(8, 3, 6, 6, dtype=torch.uint8),
        "Expected torch.float32, as the weights are",
        "(4, 3, 6, 6) of torch.uint8",
        "convert the inputs",
    ),
    "float64": (
        "float64, as NumPy gives it",
        network,
        torch.zeros(8, 4, dtype=torch.float64),
        "Expected torch.float32, as the weights are",
        "(4, 4) of torch.float64",
        "convert the inputs",
    ),
}
for name, (wrong, build, inputs, expected, came, do) in INPUTS.items():

    @fits(f"inputs-{name}", wrong, named="a batch of the training loader", expected=expected, came=came, do=do)
    def _(build=build, inputs=inputs):
        return {"model": build(), "train": batches(inputs), "valid": batches(inputs)}


@fits(
    "inputs-channels-last",
    "channels_last=True for inputs that are no images",
    named="a batch of the training loader",
    expected="Expected (N, 4) for the first layer, Linear",
    came="channels_last",
    do="change the inputs or the model",
)
def _():
    return {"channels_last": True}


@fits(
    "batch-of-one",
    "a last batch of one sample, and batch norm",
    steps=True,
    named="of the training loader",
    expected="expected two at least to compute a variance",
    came="inputs (1, 4) of torch.float32",
    do="Set drop_last=True in that loader",
)
def _():
    return {"model": network(norm=True), "train": DataLoader(blobs(9), batch_size=4)}


EMPTY = {"expected": "expected one at least", "came": "gave no batch"}


@fits(
    "split-smaller-than-batch",
    "fewer samples than a batch, and drop_last=True",
    named="The training loader",
    do="smaller than one batch with drop_last",
    **EMPTY,
)
def _():
    return {"train": batches(size=16, drop_last=True)}


@fits("split-empty", "an empty training split", named="The training loader", do="Is the data set empty", **EMPTY)
def _():
    return {"train": []}


@fits(
    "split-empty-valid", "an empty validation split", named="The validation loader", do="Is the data set empty", **EMPTY
)
def _():
    return {"valid": batches(POINTS[:0], CLASSES[:0])}


@fits(
    "generator",
    "a generator of batches, which can be read once",
    steps=True,
    named="The training loader",
    do="or a generator that has been read before",
    **EMPTY,
)
def _():
    return {"train": (batch for batch in batches()), "checkpoint": None, "resume": None}


PAIR = "expected a pair of tensors, (inputs, labels)"


@fits(
    "data-set",
    "a data set where a loader should be",
    named="Batch 1 of the training loader",
    expected="expected inputs (N, ...) and labels (N,)",
    came="labels () of torch.int64",
    do="Put the data set into a DataLoader",
)
def _():
    return {"train": blobs()}


@fits(
    "triples",
    "batches of three tensors",
    TypeError,
    named="Batch 1 of the training loader",
    expected=PAIR,
    came="is a list of 3",
    do="Use a DataLoader of a data set with items (input, label)",
)
def _():
    return {"train": DataLoader(TensorDataset(POINTS, CLASSES, CLASSES), batch_size=4)}


@fits(
    "dictionaries",
    "batches that are dictionaries",
    TypeError,
    named="Batch 1 of the training loader",
    expected=PAIR,
    came="is a dict",
    do="Use a DataLoader of a data set with items (input, label)",
)
def _():
    return {"train": [{"inputs": POINTS, "labels": CLASSES}]}


class Items(Dataset):
    """A data set of given items."""

    def __init__(self, items) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int):
        return self.items[index]


@fits(
    "pictures",
    "a data set of PIL images, loaded without a transform",
    TypeError,
    named="Batch 1 of the training loader",
    expected="expected tensors and numbers",
    came="PIL.Image.Image",
    do="Give the data set a transform",
)
def _():
    return {"train": DataLoader(Items([(photo(), 0)] * 4), batch_size=4)}


@fits(
    "sizes",
    "images of two sizes in a batch",
    named="Batch 1 of the training loader",
    expected="expected inputs of one shape",
    came="[3, 6, 6] at entry 0 and [3, 6, 7]",
    do="Resize or crop the pictures",
)
def _():
    items = [(torch.zeros(3, 6, 6), 0), (torch.zeros(3, 6, 7), 1)]
    return {"model": convolutions(), "train": DataLoader(Items(items), batch_size=2)}


@fits(
    "no-parameters",
    "a model without parameters",
    named="model is a Sequential",
    expected="expected layers with weights",
    came="without parameters",
    do="`evaluate` measures a model",
)
def _():
    return {"model": nn.Sequential(nn.Flatten())}


@fits(
    "all-frozen",
    "a model whose parameters are all frozen",
    named="model is a Sequential",
    expected="expected one to train at least",
    came="whose 4 parameters are all frozen",
    do="Call requires_grad_(True)",
)
def _():
    return {"model": network().requires_grad_(False)}


@fits(
    "other-optimizer",
    "an optimizer of another model",
    named="optimizer holds 4 parameters",
    expected="one of the 4 that this Sequential can train",
    came="it was made for another model",
    do="Make it from this model: Adam(model.parameters(), ...)",
)
def _():
    return {"optimizer": torch.optim.Adam(network().parameters())}


@fits(
    "replaced-head",
    "a new last layer, put in after the optimizer was made",
    named="optimizer holds 2 parameters",
    expected="one of the 2 that this Sequential can train",
    came="or before a layer was replaced",
    do="Make it from this model: SGD(model.parameters(), ...)",
)
def _():
    model = network().requires_grad_(False)
    model[2].requires_grad_(True)
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
    model[2] = nn.Linear(6, 2)
    return {"model": model, "optimizer": optimizer}


@fits(
    "other-scheduler",
    "a schedule of another optimizer",
    named="scheduler steps another optimizer",
    expected="than the one that was given",
    came="another optimizer",
    do="Make it from this one: StepLR(optimizer, ...)",
)
def _():
    return {"scheduler": torch.optim.lr_scheduler.StepLR(torch.optim.SGD(network().parameters(), lr=0.1), 1)}


@fits(
    "sum-of-losses",
    "a loss that sums over the batch",
    named="loss_fn is CrossEntropyLoss",
    expected="expected the mean of a batch",
    came="reduction='sum'",
    do="Leave reduction out",
)
def _():
    return {"loss_fn": nn.CrossEntropyLoss(reduction="sum")}


MEAN = "expected a tensor of shape (), the mean loss of the batch"
# name: (what is wrong, loss, came, do)
LOSSES = {
    "vector": (
        "a loss for each sample",
        lambda logits, labels: nn.functional.cross_entropy(logits, labels, reduction="none"),
        "returned (4,) of torch.float32",
        "Take .mean() at the end",
    ),
    "number": (
        "a loss that is a plain number",
        lambda logits, labels: nn.functional.cross_entropy(logits, labels).item(),
        "returned a float",
        "no .item()",
    ),
    "detached": (
        "a loss that is cut off from the model",
        lambda logits, labels: nn.functional.cross_entropy(logits.detach(), labels),
        "detached from the model",
        ".detach()",
    ),
}
for name, (wrong, loss_fn, came, do) in LOSSES.items():

    @fits(f"loss-{name}", wrong, named="loss_fn <lambda>", expected=MEAN, came=came, do=do)
    def _(loss_fn=loss_fn):
        return {"loss_fn": loss_fn}


@fits(
    "loss-other-shapes",
    "a loss that wants labels of the logits' shape",
    named="BCEWithLogitsLoss cannot compute with (4, 2) of torch.float32 and (4,) of torch.int64",
    expected="Use a loss of logits (N, classes) and class indices (N,)",
    came="Target size",
    do="such as nn.CrossEntropyLoss()",
)
def _():
    return {"loss_fn": nn.BCEWithLogitsLoss()}


@fits(
    "class-weights",
    "three class weights for two classes",
    named="CrossEntropyLoss cannot compute with (4, 2)",
    expected="Use a loss of logits (N, classes)",
    came="weight tensor should be defined",
    do="such as nn.CrossEntropyLoss()",
)
def _():
    return {"loss_fn": nn.CrossEntropyLoss(weight=torch.ones(3))}


class Pair(nn.Module):
    """Returns two things where one is expected."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x), x


@fits(
    "model-returns-tuple",
    "a model that returns two tensors",
    named="Pair returned a tuple of 2",
    expected="expected logits (4, classes)",
    came="a tuple of 2 for a batch of 4",
    do="Change its last layers",
)
def _():
    return {"model": Pair()}


@fits(
    "model-returns-maps",
    "a model without nn.Flatten before its last layer",
    named="Sequential returned (4, 2, 4, 4)",
    expected="expected logits (4, classes)",
    came="for a batch of 4 of the training loader",
    do="for example by nn.Flatten() and nn.Linear",
)
def _():
    torch.manual_seed(0)
    images = batches(torch.zeros(8, 3, 6, 6))
    return {"model": nn.Sequential(nn.Conv2d(3, 2, 3)), "train": images, "valid": images}


@fits(
    "model-on-meta",
    "a model on another device, which holds no numbers",
    named="device is 'meta'",
    expected="expected a device that holds numbers",
    came="Sequential is on 'meta'",
    do="Build the model on the CPU",
)
def _():
    return {"model": network().to("meta")}


@fits(
    "device-misspelt",
    "device='gpu'",
    named="device is 'gpu'",
    expected="expected 'cpu', 'cuda' or 'mps'",
    came="'gpu'",
    do="Leave it out",
)
def _():
    return {"device": "gpu"}


@fits(
    "device-missing",
    "a device that the machine does not have",
    named="device is 'cuda:99'",
    expected="Expected one that `pick_device()` returns",
    came="this machine does not have it",
    do="leave device out, or use 'cpu'",
)
def _():
    return {"device": "cuda:99"}


# name: (what is wrong, arguments, named, do)
NUMBERS = {
    "epochs-0": ("no epochs", {"epochs": 0}, "epochs must be", "got 0"),
    "epochs-text": ("a text for epochs", {"epochs": "3"}, "epochs must be", "got '3'"),
    "epochs-half": ("half an epoch", {"epochs": 2.5}, "epochs must be", "got 2.5"),
    "patience-0": ("a patience of 0", {"patience": 0}, "patience must be", "Leave it out"),
}
for name, (wrong, arguments, named, do) in NUMBERS.items():

    @fits(name, wrong, named=named, expected="a whole number of at least 1", came="got", do=do)
    def _(arguments=arguments):
        return arguments


def places(id: str, wrong: str, place: str, *, argument: str = "checkpoint", **words):
    """Add a case of a file that cannot be written: ``place`` is below the case's folder."""

    def prepare(folder: Path) -> Attempt:
        attempt = training_of(folder, **{argument: folder / place})
        (folder / "runs/folder").mkdir()
        if hasattr(os, "mkfifo"):
            os.mkfifo(folder / "runs/pipe")
        return attempt

    bad(f"fit-{id}", wrong, ValueError, named=f"{argument} is .../{place}", **words)(prepare)


FILE = "expected a file to write, such as"
for argument in ("checkpoint", "resume"):
    places(
        f"{argument}-is-folder",
        f"a folder for {argument}",
        "runs/folder",
        argument=argument,
        expected=FILE,
        came="which is a folder",
        do=".../runs/folder/run.pt",
    )
places(
    "resume-is-pipe",
    "a named pipe for resume, which would be waited on for ever",
    "runs/pipe",
    argument="resume",
    expected=FILE,
    came="which is no ordinary file",
    do="such as",
)
places(
    "checkpoint-below-file",
    "a checkpoint below a file",
    "runs/best.pt/new/best.pt",
    expected="expected a folder there",
    came=".../runs/best.pt is a file",
    do="Name another place",
)


@bad(
    "fit-two-files",
    "one file for checkpoint and resume",
    ValueError,
    named="checkpoint and resume are both .../runs/run.pt",
    expected="they hold different things",
    came="are both",
    do="Name two files",
)
def _(folder):
    return training_of(folder, checkpoint=folder / "runs/run.pt")


@bad(
    "evaluate-empty",
    "`evaluate` of an empty loader",
    ValueError,
    named="The given loader",
    do="Is the data set empty",
    **EMPTY,
)
def _(folder):
    model = network()
    return Attempt(lambda: training.evaluate(model, []), model=model)


@bad(
    "evaluate-inputs",
    "`evaluate` of inputs that the model does not take",
    ValueError,
    named="a batch of the given loader",
    expected="Expected (N, 4) for the first layer",
    came="(4, 5) of torch.float32",
    do="change the inputs or the model",
)
def _(folder):
    model = network().train()
    return Attempt(lambda: training.evaluate(model, batches(torch.zeros(8, 5))), model=model)


@bad(
    "evaluate-device",
    "`evaluate` on a device that holds no numbers",
    ValueError,
    named="device is 'meta' and Sequential is on 'cpu'",
    expected="expected a device that holds numbers",
    came="'meta' holds shapes alone",
    do="leave device out",
)
def _(folder):
    model = network()
    return Attempt(lambda: training.evaluate(model, batches(), device="meta"), model=model)


@bad(
    "features-empty",
    "`extract_features` of an empty data set",
    ValueError,
    named="dataset is empty",
    expected="expected one image at least",
    came="is empty",
    do="Look at how it was split",
)
def _(folder):
    return lambda: quiet(training.extract_features, network(), TensorDataset(POINTS[:0], CLASSES[:0]))


@bad(
    "features-inputs",
    "`extract_features` of images that the model does not take",
    ValueError,
    named="a batch of the features loader",
    expected="Expected (N, 3, H, W)",
    came="(8, 1, 6, 6) of torch.float32",
    do="change the inputs or the model",
)
def _(folder):
    images = TensorDataset(torch.zeros(8, 1, 6, 6), CLASSES)
    return lambda: quiet(training.extract_features, convolutions(), images)


def quiet(function, *arguments):
    """Call a function without its progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*arguments)


# Checkpoints, and files to resume from.

SAVED = "as `save_checkpoint` writes it"
ANOTHER = "Name another file, or train again"
PLAIN = "Expected nothing but tensors, numbers and texts"
TRAIN = "delete this one and train again"


def saved(folder: Path, content: object = None) -> Path:
    """Write a checkpoint of the network, or something else in the same way."""
    path = folder / "best.pt"
    if content is None:
        training.save_checkpoint(path, network(), epoch=3, valid_loss=0.5)
    else:
        torch.save(content, path)
    return path


def loads(id: str, wrong: str, error=ValueError, **words):
    """Add a case whose function writes a checkpoint, which is then loaded into a network."""

    def add(write):
        def prepare(folder: Path) -> Attempt:
            path, model = write(folder), network()
            return Attempt(lambda: training.load_checkpoint(path, model), model=model)

        return bad(f"checkpoint-{id}", wrong, error, named="/best.pt", **words)(prepare)

    return add


@loads("missing", "no checkpoint", FileNotFoundError, expected="writes it", came="No checkpoint at", do="Train first")
def _(folder):
    return folder / "best.pt"


@loads(
    "folder",
    "a folder for a checkpoint",
    expected="expected the file that `fit(..., checkpoint=path)` wrote",
    came="is a folder",
    do="Name the file",
)
def _(folder):
    (folder / "best.pt").mkdir()
    return folder / "best.pt"


def whole() -> bytes:
    file = io.BytesIO()
    torch.save({"format": 1, "model": network().state_dict(), "numbers": {"epoch": 3}}, file)
    return file.getvalue()


def without_directory(content: bytes) -> bytes:
    """Cut the list of contents from the end of a zip file, and the last tensor with it."""
    return content[: content.rindex(b"PK\x01\x02") - 200]


def weights_flipped() -> bytes:
    content = bytearray(whole())
    content[content.index(network()[0].weight.detach().numpy().tobytes()) + 5] ^= 1
    return bytes(content)


# name: (what is wrong, content)
DAMAGES = {
    "empty": ("an empty file", b""),
    "text": ("a text", b"epoch,loss\n1,0.5\n"),
    "half": ("the first half of a checkpoint", whole()[: len(whole()) // 2]),
    "last-byte": ("a checkpoint without its last byte", whole()[:-1]),
    "no-directory": ("a checkpoint without its end", without_directory(whole())),
    "flipped": ("a checkpoint with one bit of a weight flipped", weights_flipped()),
    "zip": ("a zip file of something else", npz()),
}
for name, (wrong, content) in DAMAGES.items():

    @loads(name, wrong, expected=PLAIN, came="it is empty" if name == "empty" else "it is damaged", do=TRAIN)
    def _(folder, content=content):
        (folder / "best.pt").write_bytes(content)
        return folder / "best.pt"


@loads(
    "hostile",
    "a pickle that would run a program",
    expected=PLAIN,
    came="it holds Python objects, which could run a program",
    do=TRAIN,
)
def _(folder):
    return saved(folder, {"format": 1, "model": Hostile(folder / "ran"), "numbers": {}})


@loads(
    "hostile-legacy",
    "the same in a bare pickle, without a zip file around it",
    expected=PLAIN,
    came="it is damaged",
    do=TRAIN,
)
def _(folder):
    import pickle

    (folder / "best.pt").write_bytes(pickle.dumps(Hostile(folder / "ran")))
    return folder / "best.pt"


@loads(
    "whole-model",
    "a model that was saved whole, by torch.save(model)",
    expected=PLAIN,
    came="it holds Python objects, which could run a program",
    do=TRAIN,
)
def _(folder):
    return saved(folder, network())


@loads("state-dict", "a bare state_dict", expected=SAVED, came="it holds 0.bias, 0.weight", do=ANOTHER)
def _(folder):
    return saved(folder, dict(network().state_dict()))


@loads("tensor", "a single tensor", expected=SAVED, came="it holds a Tensor", do=ANOTHER)
def _(folder):
    return saved(folder, torch.zeros(3))


@loads("newer", "a checkpoint of a newer format", expected=SAVED, came="it is of format 2", do="update yours")
def _(folder):
    return saved(folder, {"format": 2, "model": dict(network().state_dict()), "numbers": {}})


@loads("no-weights", "a checkpoint without weights", expected=SAVED, came="it lacks 'model'", do=ANOTHER)
def _(folder):
    return saved(folder, {"format": 1, "numbers": {}})


@loads("no-numbers", "a checkpoint without its numbers", expected=SAVED, came="it lacks 'numbers'", do=ANOTHER)
def _(folder):
    return saved(folder, {"format": 1, "model": dict(network().state_dict())})


OTHER = {
    "came": "holds weights of another architecture",
    "do": "Build the model that was saved, or train this Sequential",
}


@loads(
    "other-shapes",
    "a network of another width",
    expected="0 tensors are missing, 0 unknown, 3 of another shape",
    **OTHER,
)
def _(folder):
    training.save_checkpoint(folder / "best.pt", network(hidden=7))
    return folder / "best.pt"


@loads("other-architecture", "another kind of network", expected="tensors are missing, 2 unknown", **OTHER)
def _(folder):
    training.save_checkpoint(folder / "best.pt", convolutions())
    return folder / "best.pt"


@loads("missing-key", "a checkpoint without one tensor", expected="1 tensors are missing, 0 unknown", **OTHER)
def _(folder):
    weights = dict(network().state_dict())
    del weights["2.bias"]
    return saved(folder, {"format": 1, "model": weights, "numbers": {}})


@loads("no-tensor", "a number in the place of a tensor", expected="1 of another shape", **OTHER)
def _(folder):
    weights = dict(network().state_dict()) | {"2.bias": 0.5}
    return saved(folder, {"format": 1, "model": weights, "numbers": {}})


@bad(
    "checkpoint-unreadable",
    "a checkpoint that this user may not read",
    PermissionError,
    named="/best.pt",
    expected="permissions",
    came="its permissions forbid it",
    do="Change them",
)
def _(folder):
    path, model = saved(folder), network()
    return Attempt(lambda: training.load_checkpoint(path, model), model=model, unreadable=path)


def resumes(id: str, wrong: str, *, epochs: int = 4, seed: int = 0, **words):
    """Add a case whose function changes a run that has stopped after two epochs; it may return other arguments."""

    def add(change):
        def prepare(folder: Path) -> Attempt:
            first = training_of(folder, epochs=2)
            first.call()
            again = training_of(folder, **({"epochs": epochs} | (change(folder / "runs/run.pt") or {})))
            torch.manual_seed(seed)
            return again

        return bad(f"resume-{id}", wrong, ValueError, named="/run.pt", **words)(prepare)

    return add


BELONGS = "belongs to another run"
OWN = "or give this one a file of its own"


@resumes(
    "other-seed",
    "a run of another seed",
    seed=3,
    expected="Set what differs",
    came="the seed is 0 there and 3 here",
    do=OWN,
)
def _(path):
    return {}


@resumes("other-model", "a run of another network", expected="Set what differs", came=BELONGS, do=OWN)
def _(path):
    return {"model": network(hidden=7)}


@resumes("other-optimizer", "a run of another optimizer", expected="SGD there and Adam here", came=BELONGS, do=OWN)
def _(path):
    model = network()
    return {"model": model, "optimizer": torch.optim.Adam(model.parameters())}


@resumes(
    "more-epochs",
    "more epochs than are asked for",
    epochs=1,
    expected="epochs=1",
    came="holds 2 epochs",
    do="Ask for more",
)
def _(path):
    return {}


@resumes(
    "checkpoint",
    "a checkpoint for the file to resume from",
    expected="of format 1 to resume from",
    came="no 'resume_format'",
    do="Give this run a file of its own",
)
def _(path):
    training.save_checkpoint(path, network())


@resumes(
    "newer",
    "a file of a newer format",
    expected="of format 1 to resume from",
    came="it is of format 2",
    do="update yours",
)
def _(path):
    torch.save({"resume_format": 2}, path)


@resumes(
    "incomplete",
    "a file without its weights",
    expected="of format 1 to resume from",
    came="lacks 'setup'",
    do="or delete that one",
)
def _(path):
    torch.save({"resume_format": 1}, path)


@resumes(
    "hostile",
    "a pickle that would run a program",
    expected=PLAIN,
    came="it holds Python objects, which could run a program",
    do=TRAIN,
)
def _(path):
    torch.save({"resume_format": 1, "setup": Hostile(path.with_name("ran"))}, path)


CUTS = {
    "empty": ("an empty file", lambda content: b""),
    "text": ("a text", lambda content: b"no file of ours"),
    "half": ("the first half of a file", lambda content: content[: len(content) // 2]),
    "last-byte": ("a file without its last byte", lambda content: content[:-1]),
}
for name, (wrong, damage) in CUTS.items():

    @resumes(name, wrong, expected=PLAIN, came="it is empty" if name == "empty" else "it is damaged", do=TRAIN)
    def _(path, damage=damage):
        path.write_bytes(damage(path.read_bytes()))


@resumes("flipped", "one bit of a weight flipped", expected=PLAIN, came="it is damaged", do=TRAIN)
def _(path):
    content = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)["model"]["0.weight"]
    content[content.index(weights.numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)


# Stored results.

# name: (what is wrong, content)
ROW = {"parameters": 1, "multiply_adds": 1, "seconds": 1.0, "correct": 1, "samples": 2}
RESULTS = {
    "empty": ("an empty file", ""),
    "cut": ("a file that is cut short", '{"format": 1, "rows": {"VGG'),
    "list": ("a list", "[]"),
    "no-format": ("a file without a format", "{}"),
    "other-format": ("a file of another format", json.dumps({"format": 2, "rows": {}})),
    "rows-list": ("a list of rows", json.dumps({"format": 1, "rows": []})),
    "row-empty": ("a row without numbers", json.dumps({"format": 1, "rows": {"VGG-A": {}}})),
    "row-text": ("a row with text for a number", json.dumps({"format": 1, "rows": {"VGG-A": {**ROW, "seconds": "1"}}})),
    "row-counts": (
        "a row with more correct than samples",
        json.dumps({"format": 1, "rows": {"VGG-A": {**ROW, "correct": 3}}}),
    ),
}
for name, (wrong, content) in RESULTS.items():
    for verb, call in {
        "table": results.table,
        "record": lambda: results.record(10, "VGG-A", **ROW),
    }.items():

        @bad(
            f"results-{verb}-{name}",
            f"`results.{verb}` with {wrong}",
            ValueError,
            named="/results/10.json",
            expected="results of format 1",
            came="holds no results",
            do="Delete it and run the lesson again",
        )
        def _(folder, content=content, call=call):
            (folder / "data/results").mkdir(parents=True)
            (folder / "data/results/10.json").write_text(content)
            return call


def main() -> None:
    """Print every case and its message as Markdown."""
    print(f"# Bad input: {sum(case.error is not None for case in CASES)} cases and their messages\n")
    print("| case | what is wrong | error | message |\n| --- | --- | --- | --- |")
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            seen = outcome(case, Path(folder))
        if case.error is not None:
            cells = (case.id, case.wrong, type(seen.error).__name__, seen.message)
            print("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    print(f"\n# Odd and right: {sum(case.error is None for case in CASES)} cases that just work\n")
    print("| case | what is odd |\n| --- | --- |")
    for case in CASES:
        if case.error is None:
            print(f"| {case.id} | {case.wrong} |")


if __name__ == "__main__":
    sys.exit(main())
