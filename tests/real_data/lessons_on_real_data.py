"""Fetches every real set in its published layout and size, and runs the lessons on them. Run by ``make real-data``.

No network is needed: archives as large as the published ones, with drawn pictures inside, come from a server on this
machine. Each lesson runs in a copy in which one argument is changed, and what that costs is printed: the README names
these figures. ``LESSONS="04 15"`` chooses lessons;
``REAL_DATA=folder`` keeps archives and data there for the next run. Takes 5 GB of disk.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import fashion
import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from large_archives import LFW, write_archives
from local_server import Server

from course_utils.cli import main
from course_utils.data import load_cats, load_digits, load_faces, load_photos, load_vehicles
from course_utils.data.real import IDX_FILES, REAL, real_folder
from course_utils.data.store import EMBEDDED, make_embedded, size_of
from course_utils.notebooks.execute import run_lesson
from course_utils.notebooks.lessons import find_lessons
from course_utils.settings import data_dir
from data_scripts.fetch import space_for
from data_scripts.sources import SOURCES

# The argument that is changed: the lesson's SOURCE, or that of its photographs in a lesson without one.
EMBEDDED_SOURCE = re.compile(r'^SOURCE = "embedded"$', re.MULTILINE)
PHOTOS = "load_photos()"


def on_real_data(path: Path) -> nbformat.NotebookNode:
    """Return the lesson with real data as its source."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    count = sum(len(EMBEDDED_SOURCE.findall(cell.source)) for cell in code)
    assert count <= 1, f"{path.name} sets SOURCE in {count} places"
    assert count or any(PHOTOS in cell.source for cell in code), f"{path.name} loads no data"
    for cell in code:
        if count:
            cell.source = EMBEDDED_SOURCE.sub('SOURCE = "real"', cell.source)
        else:
            cell.source = cell.source.replace(PHOTOS, 'load_photos("real")')
    notebook.metadata.pop("course", None)  # what the lesson took when it was stored
    return notebook


LESSONS = find_lessons(os.environ.get("LESSONS", "").split())


@pytest.fixture(scope="session", autouse=True)
def fetched(tmp_path_factory):
    """The data folder with all five real sets, fetched by the command from a server on this machine."""
    kept = os.environ.get("REAL_DATA")
    root = Path(kept).resolve() if kept else tmp_path_factory.mktemp("real")
    archives = write_archives(root / "archives")
    embedded = {name: make_embedded(name) for name in EMBEDDED}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(root / "data"))
        for folder in embedded.values():  # some lessons also use them
            shutil.copytree(folder, data_dir() / "embedded" / folder.name, dirs_exist_ok=True)
        said = "" if all(real_folder(name).is_dir() for name in REAL) else fetch_all(archives, patch)
        yield said
    if not kept:
        shutil.rmtree(root)


def fetch_all(archives: dict[str, Path], patch: pytest.MonkeyPatch) -> str:
    """Fetch the sets as one would, with the table of sources naming the local server; return what was said."""
    server, room = Server(), Room()
    patch.setenv("no_proxy", "127.0.0.1")
    try:
        for name, source in SOURCES.items():
            files = []
            for file in source.files:
                if file.name in IDX_FILES:
                    content = fashion.published(file.name) if fashion.is_here() else fashion.drawn(file.name)
                    size, checksum = len(content), f"md5:{hashlib.md5(content).hexdigest()}"
                else:
                    content = archives[file.name]
                    size = content.stat().st_size
                    with open(content, "rb") as opened:
                        checksum = f"md5:{hashlib.file_digest(opened, 'md5').hexdigest()}"
                    assert 0.9 < size / file.size < 1.1, f"{file.name} has {size:,} bytes, published are {file.size:,}"
                server.files[f"/{file.name}"] = content
                files.append(replace(file, url=f"{server.address}/{file.name}", size=size, checksum=checksum))
            patch.setitem(SOURCES, name, replace(source, files=tuple(files)))
        server.files["/cats.zip"] = archives["cats.zip"]
        server.cut_whole = 2_000_000  # every larger download is cut once and goes on
        stated = space_for(SOURCES).room
        with room:
            done = CliRunner().invoke(main, ["data", "fetch", "all"])
        assert done.exit_code == 0, done.output
        stated = max(source.unpacked + sum(file.size for file in source.files) for source in SOURCES.values())
        ready = sum(source.ready for source in SOURCES.values())
        assert room.most < stated + ready, (
            f"it took {room.most:,} bytes, the table of sources makes it {stated + ready:,}"
        )
        cats = CliRunner().invoke(main, ["data", "fetch", "cats", "--from", f"{server.address}/cats.zip"])
        assert cats.exit_code == 0, cats.output
        return done.stdout + cats.stdout
    finally:
        server.close()


class Room:
    """Watches how much the real data take on the disk."""

    def __enter__(self):
        self.most = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._end.set()
        self._thread.join()

    def _watch(self):
        while not self._end.wait(0.2):
            seen = {}
            for folder, _, names in os.walk(data_dir() / "real"):
                for name in names:
                    try:
                        status = os.stat(os.path.join(folder, name))
                    except FileNotFoundError:
                        continue
                    seen[status.st_ino] = status.st_size
            self.most = max(self.most, sum(seen.values()))


def test_what_was_said(fetched):
    if fetched:  # and not kept from another run
        assert re.match(r"To download: 1\.\d GB\. Needed on the disk: 1\.\d GB at most; free: ", fetched)
        assert "lfw-funneled.tgz: going on after byte 2,000,000 of " in fetched
        assert "vehicles: unpacking 1,661 files" in fetched and "photos: unpacking 1,494 files" in fetched
        assert [line for line in fetched.splitlines() if "ready" in line] == [
            f"{name}: ready, {real_folder(name)}" for name in ("faces", "vehicles", "photos", "digits", "cats")
        ]
    for name in REAL:
        assert size_of(real_folder(name)) < (SOURCES[name].ready or 100_000_000)


def test_loaders():
    faces = load_faces("real")
    assert faces.train_images.shape == faces.test_images.shape == (445, 170, 130)
    assert faces.names == sorted(name.replace("_", " ") for name in list(LFW)[:26])
    vehicles = load_vehicles("real")
    assert np.bincount(vehicles.targets).tolist() == [800, 798, 63]
    for index in (0, 7, 1000, 1660):
        (x0, y0, x1, y1), (width, height) = vehicles.boxes[index][0], vehicles[index][0].size
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    assert [len(split) for split in load_cats("real")] == [210, 61, 33]
    assert len(load_photos("real")) == 7 + len(load_photos())
    assert len(load_digits("real").train_images) == 60_000


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson_runs_to_its_last_cell(lesson, tmp_path, capsys):
    copy = tmp_path / lesson.name
    nbformat.write(on_real_data(lesson), copy)
    done = run_lesson(copy)
    code = [cell for cell in done.cells if cell.cell_type == "code" and cell.source.strip()]
    assert code[-1].execution_count == len(code)
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    cost = done.metadata["course"]["measured"]
    with capsys.disabled():
        print(f"\n{lesson.stem}: {cost['cpu_seconds']} s of CPU time, {cost['peak_memory_mb'] / 1024:.1f} GB")
    assert cost["cpu_seconds"] <= 200 and cost["peak_memory_mb"] <= 2048  # as on embedded data
