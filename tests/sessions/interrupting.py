"""Presses the stop button in the middle of training, of a search and of drawing data. Run by ``make sessions``."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lesson_cells import run_up_to, source_of
from live_kernel import LiveKernel, Run

from course_utils.data.store import make_embedded

SOON = 10  # CPU seconds from the stop button to the answer; a batch takes a fraction of one


def stop(kernel: LiveKernel, source: str, at: float) -> None:
    """Run code, press stop when a progress bar has come to ``at``, and check that it stops soon and leaves nothing."""
    run = kernel.wait(kernel.start(source), lambda run: run.bar >= at)
    assert not run.done, f"it ended before its bar came to {at}: {run.error or run.text[-300:]}"
    took = kernel.interrupt(run)
    assert run.error.startswith("KeyboardInterrupt"), run.traceback or "it ran to its end"
    assert took < SOON
    # A session holds the frames of its last error, and what they hold, until the next error takes their place.
    kernel.run("raise KeyboardInterrupt")
    left = kernel.left_behind()
    assert not any(left.values()), left


def works(kernel: LiveKernel, source: str) -> Run:
    """Run code that must succeed."""
    run = kernel.run(source)
    assert not run.error, run.traceback
    return run


def stored(kernel: LiveKernel, path: Path) -> dict:
    """Return what a file of weights says of itself; nothing half-written may lie beside it."""
    assert list(path.parent.glob(f"{path.name}.*")) == []
    return kernel.ask(f"stored({str(path)!r})")


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of each file in a folder, by its path inside."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest() for path in files}


def test_training_in_lesson_08(data_folder):
    train, runs = "10a738e1", data_folder / "runs" / "08"
    with LiveKernel(data_folder, bars=True) as kernel:
        run_up_to(kernel, "08", "1e382b1a")
        batches = int(works(kernel, "print(len(train_loader))").text)
        for epochs in (1.5, 2.5):
            stop(kernel, source_of("08", train), epochs * batches)
            assert stored(kernel, runs / "best.pt")["numbers"]["epoch"] >= 1
            # The network is that of the last batch: it can be tested, trained further, and given the best weights.
            works(kernel, "validate(model, valid_loader), train_epoch(model, train_loader, optimizer)")
            works(
                kernel, "from course_utils.training import load_checkpoint; load_checkpoint(folder / 'best.pt', model)"
            )
        run_up_to(kernel, "08", "ec6bee0a", first=train)  # the cell again, and the claims about it


def test_going_on_in_lesson_08(data_folder):
    with LiveKernel(data_folder, bars=True) as kernel:
        run_up_to(kernel, "08", "d91c247a")
        works(kernel, "from course_utils.training import fit")
        works(kernel, source_of("08", "8aa1a672"))
        works(kernel, "path = folder / 'run.pt'")
        batches = int(works(kernel, "print(len(train_loader))").text)
        go_on = "resumed = run(EPOCHS, resume=path)"
        before = 0
        for epochs in (1.5, 4.5):
            stop(kernel, go_on, epochs * batches)
            done = stored(kernel, data_folder / "runs" / "08" / "run.pt")["epochs"]
            assert before < done < 12
            before = done
        kernel.restart()  # and the same in a fresh kernel
        run_up_to(kernel, "08", "d91c247a")
        works(kernel, "from course_utils.training import fit")
        works(kernel, source_of("08", "8aa1a672"))
        run = works(kernel, f"path = folder / 'run.pt'; {go_on}; whole = run(EPOCHS)")
        assert run.bar == 12 * batches
        works(kernel, "assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters()))")


def test_training_with_worker_processes(data_folder):
    with LiveKernel(data_folder, bars=True) as kernel:
        run_up_to(kernel, "08", "d91c247a")
        works(kernel, "from course_utils.training import fit; model, optimizer, _ = prepare(SEED)")
        loader = "DataLoader(train, batch_size=32, shuffle=True, num_workers=2)"
        fit = f"history = fit(model, {loader}, valid_loader, epochs={{}}, optimizer=optimizer)"
        stop(kernel, fit.format(30), 20)
        works(kernel, fit.format(1))
        left = kernel.left_behind()
        assert not any(left.values()), left


def test_features_and_training_in_lesson_15(data_folder):
    features, training = "dbd861a9", "c504aaf6"
    with LiveKernel(data_folder, bars=True) as kernel:
        run_up_to(kernel, "15", "12f87aa3")
        stop(kernel, source_of("15", features), 60)
        run_up_to(kernel, "15", "ba8c3a48", first=features)
        stop(kernel, source_of("15", training), 20)
        run_up_to(kernel, "15", "59ffbfe4", first=training)


def test_searches_in_lesson_12(data_folder):
    with LiveKernel(data_folder, bars=True) as kernel:
        random_search, with_ax = "e3323b33", "6fced48f"
        run_up_to(kernel, "12", "6d88a3ad")
        stop(kernel, source_of("12", random_search), 6)
        run_up_to(kernel, "12", "5f3c0f45", first=random_search)
        works(kernel, source_of("12", "7157812c"))
        for trials in (3, 9):  # Ax's own first trials, and those that its model asks for
            stop(kernel, source_of("12", with_ax), trials)
        works(kernel, source_of("12", with_ax))
        assert works(kernel, "print(len(ax_searches), len(ax_searches[0]))").text.split() == ["1", "24"]


def test_drawing_data(tmp_path, drawn):
    draw = "from course_utils.data import load_cats; cats = load_cats(); print([len(part) for part in cats])"
    data = tmp_path / "data"
    with LiveKernel(data, bars=True) as kernel:
        run = kernel.wait(kernel.start(draw), lambda run: run.bar >= 40)
        assert not run.done
        kernel.restart()
        for at in (20, 120):
            stop(kernel, draw, at)
            assert [path.name for path in (data / "embedded").iterdir() if not path.name.endswith(".lock")] == []
        drawing = kernel.wait(kernel.start(draw), lambda run: run.bar >= 20)
        with LiveKernel(data) as other:  # it waits for the first, and can be stopped meanwhile
            waiting = other.wait(other.start(f"print('asked', flush=True); {draw}"), lambda run: "asked" in run.text)
            other.interrupt(waiting)
            assert waiting.error.startswith("KeyboardInterrupt")
        kernel.wait(drawing)
        assert not drawing.error and drawing.text.strip() == "[240, 68, 36]"
    (cats,) = (path for path in (data / "embedded").iterdir() if path.is_dir())
    assert cats.name == make_embedded("cats").name
    assert contents(cats) == contents(make_embedded("cats"))
