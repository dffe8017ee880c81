"""Answers as arrays, whatever kind of numbers they are."""

from __future__ import annotations

import numpy as np
import torch


def as_array(value: object) -> np.ndarray | None:
    """Return numbers of any of the kinds that answers may have as an array, or None if they are no numbers.

    Tensors, arrays and numbers, and lists and tuples of these.
    """
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype == torch.bfloat16 else value).resolve_conj().resolve_neg().numpy()
    if isinstance(value, np.ndarray | np.generic | int | float | complex):
        array = np.asarray(value)
    elif isinstance(value, list | tuple):
        parts = [as_array(part) for part in value]
        if any(part is None for part in parts) or len({part.shape for part in parts}) > 1:
            return None
        array = np.array(parts)
    else:
        return None
    return array if array.dtype.kind in "biufc" else None


def close(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    """Tell whether two arrays of one shape differ by at most ``tolerance`` times ``other``'s largest number, or 1."""
    one, other = (a.astype(complex if a.dtype.kind == "c" else float) for a in (one, other))
    if not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return False
    finite = np.isfinite(other)
    largest = max(np.abs(other[finite]).max(initial=0), 1)
    return bool((np.abs(one[finite] - other[finite]) <= tolerance * largest).all())
