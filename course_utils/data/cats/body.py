"""What is below the head: body, paws, tail and collar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils.data.cats.canvas import SIDE, Brush, cast_shadow, coverage, ramp, stroke, window_around
from course_utils.data.cats.coat import Look, body_coat, hair, ruffle
from course_utils.data.cats.pose import Pose
from course_utils.data.drawing import circle, mix, smooth


@dataclass
class Body:
    """How a cat sits."""

    kind: str  # "sit", "loaf" or "peek" (only paws, over an edge)
    lean: float
    stout: float
    tail: int  # -1, 0 or 1: the side it shows on


def draw_body(picture: np.ndarray, pose: Pose, look: Look, body: Body, light: list[float]) -> None:
    """Draw what is below the head, and the shadow it casts, into ``picture``, in place."""
    frame = Pose(pose.centre, pose.scale, 0.2 * pose.roll + body.lean, 0, 0)
    f = body.stout
    if body.kind == "sit":
        right = [
            (0.55, 0.1),
            (0.68, 0.75),
            (0.84 * f, 1.2),
            (1.02 * f, 1.8),
            (1.22 * f, 2.4),
            (1.2 * f, 2.85),
            (0.7, 3.0),
        ]
    else:
        right = [(0.6, 0.0), (1.05 * f, 0.45), (1.45 * f, 0.85), (1.58 * f, 1.3), (1.35 * f, 1.62), (0.7, 1.7)]
    bottom = right[-1][1]
    outline = smooth([*right, (0, bottom), *[(-a, b) for a, b in reversed(right)]])
    polygons = [frame.flat(outline)]
    paws = [(s * 0.34, bottom - 0.08) for s in (-1, 1)]
    polygons += [frame.flat(circle(p, (0.33, 0.2))) for p in paws]
    if body.tail:
        t = body.tail
        y = bottom
        path = smooth(
            [(t * 0.9 * f, y - 0.35), (t * 1.6 * f, y - 0.25), (t * 1.95 * f, y - 0.7), (t * 1.75 * f, y - 1.2)], False
        )
        polygons.append(frame.flat(stroke(path, 0.36, (0.9, 0.5))))
    window = window_around(np.concatenate(polygons), 0.12 * pose.scale + 2)
    x0, y0, x1, y1 = window
    if x1 - x0 < 2 or y1 - y0 < 2:  # a large head at the bottom hides it
        return
    u, v = frame.grid(*window)
    i, j = look.shift[2:4]
    # The fur flows down and outwards from the neck.
    flow = u / (0.75 + 0.3 * np.clip(v, 0, 3))
    strands = hair(v * 120 + 16 * u * u + j, flow * 95 + 7 * np.sin(3 * v + i) + 2048)
    push = -look.fluff * pose.scale * 0.6 * strands
    alpha = ruffle(coverage(polygons, window), push * np.tanh(2 * u), push * 0.5)
    rgb = body_coat(look, u * (1 + 0.02 * strands), v + 0.06 * strands)
    rgb = np.clip(rgb * (1 + 0.11 * strands)[..., None] + 0.02 * strands[..., None], 0.015, 1)
    half = np.interp(v, [0, 1, 2, 3], [0.7, 1.0, 1.25, 1.3] if body.kind == "sit" else [0.9, 1.6, 1.6, 1.6]).astype(
        np.float32
    )
    across = np.clip(u / half, -1, 1)
    shade = 0.72 + 0.30 * across * light[0] + 0.25 * np.sqrt(1 - across**2) * light[2]
    shade -= 0.42 * np.exp(-((u / 0.8) ** 2) - ((v - 0.75) / 0.4) ** 2)  # the head's shadow on the chest
    if body.kind == "sit":
        # The forelegs stand before the belly.
        shade -= 0.30 * ramp(v, 1.5, 2.2) * np.exp(-(((np.abs(u) - 0.66) / 0.07) ** 2))
        shade -= 0.25 * ramp(v, 1.5, 2.2) * np.exp(-((u / 0.05) ** 2))
        shade -= 0.18 * np.exp(-(((np.hypot(np.abs(u) - 0.95 * f, v - 2.45) - 0.45) / 0.06) ** 2))
    shade -= 0.25 * ramp(v, bottom - 0.5, bottom + 0.1)
    cover = np.zeros((SIDE, SIDE), np.float32)
    cover[y0:y1, x0:x1] = alpha
    cast_shadow(picture, cover, (-10 * light[0], 6))
    patch = picture[y0:y1, x0:x1]
    patch += alpha[..., None] * (rgb * np.clip(shade, 0.2, 1.15)[..., None] - patch)
    brush = Brush.on(picture, window, 2)
    paint_paws(brush, frame, look, paws)
    if look.collar is not None and body.kind == "sit":
        band = smooth([(-0.72, 0.72), (-0.4, 0.98), (0, 1.07), (0.4, 0.98), (0.72, 0.72)], closed=False)
        brush.fill(frame.flat(stroke(band, 0.17, (0.9, 0.9))), look.collar * 0.75)
        brush.fill(frame.flat(stroke(band - (0, 0.02), 0.10, (0.9, 0.9))), look.collar)
        brush.fill(frame.flat(circle((0.0, 1.2), 0.13)), (0.80, 0.62, 0.18))
        brush.fill(frame.flat(circle((-0.03, 1.17), 0.06)), (0.99, 0.90, 0.55))
        brush.fill(frame.flat(circle((0.0, 1.26), (0.025, 0.05))), (0.25, 0.18, 0.08))
    picture[y0:y1, x0:x1] = brush.picture()


def paint_paws(brush: Brush, frame: Pose, look: Look, paws) -> None:
    """Draw paws with toes, centred at the points ``paws`` (N, 2) of ``frame``."""
    colour = {"plain": look.base, "tabby": mix(look.base, look.light, 0.5), "point": look.dark}.get(
        look.pattern, look.light
    )
    ink = mix(colour, (0.05, 0.03, 0.03), 0.6)
    for x, y in paws:
        brush.fill(frame.flat(circle((x, y + 0.01), (0.34, 0.21))), colour * 0.7, 0.8)
        brush.fill(frame.flat(circle((x, y - 0.02), (0.31, 0.18))), colour * 0.95, 0.9)
        for toe in (-0.1, 0.1):
            line = [(x + toe, y - 0.02), (x + 1.1 * toe, y + 0.06), (x + 1.2 * toe, y + 0.15)]
            brush.fill(stroke(frame.flat(line), 0.035 * frame.scale, (0.2, 1)), ink, 0.8)
