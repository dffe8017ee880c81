"""The helpers beside these tests can be imported by their names."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module")
def warm_process():
    """Let the process that has torch imported live from one command to the next; what is yielded ends it."""
    from course_utils.grading import workers

    close = workers.close_idle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "close_idle", lambda: None)
        yield close
    close()


@pytest.fixture(scope="session", autouse=True)
def alembic_asked_once():
    """nbgrader asks the program `alembic` the same question for each new gradebook, which takes it six seconds."""
    from nbgrader import api

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get_alembic_version", functools.cache(api.get_alembic_version))
        yield
