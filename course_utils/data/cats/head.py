"""A whole head: fur in light and shade, and the face on it."""

from __future__ import annotations

import numpy as np

from course_utils.data.cats.canvas import SIDE, Brush, coverage, ramp, window_around
from course_utils.data.cats.coat import Look, face_coat, hair, ruffle
from course_utils.data.cats.expression import Expression
from course_utils.data.cats.face import paint_face
from course_utils.data.cats.pose import HEAD, Pose, head_outline
from course_utils.data.drawing import circle


def _relief(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the light and shade of the face's forms, around 0: sockets, bridge of the nose, muzzle, chin."""
    side = np.abs(x)

    def hill(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
        return np.exp(-(((side - cx) / rx) ** 2) - ((y - cy) / ry) ** 2)

    return (
        0.16 * hill(0.19, 0.45, 0.18, 0.13)
        - 0.20 * hill(0.30, 0.66, 0.22, 0.09)
        + 0.08 * hill(0.0, 0.02, 0.10, 0.30)
        - 0.15 * hill(0.20, 0.10, 0.10, 0.20)
        - 0.10 * hill(0.43, -0.05, 0.33, 0.30)
        + 0.06 * hill(0.40, -0.52, 0.3, 0.2)
    )


def draw_head(
    picture: np.ndarray, pose: Pose, look: Look, face: Expression, light: list[float], rng: np.random.Generator
) -> np.ndarray:
    """Draw a head into ``picture``, in place.

    Parameters
    ----------
    light : list of 3 floats, of length 1
        Where the light comes from: right, down, towards the camera.

    Returns
    -------
    array (SIDE, SIDE)
        The head's coverage, 0 to 1, without whiskers.
    """
    polygons = [pose.flat(p) for p in head_outline(look, face, pose.yaw)]
    # The muzzle of a turned head stands out beyond the cheek.
    polygons.append(pose.place(circle((0, 0.50), (0.34, 0.26)), 0.1))
    window = window_around(np.concatenate(polygons), 0.15 * pose.scale + 2)
    x0, y0, x1, y1 = window
    u, v = pose.grid(*window)
    radius, angle = np.hypot(u, v - 0.15), np.arctan2(v - 0.15, u)
    i, j = look.shift[:2]
    across = (angle + 0.05 * np.sin(5 * angle + i)) * np.float32(512 / (2 * np.pi))
    strands = hair(radius * 140 + j, across + 1024)
    push = look.fluff * pose.scale * strands * ramp(radius, 0.5, 0.9) * 0.55 / np.maximum(radius, 0.3)
    c, s = float(np.cos(pose.roll)), float(np.sin(pose.roll))
    dx, dy = push * (c * u - s * (v - 0.15)), push * (s * u + c * (v - 0.15))
    alpha = ruffle(coverage(polygons, window), dx, dy)

    x, y, w = pose.unturn(u, v)
    jitter = 0.03 * strands * ramp(np.hypot(x, y - 0.3), 0.1, 0.5)
    rgb = face_coat(look, x * (1 + jitter), y + jitter * (y - 0.3))
    rgb = rgb * (1 + 0.11 * strands * ramp(np.hypot(x, y - 0.3), 0.05, 0.4))[..., None]
    # Dark fur has more sheen than colour.
    sheen = 0.025 * (1 - float(look.base.mean()))
    rgb = np.clip(rgb + sheen * strands[..., None], 0.015, 1)

    inside = ramp((u / 1.04) ** 2 + (v / 0.94) ** 2, 1.1, 0.75)  # the skull, not the ears
    lx, ly, lz = c * light[0] + s * light[1], c * light[1] - s * light[0], light[2]
    ny, nz = v / HEAD[1] ** 2, w / HEAD[2] ** 2 + 0.15  # a normal of the ellipsoid is u, ny, nz
    facing = (lx * u + ly * ny + lz * nz) / np.sqrt(u * u + ny * ny + nz * nz)
    relief = np.repeat(np.repeat(_relief(x[::2, ::2], y[::2, ::2]), 2, 0), 2, 1)[: x.shape[0], : x.shape[1]]
    shade = 0.62 + 0.46 * facing + relief * inside
    behind = 0.80 + 0.12 * lz + 0.10 * lx * u  # the ears: a plane that faces the camera
    shade = np.clip(behind + inside * (shade - behind), 0.2, 1.2)

    patch = picture[y0:y1, x0:x1]
    patch += alpha[..., None] * (rgb - patch)
    whiskers = window_around(np.concatenate(polygons), 0.75 * pose.scale)
    brush = Brush.on(picture, whiskers, 3 if pose.scale < 55 else 2)
    paint_face(brush, pose, look, face, rng)
    wx0, wy0, wx1, wy1 = whiskers
    picture[wy0:wy1, wx0:wx1] = brush.picture()
    patch = picture[y0:y1, x0:x1]
    patch *= (1 + alpha * (shade - 1))[..., None]
    cover = np.zeros((SIDE, SIDE), np.float32)
    cover[y0:y1, x0:x1] = alpha
    return cover
