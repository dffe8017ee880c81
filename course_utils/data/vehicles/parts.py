"""What the models of airplanes, motorbikes and schooners share: the posed thing itself, colours, round bodies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_utils.data.drawing import Solid, smooth

WHITE, SILVER, BLACK = (0.93, 0.93, 0.92), (0.68, 0.7, 0.73), (0.06, 0.06, 0.07)


class Model(NamedTuple):
    """A vehicle in space and the poses that suit it."""

    solid: Solid
    grounded: bool  # it stands on wheels; False for flying
    contacts: np.ndarray  # (n, 3) points that touch the ground or the water


def ellipses(stations, sides: int) -> np.ndarray:
    """Return elliptical outlines (S, sides, 3) across x; a station is x, z of the middle, half width, half height."""
    x, z, ry, rz = np.asarray(stations, np.float64).T[..., None]
    t = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    return np.stack(np.broadcast_arrays(x, ry * np.cos(t), z + rz * np.sin(t)), -1)


def refine(stations) -> np.ndarray:
    """Return twice as many stations, on a smooth curve through the given ones."""
    return smooth(stations, closed=False, steps=2)
