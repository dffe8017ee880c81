"""Which notebooks a command line means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from course_utils.repository import repository_root

ASSIGNMENTS = "assignments"  # the folder, inside notebooks/


def find_lessons(names: Sequence[str] = (), *, assignments: bool = False) -> list[Path]:
    """Return the notebooks that ``names`` stand for, in the order given; without names, every lesson.

    Parameters
    ----------
    names : sequence of str
        Each a lesson's number (``15``, ``5`` or ``05``), its name (``15_cat_emotions``), or a notebook's path.
    assignments : bool
        Without names, return the assignments too. They have no stored outputs.

    Returns
    -------
    list of Path
        Absolute, without repetitions.

    Raises
    ------
    FileNotFoundError
        If a name stands for no notebook, or there are no lessons.
    """
    found = [_find(name) for name in names]
    if not names:
        found = _all_lessons()
        if not found:
            raise FileNotFoundError(f"No lesson (NN_*.ipynb) in {repository_root() / 'notebooks'}.")
        if assignments:
            found += sorted((repository_root() / "notebooks" / ASSIGNMENTS).glob("**/*.ipynb"))
    return list(dict.fromkeys(path.resolve() for path in found))


def is_assignment(path: Path) -> bool:
    """Tell whether a notebook is an assignment: its outputs are the learner's, so none are stored."""
    return ASSIGNMENTS in path.resolve().parent.parts


def _all_lessons() -> list[Path]:
    return sorted((repository_root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def _find(name: str) -> Path:
    path = Path(name)
    if path.suffix == ".ipynb":
        if not path.is_file():
            raise FileNotFoundError(f"There is no notebook {name}.")
        return path
    lessons = _all_lessons()
    matches = [
        lesson for lesson in lessons if lesson.stem == name or (name.isdigit() and int(name) == int(lesson.stem[:2]))
    ]
    if not matches:
        there = ", ".join(lesson.stem for lesson in lessons) or "none"
        raise FileNotFoundError(f"There is no lesson {name!r}. Lessons: {there}.")
    return matches[0]
