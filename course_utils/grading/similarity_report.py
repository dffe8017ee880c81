"""The similarity report as a page: pairs of submissions, and what they share side by side."""

from __future__ import annotations

from html import escape

from course_utils.grading.similarity import Cell, Pair, Similarity

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 90rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }}
table {{ border-collapse: collapse; }}
caption {{ text-align: left; font-weight: bold; padding: .5rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #767676; }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
.beside {{ display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; background: #f2f2f2; padding: .6rem; margin: .3rem 0; }}
mark {{ color: inherit; background: #ffe9a8; border-left: .3rem solid #8a5a00; padding-left: .3rem; }}
pre span {{ padding-left: .6rem; }}
h3, h4 {{ margin: .8rem 0 0; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{compared} submissions were compared. The pairs below share code that is not part of the assignment as it was handed
out. Names, texts, numbers, comments and the order of cells make no difference. What few submissions have counts more
than what many have.</p>
<p><strong>Shared code says nothing of how it came about.</strong> Two people may have worked together as they were
allowed to, or from the same page of a book. Short answers are often alike. Read the passages, and talk to the students
before you draw a conclusion.</p>
{pairs}
{others}
</main>
</body>
</html>
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
    return PAGE.format(title=escape(title), compared=similarity.compared, pairs=pairs, others=others)


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
