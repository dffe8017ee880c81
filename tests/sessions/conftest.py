"""The helpers beside these tests can be imported by their names; each test has a data folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def drawn() -> Path:
    """The folder with the embedded data of whoever runs the tests; drawn if it is not there."""
    from course_utils.data.store import EMBEDDED, make_embedded

    folders = [make_embedded(name) for name in EMBEDDED]
    return folders[0].parent


@pytest.fixture
def data_folder(tmp_path, drawn) -> Path:
    """A data folder that has the embedded data, and nothing else: no results, no runs, no progress."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "embedded").symlink_to(drawn, target_is_directory=True)
    return folder
