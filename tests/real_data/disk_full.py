"""Fetching onto a small disk that really fills up. Run by ``make real-data``, on Linux as root, who may mount one.

The disk is filled by another process while bytes come in, so that nothing can know beforehand.
"""

from __future__ import annotations

import io
import os
import re
import subprocess

import pytest
from local_server import caltech256_tar, served

from course_utils.data import load_photos
from course_utils.data.real import real_folder
from data_scripts import archives, download
from data_scripts.fetch import FetchError, fetch
from data_scripts.sources import CALTECH256

DISK = 10_000_000  # bytes


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A disk of ten megabytes with the data folder on it; returns what fills it up but for some bytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, f"cannot mount a small disk (run this as root): {done.stderr}"
    monkeypatch.setenv("COURSE_DATA", str(folder / "data"))

    def fill(but: int) -> None:
        state = os.statvfs(folder)
        with open(folder / "filler", "ab") as file:
            file.write(bytes(max(0, state.f_bavail * state.f_frsize - but)))

    yield folder, fill
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("but", [0, 4096, 400_000])
@pytest.mark.parametrize("module", [download, archives], ids=["downloading", "unpacking"])
def test_disk_fills_up(server, disk, monkeypatch, module, but):
    """It is filled before the first byte is written; then room is made, and the next run ends well."""
    folder, fill = disk
    if module is archives:
        but = min(but, 8192)  # all that is unpacked takes little
    table = served(server, "photos", {"256_ObjectCategories.tar": caltech256_tar() + bytes(600_000)})
    filled = False

    class File(io.BufferedWriter):
        def write(self, chunk):
            nonlocal filled
            if not filled:
                filled = True
                fill(but)
            return super().write(chunk)

    def opened(path, mode="r", **options):
        return File(io.FileIO(path, mode)) if "w" in mode or "a" in mode else open(path, mode, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, "open", opened, raising=False)
        with pytest.raises(FetchError) as error:
            fetch("photos", sources=table)
    assert re.match(r"photos: the disk of .* is full \(No space left on device\): ", str(error.value))
    assert not real_folder("photos").exists()
    left = sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != "filler")
    whole, part = "256_ObjectCategories.tar", "256_ObjectCategories.tar.part"
    assert [name for name in left if "lock" not in name] == ([whole] if module is archives else [part, f"{part}.json"])
    (folder / "filler").unlink()
    server.asked.clear()
    fetch("photos", sources=table)
    assert len(server.asked) == (module is download)
    assert set(load_photos("real")) == {*CALTECH256.values(), *load_photos()}
    assert len(list(real_folder("photos").glob("*/*"))) == 14
