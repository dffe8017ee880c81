"""The helpers beside these tests can be imported by their names."""

from __future__ import annotations

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
