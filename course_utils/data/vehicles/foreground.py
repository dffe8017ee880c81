"""Things that may stand in front of a vehicle: grass, a fence, people, a branch, birds.

Every function draws on a layer. ``base`` is roughly the row, in pixels, up to which things that stand at the lower
edge reach; what hangs or flies ignores it.
"""

from __future__ import annotations

import numpy as np

from course_utils.data.drawing import Layer, circle, hsv, pick, smooth, vary
from course_utils.data.vehicles.scenes import SIZE


def grass_blades(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw tall grass along the lower edge, up to the row ``base``."""
    tone = vary(rng, pick(rng, [(0.2, 0.36, 0.12), (0.5, 0.46, 0.2), (0.14, 0.22, 0.1)]), 0.05)
    n = int(rng.integers(60, 140))
    x, lean, height = rng.uniform(-5, SIZE[0] + 5, n), rng.normal(0, 10, n), rng.uniform(0.3, 1.0, n)
    for a, b, h, shade in zip(x, lean, height, rng.uniform(0.6, 1.25, n)):
        low, top = SIZE[1], SIZE[1] - h * (SIZE[1] - base)
        bend, half = a + b * 0.3, (low + top) / 2
        layer.polygon([(a - 1.6, low), (bend, half), (a + b, top), (bend + 2, half), (a + 1.6, low)], tone * shade)


def fence(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw posts with rails or wires."""
    tone = vary(rng, pick(rng, [(0.42, 0.3, 0.2), (0.8, 0.8, 0.78), (0.3, 0.31, 0.33)]), 0.05)
    gap, top = rng.uniform(40, 90), base - rng.uniform(15, 60)
    for y in np.linspace(top + 5, SIZE[1] - 12, int(rng.integers(2, 4))):
        layer.line([(-5, y), (SIZE[0] + 5, y + rng.uniform(-3, 3))], tone * 0.9, rng.uniform(1, 4))
    for x in np.arange(rng.uniform(-20, 20), SIZE[0], gap):
        w = rng.uniform(3, 6)
        layer.polygon(
            [(x, SIZE[1]), (x, top), (x + w / 2, top - 3), (x + w, top), (x + w, SIZE[1])],
            tone * rng.uniform(0.85, 1.1),
        )


def people(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw one to three people from behind, as dark figures."""
    for _ in range(int(rng.integers(1, 4))):
        x, head = rng.uniform(10, SIZE[0] - 10), rng.uniform(10, 16)  # head: half its height
        top, low = base - rng.uniform(0, 40), SIZE[1] + 9
        shoulder = top + 2.5 * head
        layer.polygon(
            [(x - 5, top + head), (x + 5, top + head), (x + 6, shoulder), (x - 6, shoulder)], (0.6, 0.45, 0.36)
        )
        outline = np.array(
            [(-1.7, 1), (-1.9, 0.2), (-1.6, 0), (-0.5, -0.25), (0.5, -0.25), (1.6, 0), (1.9, 0.2), (1.7, 1)]
        )
        coat = smooth([x, shoulder] + outline * [head, low - shoulder], steps=4)
        layer.polygon(coat, vary(rng, hsv(rng.uniform(), 0.4, rng.uniform(0.15, 0.5)), 0.04))
        hair = pick(rng, [(0.2, 0.14, 0.1), (0.5, 0.38, 0.2), (0.1, 0.1, 0.1), (0.55, 0.55, 0.55)])
        layer.disc((x, top + head), (0.8 * head, head), vary(rng, hair))


def branch(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw leaves that hang into the picture from an upper corner."""
    side = int(rng.integers(2)) * SIZE[0]
    tone = vary(rng, pick(rng, [(0.16, 0.28, 0.1), (0.4, 0.3, 0.12), (0.08, 0.12, 0.07)]), 0.04)
    n = int(rng.integers(40, 110))
    reach = np.abs(rng.normal(0, 38, (n, 2)))
    for (dx, dy), angle, shade in zip(reach, rng.uniform(0, np.pi, n), rng.uniform(0.6, 1.4, n)):
        x = side + dx * 1.6 if side == 0 else side - dx * 1.6
        layer.polygon(circle((x, dy), (7, 3), angle, points=8), tone * shade)


def birds(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw a few birds."""
    for _ in range(int(rng.integers(2, 7))):
        x, y, s = rng.uniform(0, SIZE[0]), rng.uniform(10, 0.6 * SIZE[1]), rng.uniform(3, 7)
        wing = rng.uniform(-0.3, 0.8)
        flap = np.array([(-1, -wing), (-0.4, -0.5), (0, 0), (0.4, -0.5), (1, -wing)])
        layer.line([x, y] + s * flap, (0.15, 0.15, 0.17), 1.2)
