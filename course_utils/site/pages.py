"""The site's sources: the lessons with what JupyterLab shows by itself added, the first page and the glossary.

Nothing is executed: the pages show the outputs that ``course run`` has stored and ``course test`` has compared.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.course_map import LESSONS, PARTS
from course_utils.notebooks.address import SETUP_CELL

FIRST_PAGE = "index"
GLOSSARY = re.compile(r"^## Glossary\n+\|[^\n]*\|\n\|[-| ]*\|\n((?:\|[^\n]*\|\n?)+)", re.MULTILINE)
TABLE_BAR = re.compile(r"(?<!\\)\|")
NOTEBOOK_LINK = re.compile(r'href="(\d\d_\w+)\.ipynb"')  # Sphinx turns those in Markdown by itself
IMAGE = re.compile(r"<img\b(?![^>]*\balt=)", re.IGNORECASE)


def write_sources(notebooks: Path, folder: Path) -> None:
    """Write all of Sphinx's sources into ``folder``.

    Parameters
    ----------
    notebooks : Path
        The folder with the lessons.
    folder : Path
        Exists and is empty.

    Raises
    ------
    FileNotFoundError
        If a lesson of the course map is missing.
    ValueError
        If a lesson has no stored outputs, no glossary, or an image without a text alternative.
    """
    shutil.copy(notebooks / "course.jpg", folder)
    shutil.copy(notebooks / "open_in_colab.svg", folder)
    lessons: dict[str, NotebookNode] = {}
    for name in ["00_start_here", *(lesson.name for lesson in LESSONS)]:
        path = notebooks / f"{name}.ipynb"
        if not path.is_file():
            raise FileNotFoundError(f"The course map names {path.name}, which is not in {notebooks}.")
        lessons[name] = nbformat.read(path, as_version=4)
        nbformat.write(page(lessons[name], path.name), folder / path.name)
    (folder / f"{FIRST_PAGE}.md").write_text(first_page(lessons), encoding="utf-8")
    (folder / "glossary.md").write_text(glossary(lessons), encoding="utf-8")


def page(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return a lesson as a page: without its set-up cell, and with a download link that keeps it."""
    if not any(cell.get("outputs") for cell in notebook.cells):
        raise ValueError(f"{name} has no stored outputs. Run `course run {name[:2]}` first.")
    shown = nbformat.from_dict(notebook)
    shown.cells = [nbformat.from_dict(cell) for cell in notebook.cells if cell.id != SETUP_CELL]
    for cell in shown.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data) and "text/html" not in data:
                raise ValueError(
                    f"{name}: cell {cell.id} shows an image without a text alternative; use plotting.show."
                )
            if "text/html" in data:
                if IMAGE.search(data["text/html"]):
                    raise ValueError(f"{name}: cell {cell.id} shows an <img> without alt; use plotting.show.")
                data["text/html"] = NOTEBOOK_LINK.sub(r'href="\1.html"', data["text/html"])
    shown.cells[
        0
    ].source += (
        f"\n\n{{download}}`Download this notebook <{name}>`: it runs by itself, wherever Python and Jupyter are."
    )
    return shown


def first_page(lessons: dict[str, NotebookNode]) -> str:
    """Return the Markdown of the first page: what the course is, and its lessons with what they cost."""
    parts = []
    for number, part in enumerate(PARTS, start=1):
        rows = "".join(
            f"| [{lesson.number:02d} {lesson.title}]({lesson.name}.ipynb) | {cost(lessons[lesson.name])} |\n"
            for lesson in LESSONS
            if lesson.part == number
        )
        names = "\n".join(lesson.name for lesson in LESSONS if lesson.part == number)
        parts.append(
            f"## Part {ROMAN[number]}. {part}\n\n"
            f"| lesson | to read | to run | memory |\n|---|---|---|---|\n{rows}\n"
            f"```{{toctree}}\n:hidden:\n:caption: {part}\n\n{names}\n```\n"
        )
    start = "```{toctree}\n:hidden:\n\nStart here <00_start_here>\nglossary\n```\n"
    return INTRODUCTION + start + "\n" + "\n".join(parts) + MEASURED


ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV"}

INTRODUCTION = """# From Fourier to EfficientNet

A hands-on course on convolutional networks: from "what is a convolution?" to an EfficientNet that you have fine-tuned,
can look inside, and can prove right. These pages show every lesson as it ran. To run one yourself, open it in Colab, or
download it; or take the whole course to your laptop, where `make lab` is all that you need.

```{image} course.jpg
:alt: Four panels, one for each part of the course: a photograph's edges and spectrum, drawn faces, vehicles, and cats
```

Lines that begin with ✓ are sentences of a lesson that its code has just tested. Each lesson has exercises, which
answer in a running notebook, and a quiz, which answers here as well. New here? [Start here](00_start_here.ipynb).
Looking for a word? The [glossary](glossary.md) has all of them.

"""

MEASURED = """
What it takes to run are the CPU time, on one core of a laptop-sized machine with two, and the peak memory of the run
whose outputs you see.
"""


def cost(notebook: NotebookNode) -> str:
    """Return the cells of a lesson's row: how long it takes to read, seconds, memory."""
    found = re.search(r"\*\*It takes\*\* about ([^,\n]+) to read", notebook.cells[0].source)
    measured = notebook.metadata.course.measured
    return f"{found[1] if found else ''} | {measured.cpu_seconds} s | {measured.peak_memory_mb / 1024:.1f} GB"


def glossary(lessons: dict[str, NotebookNode]) -> str:
    """Return the Markdown of the glossary: the terms of all lessons in alphabetical order, each with its lesson."""
    entries: list[tuple[str, str, str]] = []
    for lesson in LESSONS:
        text = "\n\n".join(cell.source for cell in lessons[lesson.name].cells if cell.cell_type == "markdown")
        found = GLOSSARY.search(text)
        if found is None:
            raise ValueError(
                f"{lesson.name} has no glossary: a section `## Glossary` with a table of term and meaning."
            )
        for row in found[1].strip().split("\n"):
            term, meaning = (part.strip() for part in TABLE_BAR.split(row.strip())[1:3])
            entries.append((term, meaning, f"[{lesson.number:02d}]({lesson.name}.ipynb)"))
    rows = "".join(f"| {term} | {meaning} | {where} |\n" for term, meaning, where in sorted(entries, key=_alphabetical))
    return (
        "# Glossary\n\nThe terms of all lessons, and where each is introduced.\n\n"
        f"| term | meaning | lesson |\n|---|---|---|\n{rows}"
    )


def _alphabetical(entry: tuple[str, str, str]) -> tuple[str, str]:
    return re.sub(r"[^\w ]", "", html.unescape(entry[0])).casefold(), entry[2]
