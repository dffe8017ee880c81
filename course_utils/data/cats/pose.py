"""Where a head is and how it is turned, and its outline: ears and skull.

The middle of the head is the origin, x goes to the right, y down, z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils.data.cats.coat import Look
from course_utils.data.cats.expression import Expression
from course_utils.data.drawing import smooth

HEAD = (1.0, 0.9, 0.8)  # half axes of the skull along x, y and z; the unit of all lengths on a cat


@dataclass
class Pose:
    """Where a head is and how it is turned. Angles in radians."""

    centre: tuple[float, float]  # pixels
    scale: float  # pixels per unit
    roll: float
    yaw: float
    pitch: float
    tall: float = 1.0  # stretch along y before the roll, so that long and round heads share one drawing

    def place(self, points, lift: float = 0.0) -> np.ndarray:
        """Return the pixels of points of the face (..., 2); ``lift`` is how far they stand out of the skull."""
        p = np.asarray(points, np.float64)
        x, y = p[..., 0], p[..., 1]
        a, b, c = HEAD
        z = c * np.sqrt(np.maximum(1 - (x / a) ** 2 - (y / b) ** 2, 0)) + lift
        cy, sy = np.cos(self.yaw), np.sin(self.yaw)
        turned = np.empty_like(p)
        turned[..., 0] = x * cy + z * sy
        turned[..., 1] = y * np.cos(self.pitch) + (z * cy - x * sy) * np.sin(self.pitch)
        return self.flat(turned)

    def flat(self, points) -> np.ndarray:
        """Return the pixels of points (..., 2) of the head's outline, which a turn does not move."""
        c, s, t = np.cos(self.roll), np.sin(self.roll), self.tall**0.5
        return np.asarray(points, np.float64) @ (np.array([[c / t, s / t], [-s * t, c * t]]) * self.scale) + self.centre

    def grid(self, x0: int, y0: int, x1: int, y1: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the outline's coordinates of the pixels of a window, the inverse of :meth:`flat`."""
        u = (np.arange(x0, x1, dtype=np.float32) + 0.5 - self.centre[0])[None, :] / np.float32(self.scale)
        v = (np.arange(y0, y1, dtype=np.float32) + 0.5 - self.centre[1])[:, None] / np.float32(self.scale)
        c, s = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        stretch = np.float32(self.tall**0.5)
        return (c * u + s * v) * stretch, (c * v - s * u) / stretch

    def unturn(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the face's ``x, y`` seen at the outline's ``u, v``, and the depth there: :meth:`place` backwards."""
        a, b, c = HEAD
        w = np.float32(c) * np.sqrt(np.clip(1 - (u / a) ** 2 - (v / b) ** 2, 0, 1))
        cp, sp = np.float32(np.cos(self.pitch)), np.float32(np.sin(self.pitch))
        cy, sy = np.float32(np.cos(self.yaw)), np.float32(np.sin(self.yaw))
        y, z = v * cp - w * sp, w * cp + v * sp
        return u * cy - z * sy, y, w


def ear(look: Look, cue: float, side: int, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlines of an ear and of its hollow, in the head's plane."""
    angle = np.radians(np.interp(cue, (-1, 0, 1), (-24, -50, -68)) + look.set)
    length = look.ears * np.interp(cue, (-1, 0, 1), (0.74, 0.82, 0.86))
    tilt = np.radians(np.interp(cue, (-1, 0, 1), (50, 40, 35)))
    root = np.array([0.56, -0.52])
    # An ear turned with the head: the far one is seen from the edge.
    breadth = 0.40 * (1 - 0.35 * max(0.0, side * np.sin(yaw))) * np.interp(cue, (-1, 0, 1), (0.92, 1.0, 1.0))
    base = np.array([np.cos(tilt), np.sin(tilt)])
    tip = root + length * np.array([np.cos(angle), np.sin(angle)])
    inner, outer = root - breadth * base, root + breadth * base
    away = (tip - root) / length
    bulge = 0.10 * np.array([away[1], -away[0]])  # towards the middle of the head for an upright ear
    outline = np.array(
        [
            inner - 0.15 * away,
            inner + 0.42 * (tip - inner) + 0.8 * bulge,
            tip - 0.06 * away - 0.03 * base,
            tip - 0.06 * away + 0.03 * base,
            outer + 0.45 * (tip - outer) - 0.9 * bulge,
            outer - 0.15 * away,
        ]
    )
    # A flattened ear shows its back: the hollow shrinks to a slit at the lower edge.
    share = np.interp(cue, (-1, -0.3, 0.4), (0.22, 0.62, 0.72))
    middle = outer * 0.55 + inner * 0.45 if cue > -0.3 else outer * 0.75 + inner * 0.25
    hollow = np.array(
        [
            middle + share * (inner - middle) + 0.04 * away,
            middle + 0.55 * (tip - middle) + share * 0.5 * (inner - middle),
            root * 0.12 + tip * 0.88,
            middle + 0.5 * (tip - middle) + share * 0.62 * (outer - middle),
            middle + share * (outer - middle) + 0.06 * away,
        ]
    )
    flip = np.array([side, 1.0])
    return smooth(outline) * flip, smooth(hollow) * flip


def _skull(look: Look, drop: float) -> np.ndarray:
    """Return the head's outline without ears; ``drop`` is how far an open mouth lowers the chin."""
    w = look.wide
    right = [(0.36, -0.80), (0.70, -0.62), (0.92 * w, -0.22), (w, 0.14), (0.94 * w, 0.42), (0.68, 0.68)]
    right += [(0.36, 0.86 + 0.6 * drop)]
    points = [(0, -0.80), *right, (0, 0.92 + drop), *[(-x, y) for x, y in reversed(right)]]
    return smooth(points)


def head_outline(look: Look, face: Expression, yaw: float) -> list[np.ndarray]:
    """Return the polygons, in the head's plane, that make up its silhouette."""
    ears = [ear(look, face.ears, side, yaw)[0] for side in (-1, 1)]
    return [*ears, _skull(look, face.drop)]


def extent(look: Look, face: Expression, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the silhouette's bounding box, in pixels."""
    points = np.concatenate([pose.flat(p) for p in head_outline(look, face, pose.yaw)])
    return points.min(0), points.max(0)
