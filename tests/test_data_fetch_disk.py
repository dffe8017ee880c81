"""Fetching where the disk is full, read-only or has the data already; how much is fetched, and where to."""

from __future__ import annotations

import errno
import gzip
import importlib
import io
import os
import shutil
import struct
import tarfile
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from local_server import (
    caltech101_zip,
    caltech256_tar,
    cats_files,
    fashion_files,
    jpeg,
    served,
    tar_of,
    zip_of,
)

from course_utils import data
from course_utils.data.real import IDX_FILES, real_folder
from course_utils.data.store import DataFolderError
from data_scripts import archives, download, sources
from data_scripts.archives import ArchiveError, unpack
from data_scripts.download import Patience
from data_scripts.fetch import FetchError, check_room, fetch, space_for
from data_scripts.sources import CALTECH256, SOURCES, RemoteFile, Source

pytestmark = pytest.mark.usefixtures("data_folder")


@pytest.fixture
def free(monkeypatch):
    """Sets the bytes that every disk has left."""

    def free(size):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=size))

    return free


@contextmanager
def full_after(monkeypatch, module, size):
    """Let files that ``module`` opens for writing take so many bytes, and then say that the disk is full."""

    class Full(io.BufferedWriter):
        def write(self, chunk):
            nonlocal size
            taken = super().write(chunk[:size])
            self.flush()
            size -= taken
            if taken < len(chunk):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return taken

    def opened(path, mode="r", **options):
        return Full(io.FileIO(path, mode)) if "w" in mode or "a" in mode else open(path, mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "open", opened, raising=False)
        yield


def left_of(name):
    """The files of a set's downloads that an ended run has left."""
    downloads = real_folder(name).parent / ".downloads" / name
    return sorted(path.relative_to(downloads).as_posix() for path in downloads.rglob("*") if path.is_file())


# How much, and whether there is room


def test_sizes_are_added_up_over_the_sets(data_folder, monkeypatch):
    asked = []  # for which folder; what is really free there changes with every file that somebody writes
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or SimpleNamespace(free=1234))
    files = {name: sum(file.size for file in source.files) for name, source in SOURCES.items()}
    everything = space_for(SOURCES)
    assert everything.download == sum(files.values())
    # The largest set comes while the two before it are ready.
    photos = SOURCES["photos"]
    before = SOURCES["faces"].ready + SOURCES["vehicles"].ready
    assert everything.room == before + files["photos"] + photos.unpacked + photos.ready
    assert everything.free == 1234 and asked == [data_folder.parent]  # the data folder itself is not there yet
    real_folder("photos").mkdir(parents=True)
    assert space_for(SOURCES).download == sum(files.values()) - files["photos"]
    assert (space_for(["photos"]).download, space_for(["photos"]).room) == (0, 0)
    waiting = real_folder("digits").parent / ".downloads" / "digits"
    waiting.mkdir(parents=True)
    (waiting / IDX_FILES[1]).write_bytes(b"x" * 29_515)
    (waiting / f"{IDX_FILES[2]}.part").write_bytes(b"x" * 1000)
    assert space_for(["digits"]).download == files["digits"] - 29_515 - 1000


def test_room_is_compared_before_anything_is_asked_for(server, free):
    table = served(server, "digits", fashion_files())
    size = space_for(["digits"], table).room
    free(size - 1)
    with pytest.raises(FetchError, match=rf"needs about {size} bytes .* {size - 1} bytes are free.*COURSE_DATA"):
        fetch("digits", sources=table)
    assert server.asked == [] and not real_folder("digits").exists()
    with pytest.raises(FetchError):
        check_room(space_for(["digits"], table))


def test_length_that_only_the_server_knows_is_compared(server, free):
    content = zip_of(cats_files())
    server.files["/cats.zip"] = content
    free(100)
    with pytest.raises(FetchError, match=r"full \(cats.zip needs 4.\d kB more, 100 bytes are free\).*COURSE_DATA"):
        fetch("cats", f"{server.address}/cats.zip")
    assert not real_folder("cats").exists()


def test_what_unpacking_takes_is_compared(tmp_path, free):
    (tmp_path / "cats.zip").write_bytes(zip_of(cats_files()))
    free(13 * 4096 - 1)  # 13 small files take a block each
    with pytest.raises(FetchError, match=r"\(cats.zip unpacks to 53.2 kB, 53.2 kB are free\)"):
        fetch("cats", tmp_path / "cats.zip")
    free(13 * 4096)
    fetch("cats", tmp_path / "cats.zip")


def test_what_unpacks_is_told(server, capsys):
    fetch("vehicles", sources=served(server, "vehicles", {"caltech-101.zip": caltech101_zip()}))
    out = capsys.readouterr().out
    assert "vehicles: unpacking 2 files, " in out and "from caltech-101.zip" in out
    assert "vehicles: unpacking 6 files, " in out and "from 101_ObjectCategories.tar.gz" in out


# A disk that is full


@pytest.mark.parametrize("size", [0, 1, 50_000, 199_999])
def test_full_while_downloading(server, monkeypatch, size):
    content = caltech256_tar() + bytes(200_000)  # zeros behind the end of a tar archive belong to it
    table = served(server, "photos", {"256_ObjectCategories.tar": content})
    with full_after(monkeypatch, download, size):
        with pytest.raises(FetchError, match=r"photos: the disk of .* is full \(No space left.*about .* are needed"):
            fetch("photos", sources=table)
    assert not real_folder("photos").exists()
    assert left_of("photos") == ["256_ObjectCategories.tar.part", "256_ObjectCategories.tar.part.json"]
    server.ranges.clear()
    fetch("photos", sources=table)
    assert server.ranges == [f"bytes={size}-" if size else None]
    assert set(data.load_photos("real")) == {*CALTECH256.values(), *data.load_photos()}


@pytest.mark.parametrize("size", [0, 1, 3000])
def test_full_while_unpacking(server, monkeypatch, size):
    table = served(server, "vehicles", {"caltech-101.zip": caltech101_zip()})
    with full_after(monkeypatch, archives, size):
        with pytest.raises(FetchError, match="vehicles: the disk of .* is full .*next run goes on from there"):
            fetch("vehicles", sources=table)
    assert not real_folder("vehicles").exists()
    assert left_of("vehicles") == ["caltech-101.zip"]
    fetch("vehicles", sources=table)
    assert len(server.asked) == 1
    assert len(data.load_vehicles("real")) == 6


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_while_bringing_into_the_layout(server, monkeypatch, number):
    table = served(server, "photos", {"256_ObjectCategories.tar": caltech256_tar()})
    copy, count = shutil.copyfile, 0

    def copyfile(source, target):
        nonlocal count
        count += 1
        if count == 9:
            Path(target).write_bytes(b"half")
            raise OSError(number, os.strerror(number), str(source), None, str(target))
        return copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(sources.shutil, "copyfile", copyfile)
        with pytest.raises(FetchError, match=rf"photos: the disk of .* is full \({os.strerror(number)}\)"):
            fetch("photos", sources=table)
    assert not real_folder("photos").exists()
    assert not list(real_folder("photos").parent.glob("*.partial"))
    fetch("photos", sources=table)
    assert len(server.asked) == 1
    assert len(list(real_folder("photos").glob("*/*"))) == 14


# A disk that cannot be written to


@pytest.fixture
def read_only(monkeypatch, data_folder):
    """Makes a data folder that this process may read but not write to, in a place that every user can reach."""
    importlib.import_module("course_utils.data.loaders")  # somebody else may not reach Python's own files

    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        moved = Path(top) / "data"

        @contextmanager
        def read_only():
            if data_folder.is_dir():
                shutil.copytree(data_folder, moved)
            else:
                moved.mkdir()
            monkeypatch.setenv("COURSE_DATA", str(moved))
            for folder, _, files in os.walk(moved):
                for name in files:
                    os.chmod(os.path.join(folder, name), 0o444)
                os.chmod(folder, 0o555)
            root = os.geteuid() == 0
            if root:  # who is allowed everything has to be somebody else
                os.seteuid(65534)
            try:
                yield moved
            finally:
                if root:
                    os.seteuid(0)
                for folder, _, _ in os.walk(moved):
                    os.chmod(folder, 0o755)

        yield read_only


def test_read_only_with_the_data(server, read_only, capsys):
    table = served(server, "digits", fashion_files())
    fetch("digits", sources=table)
    with read_only() as folder:
        with pytest.raises(PermissionError):
            (folder / "probe").touch()
        assert fetch("digits", sources=table) == folder / "real" / "digits"
        assert len(data.load_digits("real").train_images) == 3
    assert "already there" in capsys.readouterr().out
    assert len(server.asked) == 4


@pytest.mark.parametrize("empty", [True, False])
def test_read_only_without_the_data(server, read_only, empty):
    if not empty:
        fetch("photos", sources=served(server, "photos", {"256_ObjectCategories.tar": caltech256_tar()}))
    server.asked.clear()
    with read_only() as folder:
        with pytest.raises(DataFolderError, match="Cannot write the digits to .*Permission denied.*COURSE_DATA"):
            fetch("digits", sources=served(server, "digits", fashion_files()))
        assert server.asked == []
        assert not (folder / "real" / "digits").exists()


def test_file_in_the_place_of_the_data_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(DataFolderError, match="Cannot write the digits to .*file.*COURSE_DATA"):
        fetch("digits")


# Another folder


def test_data_folder_can_be_moved(server, data_folder, tmp_path, monkeypatch):
    table = served(server, "digits", fashion_files())
    assert fetch("digits", sources=table) == data_folder / "real" / "digits"
    elsewhere = tmp_path / "another disk"
    monkeypatch.setenv("COURSE_DATA", str(elsewhere))
    with pytest.raises(FileNotFoundError, match="have not been fetched"):
        data.load_digits("real")
    data_folder.rename(elsewhere)
    assert len(data.load_digits("real").train_images) == 3
    assert fetch("digits", sources=table) == elsewhere / "real" / "digits"
    assert len(server.asked) == 4  # nothing again
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "third"))
    assert fetch("digits", sources=table) == tmp_path / "third" / "real" / "digits"
    assert not data_folder.exists()


def test_part_of_a_download_moves_along(server, data_folder, tmp_path, monkeypatch):
    table = served(server, "photos", {"256_ObjectCategories.tar": caltech256_tar()})
    server.cut_whole = 5000
    with pytest.raises(FetchError, match="stopped in the middle"):
        fetch("photos", sources=table, patience=Patience(pauses=()))
    data_folder.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    fetch("photos", sources=table)
    assert server.ranges == [None, "bytes=5000-"]


# Downloaded by hand


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("below", ["", "FashionMNIST/raw/"])
def test_digits_by_hand(tmp_path, packed, below):
    """Packed or not, at the top or as torchvision lays them out."""
    mine = tmp_path / "mine"
    (mine / below).mkdir(parents=True)
    for name, content in fashion_files().items():
        if packed:
            (mine / below / name).write_bytes(content)
        else:
            (mine / below / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    fetch("digits", mine)
    assert np.allclose(data.load_digits("real").train_images, 9 / 255)
    assert len([path for path in mine.rglob("*") if path.is_file()]) == 4


@pytest.mark.parametrize("name, archive", [("vehicles", caltech101_zip), ("photos", caltech256_tar)])
def test_folder_by_hand(tmp_path, name, archive):
    (tmp_path / "archive").write_bytes(archive())
    mine = tmp_path / "mine"
    mine.mkdir()
    unpack(tmp_path / "archive", mine)
    fetch(name, mine)
    if name == "vehicles":
        assert len(data.load_vehicles("real")) == 6
    else:
        assert set(data.load_photos("real")) == {*CALTECH256.values(), *data.load_photos()}


def test_folder_whose_archives_were_left_packed(tmp_path):
    """What is inside caltech-101.zip has to be unpacked too; the message says so."""
    (tmp_path / "mine.zip").write_bytes(caltech101_zip())
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        archive.extractall(tmp_path / "mine")
    with pytest.raises(FetchError, match=r"no folder airplanes.*It holds 101_ObjectCategories.tar.gz: unpack that too"):
        fetch("vehicles", tmp_path / "mine")


def test_put_into_its_place_by_hand(data_folder, capsys):
    """A complete folder in the right place needs no fetching; fetch leaves it alone."""
    folder = real_folder("digits")
    folder.mkdir(parents=True)
    for name, content in fashion_files().items():
        (folder / name).write_bytes(content)
    for name, content in cats_files().items():
        path = real_folder("cats") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert fetch("digits") == folder and fetch("cats") == real_folder("cats")
    assert capsys.readouterr().out.count("already there") == 2
    assert len(data.load_digits("real").train_images) == 3 and len(data.load_cats("real").train) == 2


@pytest.mark.parametrize(
    "name, there, missing",
    [
        ("faces", "lfw_funneled/Ada/1.jpg", "faces.npz"),
        ("vehicles", "101_ObjectCategories/airplanes/1.jpg", "airplane"),
        ("photos", "256_ObjectCategories/009.bear/1.jpg", "bear"),
        ("digits", IDX_FILES[0], IDX_FILES[1]),
        ("cats", "data.yaml", "train"),
    ],
)
def test_something_else_in_its_place(name, there, missing):
    path = real_folder(name) / there
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    with pytest.raises(FetchError, match=f"is there, but {missing} is not in it.*--from FOLDER"):
        fetch(name)
    assert path.exists()


def test_what_is_fetched_shows_what_it_has_to(server):
    """The glance that tells a complete folder passes on every set that fetch itself has made."""
    files = {"vehicles": {"a.zip": caltech101_zip()}, "photos": {"b.tar": caltech256_tar()}, "digits": fashion_files()}
    for name, content in files.items():
        table = served(server, name, content)
        fetch(name, sources=table)
        fetch(name, sources=table)


# Archives


def unpacked(tmp_path, content, **options):
    """Unpack an archive; return what is in it, name -> bytes."""
    into = tmp_path / "into"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    (tmp_path / "archive").write_bytes(content)
    try:
        unpack(tmp_path / "archive", into, **options)
    except ArchiveError:
        assert list(into.iterdir()) == [], "something was written before the names and sizes were checked"
        raise
    return {path.relative_to(into).as_posix(): path.read_bytes() for path in into.rglob("*") if path.is_file()}


FILES = {
    "a/1.txt": b"one",
    "a/ü.txt": b"umlaut",
    "a/2.bin": bytes(range(256)) * 5,
    "b/3.txt": b"",
    "b/4.txt": b"four" * 300,
}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("keep", [[], ["b"]])
def test_cut_archive_is_noticed_wherever_it_ends(tmp_path, mode, keep):
    whole = tar_of(FILES, mode)
    expected = {name: content for name, content in FILES.items() if not keep or name.startswith("b")}
    assert unpacked(tmp_path, whole, keep=keep) == expected
    refused = 0
    for length in range(0, len(whole), 64 if mode == "w" else 7):
        (tmp_path / "into").mkdir(exist_ok=True)
        (tmp_path / "archive").write_bytes(whole[:length])
        try:
            unpack(tmp_path / "archive", tmp_path / "into", keep)
        except ArchiveError as error:
            assert "damaged" in str(error)
            refused += 1
        else:  # all that is missing are zeros behind the end
            assert mode == "w" and not any(whole[length:])
            assert unpacked(tmp_path, whole[:length], keep=keep) == expected
    assert refused > 20


def pax_headers_damaged(headers):
    """A tar archive with a file whose extended header says these strange things."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a.txt")
        info.pax_headers, info.size = headers, 3
        tar.addfile(info, io.BytesIO(b"one"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "headers",
    [{"GNU.sparse.map": "a,b"}, {"GNU.sparse.size": "three"}, {"size": "three"}],
    ids=lambda headers: [*headers][0],
)
@pytest.mark.parametrize("place", ["first", "later"])
def test_tar_with_bad_numbers(tmp_path, headers, place):
    before = tar_of({"before.txt": b"0"})[:1024] if place == "later" else b""
    with pytest.raises(ArchiveError, match="damaged"):
        unpacked(tmp_path, before + pax_headers_damaged(headers))


@pytest.mark.parametrize("make", [zip_of, lambda files: tar_of(files, "w:gz")], ids=["zip", "tgz"])
def test_damaged_byte_never_changes_the_content(tmp_path, make):
    """Wherever a byte is wrong, there is an error, or it did not matter."""
    whole = bytearray(make(FILES))
    for position in range(0, len(whole), 3):
        whole[position] ^= 0x15
        (tmp_path / "into").mkdir()
        (tmp_path / "archive").write_bytes(whole)
        try:
            unpack(tmp_path / "archive", tmp_path / "into")
        except ArchiveError:
            pass
        else:
            found = sorted(path.read_bytes() for path in (tmp_path / "into").rglob("*") if path.is_file())
            assert found == sorted(FILES.values()), f"byte {position}"
        shutil.rmtree(tmp_path / "into")
        whole[position] ^= 0x15


@pytest.mark.parametrize("damage", [b"\xc3/", b"\xc3\0"])
@pytest.mark.parametrize("places", [1, 2])
def test_zip_with_a_damaged_name(tmp_path, damage, places):
    """A name stands before the content, and again in the directory at the end."""
    content = zip_of({"ü.txt": b"2"}).replace("ü".encode(), damage, places)
    with pytest.raises(ArchiveError, match="damaged"):
        (tmp_path / "into").mkdir()
        (tmp_path / "archive").write_bytes(content)
        unpack(tmp_path / "archive", tmp_path / "into")


def test_tar_with_a_name_that_no_file_can_have(tmp_path):
    (tmp_path / "into").mkdir()
    (tmp_path / "archive").write_bytes(tar_of({"ü\0.txt": b"1"}))
    with pytest.raises(ArchiveError, match="damaged or cut short .*null"):
        unpack(tmp_path / "archive", tmp_path / "into")


def test_one_of_several_files_that_make_up_a_zip(tmp_path):
    content = zip_of({"1.txt": b"1"})
    end = content.index(b"PK\5\6")
    locator = struct.pack("<4sLQL", b"PK\6\7", 1, 0, 3)  # the directory is in the second of three (APPNOTE.TXT, 4.3.15)
    with pytest.raises(ArchiveError, match="neither a zip nor a tar archive, or it is damaged"):
        unpacked(tmp_path, content[:end] + locator + content[end:])


def test_zip_with_more_files_than_its_end_can_state(tmp_path):
    """From 65,536 on, the end of the archive holds 65,535, and their number stands before it (APPNOTE.TXT, 4.3.14)."""
    content = zip_of({"1.txt": b"1", "2.txt": b"2"})
    end = content.index(b"PK\5\6")
    size, start = struct.unpack("<2L", content[end + 12 : end + 20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, size, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    full = content[:end] + record + locator + content[end : end + 8] + b"\xff" * 4 + content[end + 12 :]
    assert unpacked(tmp_path, full) == {"1.txt": b"1", "2.txt": b"2"}


@pytest.mark.parametrize("files", [{"a": b"1", "a/b": b"2"}, {"a/b": b"2", "a": b"1"}])
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_file_and_folder_of_one_name(tmp_path, make, files):
    with pytest.raises(ArchiveError, match="holds 'a' as a file and as a folder"):
        unpacked(tmp_path, make(files))


@pytest.mark.parametrize("name", [".", "./."])
def test_file_without_a_name(tmp_path, name):
    with pytest.raises(ArchiveError, match="holds a file without a name"):
        unpacked(tmp_path, tar_of({name: b"1"}))


def test_zip_with_an_empty_name(tmp_path):
    content = bytearray(zip_of({"x": b"1"}))
    for length in (content.index(b"PK\x03\x04") + 26, content.index(b"PK\x01\x02") + 28):
        content[length], content[length + 2] = 0, 1  # the letter is counted as a further field
    with pytest.raises(ArchiveError, match="holds a file without a name"):
        unpacked(tmp_path, content)


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_name_that_is_too_long_for_the_disk(tmp_path, make):
    (tmp_path / "into").mkdir()
    (tmp_path / "archive").write_bytes(make({"n" * 300: b"1"}))
    with pytest.raises(ArchiveError, match="holds a name that cannot be written here"):
        unpack(tmp_path / "archive", tmp_path / "into")


@pytest.fixture
def small_bombs(monkeypatch):
    """Lowers what an archive may unpack to besides a hundred times its size, so that tests need not make gigabytes."""
    monkeypatch.setattr(archives, "_MOST_BESIDES", 100_000)


@pytest.mark.parametrize("mode", ["zip", "w:gz", "w:bz2", "w:xz"])
def test_bomb_of_zeros(tmp_path, small_bombs, mode):
    files = {f"{i}.jpg": bytes(100_000) for i in range(30)}
    with pytest.raises(ArchiveError, match="would unpack to more than .* no set of pictures does"):
        unpacked(tmp_path, zip_of(files) if mode == "zip" else tar_of(files, mode))


def test_bomb_inside_an_archive(tmp_path, small_bombs):
    inner = zip_of({"big.jpg": bytes(1_500_000)})
    (tmp_path / "cats.zip").write_bytes(zip_of(cats_files() | {"more.zip": inner}))
    with pytest.raises(FetchError, match="cats: more.zip has .* and would unpack to more than"):
        fetch("cats", tmp_path / "cats.zip")
    assert not real_folder("cats").exists() and left_of("cats") == []


def test_archives_inside_archives_inside_archives_stay_packed(tmp_path):
    """A bomb may go on for ever; the real sets have one level."""
    content = {"photo.jpg": jpeg()}
    for level in range(4):
        content = {f"{level}.zip": zip_of(content)}
    found = unpacked(tmp_path, zip_of(content))
    assert list(found) == ["2.zip"]


def test_hole_that_is_as_large_as_a_disk(tmp_path):
    """A tar header of 512 bytes that states a terabyte."""
    info = tarfile.TarInfo("huge.jpg")
    info.size = 1 << 40
    with pytest.raises(ArchiveError, match="has 11.8 kB and would unpack to more than 101.2 MB"):
        unpacked(tmp_path, info.tobuf() + bytes(10240))


def test_zip_that_understates_its_size(tmp_path):
    """The directory at its end says ten bytes where a megabyte comes out."""
    content = zip_of({"a.jpg": bytes(1_000_000)})
    for place in (content.index(b"PK\x03\x04") + 22, content.index(b"PK\x01\x02") + 24):
        content = content[:place] + (10).to_bytes(4, "little") + content[place + 4 :]
    (tmp_path / "into").mkdir()
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(tmp_path / "archive", tmp_path / "into")
    assert sum(path.stat().st_size for path in (tmp_path / "into").iterdir()) <= 10


def test_unknown_compression_and_encryption(tmp_path):
    content = bytearray(zip_of({"a.jpg": b"1"}))
    header, directory = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    content[header + 8] = content[directory + 10] = 97
    with pytest.raises(ArchiveError, match="compressed in a way that Python cannot read.*give the folder"):
        (tmp_path / "into").mkdir()
        (tmp_path / "archive").write_bytes(content)
        unpack(tmp_path / "archive", tmp_path / "into")
    content = bytearray(zip_of({"a.jpg": b"1"}))
    content[header + 6] = content[directory + 8] = 1
    with pytest.raises(ArchiveError, match="is encrypted; unpack it yourself"):
        unpacked(tmp_path, content)


@pytest.mark.parametrize("where", ["first", "last"])
def test_refused_archive_writes_nothing(tmp_path, where):
    """A link at the end of an archive is found before its first file is written."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ["link", "file"] if where == "first" else ["file", "link"]:
            info = tarfile.TarInfo(name)
            if name == "link":
                info.type, info.linkname = tarfile.LNKTYPE, "/etc/hostname"
            tar.addfile(info)
    with pytest.raises(ArchiveError, match="holds a link or a device, 'link'"):
        unpacked(tmp_path, buffer.getvalue())


def test_table_states_room_for_what_it_downloads():
    """What is unpacked of the published files, and what is made of it, have a limit in the table."""
    for name, source in SOURCES.items():
        assert isinstance(source, Source) and all(isinstance(file, RemoteFile) for file in source.files)
        if source.files:
            assert source.ready > 0 and source.unpacked >= source.ready, name
