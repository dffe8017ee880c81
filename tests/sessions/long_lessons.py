"""Runs every cell of every lesson twice or three times, and the heaviest cells ten times. Run by ``make sessions``.

A cell that is run again must give the same: what it prints, and what it binds. To tell a cell that goes on from what
its first run has left (a network that is trained further, a list that grows) from one that draws other random numbers,
the run that is compared begins with the random states of the first. ``make sessions LESSONS="08 15"`` chooses lessons.
"""

from __future__ import annotations

import os
from collections import defaultdict

import pytest
from lesson_cells import Cell, code_cells, sanitized
from live_kernel import LiveKernel

from course_utils.notebooks.lessons import find_lessons

LESSONS = find_lessons(os.environ.get("LESSONS", "").split())

# Names that hold measured times, or what follows from them: no two runs agree in them.
TIMES = {
    "02": {"costs", "factor", "growth", "law", "relative", "s", "seconds", "shared", "span", "times"},
    "03": {"agreed", "best", "close", "m", "measured", "own", "pair", "s", "seconds", "tile_times"},
    "05": {"rate", "seconds", "start", "step"},
    "07": {"costs", "mlp_seconds", "pca_seconds", "seconds", "started"},
    "13": {"_", "cached_seconds", "cost", "extraction", "faster", "per_image", "runs"}
    | {"seconds", "slow_seconds", "started"},
    "14": {"rate", "seconds", "separate"},
}

# How a cell that cannot be run again says what to do: "Run the cell with first_part again, then this one."
ADVICE = "Run the cell"

QUICK = 2.0  # CPU seconds: a cell that takes less is also run again as a learner does, with other random numbers
HEAVY = ("07", "10", "11", "15", "17")  # lessons whose heaviest cell is run ten times more
RERUNS = 10
GROWTH = 0.05  # of the resident memory, from the second re-run to the last


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_whose_cells_are_run_again(lesson, data_folder):
    number, troubles = lesson.stem[:2], defaultdict(list)
    with LiveKernel(data_folder) as kernel:
        seconds = {
            cell: run_again(kernel, cell, TIMES.get(number, set()), troubles) for cell in code_cells(str(lesson))
        }
        print(f"lesson {number}: {len(seconds)} cells, {sum(seconds.values()):.0f} CPU s for each once", flush=True)
        for kind, left in kernel.left_behind().items():
            troubles[f"{kind} left behind"] += left
        if number in HEAVY:
            heaviest = max(seconds, key=seconds.get)
            held = memory_of_reruns(kernel, heaviest)
            # From the second on: the first fills caches that stay, such as the convolutions' scratch memory.
            growth = held[-1] / held[1] - 1
            sizes = [round(size / 1e6) for size in held]
            print(f"lesson {number}: memory after each re-run of {heaviest.id} {sizes} MB, {growth:+.1%}", flush=True)
            if growth >= GROWTH:
                troubles["memory grows"].append(held)
    report = [f"{kind}: {one}" for kind, found in troubles.items() for one in found]
    assert report == [], "\n".join(report)


def run_again(kernel: LiveKernel, cell: Cell, times: set[str], troubles: dict[str, list]) -> float:
    """Run a cell two or three times, note what is wrong, and return the CPU seconds of the first run."""
    kernel.ask("keep_random_states('before')")
    first = kernel.run(cell.source)
    if first.error:
        troubles["fails"].append(f"{cell.id}: {first.error}")
        return first.cpu_seconds
    if cell.stored is not None and sanitized(first.text) != sanitized(cell.stored):
        troubles["prints other than what is stored"].append(f"{cell.id}: {first.text!r}, stored {cell.stored!r}")
    values = kernel.ask(f"digests({cell.binds!r})")
    if first.cpu_seconds < QUICK:
        again = kernel.run(cell.source)
        if again.error and ADVICE not in again.error:
            troubles["fails when run again"].append(f"{cell.id}: {again.error}")
    kernel.ask("put_random_states('before')")
    again = kernel.run(cell.source)
    if ADVICE in again.error:  # one clear error is as good as a result
        return first.cpu_seconds
    if again.error:
        troubles["fails when run again"].append(f"{cell.id}: {again.error}")
    elif cell.stored is not None and sanitized(first.text) != sanitized(again.text):
        troubles["prints other when run again"].append(f"{cell.id}: {again.text!r}, before {first.text!r}")
    values_again = kernel.ask(f"digests({cell.binds!r})")
    changed = {name for name in values if values[name] != values_again.get(name)} - times
    if changed:
        troubles["binds other values when run again"].append(f"{cell.id}: {', '.join(sorted(changed))}")
    return first.cpu_seconds


def memory_of_reruns(kernel: LiveKernel, cell: Cell) -> list[int]:
    """Run a cell ten times and return the resident memory after each, in bytes."""
    held = []
    for _ in range(RERUNS):
        run = kernel.run(cell.source)
        assert not run.error, run.traceback
        held.append(kernel.resident_bytes())
    return held
