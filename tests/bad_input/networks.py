"""Right networks, batches and runs of training for the cases to spoil, and how a case of ``fit`` is added."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bad_input.cases import Attempt, bad
from course_utils import training


def blobs(samples: int = 8, seed: int = 0) -> TensorDataset:
    """Two clouds of points, 4 numbers each."""
    labels = torch.arange(samples) % 2
    points = torch.randn(samples, 4, generator=torch.Generator().manual_seed(seed))
    return TensorDataset(points + 2.0 * labels[:, None], labels)


POINTS, CLASSES = blobs().tensors


def batches(inputs=None, labels=None, size: int = 4, **options) -> DataLoader:
    """Return the batches of the clouds, or of other inputs or labels in their place."""
    points, classes = blobs().tensors
    inputs, labels = (points if inputs is None else inputs), (classes if labels is None else labels)
    return DataLoader(TensorDataset(inputs, labels), batch_size=size, **options)


def network(hidden: int = 6, norm: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, hidden), *[nn.BatchNorm1d(hidden)] * norm, nn.ReLU(), nn.Linear(hidden, 2))


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def training_of(folder: Path, model=None, train=None, valid=None, *, optimizer=None, **options) -> Attempt:
    """Return a run of :func:`fit` that is right but for what is given, with a good checkpoint and a run on disk."""
    model = network() if model is None else model
    best, run = folder / "runs/best.pt", folder / "runs/run.pt"
    training.save_checkpoint(best, network(), epoch=1, valid_loss=0.5)
    parameters = list(model.parameters())
    optimizer = optimizer or torch.optim.SGD(parameters or [torch.zeros(1, requires_grad=True)], lr=0.1)
    options = {"epochs": 2, "checkpoint": best, "resume": run} | options
    train, valid = (batches() if loader is None else loader for loader in (train, valid))

    def call():
        with contextlib.redirect_stderr(io.StringIO()):  # the progress bar
            return training.fit(model, train, valid, optimizer=optimizer, **options)

    return Attempt(call, model=model, optimizer=optimizer)


def fits(id: str, wrong: str, error=ValueError, *, steps=False, **words):
    """Add a case whose function returns the arguments for :func:`training_of`."""

    def add(arguments):
        def prepare(folder: Path) -> Attempt:
            return training_of(folder, **arguments())

        return bad(f"fit-{id}", wrong, error, steps=steps, **words)(prepare)

    return add


# What is said of a loader that gives nothing.
EMPTY = {"expected": "expected one at least", "came": "gave no batch"}
