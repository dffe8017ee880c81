"""Results that travel from lesson to lesson: one row per trained network, one JSON file per lesson.

Lessons 07, 09, 10 and 11 store what they measured with :func:`record`; lesson 11 shows it as one :func:`table`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock

from course_utils.data.store import unwritable
from course_utils.settings import data_dir

FORMAT = 1
COLUMNS = ("lesson", "model", "parameters", "multiply-adds", "seconds", "accuracy", "95 % interval")


def wilson(correct: int, samples: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of an accuracy, from 0 to 1, after E. B. Wilson (1927).

    It holds all accuracies that the count does not contradict. Explained in lesson 15.

    Raises
    ------
    ValueError
        If ``correct`` is not from 0 to ``samples``, or there are no samples.
    """
    if samples < 1 or not 0 <= correct <= samples:
        raise ValueError(f"correct must be from 0 to samples, and samples at least 1; got {correct} of {samples}.")
    z2 = 1.959963984540054**2
    share = correct / samples
    centre = (share + z2 / (2 * samples)) / (1 + z2 / samples)
    half = (z2 * share * (1 - share) / samples + (z2 / (2 * samples)) ** 2) ** 0.5 / (1 + z2 / samples)
    return max(0.0, centre - half), min(1.0, centre + half)


def record(
    lesson: int, model: str, *, parameters: int, multiply_adds: int, seconds: float, correct: int, samples: int
) -> None:
    """Store one row, in place of the one that ``lesson`` stored for ``model`` before.

    Parameters
    ----------
    lesson : int
    model : str
        What the reader shall see in the table, such as ``"VGG-A, 32 x 32, width 16"``.
    parameters, multiply_adds : int
        Multiply-adds for one image; see :func:`course_utils.multiply_adds.multiply_adds`.
    seconds : float
        Time that the training took.
    correct, samples : int
        Right answers, and images asked.

    Raises
    ------
    ValueError
        If ``correct`` is not from 0 to ``samples``, or there are no samples.
    course_utils.data.store.DataFolderError
        If the data folder cannot be written to.
    """
    wilson(correct, samples)
    row = {
        "parameters": int(parameters),
        "multiply_adds": int(multiply_adds),
        "seconds": float(seconds),
        "correct": int(correct),
        "samples": int(samples),
    }
    path = _file(lesson)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent.with_name(".results.lock")):  # another copy of the lesson may store a row right now
            _replace(path, _rows(path) | {model: row})
    except OSError as error:
        raise unwritable(path, error) from error


def _replace(path: Path, rows: dict[str, dict]) -> None:
    """Write rows under another name and rename: the file holds the old rows or the new ones, never half of them."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "rows": rows}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def table(lessons: Iterable[int] | None = None) -> str:
    """Return the stored rows as a table of text, with each accuracy's 95 % confidence interval.

    Parameters
    ----------
    lessons : iterable of int, optional
        Whose rows. Default: those of every lesson that has stored any.

    Returns
    -------
    str
        Lines of equal length under a head, or one sentence if nothing has been stored.

    Raises
    ------
    ValueError
        If a file is damaged.
    """
    if lessons is None:
        lessons = sorted(int(path.stem) for path in _file(0).parent.glob("[0-9][0-9].json"))
    lines = [COLUMNS]
    for lesson in lessons:
        for model, row in _rows(_file(lesson)).items():
            low, high = wilson(row["correct"], row["samples"])
            lines.append(
                (
                    f"{lesson:02d}",
                    model,
                    f"{row['parameters']:,}",
                    f"{row['multiply_adds'] / 1e6:,.1f} M",
                    f"{row['seconds']:.1f}",
                    f"{row['correct'] / row['samples']:.1%}",
                    f"{low:.1%} to {high:.1%}",
                )
            )
    if len(lines) == 1:
        return "No results are stored yet: run lessons 07, 09, 10 and 11."
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, tuple("-" * width for width in widths))
    texts = 2  # the first columns hold names, the others numbers
    return "\n".join(
        "  ".join(cell.ljust(w) if i < texts else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths)))
        for line in lines
    )


def _file(lesson: int) -> Path:
    return data_dir() / "results" / f"{lesson:02d}.json"


def _rows(path: Path) -> dict[str, dict]:
    """Return the rows in a file by model; a file that is not there has none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or not all(map(_is_row, content["rows"].values())):
            raise ValueError
        return content["rows"]
    except FileNotFoundError:
        return {}
    except (AttributeError, ValueError, KeyError, TypeError):
        raise ValueError(f"{path} holds no results of format {FORMAT}. Delete it and run the lesson again.") from None


def _is_row(row: dict) -> bool:
    numbers = [row[key] for key in ("parameters", "multiply_adds", "seconds", "correct", "samples")]
    return all(isinstance(number, int | float) for number in numbers) and 0 <= row["correct"] <= row["samples"] >= 1
