"""A graded submission as a notebook for the formgrader: what the student wrote, beside what became of it.

The formgrader shows a notebook in the browser session of the instructor, and puts text and pictures into its page as
they are. So nothing of a submission comes here that a browser could run: HTML in text cells is shown as text, and of
stored outputs only plain text and pictures that are pictures are kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils.grading.reading import Assignment, SourceCell, Submission, same_text

PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
MOST_TEXT = 20_000  # characters of one output
MOST_OUTPUTS = 50  # of one cell
INVISIBLE = "\u200b"  # a space of no width
HARMLESS = ("https?://", "mailto:", "#")
DIGEST = "course_grade"  # key in the notebook's metadata


def digest_in(notebook: NotebookNode) -> str | None:
    """Return which grading a marked notebook comes from."""
    return notebook.metadata.get(DIGEST, {}).get("digest")


def same_answer(notebook: NotebookNode | None, question: dict) -> bool:
    """Tell whether a marked notebook was made from the same answer to a question that a person marks."""
    if notebook is None:
        return False
    return notebook.metadata.get(DIGEST, {}).get("answers", {}).get(question["name"]) == _hash(question)


def _hash(question: dict) -> str:
    return hashlib.sha256(question.get("answer", "").encode(errors="surrogatepass")).hexdigest()


def marked_notebook(
    source: NotebookNode, assignment: Assignment, submission: Submission | None, result: dict
) -> NotebookNode:
    """Return a submission in the order of the source, with what became of each test.

    Parameters
    ----------
    source : NotebookNode
        The instructor's notebook.
    assignment : Assignment
        The same, read for grading.
    submission : Submission or None
        The student's; None if it could not be read.
    result : dict
        What :func:`course_utils.grading.run.grade` made of it.

    Returns
    -------
    NotebookNode
        A student's cells that have no place in the source stand after the cell that they followed.
    """
    by_name = {cell.name: cell for cell in assignment.cells}
    names = [_name(cell, number) for number, cell in enumerate(source.cells, start=1)]
    questions = {question["name"]: question for question in result["questions"]}
    added, own = _student_cells(source, names, assignment, submission, result)
    cells = [new_markdown_cell(_plain(note)) for note in result["notes"]] + added[-1]
    for number, (name, cell) in enumerate(zip(names, source.cells)):
        kind = by_name.get(name)
        if kind is None:
            made = new_markdown_cell(cell.source) if cell.cell_type == "markdown" else None
        else:
            made = _graded_cell(kind, cell, submission, questions.get(name), own.get(name, []))
        if made is not None:
            cells.append(made)
        cells += added[number]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    answers = {name: _hash(question) for name, question in questions.items() if "answer" in question}
    graded = {"digest": result["digest"], "answers": answers}
    return new_notebook(
        cells=cells, metadata={DIGEST: graded, "kernelspec": dict(source.metadata.get("kernelspec", {}))}
    )


def _name(cell: NotebookNode, number: int) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell-{number}")


def _student_cells(
    source: NotebookNode, names: list[str], assignment: Assignment, submission: Submission | None, result: dict
) -> tuple[dict[int, list], dict[str, list[dict]]]:
    """Return the cells to add after each of the source's, and a student's own cells of each answer."""
    added: dict[int, list] = {number: [] for number in range(-1, len(names))}
    own: dict[str, list[dict]] = {}
    if submission is None:
        return added, own
    position = {name: number for number, name in enumerate(names)}
    errors = {error["cell"]: error["error"] for error in result["cells"]}
    last = -1
    for number, cell in enumerate(submission.cells, start=1):
        cell = {**cell, "error": errors.get(number)}
        if cell["place"] is None:
            known = [
                place
                for place, given in enumerate(source.cells)
                if given.cell_type == "markdown" and cell["type"] == "text" and same_text(given.source, cell["source"])
            ]
            if known:
                last = known[0]
            elif cell["source"].strip():
                added[last].append(_added_cell(cell))
            continue
        wanted = assignment.cells[cell["place"]]
        last = position[wanted.name]
        if wanted.kind in ("answer", "written"):
            own.setdefault(wanted.name, []).append(cell)
        elif wanted.kind == "given" and not wanted.locked and not same_text(cell["source"], wanted.text):
            added[last].append(_added_cell(cell))
    return added, own


def _added_cell(cell: dict) -> NotebookNode:
    if cell["type"] == "code":
        return new_code_cell(cell["source"], outputs=_outputs([cell]))
    return _text_cell(cell["source"], [cell])


def _graded_cell(
    kind: SourceCell, cell: NotebookNode, submission: Submission | None, question: dict | None, own: list[dict]
) -> NotebookNode:
    text = kind.text
    if kind.kind in ("answer", "written"):
        text = kind.released if submission is None else submission.answered.get(kind.name, kind.released)
    if cell.cell_type == "code":
        outputs = _verdict(question) if kind.kind == "test" and question is not None else _outputs(own)
        made = new_code_cell(text, outputs=outputs)
    else:
        made = _text_cell(text, own)
    if "nbgrader" in cell.metadata:
        made.metadata.nbgrader = nbformat.from_dict(dict(cell.metadata.nbgrader))
    return made


def _text_cell(text: str, own: list[dict]) -> NotebookNode:
    pictures = {
        name: kept
        for cell in own
        for name, bundle in _dict(cell["raw"].get("attachments")).items()
        if re.fullmatch(r"[\w.-]+", name) and (kept := _pictures(bundle))
    }
    return new_markdown_cell(_plain(text, pictures), **({"attachments": pictures} if pictures else {}))


def _plain(text: str, pictures: Iterable[str] = ()) -> str:
    """Return Markdown whose HTML is text, and whose links lead to the web, to a heading or to an attached picture.

    An invisible space keeps ``<`` from opening a tag, wherever it stands, and ``]`` from being followed by an address.
    """
    attached = (rf"attachment:{re.escape(name)}(?=[)\s])" for name in pictures)
    harmless = "|".join([*HARMLESS, *attached])
    text = re.sub(r"<(?=[A-Za-z/!?])", f"<{INVISIBLE}", text)
    return re.sub(rf"\](?=\((?!{harmless})|:(?!\s*(?:{harmless})))", f"]{INVISIBLE}", text)


def _verdict(question: dict) -> list[NotebookNode]:
    """Return a test's outcome as its cell's output."""
    points = f"{question['points']:g} of {question['of']:g} points."
    if not question["reason"]:
        return [new_output("stream", name="stdout", text=points)]
    lines = [f"{points} {question['reason']}", *([question["evidence"]] if question["evidence"] else [])]
    return [new_output("error", ename="Lost points", evalue=question["reason"], traceback=lines)]


def _outputs(cells: list[dict]) -> list[NotebookNode]:
    """Return what may be shown of the outputs that a student's notebook holds, or how its cell failed in our run."""
    made = []
    for cell in cells:
        if cell["error"] is not None:
            made.append(_failure(cell["error"]))
            continue
        outputs = cell["raw"].get("outputs")
        for output in outputs[:MOST_OUTPUTS] if isinstance(outputs, list) else []:
            made += _output(_dict(output))
    return made


def _failure(error: dict) -> NotebookNode:
    kind = next(iter(error.get("bases") or []), "Error")
    text = str(error.get("died") or error.get("text") or "")[:MOST_TEXT]
    line = f" in line {error['line']}" if error.get("line") else ""
    return new_output("error", ename=kind, evalue=text, traceback=[f"When it was graded{line}: {kind}: {text}"])


def _output(output: dict) -> list[NotebookNode]:
    kind = output.get("output_type")
    if kind == "stream":
        return [new_output("stream", name="stdout", text=_joined(output.get("text"))[:MOST_TEXT])]
    if kind == "error":
        lines = output.get("traceback")
        text = "\n".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ""
        return [new_output("error", ename="Error", evalue="", traceback=[text[:MOST_TEXT]])]
    if kind not in ("display_data", "execute_result"):
        return []
    data: dict = _pictures(output.get("data"))
    text = _joined(_dict(output.get("data")).get("text/plain"))
    if text:
        data["text/plain"] = text[:MOST_TEXT]
    return [new_output("display_data", data=data)] if data else []


def _pictures(bundle: object) -> dict[str, str]:
    """Return a MIME bundle's pictures, those only that are what their names say."""
    kept = {}
    for kind, begin in PICTURES.items():
        try:
            data = base64.b64decode("".join(_joined(_dict(bundle).get(kind)).split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        if data.startswith(begin):
            kept[kind] = base64.b64encode(data).decode("ascii")
    return kept


def _dict(value: object) -> dict:
    return {key: part for key, part in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def _joined(text: object) -> str:
    if isinstance(text, list):
        text = "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""
