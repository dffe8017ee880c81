"""What repeat.py and versions.py share: run a command with a time limit, and read what pytest reports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]

# What nbval says of a cell that ran, but printed something else than what is stored.
OTHER_OUTPUT = "Cell outputs differ"


@dataclass
class Outcome:
    """What became of one run of pytest.

    ``failed`` holds the names of the tests that failed; ``other_output`` those of cells that ran and printed something
    else than what is stored. Unless forgiven, a cell of the second kind is in ``failed`` too. ``trouble`` says in one
    line why there is no report to be trusted, and is empty if there is one.
    """

    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    other_output: list[str] = field(default_factory=list)
    seconds: float = 0.0
    trouble: str = ""

    @property
    def ok(self) -> bool:
        return not self.failed and not self.trouble

    def forgive_other_output(self) -> None:
        """Count a cell that ran and printed something else as passed."""
        self.passed += len(self.other_output)
        self.failed = [name for name in self.failed if name not in self.other_output]

    def counts(self) -> str:
        """Return the numbers in words."""
        other = [name for name in self.other_output if name not in self.failed]
        words = f"{self.passed} passed, {len(self.failed)} failed"
        return f"{words}, {len(other)} with other output" if other else words


def run(
    command: Sequence[str | Path],
    log: Path,
    *,
    minutes: float,
    environment: dict[str, str] | None = None,
    cwd: Path = ROOT,
    umask: int = -1,
) -> int | None:
    """Run a command, its output in the file ``log``, and return its exit status; None if it took too long.

    It and all that it started are killed then, and when this process is interrupted.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=environment,
            umask=umask,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def run_tests(command: Sequence[str | Path], log: Path, report: Path, *, minutes: float, **options) -> Outcome:
    """Run a command that makes pytest write the JUnit file ``report``, and return what it says.

    Further arguments are those of :func:`run`.
    """
    report.unlink(missing_ok=True)
    start = time.monotonic()
    status = run(command, log, minutes=minutes, **options)
    outcome = Outcome()
    if status is None:
        outcome.trouble = f"did not end within {minutes:g} minutes; see {log}"
    elif not report.is_file():
        outcome.trouble = f"ended with status {status} and no report: {last_line(log)}; see {log}"
    else:
        outcome = read_report(report)
        if status != 0 and not outcome.failed:
            outcome.trouble = f"ended with status {status}: {last_line(log)}; see {log}"
    outcome.seconds = round(time.monotonic() - start, 1)
    return outcome


def read_report(path: Path) -> Outcome:
    """Return the outcome that a JUnit file of pytest tells."""
    outcome = Outcome()
    for case in ElementTree.parse(path).iter("testcase"):
        bad = [entry for entry in case if entry.tag in ("failure", "error")]
        name = f"{case.get('classname')}::{case.get('name')}"
        if bad:
            outcome.failed.append(name)
            if all(OTHER_OUTPUT in (entry.text or "") for entry in bad):
                outcome.other_output.append(name)
        elif case.find("skipped") is not None:
            outcome.skipped += 1
        else:
            outcome.passed += 1
    return outcome


def last_line(log: Path) -> str:
    """Return the last line of a file that is not blank, shortened."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it printed nothing"


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
