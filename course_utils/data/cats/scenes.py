"""What is around a cat: backgrounds, and things in front of it.

A background is called with the row, in pixels, on which the cat's feet are.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from course_utils.data.cats.body import paint_paws
from course_utils.data.cats.canvas import SIDE, SIZE, Brush, cast_shadow, ramp, stroke, window_around
from course_utils.data.cats.coat import Look
from course_utils.data.cats.pose import Pose
from course_utils.data.drawing import (
    Layer,
    blend,
    floor,
    gradient,
    hsv,
    mix,
    noise,
    photograph,
    pick,
    smooth,
    textured,
    to_image,
    to_picture,
    vary,
)

FABRICS = ((0.55, 0.32, 0.28), (0.32, 0.42, 0.52), (0.42, 0.48, 0.36), (0.72, 0.63, 0.52), (0.46, 0.38, 0.50),
           (0.30, 0.45, 0.45), (0.78, 0.72, 0.66), (0.62, 0.48, 0.26))  # fmt: skip
WALLS = ((0.84, 0.80, 0.73), (0.66, 0.75, 0.78), (0.78, 0.70, 0.66), (0.62, 0.68, 0.58), (0.86, 0.86, 0.84),
          (0.52, 0.56, 0.64), (0.80, 0.74, 0.55))  # fmt: skip


def _sofa(rng: np.random.Generator, ground: float) -> np.ndarray:
    wall = blend(gradient(SIZE, rng.uniform(0, 6.3)), vary(rng, pick(rng, WALLS)) * 0.8, vary(rng, pick(rng, WALLS)))
    cloth = vary(rng, pick(rng, FABRICS))
    layer = Layer(SIZE, 2)
    top, width = rng.uniform(20, 110), rng.uniform(130, 200)
    left = rng.uniform(-width, 0)
    for k in range(5):
        x0, x1 = left + k * width + 2, left + (k + 1) * width - 2
        r, low = 22, max(top + 60, ground)
        for inset, tone in ((0, 0.66), (4, 0.92), (10, 1.0)):
            a, b, c, d = x0 + inset, x1 - inset, top + inset, low + 8 - inset
            corners = [(a + r, c), (b - r, c), (b, c + r), (b, d - r), (b - r, d), (a + r, d), (a, d - r), (a, c + r)]
            layer.polygon(smooth(corners), cloth * tone)
    low = max(top + 60, ground)
    for tone, y in ((0.55, low - 6), (1.08, low), (0.92, low + 18)):
        layer.polygon([(0, y), (SIDE, y), (SIDE, SIDE), (0, SIDE)], cloth * tone)
    weave = 0.9 + 0.2 * noise(rng, SIZE, 1.0)
    return layer.over(wall, light=weave)


def lawn(rng: np.random.Generator, ground: float) -> np.ndarray:
    """Return grass up to a horizon, and dim green behind it."""
    horizon = float(np.clip(ground - rng.uniform(60, 170), 20, 240))
    green = hsv(rng.uniform(0.20, 0.34), rng.uniform(0.4, 0.7), rng.uniform(0.5, 0.75))
    far = blend(noise(rng, (40, 40), 0.5), green * 0.35, mix(green, (0.8, 0.9, 0.95), rng.uniform(0.1, 0.6)))
    far = _enlarge(far).copy()
    near = floor(textured(rng, SIZE, "grass", green * 0.35, np.minimum(green * 1.35, 1)), horizon, 2.5)
    top, bottom = int(round(horizon)), int(round(horizon)) + 18
    fade = ramp(np.arange(top, bottom, dtype=np.float32), top - 2, bottom)[:, None, None]
    far[top:bottom] += fade * (near[top:bottom] - far[top:bottom])
    far[bottom:] = near[bottom:]
    return far


def _room(rng: np.random.Generator, ground: float) -> np.ndarray:
    horizon = float(np.clip(ground - rng.uniform(15, 110), 60, 290))
    colour = vary(rng, pick(rng, WALLS))
    wall = blend(gradient(SIZE, rng.uniform(0, 6.3), 0.0, 1.0), colour * 0.82, np.minimum(colour * 1.08, 1))
    x = np.arange(SIDE, dtype=np.float32)
    if rng.random() < 0.5:  # wallpaper
        stripes = (np.sin(x * rng.uniform(0.15, 0.5)) > rng.uniform(-0.5, 0.7)).astype(np.float32)[None, :]
        wall = wall * (1 - rng.uniform(0.05, 0.16) * stripes)[..., None]
    wood = hsv(rng.uniform(0.05, 0.1), rng.uniform(0.25, 0.6), rng.uniform(0.4, 0.8))
    planks = 0.65 + 0.35 * noise(rng, SIZE, 0.5, stretch=(1, 8))
    planks = planks * (0.86 + 0.14 * noise(rng, SIZE, 1.0, stretch=(8, 1)))
    seam = (np.arange(SIDE) % int(rng.integers(24, 44)) < 2).astype(np.float32)[None, :]
    boards = floor((planks * (1 - 0.5 * seam))[..., None] * wood, horizon, 2.0)
    row = int(round(horizon))
    if rng.random() < 0.6:  # a window or a picture
        w, h = rng.integers(50, 110, 2)
        x0, y0 = int(rng.integers(0, SIDE - w)), int(rng.integers(-30, max(-20, row - h - 40)))
        wall[max(0, y0) : max(0, y0 + h), x0 : x0 + w] = vary(rng, (0.85, 0.8, 0.72), 0.15)
        inside = hsv(rng.uniform(), 0.35, rng.uniform(0.4, 0.95))
        wall[max(0, y0 + 6) : max(0, y0 + h - 6), x0 + 6 : x0 + w - 6] = inside
    wall[row - 14 : row] = (0.9, 0.88, 0.85)  # the skirting board
    wall[row:] = boards[row:]
    return wall


def _carpet(rng: np.random.Generator, ground: float) -> np.ndarray:
    a, b = vary(rng, pick(rng, FABRICS), 0.1), vary(rng, pick(rng, FABRICS), 0.1)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    turn = rng.uniform(0, np.pi)
    c, s = float(np.cos(turn)), float(np.sin(turn))
    p, q = x * c + y * s, y * c - x * s
    k = 2 * np.pi / rng.uniform(28, 70)
    kind = rng.integers(4)
    if kind == 0:
        field = 0.5 + 0.5 * np.sign(np.sin(k * p)) * np.sign(np.sin(k * q))
    elif kind == 1:
        field = 0.33 * (np.sin(k * p) > 0) + 0.33 * (np.sin(k * q) > 0) + 0.34 * (np.sin(3 * k * p) > 0.8)
    elif kind == 2:
        field = (np.abs((p * k) % 2 - 1) + np.abs((q * k) % 2 - 1) > 1.0).astype(np.float32)
    else:
        field = noise(rng, SIZE, 0.3)
    pile = 0.75 + 0.4 * noise(rng, SIZE, 1.0)
    return blend(field.astype(np.float32), a, b) * pile[..., None]


def _bokeh(rng: np.random.Generator, ground: float) -> np.ndarray:
    hue, half = rng.uniform(), (SIDE // 2, SIDE // 2)
    picture = blend(noise(rng, half, 0.0), hsv(hue, 0.5, rng.uniform(0.1, 0.35)), hsv(hue + 0.1, 0.35, 0.6))
    lights = Layer(half, 2)
    for _ in range(int(rng.integers(8, 22))):
        centre, radius = rng.uniform(-5, SIDE / 2 + 5, 2), rng.uniform(4, 13)
        tone = hsv(hue + rng.uniform(-0.18, 0.18), rng.uniform(0.1, 0.6), rng.uniform(0.7, 1))
        lights.disc(centre, radius, tone)
        lights.disc(centre, radius * 0.86, tone * 0.8)
    return _enlarge(lights.over(picture, opacity=rng.uniform(0.3, 0.7)))


def _photo(rng: np.random.Generator, ground: float) -> np.ndarray:
    return photograph(rng, SIZE, pick(rng, ("china", "flower", "coffee", "rocket")), blur=rng.uniform(0.5, 5))


def _masonry(rng: np.random.Generator, ground: float) -> np.ndarray:
    name = pick(rng, ("brick", "gravel"))
    tone = hsv(rng.uniform(0.02, 0.14), rng.uniform(0.05, 0.45), rng.uniform(0.55, 0.9))
    return textured(rng, SIZE, name, tone * 0.3, np.minimum(tone * 1.2, 1))


BACKGROUNDS = (_sofa, lawn, _room, _carpet, _bokeh, _photo, _masonry)


def _enlarge(picture: np.ndarray) -> np.ndarray:
    """Return a small picture at full size: out of focus."""
    return to_picture(to_image(picture).resize(SIZE, Image.Resampling.BICUBIC))


def leaves(rng: np.random.Generator, picture: np.ndarray, outdoors: bool) -> np.ndarray:
    """Put something in front, near the edge of the picture: the leaves of a plant, or outdoors blades of grass."""
    layer = Layer(SIZE, 2)
    green = hsv(rng.uniform(0.2, 0.4), rng.uniform(0.35, 0.7), rng.uniform(0.25, 0.6))
    if outdoors:
        for _ in range(int(rng.integers(10, 30))):
            x, h = rng.uniform(0, SIDE), rng.uniform(25, 90)
            path = np.array([(x, SIDE + 3), (x + rng.normal(0, 8), SIDE - 0.6 * h), (x + rng.normal(0, 22), SIDE - h)])
            layer.polygon(stroke(smooth(path, closed=False), rng.uniform(4, 8), (1, 0.1)), vary(rng, green, 0.08))
    else:
        corner = np.array([pick(rng, (0, SIDE)), pick(rng, (0, SIDE))], float)
        for _ in range(int(rng.integers(3, 6))):
            towards = np.array([SIDE / 2, SIDE / 2]) - corner
            angle = np.arctan2(towards[1], towards[0]) + rng.normal(0, 0.5)
            reach = rng.uniform(60, 130)
            tip = corner + reach * np.array([np.cos(angle), np.sin(angle)])
            blade = smooth(np.array([corner, (corner + tip) / 2 + rng.normal(0, 6, 2), tip]), closed=False, steps=8)
            layer.polygon(stroke(blade, 0.34 * reach, (0.1, 0.05)), vary(rng, green, 0.06))
            layer.line(blade, green * 0.6, 1.2)
    return layer.over(picture, blur=rng.uniform(0.6, 2.2))


def ledge(rng: np.random.Generator, picture: np.ndarray, pose: Pose, look: Look) -> np.ndarray:
    """Put the edge of a box, a table or a blanket in front of a cat that peeks over it, with its paws on it."""
    y = min(pose.centre[1] + rng.uniform(0.8, 1.0) * pose.scale, SIDE - 2)
    colour = vary(rng, pick(rng, (*FABRICS, (0.72, 0.56, 0.38), (0.72, 0.56, 0.38))), 0.05)
    layer = Layer(SIZE, 2)
    tilt = rng.normal(0, 6)
    layer.polygon([(-2, y - tilt), (SIDE + 2, y + tilt), (SIDE + 2, SIDE + 2), (-2, SIDE + 2)], colour * 0.92)
    layer.line([(-2, y - tilt), (SIDE + 2, y + tilt)], np.minimum(colour * 1.2, 1), 3)
    grain = 0.85 + 0.3 * noise(rng, SIZE, pick(rng, (0.5, 1.0)), stretch=pick(rng, ((1, 1), (6, 1))))
    cast_shadow(picture, layer.mask(), (0, -7))
    picture = layer.over(picture, light=grain)
    frame = Pose((pose.centre[0], y), pose.scale, 0, 0, 0)
    paws = [(s * 0.62, 0.06) for s in (-1, 1)]
    window = window_around(frame.flat([(-1.1, -0.4), (1.1, 0.4)]), 2)
    if window[3] - window[1] > 4:
        brush = Brush.on(picture, window, 2)
        paint_paws(brush, frame, look, paws)
        x0, y0, x1, y1 = window
        picture[y0:y1, x0:x1] = brush.picture()
    return picture
