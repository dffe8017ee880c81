"""Backgrounds for the vehicles: skies, airfields, streets, seas, and a pool that all classes share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
    sky,
    smooth,
    textured,
    vary,
)

SIZE = (256, 256)  # width, height in pixels


class Scene(NamedTuple):
    """A background and what the vehicle needs to know about it."""

    picture: np.ndarray  # (H, W, 3)
    ground: float | None  # row of the ground or water under the vehicle's middle, as a fraction of the height
    water: bool = False
    haze: np.ndarray = np.array([0.75, 0.78, 0.82])  # colour of the air, for things far away


SKIES = {  # top, bottom, cloud
    "blue": ((0.2, 0.42, 0.75), (0.66, 0.8, 0.92), (1.0, 1.0, 1.0)),
    "pale": ((0.5, 0.66, 0.82), (0.84, 0.88, 0.9), (0.97, 0.97, 0.97)),
    "grey": ((0.52, 0.55, 0.6), (0.74, 0.76, 0.78), (0.86, 0.87, 0.88)),
    "storm": ((0.24, 0.28, 0.34), (0.5, 0.54, 0.58), (0.62, 0.64, 0.67)),
    "sunset": ((0.24, 0.25, 0.45), (0.96, 0.6, 0.34), (0.9, 0.5, 0.42)),
    "dawn": ((0.5, 0.58, 0.78), (0.98, 0.82, 0.7), (0.98, 0.86, 0.82)),
    "dusk": ((0.1, 0.13, 0.28), (0.5, 0.4, 0.5), (0.45, 0.36, 0.45)),
}


def _random_sky(rng: np.random.Generator, names=tuple(SKIES)) -> tuple[np.ndarray, np.ndarray]:
    """Return a sky and its colour at the horizon."""
    top, bottom, cloud = (vary(rng, c, 0.035) for c in SKIES[pick(rng, names)])
    return sky(rng, SIZE, top, bottom, cloud, rng.uniform(-0.1, 0.75)), bottom


def _ground(rng: np.random.Generator, kind: str, horizon: float) -> np.ndarray:
    """Return a receding ground of ``kind``: asphalt, grass, gravel, sand, tiles."""
    if kind == "grass":
        dark = vary(rng, pick(rng, [(0.08, 0.16, 0.04), (0.2, 0.2, 0.06), (0.1, 0.13, 0.06)]), 0.04)
        flat = textured(rng, SIZE, "grass", dark, mix(dark, (0.75, 0.8, 0.45), 0.75), zoom=(1.0, 1.3))
    elif kind == "gravel":
        tone = vary(rng, pick(rng, [(0.5, 0.48, 0.45), (0.55, 0.45, 0.36), (0.4, 0.42, 0.45)]), 0.06)
        flat = textured(rng, SIZE, "gravel", tone * 0.35, tone * 1.5, zoom=(1.0, 1.4))
    elif kind == "tiles":
        tone = vary(rng, (0.6, 0.56, 0.5), 0.12)
        flat = textured(rng, SIZE, "brick", tone * 0.5, tone * 1.3, zoom=(1.0, 1.5))
    else:
        tone = vary(rng, (0.76, 0.67, 0.5) if kind == "sand" else (0.36, 0.36, 0.37), 0.07)
        grain = 0.6 * noise(rng, SIZE, 1.0) + 0.4 * noise(rng, SIZE, 0.5)
        flat = blend(grain, tone * 0.75, tone * 1.2)
    return floor(flat, horizon * SIZE[1], depth=rng.uniform(3, 6))


def _join(above: np.ndarray, below: np.ndarray, horizon: float) -> np.ndarray:
    """Return the picture that shows ``above`` down to the horizon and ``below`` from there on."""
    row = int(round(horizon * SIZE[1]))
    return np.concatenate([above[:row], below[row:]])


def _hills(rng: np.random.Generator, picture: np.ndarray, horizon: float, haze, height: float = 0.12) -> np.ndarray:
    """Return the picture with one or two ranges of hills, trees or roofs along the horizon."""
    layer = Layer(SIZE, 2)
    y0 = horizon * SIZE[1] + 1
    for k in range(int(rng.integers(1, 3))):
        tone = mix(
            vary(rng, pick(rng, [(0.16, 0.25, 0.14), (0.25, 0.3, 0.36), (0.3, 0.26, 0.2)]), 0.05), haze, 0.55 - 0.3 * k
        )
        n = int(pick(rng, [9, 14, 40]))  # mountains, hills, tree tops
        tops = y0 - rng.uniform(0.15, 1.0, n) * height * SIZE[1] * (1 - 0.4 * k)
        x = np.linspace(-6, SIZE[0] + 6, n)
        ridge = smooth(np.stack([x, tops], 1), closed=False, steps=3)
        layer.polygon(np.concatenate([[[-6, y0]], ridge, [[SIZE[0] + 6, y0]]]), tone)
    return layer.over(picture, light=0.85 + 0.3 * noise(rng, SIZE, 1.0))


def _buildings(rng: np.random.Generator, picture: np.ndarray, base: float, haze) -> np.ndarray:
    """Return the picture with a row of houses or warehouses standing on the row ``base`` (fraction of the height)."""
    layer = Layer(SIZE, 2)
    y0, x = base * SIZE[1] + 1, -10.0
    while x < SIZE[0]:
        w, h = rng.uniform(24, 70), rng.uniform(0.08, 0.3) * SIZE[1]
        brick = pick(rng, [(0.6, 0.4, 0.32), (0.7, 0.66, 0.58), (0.5, 0.52, 0.55), (0.75, 0.6, 0.4)])
        tone = mix(vary(rng, brick, 0.08), haze, rng.uniform(0.1, 0.45))
        layer.polygon([(x, y0), (x, y0 - h), (x + w, y0 - h), (x + w, y0)], tone)
        if rng.uniform() < 0.5:
            layer.polygon(
                [(x - 2, y0 - h), (x + w / 2, y0 - h - 0.25 * w), (x + w + 2, y0 - h)],
                mix(tone, (0.4, 0.16, 0.12), 0.6),
            )
        pane = mix(tone, pick(rng, [(0.12, 0.14, 0.18), (0.95, 0.85, 0.55)]), 0.7)
        for wx in np.arange(x + 5, x + w - 7, 11):
            for wy in np.arange(y0 - h + 6, y0 - 9, 14):
                layer.polygon([(wx, wy), (wx + 5, wy), (wx + 5, wy + 7), (wx, wy + 7)], pane)
        x += w + rng.uniform(-1, 10)
    return layer.over(picture, light=0.9 + 0.2 * noise(rng, SIZE, 1.0), blur=rng.uniform(0, 1.5))


def _sea(rng: np.random.Generator, horizon: float, sky_bottom, calm: float) -> np.ndarray:
    """Return water from the horizon down: waves that grow towards you, sky colour far away. The rest is black."""
    deep = vary(rng, pick(rng, [(0.07, 0.22, 0.32), (0.1, 0.26, 0.27), (0.16, 0.22, 0.28), (0.05, 0.15, 0.28)]), 0.04)
    waves = 0.65 * noise(rng, SIZE, 0.5, stretch=(5, 1.0)) + 0.35 * noise(rng, SIZE, 1.0, stretch=(4, 1.2))
    rows = np.linspace(0, 1, SIZE[1], dtype=np.float32)[:, None]
    t = np.clip((rows - horizon) / (1 - horizon), 0, 1)
    base = blend(np.broadcast_to(0.75 - 0.55 * t**0.6, waves.shape), deep, sky_bottom)
    swell = (waves - 0.5) * np.float32(0.9 - 0.6 * calm)
    flat = base * (1 + swell[..., None]) + np.clip(waves - 0.82 + 0.1 * calm, 0, 1)[..., None] * 0.9
    return floor(np.clip(flat, 0, 1), horizon * SIZE[1], depth=3.0)


def _sun(rng: np.random.Generator, picture: np.ndarray, horizon: float, colour) -> np.ndarray:
    """Return the picture with a low sun and its glow."""
    x, y = rng.uniform(0.1, 0.9) * SIZE[0], (horizon - rng.uniform(0.02, 0.2)) * SIZE[1]
    xx, yy = np.arange(SIZE[0], dtype=np.float32)[None] - x, np.arange(SIZE[1], dtype=np.float32)[:, None] - y
    distance = np.sqrt(xx * xx + yy * yy)
    glow = np.clip(9 - distance, 0, 1) + 0.6 / (1 + (distance / 30) ** 2)
    return np.clip(picture + glow[..., None] * (np.asarray(colour, np.float32) - 0.3 * picture), 0, 1)


def _studio(rng: np.random.Generator) -> Scene:
    """Return a plain backdrop: white, grey or coloured, a little uneven, with or without an edge to the floor."""
    tone = pick(
        rng,
        [
            np.ones(3) * 0.95,
            np.ones(3) * rng.uniform(0.3, 0.95),
            hsv(rng.uniform(), rng.uniform(0.1, 0.5), rng.uniform(0.4, 0.9)),
        ],
    )
    picture = blend(gradient(SIZE, rng.uniform(0, 2 * np.pi)), tone * rng.uniform(0.75, 1), np.clip(tone * 1.08, 0, 1))
    horizon = rng.uniform(0.5, 0.75)
    if rng.uniform() < 0.4:
        rows = np.linspace(0, 1, SIZE[1], dtype=np.float32)[:, None, None]
        picture = picture * (1 - 0.25 * np.clip((rows - horizon) * rng.uniform(3, 40), 0, 1))
    return Scene(picture, rng.uniform(0.72, 0.86))


def shared_scene(rng: np.random.Generator) -> Scene:
    """Return a background from the pool of all classes: studio, photographs out of focus, walls, coloured noise."""
    kind = pick(rng, ["studio", "studio", "photo", "photo", "photo", "wall", "wall", "noise", "meadow"])
    if kind == "studio":
        return _studio(rng)
    if kind == "photo":
        name = pick(rng, ["china", "china", "flower", "coffee", "rocket"])
        return Scene(photograph(rng, SIZE, name, (1.0, 2.5), rng.uniform(0, 4)), rng.uniform(0.72, 0.9))
    if kind == "wall":
        tone = hsv(rng.uniform(), rng.uniform(0, 0.5), rng.uniform(0.4, 0.9))
        name = pick(rng, ["brick", "gravel", "grass"])
        wall = textured(rng, SIZE, name, tone * 0.35, np.clip(tone * 1.3, 0, 1), (1.0, 2.5))
        return Scene(wall, rng.uniform(0.72, 0.9))
    if kind == "noise":
        a, b = (hsv(rng.uniform(), rng.uniform(0.05, 0.5), rng.uniform(0.25, 0.9)) for _ in range(2))
        return Scene(blend(noise(rng, SIZE, pick(rng, [0.3, 0.5, 1.0])), a, b), rng.uniform(0.72, 0.9))
    horizon = rng.uniform(0.45, 0.62)
    above, haze = _random_sky(rng)
    picture = _hills(rng, _join(above, _ground(rng, "grass", horizon), horizon), horizon, haze)
    return Scene(picture, rng.uniform(max(0.72, horizon + 0.1), 0.88), haze=haze)


def air_scene(rng: np.random.Generator, grounded: bool) -> Scene:
    """Return a background for an airplane: the sky, or an airfield."""
    above, haze = _random_sky(rng)
    if not grounded:
        if rng.uniform() < 0.35:  # low over hills or the sea
            horizon = rng.uniform(0.78, 0.95)
            below = _sea(rng, horizon, haze, 0.5) if rng.uniform() < 0.4 else _ground(rng, "grass", horizon)
            above = _hills(rng, _join(above, below, horizon), horizon, haze)
        return Scene(above, None, haze=haze)
    horizon = rng.uniform(0.42, 0.6)
    row = rng.uniform(horizon + 0.18, 0.85)
    picture = _join(above, _ground(rng, pick(rng, ["asphalt", "asphalt", "asphalt", "grass"]), horizon), horizon)
    verge = np.clip(1 - np.abs(np.linspace(0, 1, SIZE[1], dtype=np.float32) - horizon - 0.03) * 25, 0, 1)[:, None]
    green = vary(rng, (0.3, 0.38, 0.18), 0.06)
    picture = blend(verge * (0.6 + 0.4 * noise(rng, SIZE, 1.0)), picture, green)
    scenery = _buildings if rng.uniform() < 0.45 else _hills
    picture = scenery(rng, picture, horizon, haze)
    if rng.uniform() < 0.5:  # a painted line along the runway
        y, w = row * SIZE[1] + rng.uniform(4, 20), rng.uniform(1, 3)
        line = Layer(SIZE, 2)
        dash = rng.uniform(20, 300)
        for x in np.arange(-rng.uniform(0, 60), SIZE[0], dash + 25):
            line.polygon(
                [(x, y), (x + dash, y), (x + dash - w, y + w), (x - w, y + w)],
                pick(rng, [(0.9, 0.9, 0.88), (0.85, 0.7, 0.2)]),
            )
        picture = line.over(picture, opacity=0.8)
    return Scene(picture, row, haze=haze)


def road_scene(rng: np.random.Generator) -> Scene:
    """Return a background for a motorbike: studio, street, wall, meadow, track or beach."""
    kind = pick(rng, ["studio", "studio", "street", "wall", "wall", "open", "open"])
    if kind == "studio":
        return _studio(rng)
    horizon = rng.uniform(0.42, 0.64)
    row = rng.uniform(max(0.74, horizon + 0.12), 0.9)
    if kind == "wall":
        tone = vary(rng, pick(rng, [(0.62, 0.36, 0.28), (0.7, 0.66, 0.58), (0.55, 0.58, 0.6), (0.45, 0.52, 0.4)]), 0.08)
        if rng.uniform() < 0.5:
            above = textured(rng, SIZE, "brick", tone * 0.4, np.clip(tone * 1.3, 0, 1), (1.2, 3.0))
        else:
            above = blend(
                noise(rng, SIZE, 0.5) * 0.6 + noise(rng, SIZE, 1.0) * 0.4, tone * 0.8, np.clip(tone * 1.15, 0, 1)
            )
        below = _ground(rng, pick(rng, ["asphalt", "gravel", "tiles", "grass"]), horizon)
        picture = _join(above, below, horizon)
        edge = np.clip(1 - np.abs(np.arange(SIZE[1]) - horizon * SIZE[1] - 1) / 4, 0, 1).astype(np.float32)
        return Scene(picture * (1 - 0.5 * edge)[:, None, None], row)
    above, haze = _random_sky(rng)
    ground = pick(rng, ["asphalt"] if kind == "street" else ["grass", "gravel", "sand", "asphalt"])
    picture = _join(above, _ground(rng, ground, horizon), horizon)
    if ground == "sand" and rng.uniform() < 0.6:
        picture = _join(picture, _join(_sea(rng, horizon, haze, 0.5), picture, horizon + 0.08), horizon)
    else:
        picture = (_buildings if kind == "street" else _hills)(rng, picture, horizon, haze)
    return Scene(picture, row, haze=haze)


def sea_scene(rng: np.random.Generator) -> Scene:
    """Return a background for a schooner: open sea, coast, harbour, sunset."""
    names = pick(rng, [tuple(SKIES), ("sunset", "dawn", "dusk")])
    above, haze = _random_sky(rng, names)
    horizon = rng.uniform(0.5, 0.72)
    if rng.uniform() < 0.25:
        above = _sun(rng, above, horizon, (1.0, 0.8, 0.5))
    picture = _join(above, _sea(rng, horizon, haze, rng.uniform()), horizon)
    shore = rng.uniform()
    if shore < 0.3:
        picture = _hills(rng, picture, horizon, haze)
    elif shore < 0.5:
        picture = _buildings(rng, picture, horizon + 0.01, haze)
    return Scene(picture, rng.uniform(horizon + 0.08, 0.86), water=True, haze=haze)
