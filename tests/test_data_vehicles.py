"""The generated vehicles: counts, sizes, repeatability, boxes, variety, and the layout that ImageFolder reads."""

from __future__ import annotations

import csv
import socket

import numpy as np
import pytest
from PIL import Image

from course_utils.data import drawing, vehicles

LABELS = ("airplane", "motorbike", "schooner")
SAMPLE = [(label, index) for label in LABELS for index in range(8)]


@pytest.fixture(scope="module")
def sample():
    """Eight pictures of each class, by (label, index)."""
    return {key: vehicles.render(*key) for key in SAMPLE}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny data set on disk: 3, 2 and 2 pictures."""
    root = tmp_path_factory.mktemp("vehicles")
    vehicles.make_vehicles(root, _counts=dict(zip(LABELS, (3, 2, 2))))
    return root


def pixels(picture):
    return np.asarray(picture.image)


def test_counts_are_those_of_caltech_101():
    assert vehicles.COUNTS == {"airplane": 800, "motorbike": 798, "schooner": 63}


def test_pictures_are_256_by_256_rgb(sample):
    for picture in sample.values():
        assert picture.image.size == (256, 256) and picture.image.mode == "RGB"
        assert picture.mask.shape == (256, 256)


def test_a_picture_depends_on_its_own_index_and_seed_only(sample):
    # Rendered again, alone and in another order, it is the same; another seed or index gives another picture.
    for label, index in (("schooner", 3), ("motorbike", 5), ("airplane", 1)):
        again = vehicles.render(label, index)
        assert np.array_equal(pixels(again), pixels(sample[label, index])) and again.box == sample[label, index].box
        assert not np.array_equal(pixels(vehicles.render(label, index, seed=1)), pixels(again))
        assert not np.array_equal(pixels(sample[label, (index + 1) % 8]), pixels(again))


def test_boxes_lie_inside_and_fit_the_vehicle(sample):
    for key, picture in sample.items():
        x0, y0, x1, y1 = picture.box
        assert 0 <= x0 < x1 <= 256 and 0 <= y0 < y1 <= 256, key
        inside = picture.mask[y0:y1, x0:x1]
        assert inside.sum() > 0.98 * picture.mask.sum(), key  # next to nothing sticks out
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.max() > 0.5, key  # each side touches the vehicle
        assert inside.size > 0.02 * 256**2, key


def test_the_vehicle_is_where_the_mask_says(monkeypatch):
    # The same picture with nothing drawn in front of the scene differs inside the mask and hardly outside.
    def without_vehicle(self, picture, **options):
        return picture

    monkeypatch.setattr(vehicles, "_in_front", lambda rng, picture, *others: picture)
    monkeypatch.setattr(vehicles, "_cast_shadow", lambda rng, picture, *others: picture)
    with_vehicle = vehicles.render("motorbike", 1)
    monkeypatch.setattr(drawing.Layer, "over", without_vehicle)
    difference = np.abs(pixels(with_vehicle).astype(float) - pixels(vehicles.render("motorbike", 1))).max(2)
    x0, y0, x1, y1 = with_vehicle.box
    assert np.median(difference[with_vehicle.mask > 0.99]) > 20
    difference[y0 - 3 : y1 + 3, x0 - 3 : x1 + 3] = 0
    assert difference.max() == 0


def test_pictures_vary_in_position_size_side_brightness_and_colour(sample):
    for label in LABELS:
        boxes = np.array([sample[label, i].box for i in range(8)], float)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        widths = boxes[:, 2] - boxes[:, 0]
        assert centres.std(0).min() > 5 and widths.std() > 10, label
        tones = np.array([pixels(sample[label, i]).reshape(-1, 3).mean(0) for i in range(8)])
        assert tones.mean(1).std() > 10, label  # brightness
        assert (tones[:, 0] - tones[:, 2]).std() > 8, label  # warm and cold


def test_every_class_uses_the_shared_backgrounds(monkeypatch):
    used = {label: 0 for label in LABELS}
    original = vehicles._shared_scene

    def counting(rng):
        used[current] += 1
        return original(rng)

    monkeypatch.setattr(vehicles, "_shared_scene", counting)
    for current in LABELS:
        for index in range(12):
            vehicles.render(current, index)
    assert all(2 <= count <= 8 for count in used.values()), used  # about a third of twelve


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a generator opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    drawing.load_photograph.cache_clear()
    for name in drawing.PHOTOGRAPHS:
        assert drawing.load_photograph(name).mode == "RGB"
    vehicles.render("airplane", 0)


def test_the_folder_is_what_image_folder_reads(folder):
    from torchvision.datasets import ImageFolder

    data = ImageFolder(folder)
    assert data.classes == list(LABELS)
    assert np.bincount(data.targets).tolist() == [3, 2, 2]
    image, label = data[0]
    assert image.size == (256, 256) and label == 0


def test_boxes_csv_has_a_row_per_file(folder):
    with open(folder / "boxes.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "x0", "y0", "x1", "y1"]
    files = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.jpg"))
    assert [row["file"] for row in rows] == files
    assert files[0] == "airplane/0001.jpg" and files[-1] == "schooner/0002.jpg"
    box = tuple(int(rows[-1][k]) for k in ("x0", "y0", "x1", "y1"))
    assert box == vehicles.render("schooner", 1).box


def test_files_are_the_same_byte_for_byte(folder, tmp_path):
    ticks = []
    vehicles.make_vehicles(tmp_path, progress=ticks.append, _counts=dict(zip(LABELS, (3, 2, 2))))
    assert ticks == [1] * 7
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path.name


def test_files_keep_the_picture(folder):
    # JPEG at this quality moves a pixel by a few grey levels, not more.
    stored = np.asarray(Image.open(folder / "motorbike" / "0001.jpg"), int)
    assert np.abs(stored - pixels(vehicles.render("motorbike", 0))).mean() < 4


def test_an_unknown_class_is_named_in_the_error():
    with pytest.raises(ValueError, match="'car'.*airplane, motorbike, schooner"):
        vehicles.render("car", 0)
