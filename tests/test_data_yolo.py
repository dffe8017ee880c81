"""YOLO folders: what is read, and what is said about each way to get one wrong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from course_utils.data import YOLODataset
from course_utils.data.pictures import PictureError, read_rgb

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


def test_box_over_the_edge_is_cut(root):
    (root / "train/labels/a.txt").write_text("0 0.1 0.5 0.4 0.5\n")
    np.testing.assert_allclose(YOLODataset(root, "train").boxes(0), [[0, 5, 12, 15]], rtol=1e-6)


@pytest.mark.parametrize("layout", ["{split}/{kind}", "{kind}/{split}"])
@pytest.mark.parametrize("on_disk, asked", [("valid", "valid"), ("val", "valid"), ("valid", "val"), ("test", "test")])
def test_layouts_and_split_names(tmp_path, layout, on_disk, asked):
    make_split(tmp_path, on_disk, layout)
    assert len(YOLODataset(tmp_path, asked)) == 2


def test_names_as_a_dictionary_in_any_order(root):
    (root / "data.yaml").write_text("names:\n  1: happy\n  0: angry\nnc: 2\n")
    assert YOLODataset(root, "train").class_names == ["angry", "happy"]


def test_byte_order_mark_and_windows_line_ends_are_fine(root):
    (root / "train/labels/a.txt").write_bytes(b"\xef\xbb\xbf0 0.5 0.5 0.5 0.5\r\n")
    (root / "data.yaml").write_bytes(b"\xef\xbb\xbfnames: [angry, happy]\r\n")
    assert YOLODataset(root, "train").targets == [0, 1]


def test_hidden_files_and_other_files_are_no_pictures(root):
    (root / "train/images/._a.jpg").write_bytes(b"junk")
    (root / "train/images/Thumbs.db").write_bytes(b"junk")
    assert len(YOLODataset(root, "train")) == 2


LABEL_MISTAKES = {
    "too few numbers": ("0 0.5 0.5 0.5", ["line 1", "expected 5 numbers", "got 4"]),
    "polygon": ("0 .1 .1 .2 .2 .3 .3", ["line 1", "polygon"]),
    "second line": ("0 .5 .5 .5 .5\n0 x .5 .5 .5", ["line 2", "0 x .5 .5 .5"]),
    "class not whole": ("0.5 .5 .5 .5 .5", ["line 1", "whole number"]),
    "class out of range": ("2 .5 .5 .5 .5", ["line 1", "class 2", "0 to 1"]),
    "class negative": ("-1 .5 .5 .5 .5", ["line 1", "class -1", "0 to 1"]),
    "in pixels": ("0 20 10 20 10", ["line 1", "cx is 20.0", "0 to 1"]),
    "negative": ("0 .5 -.1 .5 .5", ["line 1", "cy is -0.1"]),
    "not a number": ("0 .5 .5 nan .5", ["line 1", "w is nan"]),
    "zero size": ("0 .5 .5 .5 0", ["line 1", "above 0"]),
    "empty": ("", ["no box", "a.jpg"]),
    "blank": ("\n  \n", ["no box", "a.jpg"]),
}


@pytest.mark.parametrize("text, said", LABEL_MISTAKES.values(), ids=LABEL_MISTAKES.keys())
def test_mistakes_in_a_label_file(root, text, said):
    label = root / "train/labels/a.txt"
    label.write_text(text)
    with pytest.raises(ValueError) as caught:
        YOLODataset(root, "train")
    for part in [str(label), *said]:
        assert part in str(caught.value)


def test_label_that_is_not_utf8(root):
    (root / "train/labels/a.txt").write_bytes(b"0 .5 .5 .5 .5 \xff\xfe")
    with pytest.raises(ValueError, match=r"a\.txt is not UTF-8.*0xff"):
        YOLODataset(root, "train")


YAML_MISTAKES = {
    "no names": ("nc: 2\n", "no class names"),
    "empty names": ("names: []\n", "no class names"),
    "empty file": ("", "no class names"),
    "a single word": ("names: happy\n", "no class names.*'happy'"),
    "gap in the numbers": ("names: {0: angry, 2: happy}\n", "expected 0 to 1"),
    "nc disagrees": ("nc: 3\nnames: [angry, happy]\n", "nc is 3"),
    "broken": ("path: .\nnames: [angry, happy\n", "line 3.*not valid YAML"),
}


@pytest.mark.parametrize("text, said", YAML_MISTAKES.values(), ids=YAML_MISTAKES.keys())
def test_mistakes_in_data_yaml(root, text, said):
    (root / "data.yaml").write_text(text)
    with pytest.raises(ValueError, match=f"data.yaml.*{said}"):
        YOLODataset(root, "train")


def test_missing_files_and_folders(root):
    with pytest.raises(FileNotFoundError, match="no split 'test'.*found train"):
        YOLODataset(root, "test")
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        YOLODataset(root / "nowhere", "train")
    (root / "train/labels/b.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"b\.txt does not exist.*b\.jpg"):
        YOLODataset(root, "train")
    (root / "train/labels").rename(root / "elsewhere")
    with pytest.raises(FileNotFoundError, match="labels does not exist"):
        YOLODataset(root, "train")
    (root / "data.yaml").unlink()
    with pytest.raises(FileNotFoundError, match="data.yaml does not exist"):
        YOLODataset(root, "train")


def test_no_pictures(root):
    for path in (root / "train/images").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="images holds no pictures"):
        YOLODataset(root, "train")


def test_class_without_a_picture(root):
    (root / "data.yaml").write_text("names: [angry, happy, asleep]\n")
    with pytest.raises(ValueError, match="'asleep'.*number 2"):
        YOLODataset(root, "train")


@pytest.mark.parametrize("damage", ["empty", "cut short", "text"])
def test_damaged_picture_is_named_when_it_is_asked_for(root, damage):
    path = root / "train/images/a.jpg"
    content = path.read_bytes()
    path.write_bytes({"empty": b"", "cut short": content[: len(content) // 2], "text": b"hello"}[damage])
    data = YOLODataset(root, "train")
    with pytest.raises(PictureError, match=r"a\.jpg cannot be read as a picture"):
        data[0]
    assert data[1][1] == 1


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


def test_every_mode_becomes_rgb(tmp_path):
    grey = np.full((4, 4), 128, np.uint8)
    pictures = {
        "grey.png": Image.fromarray(grey),
        "16bit.png": Image.fromarray(np.full((4, 4), 0x8040, np.uint16)),
        "16bit.tif": Image.fromarray(np.full((4, 4), 0x8040, np.uint16)),
        "palette.png": Image.new("RGB", (4, 4), (128, 128, 128)).quantize(),
        "cmyk.jpg": Image.new("CMYK", (8, 8), (0, 0, 0, 127)),
        "alpha.png": Image.new("RGBA", (4, 4), (128, 128, 128, 255)),
        "grey_alpha.png": Image.new("LA", (4, 4), (128, 255)),
    }
    for name, image in pictures.items():
        image.save(tmp_path / name)
        rgb = read_rgb(tmp_path / name)
        assert rgb.mode == "RGB", name
        assert np.allclose(np.asarray(rgb), 128, atol=3), name
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (np.asarray(read_rgb(tmp_path / "clear.png")) == 255).all()
    Image.new("1", (4, 4), 1).save(tmp_path / "bits.png")
    assert (np.asarray(read_rgb(tmp_path / "bits.png")) == 255).all()
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(PictureError, match="floating-point"):
        read_rgb(tmp_path / "float.tif")
