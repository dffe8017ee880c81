"""Two lessons open at once, on one data folder; and kernels that are restarted. Run by ``make sessions``."""

from __future__ import annotations

import json

from interrupting import contents, works
from lesson_cells import code_cells, run_up_to, sanitized
from live_kernel import LiveKernel

from course_utils.data.store import make_embedded


def all_as_stored(number: str, runs: dict) -> None:
    """Compare what a lesson's cells printed with what is stored."""
    stored = {cell.id: cell.stored for cell in code_cells(number) if cell.stored is not None}
    printed = {name: run.text for name, run in runs.items() if name in stored}
    wrong = {name: text for name, text in printed.items() if sanitized(text) != sanitized(stored[name])}
    assert wrong == {}


def test_two_lessons_draw_the_same_data_at_once(tmp_path, drawn):
    """Lesson 15 twice, cell by cell at the same time, with nothing drawn yet."""
    data = tmp_path / "data"
    with LiveKernel(data) as one, LiveKernel(data) as other:
        runs: list[dict] = [{}, {}]
        for cell in code_cells("15"):
            both = [kernel.start(cell.source) for kernel in (one, other)]
            for kernel, run, done in zip((one, other), both, runs):
                done[cell.id] = kernel.wait(run)
                assert not run.error, f"{cell.id}: {run.traceback}"
            if cell.id == "59ffbfe4":  # the head is trained, restored from disk and tested
                break
        for done in runs:
            all_as_stored("15", done)
    assert contents(data / "embedded" / make_embedded("cats").name) == contents(make_embedded("cats"))
    assert sorted(path.name for path in (data / "embedded").iterdir() if not path.name.endswith(".lock")) == [
        make_embedded("cats").name
    ]


def test_two_lessons_store_results_at_once(tmp_path):
    """No row is lost, neither between two lessons nor between two copies of one."""
    rows = 60
    store = (
        "from course_utils.results import record, table\n"
        f"for i in range({rows}):\n"
        "    record({lesson}, '{name} %d' % i, parameters=i, multiply_adds=i, seconds=1, correct=1, samples=2)\n"
        "print(table())"
    )
    with LiveKernel(tmp_path) as one, LiveKernel(tmp_path) as other:
        for lessons in ((9, 10), (11, 11)):
            kernels = (one, other)
            runs = [
                kernel.start(store.format(lesson=lesson, name=name))
                for kernel, lesson, name in zip(kernels, lessons, ("first", "second"))
            ]
            for kernel, run in zip(kernels, runs):
                kernel.wait(run)
                assert not run.error, run.traceback
    counts = {
        path.name: len(json.loads(path.read_text(encoding="utf-8"))["rows"])
        for path in sorted((tmp_path / "results").glob("*.json"))
    }
    assert counts == {"09.json": rows, "10.json": rows, "11.json": 2 * rows}


def test_a_lesson_after_a_restart_in_the_middle_of_training(data_folder):
    """Lesson 08, killed while it trains: from the top it prints what is stored, whatever lies in its folder."""
    with LiveKernel(data_folder, bars=True) as kernel:
        run_up_to(kernel, "08", "d91c247a")
        training = code_cells("08")[[cell.id for cell in code_cells("08")].index("1e382b1a")]
        run = kernel.wait(kernel.start(training.source), lambda run: run.bar >= 2)
        assert not run.done
        kernel.restart()
        assert works(kernel, "print('model' in globals())").text.strip() == "False"
        all_as_stored("08", run_up_to(kernel, "08", "01d1974a"))


def test_a_lesson_after_a_restart_behind_its_last_cell(data_folder):
    """Lesson 16 twice in a row, with a restart in between: the same outputs."""
    with LiveKernel(data_folder) as kernel:
        last = code_cells("16")[-1].id
        first = run_up_to(kernel, "16", last)
        all_as_stored("16", first)
        kernel.restart()
        second = run_up_to(kernel, "16", last)
    assert [sanitized(run.text) for run in second.values()] == [sanitized(run.text) for run in first.values()]
