"""How far the lessons' claims are from failing on other processors: ``make margins``.

Networks that are trained end up elsewhere when sums are rounded in another order, as other processors do. So a claim
about one needs room. Each lesson is run on this machine's own processor and as on the older ones of repeat.py. Every
comparison of numbers in a claim is recorded, with both its sides. What does not vary between the runs is left out; of
the rest, the claims with the least room for how much they vary come first:

    room    how far the claim is from failing, in the run where that is least
    spread  how much this differs between the runs

Room below the spread is little: a fourth processor may well make the claim fail. Claims about times vary as well.
"""

from __future__ import annotations

import ast
import json
import math
import operator
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from repeat import NO_OLDER, PROCESSORS, X86, processor_variables
from suite import ROOT

sys.path.insert(0, str(ROOT))  # where the course is not installed

OWN = "its own"
COMPARISONS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
RECORD = "__record_comparison__"

# A row: the number of the code cell, the claim, and by how much it holds; negative if it does not.
Row = tuple[int, str, float]


@dataclass
class Claim:
    """A comparison in a claim: where it stands, and by how much it holds in each run."""

    lesson: str
    cell: int
    text: str
    held: list[float]

    @property
    def room(self) -> float:
        return min(self.held)

    @property
    def spread(self) -> float:
        return max(self.held) - min(self.held)


class Recording(ast.NodeTransformer):
    """Rewrites ``claim(text, a < b)`` so that both sides are recorded; what is compared, and how, stays the same."""

    def __init__(self, cell: int):
        self.cell = cell

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "claim" and len(node.args) == 2:
            node.args[1] = self.recorded(node.args[1], node.args[0])
        return node

    def recorded(self, condition: ast.expr, text: ast.expr) -> ast.expr:
        if isinstance(condition, ast.IfExp):  # ... if drawn else UNCHECKED
            condition.body = self.recorded(condition.body, text)
        elif isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
            condition.values = [self.recorded(value, text) for value in condition.values]
        elif isinstance(condition, ast.Compare) and all(type(one) in COMPARISONS for one in condition.ops):
            signs = ast.Constant(" ".join(type(one).__name__ for one in condition.ops))
            arguments = [text, ast.Constant(self.cell), signs, condition.left, *condition.comparators]
            return ast.copy_location(ast.Call(ast.Name(RECORD, ast.Load()), arguments, []), condition)
        return condition


def recorder(rows: list[Row]):
    """Return the function that rewritten claims call: it compares as the claim did, and adds to ``rows``."""
    by_name = {kind.__name__: compare for kind, compare in COMPARISONS.items()}

    def record(text: str, cell: int, signs: str, *sides):
        answer = True
        for sign, left, right in zip(signs.split(), sides, sides[1:]):
            try:
                more = float(left) - float(right)
            except (TypeError, ValueError):  # sets, arrays: not numbers that have room
                pass
            else:
                rows.append((cell, str(text), more if sign.startswith("Gt") else -more))
            answer = answer and by_name[sign](left, right)
        return answer

    return record


def run_lesson(path: Path) -> list[Row]:
    """Run a lesson's cells in this process, and return what its claims compared.

    Raises
    ------
    click.ClickException
        If a cell fails otherwise than by a claim that does not hold.
    """
    import matplotlib.pyplot as plt
    from IPython.core.interactiveshell import InteractiveShell

    rows: list[Row] = []
    shell = InteractiveShell.instance()
    shell.user_ns[RECORD] = recorder(rows)
    os.chdir(path.parent)
    number = 0
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        shell.ast_transformers[:] = [_Visitor(number)]
        done = shell.run_cell("".join(cell["source"]))
        error = done.error_before_exec or done.error_in_exec
        if error is not None and not str(error).startswith("No longer true"):
            raise click.ClickException(f"{path.name}, code cell {number}: {type(error).__name__}: {error}")
        plt.close("all")
        number += 1
    return rows


class _Visitor:
    """What IPython wants: a fresh :class:`Recording` for each cell, with places filled in."""

    def __init__(self, cell: int):
        self.cell = cell

    def visit(self, tree: ast.AST) -> ast.AST:
        return ast.fix_missing_locations(Recording(self.cell).visit(tree))


def record(path: Path, processor: str, scratch: Path) -> list[Row]:
    """Run a lesson in a process of its own, as on the given processor."""
    from course_utils.notebooks.kernel import kernel_environment

    folder = scratch / f"{path.stem} {processor}"
    folder.mkdir()
    out = folder / "rows.json"
    environment = kernel_environment(folder) | {"MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8"}
    if processor != OWN:
        environment |= processor_variables(processor)
    command = [sys.executable, "-W", "ignore", __file__, "--record", str(out), str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise click.ClickException(f"{path.stem}, processor {processor}: {done.stderr.strip()[-2000:]}")
    return [(cell, text, held) for cell, text, held in json.loads(out.read_text(encoding="utf-8"))]


def varying(lesson: str, runs: Sequence[Sequence[Row]]) -> list[Claim]:
    """Return the comparisons that do not come out the same in all runs, those with the least room first.

    A comparison that is made several times is taken where it has the least room.
    """
    held: dict[tuple[int, str], list[float]] = {}
    for number, rows in enumerate(runs):
        least: dict[tuple[int, str], float] = defaultdict(lambda: math.inf)
        for cell, text, one in rows:
            least[cell, text] = min(least[cell, text], one)
        for key, one in least.items():
            held.setdefault(key, [math.nan] * len(runs))[number] = one
    claims = [Claim(lesson, cell, text, values) for (cell, text), values in held.items()]
    claims = [claim for claim in claims if not claim.spread <= 1e-4 * max(map(abs, claim.held))]
    return sorted(claims, key=lambda claim: claim.room / claim.spread)


def line_of(claim: Claim) -> str:
    """Return a claim and its numbers in one line."""
    values = " ".join(f"{one:9.3g}" for one in claim.held)
    return f"{claim.room / claim.spread:7.1f}  {values}  {claim.lesson[:2]} cell {claim.cell}: {claim.text}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--lessons", default="", metavar="LIST", help="Only these lessons, such as 06,14; all by default.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Runs side by side.")
@click.option("--most", type=click.IntRange(min=1), default=40, show_default=True, help="How many claims are printed.")
@click.option("--record", "out", type=click.Path(path_type=Path), hidden=True)
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path), metavar="")
def main(lessons: str, jobs: int, most: int, out: Path | None, path: Path | None) -> None:
    """Run lessons as on several processors, and print the claims with the least room between them."""
    from course_utils.notebooks.lessons import find_lessons
    from course_utils.notebooks.network import block_network

    if out is not None and path is not None:
        out.write_text(json.dumps(run_lesson(path)), encoding="utf-8")
        return
    if not X86:
        raise click.ClickException(f"There is nothing to compare this processor with: {NO_OLDER}.")
    try:
        paths = find_lessons(lessons.replace(",", " ").split())
    except FileNotFoundError as error:
        raise click.ClickException(str(error)) from None
    click.echo(block_network())
    processors = [OWN, *PROCESSORS]
    with tempfile.TemporaryDirectory(prefix="course-") as folder, ThreadPoolExecutor(jobs) as pool:
        waiting = {
            lesson: [pool.submit(record, lesson, processor, Path(folder)) for processor in processors]
            for lesson in paths
        }
        claims = []
        for lesson, futures in waiting.items():
            claims += varying(lesson.stem, [future.result() for future in futures])
            click.echo(f"{lesson.stem}: done", err=True)
    claims.sort(key=lambda claim: claim.room / claim.spread)
    click.echo(f"Room / spread, and by how much the claim holds with the processor: {', '.join(processors)}")
    for claim in claims[:most]:
        click.echo(line_of(claim))
    little = sum(claim.room < claim.spread for claim in claims)
    click.echo(f"{len(claims)} comparisons vary; {little} of them by more than their room.")


if __name__ == "__main__":
    main()
