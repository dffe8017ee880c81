"""What a run leaves behind: ``grades.csv``, ``grades.json`` and a feedback page for each student."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

from course_utils.grading.page import html_page
from course_utils.grading.run import RESULTS, Grading, result_name, whole_file, write_whole

STYLE = """
table { width: 100%; }
td.points { white-space: nowrap; }
"""

QUESTIONS = """<table>
<caption>Questions</caption>
<thead><tr><th scope="col">Question</th><th scope="col">Points</th><th scope="col">Why</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def feedback_page(result: dict) -> str:
    """Return a student's page. Everything that came from the submission is escaped; no hidden test is on it."""
    open_points = sum(question["of"] for question in result["questions"] if question["points"] is None)
    total = f"{_number(result['total'])} of {_number(result['of'])} points"
    if open_points:
        total += f"; {_number(open_points)} more are still to be marked by a person"
    rows = []
    for question in result["questions"]:
        if question["points"] is None:
            points, why = f"of {_number(question['of'])}", "A person will mark this answer."
        else:
            points = f"{_number(question['points'])} of {_number(question['of'])}"
            why = question["reason"] or ("Right." if question["points"] == question["of"] else "")
        rows.append(
            f'<tr><th scope="row">{escape(question["name"])}</th><td class="points">{points}</td>'
            f"<td>{escape(why)}</td></tr>"
        )
    notes = "".join(f"<li>{escape(note)}</li>" for note in result["notes"])
    parts = [f"<p><strong>{escape(total)}</strong></p>"]
    if notes:
        parts.append(f"<h2>Notes</h2>\n<ul>{notes}</ul>")
    parts += [QUESTIONS.format(rows="\n".join(rows)), _comments(result.get("comments", []))]
    return html_page(f"{result['assignment']}: {result['student']}", "\n".join(parts), STYLE)


def _comments(comments: list[dict]) -> str:
    """Return what a person has written about answers whose points are those of a test."""
    if not comments:
        return ""
    rows = [f"<dt>{escape(one['name'])}</dt><dd>{escape(one['text'])}</dd>" for one in comments]
    return "<h2>Comments</h2>\n<dl>" + "\n".join(rows) + "</dl>"


def write_reports(
    grading: Grading, out: Path, students: Iterable[str], marked: Callable[[dict], dict] = lambda result: result
) -> Counter[str]:
    """Write the tables from the stored results, student by student, and the feedback pages that are not up to date.

    Parameters
    ----------
    grading : Grading
    out : Path
    students : iterable of str
    marked : callable, optional
        Returns a result with what a person has marked in it.

    Returns
    -------
    Counter of str
        How many results have which status.
    """
    pages = out / "feedback"
    pages.mkdir(parents=True, exist_ok=True)
    graded = [cell.name for cell in grading.assignment.graded]
    statuses: Counter[str] = Counter()
    with whole_file(out / "grades.csv") as table, whole_file(out / "grades.json") as listing:
        writer = csv.writer(table)
        writer.writerow(["student", *graded, "total", "out_of", "needs_marking", "status", "file"])
        listing.write("[")
        for number, student in enumerate(students):
            name = result_name(student)
            result = marked(json.loads((out / RESULTS / f"{name}.json").read_text(encoding="utf-8")))
            statuses[result["status"]] += 1
            points = {question["name"]: question["points"] for question in result["questions"]}
            marks = ["" if points.get(name) is None else _number(points[name]) for name in graded]
            rest = [" ".join(result["needs_marking"]), result["status"], result["file"]]
            totals = [_number(result["total"]), _number(result["of"])]
            writer.writerow([spreadsheet_cell(student), *marks, *totals, *map(spreadsheet_cell, rest)])
            listing.write(",\n" if number else "\n")
            listing.write(json.dumps({key: value for key, value in result.items() if key != "digest"}))
            page, path = feedback_page(result), pages / f"{result_name(student)}.html"
            if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != page:
                write_whole(path, page)
        listing.write("\n]\n")
    return statuses


def _number(value: float) -> str:
    return f"{value:.10g}"


def spreadsheet_cell(text: str) -> str:
    """Keep a spreadsheet from taking a student's file name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
