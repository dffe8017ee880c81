"""A run that stops and goes on equals one that never stopped, bit for bit."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, WeightedRandomSampler

from course_utils import training
from course_utils.training import checkpoints

SCHEDULERS = {
    "none": lambda optimizer: None,
    "step": lambda optimizer: lr_scheduler.StepLR(optimizer, 2, gamma=0.5),
    "multi-step": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [1, 3]),
    "cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=6),
    "one cycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=8),
    "lambda": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch),
    "warm-up": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2), lr_scheduler.ExponentialLR(optimizer, 0.9)],
        milestones=[2],
    ),
    "plateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=1.0),
}
OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-3),
    "adam": lambda parameters: torch.optim.AdamW(parameters, lr=0.01),
}


class Augmented(Dataset):
    """Small images that draw from all three global generators when they are asked for."""

    def __init__(self, n=24):
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(n, 1, 6, 6, generator=generator)
        self.labels = torch.arange(n) % 2

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index] + 0.1 * torch.randn(1, 6, 6)
        if random.random() < 0.5:
            image = image.flip(2)
        return image * float(np.random.uniform(0.9, 1.1)), self.labels[index]


def network(width=4):
    return nn.Sequential(
        nn.Conv2d(1, width, 3),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(16 * width, 2),
    )


class Run:
    """A run built from nothing, as a script that is started again builds it.

    Its seed is always 0. ``start`` moves all generators, and so changes the initial weights and the random numbers.
    """

    def __init__(
        self, start=0, *, optimizer="adam", scheduler="step", workers=0, order="shuffle", width=4, batch_size=7
    ):
        random.seed(start)
        np.random.seed(start)
        torch.manual_seed(0)
        torch.rand(start)
        self.model = network(width)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.scheduler = SCHEDULERS[scheduler](self.optimizer)
        orders = {
            "shuffle": lambda: {"shuffle": True},
            "own generator": lambda: {"shuffle": True, "generator": torch.Generator().manual_seed(3)},
            "weighted": lambda: {"sampler": WeightedRandomSampler(torch.arange(24) + 1.0, 24)},
            "weighted, own generator": lambda: {
                "sampler": WeightedRandomSampler(torch.ones(24), 24, generator=torch.Generator().manual_seed(4))
            },
        }
        self.train = DataLoader(Augmented(), batch_size=batch_size, num_workers=workers, **orders[order]())
        images = torch.randn(10, 1, 6, 6, generator=torch.Generator().manual_seed(1))
        self.valid = DataLoader(TensorDataset(images, torch.arange(10) % 2), batch_size=4)

    def fit(self, epochs, **options):
        self.history = training.fit(
            self.model,
            self.train,
            self.valid,
            epochs=epochs,
            optimizer=self.optimizer,
            scheduler=self.scheduler,
            **options,
        )
        return self

    def state(self):
        """All that two equal runs have in common: weights, buffers, moments, schedule and history but the seconds."""
        schedule = self.scheduler.state_dict() if self.scheduler is not None else {}
        return (
            {key: value.clone() for key, value in self.model.state_dict().items()},
            self.optimizer.state_dict()["state"],
            {key: value for key, value in schedule.items() if not callable(value)},
            {key: value for key, value in vars(self.history).items() if key != "seconds"},
        )


def assert_identical(first, second):
    """Compare nested containers; tensors bit for bit."""
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_identical(first[key], second[key])
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for one, other in zip(first, second):
            assert_identical(one, other)
    elif isinstance(first, torch.Tensor):
        assert first.dtype == second.dtype and torch.equal(first, second)
    else:
        assert first == second


@pytest.mark.parametrize("order", ["shuffle", "own generator", "weighted", "weighted, own generator"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_equals_uninterrupted(tmp_path, optimizer, order):
    options = {"optimizer": optimizer, "order": order}
    whole = Run(**options).fit(5)
    Run(**options).fit(2, resume=tmp_path / "run.pt")
    # Started again with other weights and random numbers: what counts is in the file alone.
    second = Run(start=9, **options).fit(4, resume=tmp_path / "run.pt")
    assert len(second.history) == 4
    third = Run(start=8, **options).fit(5, resume=tmp_path / "run.pt")
    assert_identical(third.state(), whole.state())
    assert len(third.history.seconds) == 5


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_schedule_goes_on_where_it_was(tmp_path, scheduler):
    whole = Run(scheduler=scheduler).fit(5)
    Run(scheduler=scheduler).fit(3, resume=tmp_path / "run.pt")
    resumed = Run(start=1, scheduler=scheduler).fit(5, resume=tmp_path / "run.pt")
    assert_identical(resumed.state(), whole.state())
    if scheduler != "none":
        assert len(set(whole.history.learning_rate)) > 1


def test_resumed_equals_uninterrupted_with_workers_and_channels_last(tmp_path):
    whole = Run(workers=2).fit(3, channels_last=True)
    Run(workers=2).fit(1, channels_last=True, resume=tmp_path / "run.pt")
    resumed = Run(start=9, workers=2).fit(3, channels_last=True, resume=tmp_path / "run.pt")
    assert_identical(resumed.state(), whole.state())


def test_without_the_random_states_the_runs_would_differ(tmp_path, monkeypatch):
    """The comparison above can fail: the file's random states are what makes it hold."""
    whole = Run().fit(3)
    Run().fit(1, resume=tmp_path / "run.pt")
    monkeypatch.setattr("course_utils.training.resume._restore_random_states", lambda *_: None)
    resumed = Run(start=9).fit(3, resume=tmp_path / "run.pt")
    assert not torch.equal(resumed.model[0].weight, whole.model[0].weight)


def test_a_run_that_writes_equals_one_that_does_not(tmp_path):
    plain = Run().fit(3)
    writing = Run().fit(3, resume=tmp_path / "run.pt", checkpoint=tmp_path / "best.pt")
    assert_identical(writing.state(), plain.state())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "run.pt"]


def test_a_finished_run_is_not_trained_again(tmp_path):
    done = Run().fit(3, resume=tmp_path / "run.pt")
    before = (tmp_path / "run.pt").read_bytes()
    again = Run(start=1).fit(3, resume=tmp_path / "run.pt")
    assert_identical(again.state(), done.state())
    assert again.history.seconds == done.history.seconds
    assert (tmp_path / "run.pt").read_bytes() == before


@pytest.mark.parametrize("stop", [1, 3, 6, 7])
def test_early_stopping_counts_on_after_a_resume(tmp_path, stop):
    # A learning rate of 0 improves nothing after the first epoch.
    def patient(start, epochs, **options):
        run = Run(start, scheduler="none")
        for group in run.optimizer.param_groups:
            group["lr"] = 0.0
        run.model[1].momentum = 0.0  # batch norm's statistics would go on changing
        return run.fit(epochs, patience=4, **options)

    assert len(patient(0, 20).history) == 5
    patient(0, stop, resume=tmp_path / "run.pt")
    assert len(patient(1, 20, resume=tmp_path / "run.pt").history) == 5


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(run, folder, message, error=ValueError, **options):
    """Expect one clear error, and nothing changed: neither files, nor weights, nor optimizer, nor random numbers."""
    before, state, generator = files(folder), run.model.state_dict(), torch.get_rng_state()
    state = {key: value.clone() for key, value in state.items()}
    with pytest.raises(error, match=message):
        run.fit(options.pop("epochs", 4), resume=folder / "run.pt", checkpoint=folder / "best.pt", **options)
    assert files(folder) == before
    assert_identical(dict(run.model.state_dict()), state)
    assert not run.optimizer.state and torch.equal(torch.get_rng_state(), generator)


@pytest.fixture
def stopped(tmp_path):
    Run().fit(2, resume=tmp_path / "run.pt", checkpoint=tmp_path / "best.pt")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler": "cosine"}, "the schedule is StepLR there and CosineAnnealingLR here"),
        ({"scheduler": "none"}, "the schedule is StepLR there and none here"),
        ({"batch_size": 5}, "another run: the number of training batches is 4 there and 5 here"),
    ],
)
def test_a_file_of_another_run_is_refused(stopped, options, message):
    refused(Run(**options), stopped, message)


def test_other_options_of_schedule_loss_and_data_are_another_run(stopped):
    gamma = Run(scheduler="none")
    gamma.scheduler = lr_scheduler.StepLR(gamma.optimizer, 2, gamma=0.1)
    refused(gamma, stopped, "another run: gamma of the schedule is 0.5 there and 0.1 here. Set")
    weights = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    refused(
        Run(), stopped, r"another run: weight of the loss is missing there and \[1.0, 3.0\] here. Set", loss_fn=weights
    )
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    refused(Run(), stopped, "another run: label_smoothing of the loss is 0.0 there and 0.1 here. Set", loss_fn=smooth)
    fewer = Run()
    fewer.train = DataLoader(Augmented(23), batch_size=7, shuffle=True)
    refused(fewer, stopped, "another run: the number of training samples is 24 there and 23 here. Set")
    less = Run()
    less.valid = DataLoader(less.valid.dataset, batch_size=5)
    refused(less, stopped, "another run: the number of validation batches is 3 there and 2 here. Set")


def test_three_differences_are_named_and_the_others_counted(stopped):
    refused(
        Run(width=5),
        stopped,
        r"tensor 0.weight is .*; tensor 0.bias is .*; tensor 1.weight is .*; \d+ more differ. Set",
    )


def test_more_epochs_and_another_patience_are_the_same_run(stopped):
    assert len(Run().fit(6, resume=stopped / "run.pt", patience=5).history) == 6


def test_another_learning_rate_or_fewer_parameters_are_another_run(stopped):
    other = Run()
    other.optimizer.param_groups[0]["initial_lr"] = 0.02
    refused(other, stopped, "lr of the optimizer's group 0 is 0.01 there and 0.02 here")
    head = Run()
    head.optimizer = torch.optim.AdamW(head.model[5].parameters(), lr=0.01)
    head.scheduler = SCHEDULERS["step"](head.optimizer)
    refused(head, stopped, "the list of parameters in the optimizer's group 0 is .* there and .* here")
    deeper = Run()
    deeper.model.append(nn.Linear(2, 2))
    refused(deeper, stopped, "tensor 6.weight is missing there and .* here")
    refused(Run(), stopped, "the loss is CrossEntropyLoss there and NLLLoss here", loss_fn=nn.NLLLoss())


def test_a_resume_file_is_no_checkpoint(stopped):
    with pytest.raises(ValueError, match="no checkpoint of format 1"):
        training.load_checkpoint(stopped / "run.pt", network())


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_numpy_numbers_are_stored_as_plain_ones(tmp_path, optimizer):
    def run(numpy, epochs, **options):
        run = Run(optimizer=optimizer, scheduler="none")
        number = np.float32 if numpy else float
        for group in run.optimizer.param_groups:
            group |= {"lr": number(0.03125), "weight_decay": number(0.25)}  # float32 holds both exactly
        run.scheduler = lr_scheduler.StepLR(run.optimizer, np.int64(2) if numpy else 2, gamma=number(0.5))
        return run.fit(epochs, **options)

    whole = run(numpy=True, epochs=5)
    run(numpy=True, epochs=3, resume=tmp_path / "run.pt", checkpoint=tmp_path / "best.pt")
    resumed = run(numpy=False, epochs=5, resume=tmp_path / "run.pt", checkpoint=tmp_path / "best.pt")
    assert_identical(dict(resumed.model.state_dict()), dict(whole.model.state_dict()))
    assert resumed.history.learning_rate == whole.history.learning_rate == [0.03125] * 2 + [0.015625] * 2 + [0.0078125]


def test_what_cannot_be_read_back_is_said_in_the_first_epoch(tmp_path):
    run = Run()
    run.scheduler.note = range(3)
    with pytest.raises(TypeError, match="holds more than tensors, numbers and texts. Give it nothing else"):
        run.fit(2, resume=tmp_path / "run.pt")
    assert not list(tmp_path.iterdir())


class Stream(IterableDataset):
    """A data set without a length."""

    def __iter__(self):
        return ((torch.randn(1, 6, 6), label) for label in (0, 1, 0, 1, 1))


def test_a_stream_without_a_length_can_be_resumed(tmp_path):
    def run(epochs, **options):
        run = Run()
        run.train = DataLoader(Stream(), batch_size=2)
        return run.fit(epochs, **options)

    whole = run(3)
    run(1, resume=tmp_path / "run.pt")
    assert_identical(run(3, resume=tmp_path / "run.pt").state(), whole.state())


def test_persistent_workers_are_refused(tmp_path):
    run = Run()
    run.train = DataLoader(Augmented(), batch_size=7, num_workers=1, persistent_workers=True)
    with pytest.raises(ValueError, match="Set persistent_workers=False"):
        run.fit(1, resume=tmp_path / "run.pt")


def write_while_others_start(path, monkeypatch, starts):
    """Write a file while that many other copies of the run start, each in the middle of a write."""
    fsync = checkpoints.os.fsync

    def start(handle):
        nonlocal starts
        fsync(handle)
        if starts:
            starts -= 1
            checkpoints.remove_partial(path)

    monkeypatch.setattr(checkpoints.os, "fsync", start)
    checkpoints.write_whole(path, {"number": 1})


@pytest.mark.parametrize("starts", [1, 2])
def test_a_run_that_starts_meanwhile_takes_nothing_from_one_that_writes(tmp_path, monkeypatch, starts):
    write_while_others_start(tmp_path / "run.pt", monkeypatch, starts)
    assert checkpoints.read_whole(tmp_path / "run.pt") == {"number": 1}
    assert list(files(tmp_path)) == ["run.pt"]


def test_runs_that_start_without_end_are_one_clear_error(stopped, monkeypatch):
    before = (stopped / "run.pt").read_bytes()
    with pytest.raises(RuntimeError, match="run.pt could not be written, .*Stop them, or give each run a file"):
        write_while_others_start(stopped / "run.pt", monkeypatch, 10**6)
    assert (stopped / "run.pt").read_bytes() == before


def test_leftovers_of_killed_writes_are_cleared_away(stopped):
    for name in ("run.pt.x1.partial", "best.pt.x2.partial", "other.pt.x3.partial"):
        (stopped / name).write_bytes(b"half")
    Run().fit(3, resume=stopped / "run.pt", checkpoint=stopped / "best.pt")
    assert sorted(files(stopped)) == ["best.pt", "other.pt.x3.partial", "run.pt"]
