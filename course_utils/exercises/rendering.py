"""Show the answer to an attempt, hints, solutions and quizzes: as HTML without scripts, and as plain text.

Nothing is told by colour alone. A quiz is made of ``<details>`` elements, so it works without a live kernel, from the
keyboard, and on a static page.
"""

from __future__ import annotations

import base64
import html
import io

import numpy as np
import torch

from course_utils.exercises.exercise import Correct, Exercise, NotAttempted, NotYet, Outcome, Question
from course_utils.exercises.values import as_array

CELLS_OF_A_TABLE = 12  # longer results are not laid out number by number
PLAIN_LETTERS = "abcdefgh"


class Shown:
    """Something to display that has an HTML and a plain form."""

    def __init__(self, rich: str, plain: str) -> None:
        self.rich = rich
        self.plain = plain

    def __repr__(self) -> str:
        return self.plain

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.rich, "text/plain": self.plain}


def show_outcome(exercise: Exercise, outcome: Outcome, note: str = "") -> Shown:
    """Return how to show what a check says; ``note`` is a further sentence below it."""
    if isinstance(outcome, NotAttempted):
        verdict, text = (
            "Not attempted yet",
            f"{'Write' if exercise.starts_empty else 'Repair'} {exercise.name} in the cell above, and run both cells. "
            f'Stuck? Run hint("{exercise.id}").',
        )
    elif isinstance(outcome, Correct):
        verdict, text = "Correct", f'Compare with solution("{exercise.id}") if you like.'
    else:
        verdict, text = "Not yet", outcome.reason
    rich = f"<p><strong>Exercise {exercise.id}: {verdict}.</strong> {html.escape(text)}</p>"
    plain = f"Exercise {exercise.id}: {verdict}. {text}"
    if isinstance(outcome, NotYet):
        rich += _comparison_html(outcome)
        plain += _comparison_text(outcome)
    if getattr(outcome, "printed", ""):
        rich += f"<details><summary>What your function printed</summary>{_pre(outcome.printed)}</details>"
        plain += f"\nYour function printed:\n{outcome.printed}"
    if note:
        rich += f"<p>{html.escape(note)}</p>"
        plain += f"\n{note}"
    return Shown(_box(rich), plain)


def show_hints(exercise: Exercise, count: int) -> Shown:
    """Return how to show the first ``count`` hints."""
    total = len(exercise.hints)
    more = (
        f'Run hint("{exercise.id}") again for the next one.'
        if count < total
        else f'That was the last. solution("{exercise.id}") shows an answer.'
    )
    lines = [f"Hint {number} of {total}: {text}" for number, text in enumerate(exercise.hints[:count], start=1)]
    rich = "".join(f"<p>{html.escape(line)}</p>" for line in [*lines, more])
    return Shown(_box(rich), "\n".join([*lines, more]))


def show_solution(exercise: Exercise) -> Shown:
    """Return how to show the reference and its explanation."""
    head = f"Exercise {exercise.id}: one of several right answers"
    rich = f"<p><strong>{head}</strong></p>{_pre(exercise.reference.strip())}<p>{html.escape(exercise.explanation)}</p>"
    return Shown(_box(rich), f"{head}\n\n{exercise.reference.strip()}\n\n{exercise.explanation}")


def show_quiz(lesson: str, questions: tuple[Question, ...]) -> Shown:
    """Return how to show a quiz: open an option to read whether it is right, and why."""
    rich = f"<p><strong>Quiz {lesson}.</strong> Choose an answer and open it: it says whether it is right, and why.</p>"
    plain, answers = [f"Quiz {lesson}"], []
    for number, question in enumerate(questions, start=1):
        options = "".join(
            f'<li style="margin: 0.3em 0"><details><summary>{html.escape(option.text)}</summary>'
            f'<p style="margin: 0.3em 0 0.3em 1.2em"><strong>{_verdict(option.right)}</strong> '
            f"{html.escape(option.feedback)}</p></details></li>"
            for option in question.options
        )
        rich += (
            f"<p><strong>Question {number} of {len(questions)}.</strong> {html.escape(question.text)}</p>"
            f'<ul style="list-style: none; padding-left: 1em">{options}</ul>'
        )
        plain.append(f"\n{number}. {question.text}")
        for letter, option in zip(PLAIN_LETTERS, question.options):
            plain.append(f"   {letter}) {option.text}")
            answers.append(f"   {number}{letter}: {_verdict(option.right)} {option.feedback}")
    return Shown(_box(rich), "\n".join([*plain, "\nAnswers:", *answers]))


def short_text(value: object, longest: int = 90) -> str:
    """Return a value in at most about ``longest`` characters; large arrays by their shape."""
    dtype, kind = str(getattr(value, "dtype", "")).removeprefix("torch."), "array"
    if isinstance(value, torch.Tensor):
        value, kind = as_array(value), "tensor"
    if isinstance(value, np.ndarray) and value.ndim:
        if value.size <= CELLS_OF_A_TABLE:
            text = np.array2string(value, precision=4, suppress_small=True, separator=", ", max_line_width=10_000)
            text = " ".join(text.split())
            if len(text) <= longest:
                return text
        return f"{kind} of shape {value.shape}, {dtype}"
    if isinstance(value, np.ndarray | np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, complex):
        return f"{value:.4g}"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    if type(value) in (list, tuple):
        text = ", ".join(short_text(part, longest) for part in value[:longest])
        text = f"[{text}]" if isinstance(value, list) else f"({text}{',' if len(value) == 1 else ''})"
        return text if len(text) <= longest else text[: longest - 1] + "…"
    try:
        text = repr(value)
    except Exception:  # a learner's own class may have a broken __repr__
        text = f"<{type(value).__name__}>"
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _verdict(right: bool) -> str:
    return "Right." if right else "No."


def _box(rich: str) -> str:
    return f'<div style="border-left: 4px solid; padding: 0.1em 0 0.1em 0.9em; margin: 0.4em 0">{rich}</div>'


def _pre(text: str) -> str:
    return f'<pre style="white-space: pre-wrap"><code>{html.escape(text)}</code></pre>'


def _comparison_text(outcome: NotYet) -> str:
    lines = [f"  called as  {outcome.given}"] if outcome.given else []
    if outcome.expected is not None:
        lines += [f"  expected   {_long_text(outcome.expected)}", f"  got        {_long_text(outcome.got)}"]
    return "".join("\n" + line for line in lines)


def _comparison_html(outcome: NotYet) -> str:
    rich = f"<p>Called as <code>{html.escape(outcome.given)}</code></p>" if outcome.given else ""
    if outcome.expected is None:
        return rich
    picture = _difference_picture(outcome.expected, outcome.got)
    if picture:
        return rich + picture
    table = _number_table(outcome.expected, outcome.got)
    if table is None:
        table = "".join(
            f'<tr><th scope="row">{name}</th><td style="text-align: left"><code>{html.escape(text)}</code></td></tr>'
            for name, text in (("expected", _long_text(outcome.expected)), ("got", _long_text(outcome.got)))
        )
    return f"{rich}<table>{table}</table>"


def _long_text(value: object) -> str:
    return short_text(value, longest=300)


def _number_table(expected: object, got: object) -> str | None:
    """Return the rows of a table that sets two short sequences side by side, or None where that cannot be done."""
    one, other = as_array(got), as_array(expected)
    if (
        one is None
        or other is None
        or one.shape != other.shape
        or other.ndim != 1
        or not 1 < other.size <= CELLS_OF_A_TABLE
    ):
        return None
    close = np.isclose(one, other, rtol=1e-5, atol=1e-6 * max(np.abs(other).max(), 1))
    rows = {
        "expected": [f"{number:.4g}" for number in other],
        "got": [f"{number:.4g}" for number in one],
        "difference": ["0" if same else f"{number:.4g}" for same, number in zip(close, one - 1.0 * other)],
    }
    head = '<th scope="row">index</th>' + "".join(f'<th scope="col">{index}</th>' for index in range(other.size))
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{text}</td>" for text in texts)}</tr>'
        for name, texts in rows.items()
    )
    return f"<tr>{head}</tr>{body}"


def _difference_picture(expected: object, got: object) -> str:
    """Return expected, got and their difference as pictures, if they are images of one size, or an empty string."""
    from matplotlib.figure import Figure

    one, other = as_array(got), as_array(expected)
    if one is None or other is None or one.shape != other.shape or other.ndim != 2 or min(other.shape) < 3:
        return ""
    if np.iscomplexobj(one) or np.iscomplexobj(other):
        one, other = np.abs(one), np.abs(other)
    if not np.isfinite(one).all():
        return ""
    one, other = one.astype(float), other.astype(float)
    difference = one - other
    reach = np.abs(difference).max() or 1
    fig = Figure(figsize=(7.5, 2.6), dpi=100, layout="constrained")
    for axis, (title, picture, low, high) in zip(
        fig.subplots(1, 3),
        (
            ("expected", other, other.min(), other.max()),
            ("got", one, other.min(), other.max()),
            ("got - expected", difference, -reach, reach),
        ),
    ):
        drawn = axis.imshow(picture, cmap="PuOr" if low == -reach else "gray", vmin=low, vmax=high)
        axis.set(title=title, xticks=[], yticks=[])
        fig.colorbar(drawn, ax=axis, shrink=0.7)
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", facecolor="white")
    row, column = np.unravel_index(np.abs(difference).argmax(), difference.shape)
    alt = (
        f"Three pictures of {other.shape[0]} by {other.shape[1]} numbers: expected, got, and their difference. It is "
        f"largest in row {row}, column {column}: expected {other[row, column]:.4g}, got {one[row, column]:.4g}."
    )
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt, quote=True)}" style="max-width: 100%" src="data:image/png;base64,{data}">'
