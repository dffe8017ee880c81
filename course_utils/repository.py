"""Where the course's files are, for the ``course`` command line."""

from __future__ import annotations

from pathlib import Path

COURSE_MAP = Path("notebooks") / "00_start_here.ipynb"


def repository_root() -> Path:
    """Return the folder that holds ``notebooks/``: the nearest one above the working folder, else this package's own.

    Raises
    ------
    FileNotFoundError
        If the package was installed without the notebooks (as Colab does) and the working folder is not in a clone.
    """
    here = Path.cwd().resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[1]):
        if (folder / COURSE_MAP).is_file() and (folder / "course_utils").is_dir():
            return folder
    raise FileNotFoundError(
        f"No {COURSE_MAP.as_posix()} in {here} or above it. This command works in a clone of the course: "
        "clone the repository, change into it and run the command again."
    )
