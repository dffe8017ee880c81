"""YOLO folders: what is read. What is said about each way to get one wrong: see ``bad_input_cases``."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from course_utils.data import YOLODataset
from course_utils.data.pictures import read_rgb, size_upright

RED, BLUE = (200, 30, 30), (30, 30, 200)


def make_split(root, split="train", layout="{split}/{kind}"):
    """Write a split of two pictures of 40 x 20: a.jpg of class 0, b.jpg with a small class 0 and a large class 1."""
    folders = {kind: root / layout.format(split=split, kind=kind) for kind in ("images", "labels")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    Image.new("RGB", (40, 20), RED).save(folders["images"] / "a.jpg", quality=95)
    Image.new("RGB", (40, 20), BLUE).save(folders["images"] / "b.jpg", quality=95)
    (folders["labels"] / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (folders["labels"] / "b.txt").write_text("0 0.1 0.1 0.1 0.1\n\n1 0.75 0.5 0.5 1.0\n")
    (root / "data.yaml").write_text("names: [angry, happy]\n")
    return root


@pytest.fixture
def root(tmp_path):
    return make_split(tmp_path)


def test_items_boxes_and_names(root):
    data = YOLODataset(root, "train")
    assert len(data) == 2
    assert data.class_names == ["angry", "happy"]
    assert [path.name for path in data.paths] == ["a.jpg", "b.jpg"]
    assert data.targets == [0, 1]  # the largest box decides, not the first
    image, label = data[1]
    assert (image.mode, image.size, label) == ("RGB", (40, 20), 1)
    assert np.allclose(np.asarray(image), BLUE, atol=6)
    assert data.boxes(0).dtype == np.float32
    np.testing.assert_allclose(data.boxes(0), [[10, 5, 30, 15]])
    np.testing.assert_allclose(data.boxes(1), [[2, 1, 6, 3], [20, 0, 40, 20]], rtol=1e-6)
    assert data.classes(1).tolist() == [0, 1]
    assert data.classes(1).dtype == np.int64


def test_transform_is_applied(root):
    data = YOLODataset(root, "train", transform=lambda image: image.size)
    assert data[0] == ((40, 20), 0)


@pytest.mark.parametrize("other", ["0 .5 .5 1.0 .1", "0 .5 .5 .1 1.0"])
def test_largest_box_is_that_of_largest_area(root, other):
    (root / "train/labels/b.txt").write_text(f"{other}\n1 .5 .5 .5 .5\n")
    assert YOLODataset(root, "train").targets == [0, 1]


@pytest.mark.parametrize(
    "line, box",
    [
        ("0.1 0.5 0.4 0.5", [0, 5, 12, 15]),
        ("0.5 0.1 0.5 0.4", [10, 0, 30, 6]),
        ("0.9 0.5 0.4 0.5", [28, 5, 40, 15]),
        ("0.5 0.9 0.5 0.4", [10, 14, 30, 20]),
    ],
    ids=["left", "top", "right", "bottom"],
)
def test_box_over_the_edge_is_cut(root, line, box):
    (root / "train/labels/a.txt").write_text(f"0 {line}\n")
    np.testing.assert_allclose(YOLODataset(root, "train").boxes(0), [box], rtol=1e-6)


@pytest.mark.parametrize("layout", ["{split}/{kind}", "{kind}/{split}"])
@pytest.mark.parametrize("on_disk, asked", [("valid", "valid"), ("val", "valid"), ("valid", "val"), ("test", "test")])
def test_layouts_and_split_names(tmp_path, layout, on_disk, asked):
    make_split(tmp_path, on_disk, layout)
    assert len(YOLODataset(tmp_path, asked)) == 2


def test_names_as_a_dictionary_in_any_order(root):
    (root / "data.yaml").write_text("names:\n  1: happy\n  0: angry\nnc: 2\n")
    assert YOLODataset(root, "train").class_names == ["angry", "happy"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_upright_picture(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo{suffix}"
    Image.new("RGB", (40, 20), RED).save(path, exif=exif)
    assert size_upright(path) == read_rgb(path).size == ((20, 40) if orientation > 4 else (40, 20))


def test_rotated_picture_and_its_boxes_are_turned_upright(root):
    image = Image.new("RGB", (40, 20), RED)
    image.paste(BLUE, (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the left half comes to the top
    image.save(root / "train/images/a.jpg", exif=exif, quality=95)
    (root / "train/labels/a.txt").write_text("0 0.5 0.25 1.0 0.5\n")
    data = YOLODataset(root, "train")
    upright = np.asarray(data[0][0])
    assert upright.shape == (40, 20, 3)
    np.testing.assert_allclose(data.boxes(0), [[0, 0, 20, 20]])
    assert np.allclose(upright[5, 10], BLUE, atol=10) and np.allclose(upright[35, 10], RED, atol=10)
