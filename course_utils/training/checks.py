"""What training asks of its arguments and of every batch; what does not fit is said in a sentence or two.

PyTorch finds the same mistakes later, in the middle of an epoch and in the terms of its kernels, or not at all: an
optimizer of another model trains nothing, without a word.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from operator import length_hint
from pathlib import Path

import torch
from torch import Tensor, nn


def chosen_device(device: torch.device | str | None, model: nn.Module) -> torch.device:
    """Return the device that is asked for, by default that of the parameters of ``model``; the CPU if it has none.

    Raises
    ------
    ValueError
        If the device has no such name, is not there, or holds no numbers (``"meta"``).
    """
    own = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    try:
        chosen = own if device is None else torch.device(device)
    except RuntimeError:
        raise ValueError(
            f"device is {device!r}; expected 'cpu', 'cuda' or 'mps'. Leave it out to compute where the model is."
        ) from None
    if "meta" in (own.type, chosen.type):
        raise ValueError(
            f"device is {str(chosen)!r} and {type(model).__name__} is on {str(own)!r}; expected a device that holds "
            "numbers, and 'meta' holds shapes alone. Build the model on the CPU, and leave device out."
        )
    if not _is_here(chosen):
        raise ValueError(
            f"device is {str(chosen)!r}, and this machine does not have it, or this PyTorch cannot use it. "
            "Expected one that `pick_device()` returns: leave device out, or use 'cpu'."
        )
    return chosen


def _is_here(device: torch.device) -> bool:
    if device.type == "cuda":  # asked like this, the GPU need not be started
        return (device.index or 0) < torch.cuda.device_count()
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):  # no such processor; a PyTorch that was built without it
        return False
    return True


def check_run(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable | None,
    scheduler: object | None,
    loaders: dict[str, Iterable],
) -> None:
    """Raise a ValueError if these cannot train together; ``loaders`` are named as an error names them."""
    name = type(model).__name__
    parameters = list(model.parameters())
    trainable = {id(parameter) for parameter in parameters if parameter.requires_grad}
    if not parameters:
        raise ValueError(
            f"model is a {name} without parameters; expected layers with weights to train. "
            "`evaluate` measures a model that has none."
        )
    if not trainable:
        raise ValueError(
            f"model is a {name} whose {len(parameters)} parameters are all frozen (requires_grad=False); expected one "
            "to train at least. Call requires_grad_(True) on the part that shall learn."
        )
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not any(id(parameter) in trainable for parameter in held):
        raise ValueError(
            f"optimizer holds {len(held)} parameters, none of them one of the {len(trainable)} that this {name} can "
            "train: it was made for another model, or before a layer was replaced. Make it from this model: "
            f"{type(optimizer).__name__}(model.parameters(), ...)."
        )
    if getattr(scheduler, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            "scheduler steps another optimizer than the one that was given, whose learning rate would never change. "
            f"Make it from this one: {type(scheduler).__name__}(optimizer, ...)."
        )
    check_loss_fn(loss_fn)
    for loader, batches in loaders.items():
        if length_hint(batches, 1) == 0:
            raise no_batch(loader)


def check_loss_fn(loss_fn: Callable | None) -> None:
    """Raise a ValueError if the loss says that it returns something else than the mean of a batch."""
    reduction = getattr(loss_fn, "reduction", "mean")
    if isinstance(loss_fn, nn.Module) and reduction != "mean":
        raise ValueError(
            f"loss_fn is {type(loss_fn).__name__} with reduction={reduction!r}; expected the mean of a batch, from "
            "which the mean of an epoch is computed. Leave reduction out."
        )


def check_epochs(name: str, value: int) -> None:
    """Raise a ValueError unless ``value`` is a whole number of at least 1."""
    if not isinstance(value, Integral) or value < 1:
        hint = " Leave it out to train all epochs." if name == "patience" else ""
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.{hint}")


def check_place(name: str, path: str | Path) -> None:
    """Raise a ValueError if the file ``path`` cannot be written: before an epoch is spent on what it would hold."""
    path = Path(path)
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        example = (path if path.is_dir() else path.parent) / "run.pt"
        raise ValueError(f"{name} is {path}, which is {kind}; expected a file to write, such as {example}.")
    above = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    if not above.is_dir():
        raise ValueError(f"{name} is {path}, and {above} is a file; expected a folder there. Name another place.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ValueError(
            f"{name} is {path}, and the permissions of the folder {above} forbid to write there. Name another place."
        )


def no_batch(loader: str) -> ValueError:
    """Return the error for a loader without a batch."""
    return ValueError(
        f"The {loader} loader gave no batch; expected one at least. Is the data set empty, or smaller than one batch "
        "with drop_last, or a generator that has been read before?"
    )


def batches_of(loader: Iterable, name: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of a loader, each of which is a pair of tensors, inputs and as many class indices.

    Raises
    ------
    TypeError
        If a batch is no pair of tensors, or the items of the data set cannot be made into one.
    ValueError
        If the shapes do not fit together, or the labels are not int64.
    """
    batches = iter(loader)
    number = 0
    while True:
        number += 1
        try:
            batch = next(batches)
        except StopIteration:
            return
        except (TypeError, RuntimeError) as error:
            said = str(error)
            if "default_collate" in said:
                found = said.partition("found ")[2].partition("\n")[0] or "something else"
                raise TypeError(
                    f"Batch {number} of the {name} loader cannot be made of the data set's items; expected tensors and "
                    f"numbers, got {found:.80}. Give the data set a transform that turns a picture into a tensor."
                ) from error
            if "to be equal size" in said:
                shapes = said.partition("equal size, but ")[2].partition("\n")[0]
                raise ValueError(
                    f"Batch {number} of the {name} loader cannot be made of the data set's items; expected inputs of "
                    f"one shape, {shapes:.100}. Resize or crop the pictures to one size in the transform."
                ) from error
            raise
        if not _is_pair(batch):
            raise TypeError(
                f"Batch {number} of the {name} loader is {_described(batch)}; expected a pair of tensors, "
                "(inputs, labels). Use a DataLoader of a data set with items (input, label)."
            )
        inputs, labels = batch
        if inputs.ndim == 0 or labels.ndim != 1 or labels.dtype != torch.int64 or len(labels) != len(inputs):
            hint = "Give one label for each input."
            if labels.ndim == 0:
                hint = "Put the data set into a DataLoader, which makes batches."
            elif labels.ndim == 2:
                hint = "Turn rows with one entry per class into indices with labels.argmax(1)."
            elif labels.dtype != torch.int64:
                hint = "Convert them with labels.long()."
            raise ValueError(
                f"Batch {number} of the {name} loader holds inputs {_described(inputs)} and labels "
                f"{_described(labels)}; expected inputs (N, ...) and labels (N,), class indices in torch.int64. {hint}"
            )
        yield inputs, labels


def check_answers(logits: Tensor, labels: Tensor, model: nn.Module, loader: str) -> None:
    """Raise a ValueError unless ``logits`` are (N, classes) and the N labels are below the number of classes.

    Call it with labels that are still on the CPU: a GPU finds a wrong one too, but computes nothing more after it.
    """
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(labels) or logits.shape[1] == 0:
        raise ValueError(
            f"{type(model).__name__} returned {_described(logits)} for a batch of {len(labels)} of the {loader} "
            f"loader; expected logits ({len(labels)}, classes), or ({len(labels)}, 1) for two classes. Change its last "
            "layers, for example by nn.Flatten() and nn.Linear(..., classes)."
        )
    if labels.device.type != "cpu" or len(labels) == 0:
        return
    lowest, highest = (int(label) for label in labels.aminmax())
    outputs = logits.shape[1]
    classes = max(outputs, 2)  # one logit tells two classes apart
    if lowest < 0 or highest >= classes:
        raise ValueError(
            f"A batch of the {loader} loader holds the label {lowest if lowest < 0 else highest}; expected 0 to "
            f"{classes - 1}, because {type(model).__name__} returns {outputs} logit{'s' * (outputs > 1)} an input. "
            "Number the classes from 0, and give the last layer one output for each."
        )


def check_loss(loss: Tensor, loss_fn: Callable) -> None:
    """Raise a ValueError unless ``loss`` is one number that depends on the model's parameters."""
    trains = torch.is_grad_enabled()
    if not isinstance(loss, Tensor) or loss.ndim > 0 or (trains and not loss.requires_grad):
        got = _described(loss) + (", detached from the model" if isinstance(loss, Tensor) and loss.ndim == 0 else "")
        raise ValueError(
            f"loss_fn {_name(loss_fn)} returned {got}; expected a tensor of shape (), the mean loss of the batch, "
            "computed from the logits with torch's functions. Take .mean() at the end, and no .item() or .detach()."
        )


@contextlib.contextmanager
def explained(part: nn.Module | Callable, loader: str, *tensors: Tensor) -> Iterator[None]:
    """Turn what PyTorch raises when ``part``, a model or a loss, is given ``tensors`` into one sentence about them.

    What a module says itself by a ValueError is passed on, and so is everything about memory.
    """
    try:
        yield
    except (RuntimeError, IndexError, ValueError) as error:
        said, is_loss = _first_line(error), len(tensors) > 1
        if isinstance(error, torch.OutOfMemoryError) or "memory" in said.lower():
            raise
        if "more than 1 value per channel" in said:
            raise ValueError(
                f"A batch of the {loader} loader leaves batch norm one value per channel, inputs "
                f"{_described(tensors[0])}; expected two at least to compute a variance. Set drop_last=True in that "
                "loader, or change its batch_size."
            ) from error
        if isinstance(error, ValueError) and not is_loss:
            raise
        if is_loss:
            advice = "Use a loss of logits (N, classes) and class indices (N,), such as nn.CrossEntropyLoss()."
        else:
            advice = _first_layer(part, tensors[0])
        given = " and ".join(_described(tensor) for tensor in tensors)
        raise ValueError(
            f"{_name(part)} cannot compute with {given}, a batch of the {loader} loader: {said:.130}. {advice}"
        ) from error


def _first_layer(model: nn.Module, inputs: Tensor) -> str:
    """Return what the first layer with weights expects, and what to do."""
    layers = (m for m in model.modules() if not list(m.children()) and any(True for _ in m.parameters(recurse=False)))
    layer = next(layers, None)
    if layer is None:
        return "Change the inputs or the model."
    dtype = next(layer.parameters()).dtype
    if inputs.dtype != dtype:
        return f"Expected {dtype}, as the weights are: convert the inputs, pixels for example with .float() / 255."
    sizes = {
        nn.Linear: lambda: f"(N, {layer.in_features})",
        nn.Conv2d: lambda: f"(N, {layer.in_channels}, H, W), H and W not too small,",
    }
    shape = sizes[type(layer)]() if type(layer) in sizes else f"what {layer!s:.60} takes"
    return f"Expected {shape} for the first layer, {type(layer).__name__}: change the inputs or the model."


def _is_pair(batch: object) -> bool:
    return isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch)


def _described(value: object) -> str:
    """Return what a value is, in a few words: ``(8, 3, 32, 32) of torch.float32``."""
    if isinstance(value, Tensor):
        return f"{tuple(value.shape)} of {value.dtype}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def _name(part: nn.Module | Callable) -> str:
    return getattr(part, "__name__", type(part).__name__)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0].rstrip(".")
