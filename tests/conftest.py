"""Tests see the course as it comes: laptop scale, no device chosen, figures drawn without a window."""

from __future__ import annotations

import os

import pytest

for name in ("COURSE_SCALE", "COURSE_DEVICE"):
    os.environ.pop(name, None)
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """An empty data folder for one test."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def server():
    """A web server on this machine for one test."""
    from local_server import Server

    server = Server()
    yield server
    server.close()
