"""Fetches Fashion-MNIST's real files, 60,000 and 10,000 pictures. Run by ``make real-data``.

Needs Debian's package dataset-fashion-mnist, installed or unpacked; FASHION_MNIST names the folder with its four files.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from hashlib import md5

import fashion
import numpy as np
import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.data import load_digits
from course_utils.data.real import FASHION_NAMES, IDX_FILES, real_folder
from data_scripts.sources import SOURCES


@pytest.fixture(autouse=True)
def package(tmp_path, monkeypatch):
    assert fashion.is_here(), fashion.ABSENT
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))


def check_digits() -> None:
    digits = load_digits("real")
    assert digits.train_images.shape == (60_000, 28, 28) and digits.test_images.shape == (10_000, 28, 28)
    assert np.bincount(digits.train_labels).tolist() == [6000] * 10
    assert np.bincount(digits.test_labels).tolist() == [1000] * 10
    assert digits.names == FASHION_NAMES
    assert digits.train_images.min() == 0 and digits.train_images.max() == 1
    # An ankle boot comes first; the mean and the deviation are those that are commonly used for this set.
    assert digits.names[digits.train_labels[0]] == "Ankle boot"
    assert round(float(digits.train_images.mean()), 4) == 0.2860
    assert round(float(digits.train_images.std()), 4) == 0.3530


def test_folder_of_the_package():
    done = CliRunner().invoke(main, ["data", "fetch", "digits", "--from", str(fashion.FOLDER)])
    assert done.exit_code == 0, done.output
    assert "digits: ready" in done.output
    check_digits()


def test_published_files_with_their_published_checksums(server, monkeypatch):
    """Debian's files with their heads restored are, byte for byte, what the table of sources says is published.

    They come from a server on this machine, which breaks off in the middle of each of them.
    """
    files = []
    for file in SOURCES["digits"].files:
        content = fashion.published(file.name)
        assert len(content) == file.size
        assert f"md5:{md5(content).hexdigest()}" == file.checksum
        server.files[f"/{file.name}"] = content
        files.append(replace(file, url=f"{server.address}/{file.name}"))
    server.cut_whole = 3000
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setitem(SOURCES, "digits", replace(SOURCES["digits"], files=tuple(files)))
    done = CliRunner().invoke(main, ["data", "fetch", "digits"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("To download: 30.9 MB. Needed on the disk: 92.9 MB at most")
    assert "going on after byte 3,000 of 26,421,880" in done.output
    assert server.ranges == [None, "bytes=3000-"] * 4
    check_digits()
    for name in IDX_FILES:
        with gzip.open(real_folder("digits") / name) as ours, gzip.open(fashion.FOLDER / name) as theirs:
            assert ours.read() == theirs.read()
