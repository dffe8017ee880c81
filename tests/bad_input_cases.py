"""Print what bad input gets: all cases of ``bad_input`` and their messages, as Markdown."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path

from bad_input import CASES
from bad_input.cases import outcome


def main() -> None:
    """Print every case and its message as Markdown."""
    print(f"# Bad input: {sum(case.error is not None for case in CASES)} cases and their messages\n")
    print("| case | what is wrong | error | message |\n| --- | --- | --- | --- |")
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            seen = outcome(case, Path(folder))
        if case.error is not None:
            cells = (case.id, case.wrong, type(seen.error).__name__, seen.message)
            print("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    print(f"\n# Odd and right: {sum(case.error is None for case in CASES)} cases that just work\n")
    print("| case | what is odd |\n| --- | --- |")
    for case in CASES:
        if case.error is None:
            print(f"| {case.id} | {case.wrong} |")


if __name__ == "__main__":
    sys.exit(main())
