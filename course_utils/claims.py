"""Sentences that are checked.

The course's first rule is that nothing is claimed that is not checked. :func:`claim` is how a lesson keeps it:
the sentence and the test of it stand in one line, and a sentence that has become untrue fails the notebook.
"""

from __future__ import annotations


def claim(statement: str, holds: object) -> None:
    """Print ``statement`` if it holds, and fail if it does not.

    Parameters
    ----------
    statement : str
        What the lesson says, as a sentence that can be read alone.
    holds : bool
        A single truth value; a NumPy or torch scalar will do.

    Raises
    ------
    AssertionError
        If ``holds`` is false.
    TypeError
        If ``holds`` is not one truth value. An array, a string or a forgotten call would otherwise pass as "true".

    >>> claim("two and two make four", 2 + 2 == 4)
    ✓ two and two make four
    """
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
