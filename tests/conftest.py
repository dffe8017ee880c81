"""Tests see the course as it comes: laptop scale, no device chosen, figures drawn without a window."""

from __future__ import annotations

import os
import sys

import pytest

from course_utils.settings import seed_everything

for name in ("COURSE_SCALE", "COURSE_DEVICE"):
    os.environ.pop(name, None)
os.environ["MPLBACKEND"] = "Agg"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup():
    """Each test, its fixtures included, draws the same random numbers, whatever has run before it."""
    seed_everything(0)


@pytest.fixture(autouse=True)
def figures_closed():
    """Close what a test leaves open: the next one may count figures."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """An empty data folder for one test."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine for one test, which is reached without the proxy of whoever runs the tests."""
    from local_server import Server

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.close()
