"""The loaders, from each kind of source; the generators stand-ins, so that nothing is drawn here.

What they say about bad input: see ``bad_input_cases``.
"""

from __future__ import annotations

import gzip
import socket

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from course_utils import data
from course_utils.data import loaders, store

pytestmark = pytest.mark.usefixtures("data_folder")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(self, address):
        raise AssertionError(f"a loader tried to reach {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def picture(path, colour=(120, 60, 30), size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def write_faces(folder, progress):
    images = np.zeros((2, 170, 130), np.uint8)
    labels, boxes = np.array([0, 1]), np.tile([10, 20, 90, 120], (2, 1))
    arrays = {"train_images": images, "train_labels": labels, "test_images": images + 1, "test_labels": labels}
    np.savez(folder / "faces.npz", **arrays, names=np.array(["Ada", "Béla"]), train_boxes=boxes, test_boxes=boxes)


def write_vehicles(folder, progress):
    lines = ["file,x0,y0,x1,y1"]
    for i, name in enumerate(["airplane", "motorbike", "schooner"]):
        picture(folder / name / "0001.jpg")
        lines.append(f"{name}/0001.jpg,{i},2,{i + 10}.5,20")
    (folder / "boxes.csv").write_text("\n".join(reversed(lines[1:])).join([lines[0] + "\n", "\n"]))


def write_cats(folder, progress):
    for split, count in (("train", 4), ("valid", 3), ("test", 2)):
        for i in range(count):
            picture(folder / split / "images" / f"{i}.jpg")
            label = folder / split / "labels" / f"{i}.txt"
            label.parent.mkdir(exist_ok=True)
            label.write_text(f"{i % 2} .5 .5 .5 .5\n")
    (folder / "data.yaml").write_text("names: [angry, happy]\n")


@pytest.fixture(autouse=True)
def standins(monkeypatch):
    writers = {"faces": write_faces, "vehicles": write_vehicles, "cats": write_cats}
    sets = {name: store.EmbeddedSet(1, "", store.EMBEDDED[name].sources, writer) for name, writer in writers.items()}
    monkeypatch.setattr(store, "EMBEDDED", sets)


def test_embedded_faces():
    faces = data.load_faces()
    assert faces.train_images.shape == (2, 170, 130)
    assert faces.test_images.max() == 1
    assert faces.names == ["Ada", "Béla"] and type(faces.names[0]) is str
    assert faces.train_boxes.dtype == np.float32
    assert faces.train_boxes.tolist() == [[10, 20, 90, 120]] * 2


def test_faces_of_a_folder(tmp_path):
    for person, count, colour in (("Ada_Lovelace", 5, 40), ("Emmy", 4, 200), (".hidden", 1, 0)):
        for i in range(count):
            picture(tmp_path / person / f"{i}.png", (colour + i,) * 3, size=(300, 200))
    (tmp_path / "notes.txt").write_text("no person")
    faces = data.load_faces(tmp_path)
    assert faces.names == ["Ada Lovelace", "Emmy"]
    assert faces.train_images.shape == (5, 170, 130) and faces.test_images.shape == (4, 170, 130)
    assert faces.train_images.dtype == np.uint8 and faces.train_labels.dtype == np.int64
    assert np.bincount(faces.train_labels).tolist() == [3, 2]
    assert np.bincount(faces.test_labels).tolist() == [2, 2]
    assert faces.train_boxes is None
    # every picture once, with its person's label
    both = [*zip(faces.train_images, faces.train_labels), *zip(faces.test_images, faces.test_labels)]
    greys = {(int(image[0, 0]), int(label)) for image, label in both}
    assert greys == {(40 + i, 0) for i in range(5)} | {(200 + i, 1) for i in range(4)}
    again = data.load_faces(str(tmp_path))
    assert (again.train_images == faces.train_images).all()


def test_faces_are_cropped_not_squeezed(tmp_path):
    image = Image.new("L", (400, 170), 0)
    image.paste(255, (135, 0, 265, 170))  # the middle 130 x 170
    for person in "ab":
        for i in range(2):
            (tmp_path / person).mkdir(exist_ok=True)
            image.save(tmp_path / person / f"{i}.png")
    assert (data.load_faces(tmp_path).train_images == 255).all()


def test_vehicles_and_their_boxes():
    vehicles = data.load_vehicles()
    assert vehicles.classes == ["airplane", "motorbike", "schooner"]
    assert vehicles.targets == [0, 1, 2]
    assert [box.tolist() for box in vehicles.boxes] == [[[i, 2, i + 10.5, 20]] for i in range(3)]
    assert vehicles.boxes[0].dtype == np.float32
    image, label = vehicles[2]
    assert (image.mode, label) == ("RGB", 2)
    assert data.load_vehicles(transform=lambda image: image.size)[0] == ((40, 30), 0)


def test_vehicles_of_a_folder_without_boxes(tmp_path):
    Image.new("L", (8, 8), 77).save(tmp_path / "grey.png")
    for name in ("car", "bus", ".ipynb_checkpoints"):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "grey.png").rename(tmp_path / "set" / name / "1.png")
        Image.new("L", (8, 8), 77).save(tmp_path / "grey.png")
    vehicles = data.load_vehicles(tmp_path / "set")
    assert vehicles.classes == ["bus", "car"]
    assert vehicles.boxes is None
    assert vehicles[0][0].getpixel((0, 0)) == (77, 77, 77)


def test_cats_from_every_source(data_folder):
    splits = data.load_cats(transform=lambda image: image.size)
    assert [len(split) for split in splits] == [4, 3, 2]
    assert splits.valid[1] == ((40, 30), 1)
    folder = store.embedded_folder("cats")
    assert len(data.load_cats(folder).test) == 2
    (data_folder / "real").mkdir()
    folder.rename(data_folder / "real" / "cats")
    assert data.load_cats("real").train.class_names == ["angry", "happy"]


def test_photos_come_with_the_installed_libraries():
    photos = data.load_photos()
    assert {"astronaut", "chelsea", "china", "coffee", "flower", "motorcycle", "rocket"} <= set(photos)
    for name, photo in photos.items():
        assert photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3, name
        assert photo.std() > 20, name  # not blank
        assert (photo[..., 0] != photo[..., 2]).mean() > 0.3, name  # in colour
        photo[0, 0] = 0  # the caller may write
    assert photos["chelsea"].shape == (300, 451, 3)


def test_photos_of_a_folder(tmp_path):
    picture(tmp_path / "b.jpg", size=(20, 10))
    picture(tmp_path / "a" / "2.png", colour=(1, 1, 1))
    picture(tmp_path / "a" / "1.png", colour=(9, 9, 9))
    picture(tmp_path / "coffee.png", colour=(3, 3, 3))
    photos, installed = data.load_photos(tmp_path), data.load_photos()
    assert list(photos) == sorted({"a", "b", *installed})
    assert photos["b"].shape == (10, 20, 3)
    assert (photos["a"] == 9).all() and (photos["coffee"] == 3).all()  # their own, not the installed one
    assert np.array_equal(photos["chelsea"], installed["chelsea"])  # lessons ask for it by name


def test_embedded_digits():
    digits = data.load_digits()
    assert digits.train_images.shape == (1347, 8, 8) and digits.test_images.shape == (450, 8, 8)
    assert digits.train_images.dtype == np.float32 and digits.train_labels.dtype == np.int64
    assert digits.train_images.min() == 0 and digits.train_images.max() == 1
    assert digits.names == [str(n) for n in range(10)]
    shares = np.bincount(digits.test_labels) / np.bincount([*digits.train_labels, *digits.test_labels])
    assert np.abs(shares - 0.25).max() < 0.005
    assert (data.load_digits().test_images == digits.test_images).all()


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def write_mnist(folder):
    folder.mkdir(parents=True)
    for prefix, count in (("train", 12), ("t10k", 4)):
        images = np.arange(count * 6).reshape(count, 2, 3)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(count) % 10))
    return folder


def test_digits_in_mnist_format(tmp_path, data_folder):
    digits = data.load_digits(write_mnist(tmp_path / "mnist"))
    assert digits.train_images.shape == (12, 2, 3) and digits.test_labels.tolist() == [0, 1, 2, 3]
    assert digits.train_images.dtype == np.float32
    np.testing.assert_allclose(digits.train_images[1], np.arange(6, 12).reshape(2, 3) / 255)
    assert digits.names == [str(n) for n in range(10)]
    write_mnist(data_folder / "real" / "digits")
    assert data.load_digits("real").names[9] == "Ankle boot"


def test_as_tensors_cuts_the_middle_of_the_short_side(tmp_path):
    wide = Image.new("RGB", (80, 40), (255, 0, 0))
    wide.paste((0, 0, 255), (20, 0, 60, 40))  # the middle square
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    wide.save(tmp_path / "a" / "wide.png")
    wide.rotate(90, expand=True).save(tmp_path / "b" / "tall.png")
    images, labels = data.as_tensors(data.load_vehicles(tmp_path), 20)
    assert images.shape == (2, 3, 20, 20) and images.dtype == torch.uint8
    assert labels.tolist() == [0, 1] and labels.dtype == torch.int64
    inner = images[:, :, 2:-2, 2:-2]  # the filter mixes some red into the edge
    assert (inner[:, 2] == 255).all() and (inner[:, 0] == 0).all()
    assert (images[:, 2] > 200).all()


def test_as_tensors_agrees_with_torchvision(tmp_path):
    (tmp_path / "a").mkdir()
    photo = Image.fromarray(data.load_photos()["chelsea"][:, :450])
    photo.save(tmp_path / "a" / "chelsea.png")
    images, _ = data.as_tensors(data.load_vehicles(tmp_path), 100)
    resize = v2.Resize(100, interpolation=v2.InterpolationMode.BICUBIC, antialias=True)
    theirs = v2.functional.center_crop(resize(v2.functional.pil_to_tensor(photo)), 100)
    difference = (images[0].int() - theirs.int()).abs()[:, 3:-3, 3:-3]  # at the edge they weigh other pixels
    assert difference.float().mean() < 1 and difference.max() < 12


def test_unknown_name_in_the_package():
    assert set(data.__all__) <= set(dir(data))
    assert data.Faces is loaders.Faces
    with pytest.raises(AttributeError, match="load_dogs"):
        data.load_dogs  # noqa: B018
