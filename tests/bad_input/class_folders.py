"""Folders of classes, the table of boxes beside them, and ``as_tensors`` of what they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bad_input.cases import bad, fine
from bad_input.samples import picture
from course_utils import data


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
