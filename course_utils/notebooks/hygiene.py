"""What a stored notebook must not contain: machine paths, errors, warnings, pictures without a text alternative."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from nbformat import NotebookNode, ValidationError, validate

LARGEST = 2 * 1024**2  # bytes, on disk: what GitHub still renders

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
NOTEBOOK_METADATA = {"course", "kernelspec", "language_info"}
CELL_METADATA = {"deletable", "editable", "jupyter", "tags"}

# Inside base64 text a slash follows a letter, a digit, "+" or "/"; in a path or an address a letter or a dot.
MACHINE_PATH = re.compile(
    r"(?<![\w.+/])/(?:home|root|Users|tmp|work|workspace|var/folders|opt)/[\w.]|\b[A-Z]:\\\\?Users\b"
)
WARNING = re.compile(r"\b\w*Warning: .*")
MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]*)[^)]*\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def problems(notebook: NotebookNode, size: int, *, executed: bool = True) -> list[str]:
    """Return what is wrong with a stored notebook, one sentence each; empty if it is clean.

    Parameters
    ----------
    notebook : NotebookNode
        Nothing is asked of its stored output text except that it carries no trace of a machine or a mistake.
    size : int
        The file's bytes.
    executed : bool
        Whether every code cell must have been run, in order. False for assignments.
    """
    found = []
    if size > LARGEST:
        found.append(f"the file has {size / 1024**2:.1f} MB; at most {LARGEST / 1024**2:.0f} are allowed")
    found += _metadata_problems(notebook)
    number = 0
    for position, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            number += 1
            where = f"code cell {number}"
            found += [f"{where}: {problem}" for problem in _code_problems(cell, number if executed else None)]
        else:
            where = f"cell {position} ({cell.cell_type})"
            found += [f"{where}: {problem}" for problem in _image_problems(FENCE.sub("", cell.source))]
        found += [f"{where}: {problem}" for problem in _path_problems(cell.source)]
        extra = sorted(cell.metadata.keys() - CELL_METADATA - (set() if executed else {"nbgrader"}))
        if extra:
            found.append(f"{where}: metadata {', '.join(extra)} should not be stored")
    return found


def _metadata_problems(notebook: NotebookNode) -> Iterator[str]:
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"the format is {notebook.nbformat}.{notebook.nbformat_minor}; expected 4.5, whose cells have ids"
        return
    try:
        validate(notebook)
    except ValidationError as error:
        yield f"not a valid notebook: {error.message}"
    for name, expected in (("kernelspec", KERNELSPEC), ("language_info", LANGUAGE)):
        if notebook.metadata.get(name) != expected:
            yield f"metadata {name} is not the normal one"
    extra = sorted(notebook.metadata.keys() - NOTEBOOK_METADATA)
    if extra:
        yield f"notebook metadata {', '.join(extra)} should not be stored"


def _code_problems(cell: NotebookNode, number: int | None) -> Iterator[str]:
    if not cell.source.strip():
        yield "is empty"
        return
    if number is not None and cell.execution_count != number:
        yield f"was not run in order: its count is {cell.execution_count}"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"stores an error, {output.ename}: {output.evalue}"
            continue
        if output.output_type == "stream":
            texts = {"text/plain": output.text}
            warning = WARNING.search(output.text) if output.name == "stderr" else None
            if warning:
                yield f"stores a warning: {warning.group()[:120]}"
        else:
            texts = {kind: data if isinstance(data, str) else json.dumps(data) for kind, data in output.data.items()}
        for kind, text in texts.items():
            if kind.startswith("image/"):
                yield f"shows a picture ({kind}) without a text alternative; use course_utils.plotting.show"
                continue
            yield from _path_problems(text)
            if kind in {"text/html", "text/markdown"}:
                yield from _image_problems(text)


def _path_problems(text: str) -> Iterator[str]:
    places = {str(Path.home()), sys.prefix, str(Path(__file__).parents[2])} - {"/"}
    match = MACHINE_PATH.search(text)
    here = next((place for place in sorted(places) if place in text), None)
    if match:
        yield f"holds a path of one machine: {text[match.start() : match.start() + 60].splitlines()[0]}"
    elif here:
        yield f"holds a path of one machine: {here}"


def _image_problems(text: str) -> Iterator[str]:
    images = [(match["alt"], match["target"]) for match in MARKDOWN_IMAGE.finditer(text)]
    parser = _Images()
    parser.feed(text)
    for alt, target in images + parser.found:
        if not (alt or "").strip():
            yield f"an image has no alt text: {(target or '')[:60]}"
        if re.match(r"(https?:)?//", target or ""):
            yield f"an image comes from the network: {target[:60]}"


class _Images(HTMLParser):
    """Collect ``(alt, src)`` of every ``<img>``."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str | None, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            attributes = dict(attrs)
            self.found.append((attributes.get("alt"), attributes.get("src")))


def main(paths: list[str]) -> int:
    """Print what is wrong with these notebooks; the exit status is 1 if anything is."""
    import nbformat

    wrong = 0
    for path in map(Path, paths):
        for problem in problems(nbformat.read(path, as_version=4), path.stat().st_size):
            print(f"{path.name}: {problem}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
