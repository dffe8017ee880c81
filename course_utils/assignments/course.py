"""The instructor's folder, laid out as nbgrader's: source, release, submitted, autograded, and a gradebook."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sqlite3
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import nbformat

CONFIG = "nbgrader_config.py"
CONFIG_TEXT = '''\
"""Configuration of this course for nbgrader and for the commands `course release`, `grade`, `marks` and `lab`."""

from pathlib import Path

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "fourier_to_efficientnet"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.Exchange.root = c.CourseDirectory.root  # a place that exists, else the formgrader warns; a JupyterHub has its own

# The gradebook is the file gradebook.db beside this one. For another database name it here, for example:
# c.CourseDirectory.db_url = "postgresql://user:password@host:5432/gradebook"

# Submissions are run by `course grade`, which keeps their code away from your files; nbgrader's own "Autograde" would
# run it with all that you may do. So it is off.
c.Autograde.sanitize_preprocessors = ["course_utils.assignments.refusal.UseCourseGrade"]
c.FormgradeExtension.debug = False
'''


@contextlib.contextmanager
def _scripts_on_path() -> Iterator[None]:
    """Let nbgrader find the program `alembic`, which it starts by its name, in an environment that is not activated."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


class CourseError(ValueError):
    """An assignment, a course folder or its gradebook is not as it has to be; the message is one sentence or two."""


def require_nbgrader() -> None:
    """Say what to install where nbgrader is missing.

    Raises
    ------
    CourseError
    """
    if importlib.util.find_spec("nbgrader") is None:
        raise CourseError(
            "This needs nbgrader, which is not installed. In the course's folder run: pip install -e '.[teach]'"
        )


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises
    ------
    CourseError
        If it is none, or not a valid one.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise CourseError(f"{path.name} is no valid notebook: {str(error).splitlines()[0]}") from None
    return notebook


class Course:
    """An instructor's folder.

    Parameters
    ----------
    folder : Path
        A folder with nbgrader's configuration file, ``nbgrader_config.py``.

    Raises
    ------
    CourseError
        If it has none, or if it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        require_nbgrader()
        from nbgrader.coursedir import CourseDirectory
        from traitlets.config.loader import PyFileConfigLoader

        if not (folder / CONFIG).is_file():
            raise CourseError(
                f"{folder} is no course folder: it has no {CONFIG}. `course release A1 --course {folder}` makes it one."
            )
        self.folder = folder.resolve()
        try:
            self.config = PyFileConfigLoader(CONFIG, path=str(self.folder)).load_config()
        except Exception as error:  # the file is Python code; it may do anything
            raise CourseError(f"{folder / CONFIG} cannot be read: {type(error).__name__}: {error}") from None
        self.config.CourseDirectory.root = str(self.folder)
        self.directory = CourseDirectory(config=self.config)

    @classmethod
    def make(cls, folder: Path) -> Course:
        """Return the course in a folder; a folder that is none yet becomes one."""
        if not (folder / CONFIG).exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
        return cls(folder)

    @classmethod
    def staged(cls, folder: Path, stage: Path) -> Course:
        """Return a course that reads a folder's configuration, if it has one, and writes into another."""
        with contextlib.closing(sqlite3.connect(stage / "gradebook.db")) as database:
            # nbgrader takes seconds to mark a database without tables with its version, which nobody reads here.
            database.execute("CREATE TABLE staged (value)")
        if not (folder / CONFIG).exists():
            return cls.make(stage)
        course = cls(folder)
        for step in ("source", "release"):
            setattr(course.directory, f"{step}_directory", str(stage / step))
        course.directory.db_url = f"sqlite:///{stage / 'gradebook.db'}"
        return course

    def path(self, step: str, assignment: str, student: str = ".") -> Path:
        """Return the folder of an assignment (and a student) in a step: source, release, submitted or autograded."""
        name = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(name, student, assignment))

    def gradebook(self):  # -> nbgrader.api.Gradebook
        """Open the gradebook. It is made if there is none.

        Raises
        ------
        CourseError
            If the database cannot be opened.
        """
        from nbgrader.api import Gradebook

        with self.using_gradebook(), _scripts_on_path():
            return Gradebook(self.directory.db_url, self.directory.course_id)

    @contextlib.contextmanager
    def using_gradebook(self) -> Iterator[None]:
        """Say in a sentence what the gradebook or the files beside it do not allow; it can happen at every use.

        Raises
        ------
        CourseError
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise CourseError(
                f"The gradebook of {self.folder} cannot be used: {reason}. If another program has it open, close that; "
                "if it cannot be written, make it writable. Then run the same command again; nothing graded is lost."
            ) from None
