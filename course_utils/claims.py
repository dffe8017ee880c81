"""Sentences that are checked.

The course's first rule is that nothing is claimed that is not checked. :func:`claim` is how a lesson keeps it:
the sentence and the test of it stand in one line, and a sentence that has become untrue fails the notebook.
"""

from __future__ import annotations

import enum


class _Unchecked(enum.Enum):
    UNCHECKED = "not checked with these settings"


UNCHECKED = _Unchecked.UNCHECKED
"""Given to :func:`claim` where a sentence speaks of the drawn data or of the small scale alone, and others are used."""


def claim(statement: str, holds: object) -> None:
    """Print ``statement`` if it holds, and fail if it does not.

    Parameters
    ----------
    statement : str
        What the lesson says, as a sentence that can be read alone.
    holds : bool or UNCHECKED
        A single truth value; a NumPy or torch scalar will do. ``UNCHECKED`` prints the sentence as one that has not
        been checked. It is meant for ``claim("drawn faces are dark", mean < 0.4 if drawn else UNCHECKED)``.

    Raises
    ------
    AssertionError
        If ``holds`` is false.
    TypeError
        If ``holds`` is not one truth value. An array, a string or a forgotten call would otherwise pass as "true".

    >>> claim("two and two make four", 2 + 2 == 4)
    ✓ two and two make four
    >>> claim("every photograph has a cat in it", UNCHECKED)
    – not checked with these settings: every photograph has a cat in it
    """
    if holds is UNCHECKED:
        print(f"– {UNCHECKED.value}: {statement}")
        return
    if type(holds).__name__ in {"bool_", "bool", "Tensor", "ndarray"} and getattr(holds, "ndim", 0) == 0:
        truth = holds.item() if hasattr(holds, "item") else holds
    else:
        truth = None
    if not isinstance(truth, bool):
        raise TypeError(
            f"claim({statement!r}) needs one truth value (a comparison), got {type(holds).__name__}: {holds!r:.80}"
        )
    if not truth:
        raise AssertionError(
            f"No longer true: {statement}\n"
            "If you have run cells twice or in another order, restart the kernel and run from the top."
        )
    print(f"✓ {statement}")
