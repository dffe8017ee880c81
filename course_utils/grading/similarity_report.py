"""The similarity report as a page: pairs of submissions, and what they share side by side."""

from __future__ import annotations

from html import escape

from course_utils.grading.page import html_page
from course_utils.grading.similarity import RUN, Cell, Pair, Similarity

STYLE = """
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.beside { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; }
mark { color: inherit; background: #ffe9a8; border-left: .3rem solid #8a5a00; padding-left: .3rem; }
pre span { padding-left: .6rem; }
h3, h4 { margin: .8rem 0 0; }
"""

OPENING = """<p>{compared} submissions were compared. The pairs below share code that is not part of the assignment as
it was handed out. Names, texts, numbers, comments and the order of cells make no difference. <em>Shared</em> counts the
runs of {run} words and signs that both have, those that few submissions have more than those of many; the percentages
say how much of each student's own code that is.</p>
<p><strong>Shared code says nothing of how it came about.</strong> Two people may have worked together as they were
allowed to, or from the same page of a book. Short answers are often alike. Read the passages, and talk to the students
before you draw a conclusion.</p>
"""


def similarity_page(similarity: Similarity, title: str) -> str:
    """Return the report. Everything that came from a submission is escaped."""
    pairs = "<p>No two submissions share code beyond what was handed out.</p>"
    if similarity.pairs:
        rows = "\n".join(_row(number, pair) for number, pair in enumerate(similarity.pairs, start=1))
        pairs = (
            "<table>\n<caption>Pairs, those that share most first</caption>\n<thead><tr>"
            + "".join(
                f'<th scope="col">{name}</th>' for name in ("Pair", "Submissions", "Shared", "Of the first's code")
            )
            + '<th scope="col">Of the second\'s</th></tr></thead>\n'
            + f"<tbody>\n{rows}\n</tbody>\n</table>\n"
            + "\n".join(_evidence(number, pair) for number, pair in enumerate(similarity.pairs, start=1))
        )
    others = ""
    for heading, listed in (
        ("Not compared", [f"{student}: {reason}" for student, reason in similarity.unreadable.items()]),
        ("Notes", [f"{student}: {note}" for student, notes in similarity.notes.items() for note in notes]),
    ):
        if listed:
            others += f"<h2>{heading}</h2>\n<ul>" + "".join(f"<li>{escape(line)}</li>" for line in listed) + "</ul>\n"
    opening = OPENING.format(compared=similarity.compared, run=RUN)
    return html_page(title, f"{opening}{pairs}\n{others}", STYLE, width="90rem")


def _row(number: int, pair: Pair) -> str:
    names = f"{escape(pair.left.student)} and {escape(pair.right.student)}"
    numbers = (f"{pair.weight:.0f}", f"{pair.left_part:.0%}", f"{pair.right_part:.0%}")
    cells = "".join(f'<td class="number">{value}</td>' for value in numbers)
    return f'<tr><th scope="row"><a href="#pair-{number}">{number}</a></th><td>{names}</td>{cells}</tr>'


def _evidence(number: int, pair: Pair) -> str:
    left, right = escape(pair.left.student), escape(pair.right.student)
    parts = [f'<section id="pair-{number}">\n<h2>{number}. {left} and {right}</h2>']
    for passage in pair.passages:
        seen = "only these two submissions have" if passage.fewest == 2 else f"{passage.fewest} submissions have"
        parts.append(f"<h3>The rarest of these lines: {seen} them</h3>\n" + '<div class="beside">')
        for student, cell, lines in (
            (left, passage.left, passage.left_lines),
            (right, passage.right, passage.right_lines),
        ):
            heading = f"<h4>{student}: {escape(cell.file)}, cell {cell.number}</h4>"
            parts.append(f"<div>{heading}\n{_marked(cell, lines)}</div>")
        parts.append("</div>")
    parts.append("</section>")
    return "\n".join(parts)


def _marked(cell: Cell, lines: set[int]) -> str:
    """Return a cell's text with the lines marked that have shared code on them."""
    made = []
    for number, line in enumerate(cell.text.split("\n")):
        tag = "mark" if number in lines else "span"
        made.append(f"<{tag}>{escape(line)}</{tag}>")
    return "<pre>" + "\n".join(made) + "</pre>"
