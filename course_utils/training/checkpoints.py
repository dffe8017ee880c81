"""Weights on disk: written in one step, and read without running code."""

from __future__ import annotations

import glob
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

CHECKPOINT_FORMAT = 1


def save_checkpoint(path: str | Path, model: nn.Module, **numbers: float) -> None:
    """Write the weights of ``model`` and some numbers to ``path``, in one step.

    ``path`` holds the old checkpoint or the new one and never half of one, whenever the process dies. Taught in
    lesson 08.
    """
    write_whole(path, {"format": CHECKPOINT_FORMAT, "model": model.state_dict(), "numbers": plain(numbers)})


def load_checkpoint(path: str | Path, model: nn.Module) -> dict[str, float]:
    """Load weights that :func:`save_checkpoint` wrote into ``model`` and return the numbers stored with them.

    The file is read with ``weights_only=True``: it can hold tensors and numbers, but cannot run code. Taught in
    lesson 08.

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
    content = read_whole(path)
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


def plain(value: object) -> object:
    """Return ``value`` with Python's numbers in the place of NumPy's, in containers too.

    They have the same value, and files that hold nothing else can be read with ``weights_only=True``.
    """
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if type(value) is dict:
        return {key: plain(item) for key, item in value.items()}
    return value


def write_whole(path: str | Path, content: dict) -> None:
    """Write ``content`` to ``path`` so that at any moment the old file is there or the new one, each of them whole.

    It goes to a file of another name in the same folder, which then takes the place of the old one: renaming is a
    single step of the file system.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def remove_partial(path: str | Path) -> None:
    """Remove what writes of ``path`` left behind that never ended, because their process was killed."""
    path = Path(path)
    for partial in path.parent.glob(f"{glob.escape(path.name)}.*.partial"):
        partial.unlink(missing_ok=True)


def read_whole(path: Path) -> object:
    """Return what :func:`write_whole` wrote, with all tensors on the CPU.

    Raises
    ------
    ValueError
        If the file is damaged, or holds anything but tensors, numbers, texts and containers of them.
    """
    try:
        with zipfile.ZipFile(path) as file:  # torch writes checksums, but does not look at them when it reads
            if (damaged := file.testzip()) is not None:
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types here: pickle, zip, runtime and end-of-file errors
        raise ValueError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}). It is damaged, or holds more than "
            "weights. Delete it and train again."
        ) from error
