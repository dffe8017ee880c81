"""Stored results of a lesson, ``results/10.json``."""

from __future__ import annotations

import json

from bad_input.cases import bad
from course_utils import results

# name: (what is wrong, content)
ROW = {"parameters": 1, "multiply_adds": 1, "seconds": 1.0, "correct": 1, "samples": 2}
RESULTS = {
    "empty": ("an empty file", ""),
    "cut": ("a file that is cut short", '{"format": 1, "rows": {"VGG'),
    "list": ("a list", "[]"),
    "no-format": ("a file without a format", "{}"),
    "other-format": ("a file of another format", json.dumps({"format": 2, "rows": {}})),
    "rows-list": ("a list of rows", json.dumps({"format": 1, "rows": []})),
    "row-empty": ("a row without numbers", json.dumps({"format": 1, "rows": {"VGG-A": {}}})),
    "row-text": ("a row with text for a number", json.dumps({"format": 1, "rows": {"VGG-A": {**ROW, "seconds": "1"}}})),
    "row-counts": (
        "a row with more correct than samples",
        json.dumps({"format": 1, "rows": {"VGG-A": {**ROW, "correct": 3}}}),
    ),
}
for name, (wrong, content) in RESULTS.items():
    for verb, call in {
        "table": results.table,
        "record": lambda: results.record(10, "VGG-A", **ROW),
    }.items():

        @bad(
            f"results-{verb}-{name}",
            f"`results.{verb}` with {wrong}",
            ValueError,
            named="/results/10.json",
            expected="results of format 1",
            came="holds no results",
            do="Delete it and run the lesson again",
        )
        def _(folder, content=content, call=call):
            (folder / "data/results").mkdir(parents=True)
            (folder / "data/results/10.json").write_text(content)
            return call
