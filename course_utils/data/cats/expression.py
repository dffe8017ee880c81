"""The expression of a face: seven cues, each from -1 (angry) over 0 (neutral) to +1 (happy).

A cue is present with a probability and has a strength, so that no single one decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils.data.cats.canvas import ramp

CUES = ("ears", "lids", "brow", "corners", "whiskers", "pupils", "gape")
# How often a cue is present, and how strong it is then. Tuned with tests/benchmarks/learnability_cats.py.
PRESENT = {"ears": 0.7, "lids": 0.9, "brow": 0.9, "corners": 0.9, "whiskers": 0.85, "pupils": 0.6, "gape": 0.55}
STRENGTH = (0.65, 1.0)
SPREAD = 0.12  # standard deviation of a cue that is not present, and of the strength of one that is


@dataclass
class Expression:
    """The cues: -1 is angry, 0 is neutral, +1 is happy."""

    ears: float  # flattened and turned outwards .. upright
    lids: float  # narrowed under a frown .. half closed from below, an arc
    brow: float  # furrows .. smooth, with raised cheeks
    corners: float  # corners of the mouth down .. up
    whiskers: float  # drawn back .. relaxed
    pupils: float  # slit or wide open .. medium
    gape: float  # bared teeth .. open smile
    wide_pupils: bool = False
    tongue: bool = False

    @property
    def drop(self) -> float:
        """How far the mouth is open, in the head's units."""
        return 0.26 * ramp(-self.gape, 0.2, 1.0) + 0.13 * ramp(self.gape, 0.25, 1.0)


def sample_expression(rng: np.random.Generator, emotion: int) -> Expression:
    """Return an angry (``emotion`` 0) or happy (1) expression."""
    sign = 1.0 if emotion == 1 else -1.0
    mood = rng.uniform(*STRENGTH)  # how angry or happy this cat is, all cues taken together
    cues = {}
    for name in CUES:
        strength = mood * rng.uniform(0.7, 1.15) if rng.random() < PRESENT[name] else 0.0
        cues[name] = float(np.clip(sign * strength + rng.normal(0, SPREAD), -1, 1))
    return Expression(**cues, wide_pupils=bool(rng.random() < 0.4), tongue=bool(rng.random() < 0.5))
