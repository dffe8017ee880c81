"""Fetching, from a server on this machine: miniature archives in the real layouts, and everything that goes wrong."""

from __future__ import annotations

import gzip
import importlib.util
import io
import socket
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from local_server import (
    Cut,
    caltech101_zip,
    caltech256_tar,
    cats_files,
    fashion_files,
    idx,
    jpeg,
    lfw_tgz,
    served,
    tar_of,
    zip_of,
)
from PIL import Image

from course_utils import data
from course_utils.data.real import IDX_FILES, real_folder
from data_scripts import sources
from data_scripts.archives import ArchiveError, unpack
from data_scripts.download import Patience
from data_scripts.fetch import FetchError, fetch
from data_scripts.sources import SOURCES

AT_ONCE = Patience(pauses=())  # give up without another try


pytestmark = pytest.mark.usefixtures("data_folder")


def nothing_left(data_folder):
    """Whether no half-made data set lies about."""
    real = data_folder / "real"
    return [path.name for path in real.iterdir() if path.name.endswith(".partial")] == []


def test_faces(server, monkeypatch, capsys):
    monkeypatch.setattr(sources, "LFW_PEOPLE", 3)
    monkeypatch.setattr(sources, "LFW_IMAGES", 10)
    table = served(server, "faces", {"lfw-funneled.tgz": lfw_tgz()})
    folder = fetch("faces", sources=table)
    out = capsys.readouterr().out
    assert "127.0.0.1" in out and "kB" in out
    assert [path.name for path in folder.iterdir()] == ["faces.npz"]
    faces = data.load_faces("real")
    assert faces.names == ["Ada L", "Emmy N", "Grace H"]
    assert faces.train_images.shape == faces.test_images.shape == (5, 170, 130)
    assert np.bincount([*faces.train_labels, *faces.test_labels]).tolist() == [4, 3, 3]
    assert faces.train_boxes is None
    assert not (folder.parent / ".downloads" / "faces").exists()  # the archive is not needed any more


def gradient(axis):
    """A picture of LFW's size whose pixels say how far right (axis 1) or down (axis 0) they are."""
    buffer = io.BytesIO()
    Image.fromarray(np.indices((250, 250), np.uint8)[axis]).save(buffer, "jpeg", quality=95)
    return buffer.getvalue()


def test_lfws_faces_are_cut_out(server, monkeypatch):
    monkeypatch.setattr(sources, "LFW_PEOPLE", 2)
    monkeypatch.setattr(sources, "LFW_IMAGES", 4)
    people = {"Down": 0, "Right": 1}
    files = {f"lfw_funneled/{name}/{i}.jpg": gradient(axis) for name, axis in people.items() for i in range(2)}
    fetch("faces", sources=served(server, "faces", {"lfw.tgz": tar_of(files, "w:gz")}))
    down, right = data.load_faces("real").train_images.astype(float)
    # x from 73 to 177, y from 64 to 200; the middle of the first and of the last pixel
    assert np.allclose(right[:, [0, -1]], [73, 176], atol=2) and np.allclose(down[[0, -1]], [[64], [199]], atol=2)


def test_choice_of_faces_is_the_same_each_time(server, monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "LFW_PEOPLE", 2)
    monkeypatch.setattr(sources, "LFW_IMAGES", 20)
    files = {f"lfw_funneled/{name}/{i:02d}.jpg": jpeg(5 * i + 2, (250, 250)) for name in "ab" for i in range(50)}
    table = served(server, "faces", {"lfw.tgz": tar_of(files, "w:gz")})
    chosen = []
    for run in "12":
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / run))
        fetch("faces", sources=table)
        faces = data.load_faces("real")
        chosen.append(np.concatenate([faces.train_images, faces.test_images])[:, 0, 0])
    assert np.array_equal(*chosen)
    assert len(set(chosen[0].tolist())) > 10 and chosen[0].max() > 100  # some of each person's, not the first ten


def test_too_few_faces(server):
    table = served(server, "faces", {"lfw-funneled.tgz": lfw_tgz()})
    with pytest.raises(FetchError, match="14 pictures of 4 people; expected 890 of 26"):
        fetch("faces", sources=table)


def test_lfw_shares_are_as_equal_as_they_can_be():
    assert sources.shares([530, 33, 33, 2], 70) == [23, 23, 22, 2]
    assert sources.shares([1, 1], 5) == [1, 1]
    # The 26 people with most pictures in LFW: 24 with 35 or more, and two with 33.
    taken = sources.shares([530] + [35] * 23 + [33, 33], 890)
    assert sum(taken) == 890 and min(taken) == 33 and max(taken) == 35


@pytest.mark.parametrize("annotations", [True, False])
def test_vehicles(server, annotations):
    table = served(server, "vehicles", {"caltech-101.zip": caltech101_zip(annotations)})
    folder = fetch("vehicles", sources=table)
    assert not list(folder.rglob("accordion"))
    vehicles = data.load_vehicles("real")
    assert vehicles.classes == ["airplane", "motorbike", "schooner"]
    assert vehicles.targets == [0, 0, 1, 1, 2, 2]
    if annotations:  # stored as y0, y1, x0, x1, counted from 1
        assert vehicles.boxes[0].tolist() == [[4, 1, 26, 18]] and vehicles.boxes[1].tolist() == [[4, 1, 27, 18]]
    else:
        assert vehicles.boxes is None


def test_class_without_pictures(server):
    files = {f"101_ObjectCategories/{name}/image_0001.jpg": jpeg() for name in sources.CALTECH101}
    files["101_ObjectCategories/schooner/readme.txt"] = files.pop("101_ObjectCategories/schooner/image_0001.jpg")
    with pytest.raises(FetchError, match="folder schooner holds no pictures; expected those of caltech-101.zip"):
        fetch("vehicles", sources=served(server, "vehicles", {"a.zip": zip_of(files)}))
    assert not real_folder("vehicles").exists()


def test_photos(server):
    folder = fetch("photos", sources=served(server, "photos", {"256_ObjectCategories.tar": caltech256_tar()}))
    assert len(list(folder.glob("*/"))) == 7
    photos, embedded = data.load_photos("real"), data.load_photos()
    classes = ["airplanes", "bear", "butterfly", "chimp", "ostrich", "penguin", "snake"]
    assert list(photos) == sorted([*classes, *embedded])
    assert all(np.array_equal(photos[name], photo) for name, photo in embedded.items())  # lessons ask for them by name
    assert photos["bear"].shape == (20, 30, 3) and np.allclose(photos["bear"], 1, atol=2)


def test_digits(server):
    fetch("digits", sources=served(server, "digits", fashion_files()))
    digits = data.load_digits("real")
    assert digits.train_images.shape == (3, 2, 2) and digits.names[2] == "Pullover"


@pytest.mark.parametrize(
    "which, content, said",
    [
        (0, b"\x1f\x8bhalf", rf"{IDX_FILES[0]} is damaged"),
        (1, gzip.compress(b"<html>Please log in</html>", mtime=0), rf"{IDX_FILES[1]} is not an IDX file of bytes"),
        (2, idx(np.zeros((4, 2, 2))), r"images of shape \(4, 2, 2\) with labels of shape \(3,\)"),
        (3, idx(np.array([0, 1, 10])), r"labels up to 10; expected 0 to 9"),
    ],
    ids=["cut", "a log-in page", "too few labels", "a label too large"],  # bytes as names would hold the second
)
def test_digits_that_the_loader_would_refuse(server, which, content, said):
    files = fashion_files() | {IDX_FILES[which]: content}
    with pytest.raises(FetchError, match=f"^digits: .*{said}"):
        fetch("digits", sources=served(server, "digits", files))
    assert not real_folder("digits").exists()


@pytest.mark.parametrize("kind", ["address", "zip", "folder"])
@pytest.mark.parametrize("prefix, valid", [("", "valid"), ("export/cats/", "val")])
def test_cats_from(server, tmp_path, kind, prefix, valid):
    files = cats_files(prefix, valid)
    if kind == "address":
        server.files["/cats.zip"] = zip_of(files)
        where = f"{server.address}/cats.zip"
    else:
        where = tmp_path / "cats.zip"
        where.write_bytes(zip_of(files))
    if kind == "folder":
        with zipfile.ZipFile(where) as archive:
            archive.extractall(tmp_path / "unpacked")
        where = tmp_path / "unpacked"
    folder = fetch("cats", where)
    assert sorted(path.name for path in folder.iterdir()) == ["data.yaml", "test", "train", "valid"]
    assert [len(split) for split in data.load_cats("real")] == [2, 2, 2]
    if kind != "address":
        assert where.exists()  # what is yours stays


def test_cats_need_an_address():
    with pytest.raises(FetchError, match="no public address.*course data fetch cats --from"):
        fetch("cats")


def test_cats_with_a_mistake_name_the_file_and_the_line(tmp_path):
    files = cats_files()
    files["train/labels/1.txt"] = b"7 .5 .5 .5 .5\n"
    (tmp_path / "cats.zip").write_bytes(zip_of(files))
    with pytest.raises(FetchError, match=r"^cats: train.labels.1\.txt, line 1: class 7"):
        fetch("cats", tmp_path / "cats.zip")
    assert not real_folder("cats").exists()
    assert not list((real_folder("cats").parent / ".downloads").rglob("*.jpg"))


def test_archive_that_you_have_already(server, tmp_path):
    (tmp_path / "mine.zip").write_bytes(caltech101_zip())
    fetch("vehicles", tmp_path / "mine.zip")
    assert len(data.load_vehicles("real")) == 6


@pytest.mark.parametrize("where", ["nowhere.zip", "ftp://example.org/cats.zip"])
def test_from_what_is_not_there(where):
    with pytest.raises(FetchError, match=f"--from {where}: there is no such file"):
        fetch("cats", where)


def test_second_run_downloads_nothing(server, capsys):
    table = served(server, "digits", fashion_files())
    fetch("digits", sources=table)
    asked = len(server.asked)
    fetch("digits", sources=table)
    assert len(server.asked) == asked == 4
    assert "already there" in capsys.readouterr().out


def test_wrong_checksum(server, data_folder):
    table = served(server, "photos", {"256_ObjectCategories.tar": caltech256_tar()})
    server.files["/256_ObjectCategories.tar"] += b"more"
    with pytest.raises(FetchError, match="256_ObjectCategories.tar from 127.0.0.1.*checksum md5.*--from"):
        fetch("photos", sources=table)
    assert not real_folder("photos").exists() and nothing_left(data_folder)
    server.files["/256_ObjectCategories.tar"] = server.files["/256_ObjectCategories.tar"][:-4]
    fetch("photos", sources=table)
    assert len(data.load_photos("real")) == 7 + len(data.load_photos())


def test_not_found(server, data_folder):
    table = served(server, "digits", fashion_files())
    del server.files["/" + IDX_FILES[2]]
    with pytest.raises(FetchError, match=f"answered 404 Not Found for {server.address}/{IDX_FILES[2]}.*--from"):
        fetch("digits", sources=table)
    assert not real_folder("digits").exists() and nothing_left(data_folder)


def test_cut_in_the_middle_then_again(server, data_folder):
    """The second run keeps the two files that came whole and asks for the others only."""
    table = served(server, "digits", fashion_files())
    server.script["/" + IDX_FILES[2]] = [Cut(20)]
    with pytest.raises(FetchError, match=f"stopped in the middle of {IDX_FILES[2]}. 20 bytes .* goes on from there"):
        fetch("digits", sources=table, patience=AT_ONCE)
    assert not real_folder("digits").exists() and nothing_left(data_folder)
    server.asked.clear()
    fetch("digits", sources=table)
    assert server.asked == ["/" + name for name in IDX_FILES[2:]]
    assert len(data.load_digits("real").train_images) == 3


def test_cut_without_a_checksum_then_again(server):
    server.files["/cats.zip"] = zip_of(cats_files())
    server.script["/cats.zip"] = [Cut(500)]
    with pytest.raises(FetchError, match="stopped in the middle of cats.zip"):
        fetch("cats", f"{server.address}/cats.zip", patience=AT_ONCE)
    fetch("cats", f"{server.address}/cats.zip")
    assert server.ranges == [None, "bytes=500-"]
    assert len(data.load_cats("real").train) == 2


def test_damaged_file_in_the_download_folder_is_not_trusted(server, data_folder):
    table = served(server, "digits", fashion_files())
    waiting = data_folder / "real" / ".downloads" / "digits"
    (waiting / "unpacked").mkdir(parents=True)
    (waiting / "tmp1234").write_bytes(b"half a download")
    (waiting / IDX_FILES[0]).write_bytes(b"not it")
    fetch("digits", sources=table)
    assert len(server.asked) == 4
    assert len(data.load_digits("real").train_images) == 3


def test_archive_of_another_address_is_not_reused(server, tmp_path):
    server.files["/a/cats.zip"] = zip_of({"readme.txt": b"no cats"})
    server.files["/b/cats.zip"] = zip_of(cats_files())
    with pytest.raises(FetchError, match="no data.yaml; expected the YOLO layout"):
        fetch("cats", f"{server.address}/a/cats.zip")
    fetch("cats", f"{server.address}/b/cats.zip")
    assert len(data.load_cats("real").train) == 2


def test_no_network(server):
    with socket.socket() as deaf:  # it holds the port, so that nobody else listens there
        deaf.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError, match="no connection to 127.0.0.1.*network"):
            fetch("cats", f"http://127.0.0.1:{deaf.getsockname()[1]}/cats.zip")


@pytest.mark.parametrize("host", ["example..org", "ex\u00e4mple..org", "[::1", "", "127.0.0.1:99999", "*"])
def test_mistyped_address(monkeypatch, host):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(FetchError) as caught:
        fetch("cats", f"http://{host}/cats.zip")
    assert f"http://{host}/cats.zip" in str(caught.value) and "checksum" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["/", "/..", "/unpacked", "/cats.zip?session=1", "/cats.part", "/" + 300 * "c" + ".zip"]
)
def test_address_whose_last_part_is_no_name_for_a_file(server, path):
    asked = "/" if path == "/.." else path
    server.files[asked] = zip_of({"readme.txt": b"no cats"})
    with pytest.raises(FetchError, match="no data.yaml"):
        fetch("cats", server.address + path)
    server.files[asked] = zip_of(cats_files())
    fetch("cats", server.address + path)
    assert len(data.load_cats("real").train) == 2


def test_page_in_place_of_an_archive(server):
    server.files["/cats.zip"] = b"<html>Please log in</html>"
    with pytest.raises(FetchError, match="neither a zip nor a tar"):
        fetch("cats", f"{server.address}/cats.zip")


def test_archive_without_the_expected_folders(tmp_path):
    (tmp_path / "other.zip").write_bytes(zip_of({"a/airplanes/1.jpg": jpeg()}))
    for name, said in {
        "vehicles": "no folder airplanes; expected airplanes, Motorbikes, schooner",
        "photos": "no folder 009.bear",
        "digits": "file train-images-idx3-ubyte.gz is missing",
        "faces": "0 pictures of 1 people; expected 890 of 26",
    }.items():
        with pytest.raises(FetchError, match=f"^{name}: .*{said}"):
            fetch(name, tmp_path / "other.zip")


def test_damaged_face_is_named(server, monkeypatch):
    monkeypatch.setattr(sources, "LFW_PEOPLE", 2)
    monkeypatch.setattr(sources, "LFW_IMAGES", 4)
    files = {f"lfw_funneled/{name}/{i}.jpg": jpeg() for name in "ab" for i in range(2)}
    files["lfw_funneled/b/1.jpg"] = b""
    with pytest.raises(FetchError, match=r"^faces: lfw_funneled.b.1\.jpg cannot be read"):
        fetch("faces", sources=served(server, "faces", {"lfw.tgz": tar_of(files, "w:gz")}))


@pytest.mark.parametrize(
    "name", ["../outside.txt", "a/../../outside.txt", "/outside.txt", "C:\\outside.txt", "..\\outside.txt"]
)
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_names_that_lead_out_of_the_folder(tmp_path, name, make):
    (tmp_path / "into").mkdir()
    (tmp_path / "bad").write_bytes(make({"fine.txt": b"1", name: b"2"}))
    with pytest.raises(ArchiveError, match="leads out of the folder"):
        unpack(tmp_path / "bad", tmp_path / "into")
    assert not list(tmp_path.rglob("outside.txt"))


def test_fetch_with_such_a_name_leaves_nothing(tmp_path, data_folder):
    (tmp_path / "bad.zip").write_bytes(zip_of(cats_files() | {"../outside.txt": b"2"}))
    with pytest.raises(FetchError, match="cats: bad.zip holds the name '../outside.txt'"):
        fetch("cats", tmp_path / "bad.zip")
    assert not real_folder("cats").exists() and nothing_left(data_folder)
    assert not list(tmp_path.rglob("outside.txt"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, "zip"])
def test_links_and_devices_are_refused(tmp_path, kind):
    (tmp_path / "into").mkdir()
    if kind == "zip":
        link = zipfile.ZipInfo("a/link")
        link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(tmp_path / "bad", "w") as archive:
            archive.writestr(link, "/etc")
    else:
        link = tarfile.TarInfo("a/link")
        link.type, link.linkname = kind, "/etc"
        with tarfile.open(tmp_path / "bad", "w") as archive:
            archive.addfile(link)
    with pytest.raises(ArchiveError, match="holds a link or a device, 'a/link'"):
        unpack(tmp_path / "bad", tmp_path / "into")
    unpack(tmp_path / "bad", tmp_path / "into", keep=["b"])  # nothing of it is wanted
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize("whole", [zip_of({"f": bytes(range(256)) * 40}), lfw_tgz()], ids=["zip", "tgz"])
def test_archive_cut_short(tmp_path, whole):
    (tmp_path / "into").mkdir()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(tmp_path / "cut", tmp_path / "into")


def test_table_of_sources():
    assert list(SOURCES) == ["faces", "vehicles", "cats", "photos", "digits"]
    for source in SOURCES.values():
        for file in source.files:
            kind, digest = file.checksum.split(":")
            assert len(digest) == {"md5": 32, "sha256": 64}[kind]
            assert file.size > 0


def test_addresses_and_checksums_are_those_of_the_libraries():
    """Read in their source texts: importing both libraries would take longer than all other tests."""
    texts = {
        "faces": ("sklearn", "datasets/_lfw.py"),
        "vehicles": ("torchvision", "datasets/caltech.py"),
        "photos": ("torchvision", "datasets/caltech.py"),
        "digits": ("torchvision", "datasets/mnist.py"),
    }
    for name, (package, module) in texts.items():
        text = (Path(importlib.util.find_spec(package).origin).parent / module).read_text(encoding="utf-8")
        if "drive.google.com" in text:  # torchvision 0.21 still asks for Caltech's former archives, which have moved
            continue
        for file in SOURCES[name].files:
            address = file.url.removesuffix(file.name) if name == "digits" else file.url
            assert f'"{address}"' in text and f'"{file.name}"' in text
            assert f'"{file.checksum.split(":")[1]}"' in text
