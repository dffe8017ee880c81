"""Faces: a folder of people, or the file of the embedded ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bad_input.cases import bad
from bad_input.samples import Hostile, npz, picture
from course_utils import data
from course_utils.data import store
from course_utils.data.pictures import PictureError


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
