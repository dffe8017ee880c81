"""What a learner has solved, kept in one file that can be read and deleted: ``progress.json`` in the data folder.

It is never needed: where the folder cannot be written to, everything else works. ``COURSE_PROGRESS=off`` keeps
nothing and reads nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from course_utils.exercises.exercise import exercises_of, lessons_with_exercises
from course_utils.settings import data_dir

WAIT = 2.0  # seconds for another notebook that is writing


def progress_file() -> Path:
    """Return the file that progress is kept in; it need not exist."""
    return data_dir() / "progress.json"


def is_off() -> bool:
    """Tell whether ``COURSE_PROGRESS=off`` is set."""
    return os.environ.get("COURSE_PROGRESS", "").strip().lower() == "off"


def read_progress() -> dict[str, dict]:
    """Return, by exercise, ``tries`` (graded attempts) and ``solved`` (day of the first correct one, or None).

    A file that is missing or cannot be read counts as empty.
    """
    if is_off():
        return {}
    try:
        content = json.loads(progress_file().read_text(encoding="utf-8"))
        exercises = content["exercises"]
        return {
            str(name): {"tries": int(entry["tries"]), "solved": entry.get("solved")}
            for name, entry in exercises.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def record_attempt(exercise_id: str, correct: bool) -> str:
    """Count an attempt, and return a sentence if that was not possible, or an empty string.

    The file is replaced in one step under a lock, so that two notebooks that write at once both count.
    """
    if is_off():
        return ""
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(".progress.lock"), timeout=WAIT):
            exercises = read_progress()
            entry = exercises.setdefault(exercise_id, {"tries": 0, "solved": None})
            entry["tries"] += 1
            if correct and not entry["solved"]:
                entry["solved"] = datetime.now().date().isoformat()
            _replace(path, {"about": "Solved exercises of the course.", "exercises": dict(sorted(exercises.items()))})
    except (OSError, Timeout, NotImplementedError) as error:  # the last: a file system without locks
        return f"Your progress could not be kept ({type(error).__name__}); nothing else depends on it."
    return ""


def _replace(path: Path, content: dict) -> None:
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".progress-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def summary() -> list[tuple[str, int, int]]:
    """Return ``(lesson, solved, exercises)`` for each lesson with exercises."""
    progress = read_progress()
    rows = []
    for lesson in lessons_with_exercises():
        exercises = exercises_of(lesson)
        solved = sum(bool(progress.get(exercise.id, {}).get("solved")) for exercise in exercises)
        rows.append((lesson, solved, len(exercises)))
    return rows
