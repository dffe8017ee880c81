"""A partly right answer to an assignment, and the marks that it must get."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Partial:
    """A submission described by what differs from the reference solution.

    Parameters
    ----------
    answers : dict of str to str
        ``grade_id`` of a solution cell -> the source that replaces it. A cell not named keeps the reference solution.
    marks : dict of str to float
        ``grade_id`` of a graded cell -> the points that it must get. A cell not named must get all of its points.
    """

    answers: dict[str, str]
    marks: dict[str, float] = field(default_factory=dict)
