"""Weights on disk: written in one step, and read without running code."""

from __future__ import annotations

import glob
import os
import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

CHECKPOINT_FORMAT = 1
WRITES = 3  # how often a write is begun anew that another process has cleared away


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
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder; expected the file that `fit(..., checkpoint=path)` wrote. Name the file."
        )
    if not path.is_file():
        raise FileNotFoundError(f"No checkpoint at {path}. Train first: `fit(..., checkpoint=path)` writes it.")
    content = read_whole(path)
    if problem := foreign(content, "format", CHECKPOINT_FORMAT, {"model": dict, "numbers": dict}):
        raise ValueError(
            f"{path} is no checkpoint of format {CHECKPOINT_FORMAT} as `save_checkpoint` writes it: it {problem}. "
            "Name another file, or train again."
        )
    stored, own = content["model"], model.state_dict()
    differing = [key for key in own.keys() & stored.keys() if own[key].shape != getattr(stored[key], "shape", None)]
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


def foreign(content: object, key: str, number: int, parts: dict[str, type]) -> str | None:
    """Return what tells ``content`` from a file of ours, to be read after "it"; None if nothing does.

    Parameters
    ----------
    content : object
        What was read.
    key, number : str and int
        ``content[key] == number`` says that the file is of our kind and time.
    parts : dict of type
        What else must be there.
    """
    if not isinstance(content, dict):
        return f"holds a {type(content).__name__}"
    if key not in content:
        return f"holds {', '.join(sorted(map(str, content))[:3]) or 'nothing':.80}, and no {key!r}"
    found = content[key]
    if not isinstance(found, int):
        return f"has a {type(found).__name__} for {key!r}"
    if found != number:
        return f"is of format {found}" + ", from a newer version of the course: update yours" * (found > number)
    missing = [part for part, kind in parts.items() if not isinstance(content.get(part), kind)]
    return f"lacks {missing[0]!r}" if missing else None


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

    Raises
    ------
    RuntimeError
        If other runs use ``path`` too, and clear away again and again what this one writes.
    """
    path = Path(path)
    for _ in range(WRITES):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
            return
        except FileNotFoundError:  # a run that has just begun took it for what a killed one left: see remove_partial
            continue
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
    raise RuntimeError(
        f"{path} could not be written, because other runs that use it removed the new file {WRITES} times. Stop them, "
        "or give each run a file of its own."
    )


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
    PermissionError
        If it may not be read: it may be whole then.
    """
    try:
        with zipfile.ZipFile(path) as file:  # torch writes checksums, but does not look at them when it reads
            if (damaged := file.testzip()) is not None:
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except PermissionError as error:
        raise PermissionError(f"{path} cannot be read: its permissions forbid it. Change them.") from error
    except Exception as error:  # torch raises many types here: pickle, zip, runtime and end-of-file errors
        reason = "it is damaged"
        if isinstance(error, zipfile.BadZipFile):
            reason = "it is damaged, or another kind of file" if path.stat().st_size else "it is empty"
        elif isinstance(error, pickle.UnpicklingError):
            reason = "it holds Python objects, which could run a program and have not been loaded"
        raise ValueError(
            f"{path} cannot be read as a checkpoint: {reason}. Expected nothing but tensors, numbers and texts. "
            "Name another file, or delete this one and train again."
        ) from error
