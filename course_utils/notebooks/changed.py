"""Which lessons a change concerns."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nbformat

from course_utils.notebooks.hashing import sources


def changed_lessons(paths: list[Path], since: str = "HEAD") -> list[Path]:
    """Return those notebooks that differ from a commit, or that import code which does.

    Code differs if its meaning does: an edited comment or docstring concerns no lesson.

    Parameters
    ----------
    paths : list of Path
        Notebooks of one clone.
    since : str
        Any name of a commit.

    Raises
    ------
    ValueError
        If there is no such commit, or no clone.
    """
    return [path for path in paths if _differs(path, since)]


def _differs(path: Path, since: str) -> bool:
    _git(path, "rev-parse", "--verify", "--quiet", f"{since}^{{commit}}", expected=f"a commit; got {since!r}")
    shown = subprocess.run(
        ["git", "show", f"{since}:./{path.name}"], cwd=path.parent, capture_output=True, text=True, encoding="utf-8"
    )
    text = path.read_text(encoding="utf-8")
    if shown.returncode != 0 or shown.stdout != text:
        return True
    notebook = nbformat.reads(text, as_version=4)
    # What is stored with the outputs describes the code of that commit, or else the test of the lesson fails there.
    return notebook.metadata.get("course", {}).get("sources") != sources(notebook)


def _git(path: Path, *arguments: str, expected: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=path.parent, capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError(
            f"--changed compares {path.name} with git's record and needs {expected}. {done.stderr.strip()}"
        )
