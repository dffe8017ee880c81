"""Pictures in YOLO layout: their label files, data.yaml and the folders beside it."""

from __future__ import annotations

import os

from bad_input.cases import Attempt, bad, fine
from bad_input.samples import LABEL, YAML, cats
from course_utils import data

# Label files.

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
