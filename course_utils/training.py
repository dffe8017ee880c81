"""The training loop, features computed once, and checkpoints.

One loop for the whole course: it shows loss and accuracy of both splits, weighted by samples, keeps the best weights on
disk and returns a history that plots itself. Nothing in it is hidden: read :func:`fit` from top to bottom.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from tqdm.auto import tqdm

CHECKPOINT_FORMAT = 1


class Score(NamedTuple):
    """Mean loss and share of correct answers over ``samples`` samples."""

    loss: float
    accuracy: float
    samples: int


@dataclass
class History:
    """What happened in each epoch of one call of :func:`fit`.

    Attributes
    ----------
    train_loss, valid_loss : list of float
        Mean loss a sample. The training values are running means, taken while the weights changed.
    train_accuracy, valid_accuracy : list of float
        From 0 to 1.
    seconds : list of float
        Wall time of each epoch, validation included.
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, with the smallest validation loss; the first of them if several tie."""
        if not self.valid_loss:
            raise ValueError("This history is empty: train for at least one epoch first.")
        return min(range(len(self.valid_loss)), key=self.valid_loss.__getitem__) + 1

    def plot(self, title: str = ""):
        """Draw loss and accuracy of both splits against the epoch; the best epoch is marked. Returns the figure."""
        import matplotlib.pyplot as plt

        from course_utils.plotting import use_style

        use_style()
        fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
        epochs = range(1, len(self.train_loss) + 1)
        for axis, quantity, label in zip(axes, ("loss", "accuracy"), ("cross-entropy a sample", "accuracy")):
            axis.plot(epochs, getattr(self, f"train_{quantity}"), "-", label="train")
            axis.plot(epochs, getattr(self, f"valid_{quantity}"), "--", label="validation")
            axis.axvline(self.best_epoch, color="#000000", linewidth=1, linestyle=":", label="best epoch")
            axis.set(xlabel="epoch", ylabel=label)
        axes[0].legend()
        fig.suptitle(title, fontweight="bold")
        return fig


def fit(
    model: nn.Module,
    train_loader: Iterable[tuple[Tensor, Tensor]],
    valid_loader: Iterable[tuple[Tensor, Tensor]],
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[Tensor, Tensor], Tensor] | None = None,
    device: torch.device | str | None = None,
    checkpoint: str | Path | None = None,
) -> History:
    """Train ``model`` and keep the weights of the epoch with the smallest validation loss.

    Taught in lesson 08.

    Parameters
    ----------
    model : torch.nn.Module
        Maps inputs ``(N, ...)`` to logits ``(N, classes)``. Moved to ``device`` and trained in place.
    train_loader, valid_loader : iterable of (inputs, labels)
        Labels are class indices ``(N,)`` of type ``int64``.
    epochs : int
        At least 1.
    optimizer : torch.optim.Optimizer
        Over the parameters of ``model`` that shall change.
    loss_fn : callable, optional
        Mean loss of a batch from logits and labels. Default: cross-entropy.
    device : torch.device or str, optional
        Default: where the model's parameters are.
    checkpoint : str or Path, optional
        File for the best weights, replaced in one step whenever the validation loss improves. Read it back with
        :func:`load_checkpoint`.

    Returns
    -------
    History

    Raises
    ------
    FloatingPointError
        If the loss is infinite or not a number; the checkpoint then still holds the best weights so far.
    ValueError
        If ``epochs`` is below 1 or a loader is empty.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}.")
    loss_fn = loss_fn or nn.functional.cross_entropy
    device = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(device)
    history = History()
    best_loss = math.inf
    batches = len(train_loader) if hasattr(train_loader, "__len__") else None

    with tqdm(total=batches and batches * epochs, unit="batch", leave=True) as bar:
        for epoch in range(1, epochs + 1):
            started = time.perf_counter()
            bar.set_description(f"epoch {epoch}/{epochs}")
            model.train()
            loss_sum, correct, samples = 0.0, 0, 0
            for inputs, labels in train_loader:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad(set_to_none=True)
                logits = model(inputs)
                loss = loss_fn(logits, labels)
                if not torch.isfinite(loss):
                    raise FloatingPointError(
                        f"The training loss became {loss.item()} in epoch {epoch}. "
                        "Try a smaller learning rate, and check that the inputs are finite and normalised."
                    )
                loss.backward()
                optimizer.step()
                # A mean over samples, not over batches: the last batch is often shorter.
                loss_sum += loss.item() * len(labels)
                correct += (logits.argmax(1) == labels).sum().item()
                samples += len(labels)
                bar.update()
                bar.set_postfix_str(f"train loss {loss_sum / samples:.3f}", refresh=False)
            if samples == 0:
                raise ValueError("The training loader gave no batch. Is the data set smaller than the batch size?")
            valid = evaluate(model, valid_loader, loss_fn=loss_fn, device=device)
            history.train_loss.append(loss_sum / samples)
            history.train_accuracy.append(correct / samples)
            history.valid_loss.append(valid.loss)
            history.valid_accuracy.append(valid.accuracy)
            history.seconds.append(time.perf_counter() - started)
            bar.set_postfix_str(f"train loss {loss_sum / samples:.3f}, validation loss {valid.loss:.3f}")
            if valid.loss < best_loss:
                best_loss = valid.loss
                if checkpoint is not None:
                    save_checkpoint(checkpoint, model, epoch=epoch, valid_loss=valid.loss)
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

    Parameters are those of :func:`fit`. Taught in lesson 08.

    Raises
    ------
    ValueError
        If the loader gives no batch.
    """
    loss_fn = loss_fn or nn.functional.cross_entropy
    device = torch.device(device) if device is not None else next(model.parameters()).device
    loss_sum, correct, samples = 0.0, 0, 0
    # A loader draws a seed whenever it starts. Forked, so that training goes the same way with or without validation.
    with eval_mode(model), torch.random.fork_rng(devices=[]):
        for inputs, labels in loader:
            inputs, labels = inputs.to(device), labels.to(device)
            logits = model(inputs)
            loss_sum += loss_fn(logits, labels).item() * len(labels)
            correct += (logits.argmax(1) == labels).sum().item()
            samples += len(labels)
    if samples == 0:
        raise ValueError("The loader gave no batch. Is the data set empty?")
    return Score(loss_sum / samples, correct / samples, samples)


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


@torch.no_grad()
def extract_features(
    model: nn.Module,
    dataset: Dataset,
    *,
    forward: Callable[[Tensor], Tensor] | None = None,
    batch_size: int = 16,
    device: torch.device | str | None = None,
    description: str = "features",
) -> TensorDataset:
    """Run a frozen network over a data set once and keep what comes out.

    A frozen network in ``eval()`` mode gives the same features for the same image in every epoch, so that a head can be
    trained on the stored ones. Taught in lesson 13.

    Parameters
    ----------
    model : torch.nn.Module
    dataset : torch.utils.data.Dataset
        Gives ``(image, label)`` with images ``(C, H, W)`` that the model takes.
    forward : callable, optional
        Maps a batch ``(N, C, H, W)`` to features ``(N, D)``. Default: ``model.pooled``.
    batch_size : int
    device : torch.device or str, optional
        Default: where the model's parameters are.
    description : str
        Shown before the progress bar.

    Returns
    -------
    torch.utils.data.TensorDataset
        Of ``(features, label)``: features ``(D,)`` in float32, on the CPU; labels in int64.
    """
    forward = forward or model.pooled
    device = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(device)
    features, labels = [], []
    with eval_mode(model), tqdm(total=len(dataset), unit="image", desc=description) as bar:
        for images, batch_labels in DataLoader(dataset, batch_size=batch_size):
            # Channels last is the layout in which CPUs and tensor cores compute convolutions fastest.
            images = images.to(device, memory_format=torch.channels_last)
            features.append(forward(images).float().cpu())
            labels.append(batch_labels)
            bar.update(len(batch_labels))
    if not features:
        raise ValueError("The data set is empty: there is nothing to extract features from.")
    return TensorDataset(torch.cat(features), torch.cat(labels).long())


def save_checkpoint(path: str | Path, model: nn.Module, **numbers: float) -> None:
    """Write the weights of ``model`` and some numbers to ``path``, in one step.

    The file is written under another name and then renamed, so that ``path`` holds the old checkpoint or the new one
    and never half of one, whenever the process dies. Taught in lesson 08.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": CHECKPOINT_FORMAT, "model": model.state_dict(), "numbers": numbers}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | Path, model: nn.Module) -> dict[str, float]:
    """Load weights that :func:`save_checkpoint` wrote into ``model`` and return the numbers stored with them.

    The file is read with ``weights_only=True``: it can hold tensors and numbers, but cannot run code.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no checkpoint of the course, or one of another architecture; ``model`` is then unchanged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No checkpoint at {path}. Train first: `fit(..., checkpoint=path)` writes it.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types here: pickle, zip, runtime and end-of-file errors
        raise ValueError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}). It is damaged, or holds more than "
            "weights. Delete it and train again."
        ) from error
    if not isinstance(content, dict) or content.get("format") != CHECKPOINT_FORMAT:
        raise ValueError(
            f"{path} is no checkpoint of format {CHECKPOINT_FORMAT} as `save_checkpoint` writes it. "
            "Delete it and train again."
        )
    stored, own = content["model"], model.state_dict()
    differing = [key for key in own.keys() & stored.keys() if own[key].shape != stored[key].shape]
    if own.keys() != stored.keys() or differing:
        missing, surplus = sorted(own.keys() - stored.keys()), sorted(stored.keys() - own.keys())
        example = (missing or surplus or differing)[0]
        raise ValueError(
            f"{path} holds weights of another architecture: {len(missing)} tensors are missing, {len(surplus)} "
            f"unknown, {len(differing)} of another shape (for example {example!r}). "
            f"Build the model that was saved, or train this {type(model).__name__} anew."
        )
    model.load_state_dict(stored)
    return content["numbers"]
