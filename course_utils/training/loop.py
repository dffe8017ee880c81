"""The training loop of the course."""

from __future__ import annotations

import contextlib
import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterable
from operator import length_hint
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm.auto import tqdm

from course_utils.training.checkpoints import remove_partial, save_checkpoint
from course_utils.training.checks import (
    batches_of,
    check_answers,
    check_epochs,
    check_loss,
    check_loss_fn,
    check_place,
    check_run,
    chosen_device,
    explained,
    no_batch,
)
from course_utils.training.history import History
from course_utils.training.resume import ResumeFile
from course_utils.training.team import Team, join_team, share

# glibc's; other systems' allocators give memory back by themselves.
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


class Score(NamedTuple):
    """Mean loss and share of correct answers over ``samples`` samples."""

    loss: float
    accuracy: float
    samples: int


def fit(
    model: nn.Module,
    train_loader: Iterable[tuple[Tensor, Tensor]],
    valid_loader: Iterable[tuple[Tensor, Tensor]],
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[Tensor, Tensor], Tensor] | None = None,
    scheduler: LRScheduler | None = None,
    patience: int | None = None,
    device: torch.device | str | None = None,
    channels_last: bool = False,
    checkpoint: str | Path | None = None,
    resume: str | Path | None = None,
) -> History:
    """Train ``model`` and keep the weights of the epoch with the smallest validation loss.

    In a script that ``torchrun --nproc-per-node 2 script.py`` starts, the same call trains in two processes: each takes
    its share of every batch, so that ``batch_size`` stays the size of the whole batch. Batch norm then normalises with
    the statistics of a share, and a checkpoint holds their mean over the processes. Dropout and augmentation draw other
    random numbers in each process. All else is equal to one process, up to rounding.

    Taught in lesson 08.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs ``(N, ...)`` to logits ``(N, classes)``, or ``(N, 1)`` for two classes. Moved to ``device`` and
        trained in place. At the end it has the weights of the last epoch; load ``checkpoint`` for the best.
    train_loader, valid_loader : iterable of (inputs, labels)
        Labels are class indices ``(N,)`` of type ``int64``.
    epochs : int
        At least 1.
    optimizer : torch.optim.Optimizer
        Over the parameters of ``model`` that shall change.
    loss_fn : callable, optional
        Mean loss of a batch from logits and labels. Default: cross-entropy. For class weights, pass
        ``nn.CrossEntropyLoss(weight=weights)``: the mean over an epoch is then weighted as the mean over a batch is.
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Learning-rate schedule of ``optimizer``, stepped after every epoch; ``ReduceLROnPlateau`` gets the validation
        loss.
    patience : int, optional
        Stop early, after this many epochs without a smaller validation loss.
    device : torch.device or str, optional
        Such as :func:`course_utils.settings.pick_device` returns. Default: where the model's parameters are.
    channels_last : bool
        Keep images ``(N, C, H, W)`` and kernels in memory with the channels of a pixel side by side, the layout in
        which most processors compute convolutions fastest.
    checkpoint : str or Path, optional
        File for the best weights, replaced in one step whenever the validation loss improves. Read it back with
        :func:`load_checkpoint`.
    resume : str or Path, optional
        File for the state of the run, replaced in one step after every epoch. If it is there at the start, training
        goes on from it, and the weights at the end are those of a run that never stopped, bit for bit, on the same
        machine. One file for one run: with another seed, network, optimizer, schedule or loss it is refused; see
        :class:`course_utils.training.resume.ResumeFile`.

    Returns
    -------
    History
        Of all epochs, those before a resume included.

    Raises
    ------
    FloatingPointError
        If a loss is infinite or not a number; the checkpoint then still holds the best weights so far.
    KeyboardInterrupt
        If you stop it. Model and optimizer are then as the last batch left them, and the files are whole: call it again
        to begin anew, or with the same ``resume`` to go on.
    TypeError
        If a batch is no pair of tensors.
    ValueError
        If an argument or a batch does not fit the others: ``epochs`` or ``patience`` below 1, an empty loader, an
        optimizer of another model, labels that are no class indices, inputs that the model does not take. What can be
        known at the start is said before anything has changed. Or if the file to resume from is damaged or belongs to
        another run: then nothing has been changed.
    """
    check_epochs("epochs", epochs)
    if patience is not None:
        check_epochs("patience", patience)
    for name, path in (("checkpoint", checkpoint), ("resume", resume)):
        if path is not None:
            check_place(name, path)
    if checkpoint is not None and resume is not None and Path(checkpoint) == Path(resume):
        raise ValueError(f"checkpoint and resume are both {resume}. Name two files: they hold different things.")
    check_run(model, optimizer, loss_fn, scheduler, {"training": train_loader, "validation": valid_loader})
    team = join_team(chosen_device(device, model))
    device, layout = team.device, torch.channels_last if channels_last else torch.preserve_format
    model.to(device, memory_format=layout)
    loss_fn = _on_device(loss_fn, device)
    history = History()
    if resume is not None:
        state = ResumeFile(resume, model, optimizer, scheduler, loss_fn, train_loader, valid_loader, team)
        history = state.restore(epochs)
        if checkpoint is not None and team.rank == 0:
            remove_partial(checkpoint)
    if len(history) == 0:
        team.start_together(model)
    train_loader, valid_loader = share(train_loader, team), share(valid_loader, team, whole=True)

    with _progress(train_loader, epochs, done=len(history), team=team) as bar:
        for epoch in range(len(history) + 1, epochs + 1):
            if patience is not None and history.epochs_since_best >= patience:
                break
            started = time.perf_counter()
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            model.train()
            tally = Tally(device)
            for inputs, labels in batches_of(train_loader, "training"):
                optimizer.zero_grad(set_to_none=True)
                with explained(model, "training", inputs):
                    logits = model(inputs.to(device, memory_format=layout, non_blocking=True))
                check_answers(logits, labels, model, "training")
                labels = labels.to(device, non_blocking=True)
                with explained(loss_fn, "training", logits, labels):
                    loss = loss_fn(logits, labels)
                check_loss(loss, loss_fn)
                loss.backward()
                weight = batch_weight(loss_fn, labels)
                team.average_gradients(model, weight)
                optimizer.step()
                tally.add(loss, weight, logits, labels)
                if bar.update():  # true when it was drawn anew, some ten times a second: only then wait for the GPU
                    bar.set_postfix_str(f"train loss {tally.running_loss():.3f}", refresh=False)
            train = tally.score("training", team)
            team.average_buffers(model)
            valid = _evaluate(model, valid_loader, "validation", loss_fn, device, layout, team)
            for name, loss in (("training", train.loss), ("validation", valid.loss)):
                if not math.isfinite(loss):
                    raise FloatingPointError(
                        f"The {name} loss became {loss} in epoch {epoch}; expected a finite number. "
                        "Try a smaller learning rate, and check that the inputs are finite and normalised."
                    )
            history.train_loss.append(train.loss)
            history.train_accuracy.append(train.accuracy)
            history.valid_loss.append(valid.loss)
            history.valid_accuracy.append(valid.accuracy)
            history.learning_rate.append(float(optimizer.param_groups[0]["lr"]))
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(valid.loss)
            elif scheduler is not None:
                scheduler.step()
            history.seconds.append(time.perf_counter() - started)
            bar.set_postfix_str(f"train loss {train.loss:.3f}, validation loss {valid.loss:.3f}")
            if checkpoint is not None and epoch == history.best_epoch:
                if team.rank == 0:
                    save_checkpoint(checkpoint, model, epoch=epoch, valid_loss=valid.loss)
                team.wait()
            if resume is not None:  # after the checkpoint: a kill between the two repeats the epoch and writes it again
                state.save(history)
            if _malloc_trim is not None:
                _malloc_trim(0)  # or the holes that an epoch's batches leave in the heap add up to hundreds of MB
    return history


@torch.no_grad()
def evaluate(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    *,
    loss_fn: Callable[[Tensor, Tensor], Tensor] | None = None,
    device: torch.device | str | None = None,
) -> Score:
    """Return loss and accuracy of ``model`` in ``eval()`` mode; the mode it was in is restored.

    Parameters are those of :func:`fit`. Under ``torchrun``, each process that calls this computes all of it. Taught in
    lesson 08.

    Raises
    ------
    TypeError, ValueError
        If the loader gives no batch, or one that does not fit the model and the loss; see :func:`fit`.
    """
    device = chosen_device(device, model)
    check_loss_fn(loss_fn)
    model.to(device)
    return _evaluate(model, loader, "given", _on_device(loss_fn, device), device, torch.preserve_format, Team(device))


@torch.no_grad()
def _evaluate(
    model, loader, name: str, loss_fn, device: torch.device, layout: torch.memory_format, team: Team
) -> Score:
    tally = Tally(device)
    # A loader draws a seed whenever it starts. Forked, so that training goes the same way with or without validation.
    with eval_mode(model), torch.random.fork_rng(devices=[]):
        for inputs, labels in batches_of(loader, name):
            with explained(model, name, inputs):
                logits = model(inputs.to(device, memory_format=layout, non_blocking=True))
            check_answers(logits, labels, model, name)
            labels = labels.to(device, non_blocking=True)
            with explained(loss_fn, name, logits, labels):
                loss = loss_fn(logits, labels)
            check_loss(loss, loss_fn)
            tally.add(loss, batch_weight(loss_fn, labels), logits, labels)
    return tally.score(name, team)


class Tally:
    """Sums of loss and right answers over batches: means over samples, since the last batch is often shorter.

    The sums stay on the device. To read a number is to wait for the GPU, and once a batch would be too often.
    """

    def __init__(self, device: torch.device) -> None:
        # Apple's MPS has no float64.
        self.loss = torch.zeros((), dtype=torch.float32 if device.type == "mps" else torch.float64, device=device)
        self.weight = self.correct = self.samples = 0

    def add(self, loss: Tensor, weight: float | Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: its mean loss, what that counts for, and which answers are right."""
        self.loss += loss.detach() * weight
        self.weight += weight
        # One logit tells two classes apart by its sign.
        predicted = logits.argmax(1) if logits.shape[1] > 1 else logits[:, 0] > 0
        self.correct += (predicted == labels).sum()
        self.samples += len(labels)

    def running_loss(self) -> float:
        """Return the mean loss so far, of this process."""
        return float(self.loss) / float(self.weight)

    def score(self, loader: str, team: Team) -> Score:
        """Return the means over all batches of all processes; ``loader`` is what an error calls their loader."""
        loss, weight, correct, samples = team.sum(
            float(self.loss), float(self.weight), float(self.correct), self.samples
        )
        if samples == 0:
            raise no_batch(loader)
        return Score(loss / weight, correct / samples, int(samples))


def batch_weight(loss_fn: Callable, labels: Tensor) -> int | Tensor:
    """Return what the mean loss of a batch counts for in the mean of an epoch.

    Without class weights these are its samples. The mean with class weights is divided by the sum of the weights of its
    samples, so that this sum is what it counts for.
    """
    weights = loss_fn.weight if isinstance(loss_fn, (nn.CrossEntropyLoss, nn.NLLLoss)) else None
    return len(labels) if weights is None else weights[labels].sum()


def _on_device(loss_fn: Callable | None, device: torch.device) -> Callable:
    loss_fn = loss_fn or nn.CrossEntropyLoss()
    return loss_fn.to(device) if isinstance(loss_fn, nn.Module) else loss_fn


def _progress(train_loader: Iterable, epochs: int, *, done: int, team: Team) -> tqdm:
    """Return a progress bar over the batches of all epochs; rank 0 alone shows one."""
    batches = length_hint(train_loader) or None  # a data set that is a stream has no length
    hidden = {"disable": True} if team.rank > 0 else {}  # otherwise tqdm's own environment variable decides
    return tqdm(total=batches and batches * epochs, initial=(batches or 0) * done, unit="batch", **hidden)


@contextlib.contextmanager
def eval_mode(model: nn.Module):
    """Put ``model`` into ``eval()`` mode for a ``with`` block, and each of its modules back afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield model
    finally:
        for module, training in modes:
            module.training = training
