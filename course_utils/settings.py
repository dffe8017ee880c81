"""Scale, seeds, device and folders: the four things a lesson asks about the machine it runs on.

Three environment variables change them, so that no cell has to:

``COURSE_SCALE``
    ``laptop`` (the default) or ``full``.
``COURSE_DATA``
    The folder for generated and fetched data. Default: the user's cache folder.
``COURSE_DEVICE``
    ``cpu``, ``cuda`` or ``mps``, to overrule :func:`pick_device`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SCALES = ("laptop", "full")


def scale() -> str:
    """Return ``"laptop"`` or ``"full"``, read from ``COURSE_SCALE`` at each call.

    Raises
    ------
    ValueError
        If ``COURSE_SCALE`` is set to anything else.
    """
    value = os.environ.get("COURSE_SCALE", "laptop").strip().lower() or "laptop"
    if value not in SCALES:
        raise ValueError(
            f"COURSE_SCALE is {value!r}; expected one of {', '.join(SCALES)}. Unset it to get the laptop scale."
        )
    return value


def by_scale(laptop: T, full: T) -> T:
    """Return ``laptop`` or ``full``, whichever the current scale asks for.

    >>> by_scale(laptop=8, full=64)  # doctest: +SKIP
    8
    """
    return full if scale() == "full" else laptop


def seed_everything(seed: int = 0) -> None:
    """Seed Python's, NumPy's and torch's global generators with the same number.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1, the range that NumPy accepts.
    """
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # also seeds every CUDA and MPS device


def pick_device():
    """Return the fastest ``torch.device`` at hand: CUDA, then Apple's MPS, then the CPU.

    ``COURSE_DEVICE`` overrules the choice.

    Raises
    ------
    ValueError
        If ``COURSE_DEVICE`` names no device type, or one that this machine does not have.
    """
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    wanted = os.environ.get("COURSE_DEVICE", "").strip().lower()
    if wanted:
        if not available.get(wanted.split(":")[0], False):
            here = ", ".join(name for name, there in available.items() if there)
            raise ValueError(f"COURSE_DEVICE is {wanted!r}; this machine has: {here}.")
        return torch.device(wanted)
    return torch.device(next(name for name, there in available.items() if there))


def data_dir() -> Path:
    """Return the folder that holds generated and fetched data; it need not exist yet.

    ``COURSE_DATA`` names it; otherwise it is the user's cache folder (``~/.cache/fourier-to-efficientnet`` on Linux).
    """
    named = os.environ.get("COURSE_DATA", "").strip()
    if named:
        return Path(named).expanduser().resolve()
    import pooch

    return Path(pooch.os_cache("fourier-to-efficientnet"))
