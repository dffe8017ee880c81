"""A run that is killed at ten random points, and started again each time, equals one that never stopped."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from test_training_resume import Run, assert_identical

from course_utils import training

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal")

EPOCHS = 30
SEED = 5
# Where a process dies: after so many seconds from outside, or by its own hand inside a write of a file.
INSIDE = ("half of the bytes", "before the rename", "after the rename", "between checkpoint and resume file")


def draw_kills():
    """Ten kills: six at random moments, four at random writes, each kind of place once."""
    generator = random.Random(SEED)
    kills = [("outside", generator.uniform(0.0, 0.25)) for _ in range(6)]
    kills += [(place, generator.randint(1, 3)) for place in INSIDE]
    generator.shuffle(kills)
    return kills


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_inside(place, count):
    """Make this process kill itself at ``place`` of write number ``count``."""
    save, replace, names = torch.save, os.replace, []

    def counted_save(content, file):
        names.append(content)
        if place == "half of the bytes" and len(names) == count:
            before = file.tell()
            save(content, file)
            file.flush()
            os.ftruncate(file.fileno(), (before + file.tell()) // 2)
            die()
        if place == "between checkpoint and resume file" and "resume_format" in content and len(names) > count:
            die()
        save(content, file)

    def counted_replace(source, target):
        if place == "before the rename" and len(names) == count:
            die()
        replace(source, target)
        if place == "after the rename" and len(names) == count:
            die()

    torch.save, os.replace = counted_save, counted_replace


def run(folder, kill, started):
    """Train to the end, or to death. Slow enough that a kill from outside hits anywhere in an epoch."""
    torch.set_num_threads(1)
    if kill is not None and kill[0] != "outside":
        die_inside(*kill)
    # Other weights and random numbers in every process: only the file may decide how the run goes on. The first alone
    # is fresh.
    fresh = not (folder / "run.pt").exists()
    trained = Run(start=0 if fresh else random.randrange(10**6))
    slow = trained.train.collate_fn
    trained.train.collate_fn = lambda samples: (time.sleep(0.01), slow(samples))[1]
    started.set()
    trained.fit(EPOCHS, resume=folder / "run.pt", checkpoint=folder / "best.pt")
    torch.save({"state": trained.state()}, folder / "state.pt")


def read(path):
    return torch.load(path, weights_only=True)


@pytest.mark.thorough
def test_ten_kills_change_nothing(tmp_path):
    context = multiprocessing.get_context("forkserver")
    # torch imports its compiler when the first optimizer is made: seconds, in every process that has not.
    context.set_forkserver_preload(["torch._dynamo", "course_utils.training"])

    def start(folder, kill):
        started = context.Event()
        process = context.Process(target=run, args=(folder, kill, started))
        process.start()
        assert started.wait(120)
        return process

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    process = start(whole, None)
    process.join(120)
    assert process.exitcode == 0

    epochs = []
    for kill in draw_kills():
        process = start(killed, kill)
        if kill[0] == "outside":
            time.sleep(kill[1])
            process.kill()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL, f"the run ended before the kill {kill}"
        if (killed / "run.pt").exists():  # whole, whenever it is there
            epochs.append(len(read(killed / "run.pt")["history"]["valid_loss"]))
    assert epochs == sorted(epochs) and 0 < epochs[-1] < EPOCHS
    process = start(killed, None)
    process.join(120)
    assert process.exitcode == 0

    assert_identical(read(killed / "state.pt"), read(whole / "state.pt"))
    assert_identical(read(killed / "best.pt"), read(whole / "best.pt"))
    ends = [read(folder / "run.pt") for folder in (killed, whole)]
    for end in ends:
        assert len(end["history"].pop("seconds")) == EPOCHS
    assert_identical(*ends)  # the random states after the last epoch included
    assert sorted(path.name for path in killed.iterdir()) == ["best.pt", "run.pt", "state.pt"]
    assert training.load_checkpoint(killed / "best.pt", Run().model)["epoch"] <= EPOCHS
    assert Path(killed / "run.pt").stat().st_size == Path(whole / "run.pt").stat().st_size
