"""Generated pictures of airplanes, motorbikes and schooners: the embedded stand-in for three classes of Caltech-101.

Every picture is a small model in space, posed, lit, drawn and set into a scene: no download, no torch. The counts are
Caltech-101's (800, 798 and 63), so the imbalance is real. About a third of each class stands before backgrounds that
all classes share, so that the colour of the background does not give the class away.

Reference: Fei-Fei, Fergus, Perona, "Learning generative visual models from few training examples", 2004.
Used in lessons 08 to 12 and 17.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from course_utils.data.drawing import (
    Layer,
    Solid,
    blend,
    camera,
    circle,
    floor,
    gradient,
    hsv,
    illuminate,
    mix,
    noise,
    photograph,
    pick,
    rotation,
    shadow,
    sky,
    smooth,
    stream,
    textured,
    to_image,
    vary,
)

VERSION = 1  # raise it when the pictures change
COUNTS = {"airplane": 800, "motorbike": 798, "schooner": 63}
SIZE = (256, 256)  # width, height in pixels
QUALITY = 92  # of the JPEG files
SHARED = 0.36  # share of the pictures of each class whose background comes from the pool of all classes


class Picture(NamedTuple):
    """One finished picture.

    Attributes
    ----------
    image : PIL.Image.Image
        RGB, 256 x 256.
    box : tuple of int
        ``x0, y0, x1, y1`` of the vehicle in pixels, x1 and y1 exclusive. Parts behind a fence or grass count.
    mask : array (256, 256)
        How much of each pixel the vehicle covers, 0 to 1, before anything is put in front of it.
    """

    image: Image.Image
    box: tuple[int, int, int, int]
    mask: np.ndarray


class Model(NamedTuple):
    """A vehicle in space and the poses that suit it."""

    solid: Solid
    grounded: bool  # it stands on wheels; False for flying
    contacts: np.ndarray  # (n, 3) points that touch the ground or the water


# --- airplanes -----------------------------------------------------------------------------------------------
# Unit: the fuselage is about 1 long, its middle at the origin, nose towards +x.

WHITE, SILVER, BLACK = (0.93, 0.93, 0.92), (0.68, 0.7, 0.73), (0.06, 0.06, 0.07)
GLASS = (0.1, 0.14, 0.2)


def _rings(stations, sides: int) -> np.ndarray:
    """Return elliptical outlines (S, sides, 3) across x; a station is x, z of the middle, half width, half height."""
    x, z, ry, rz = np.asarray(stations, np.float64).T[..., None]
    t = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    return np.stack(np.broadcast_arrays(x, ry * np.cos(t), z + rz * np.sin(t)), -1)


def _resample(stations) -> np.ndarray:
    """Return twice as many stations, on a smooth curve through the given ones."""
    return smooth(stations, closed=False, steps=2)


def _fuselage(solid: Solid, stations, livery, sides: int = 14) -> None:
    """Add a body; ``livery(x, up)`` gives its colour at a station and a height from -1 (belly) to 1 (top)."""
    stations = _resample(stations)
    x = (stations[:-1, 0] + stations[1:, 0]) / 2
    up = np.sin((np.arange(sides) + 1) * (2 * np.pi / sides))
    colours = np.array([[livery(a, b) for b in up] for a in x])
    solid.skin(_rings(stations, sides), colours, shine=0.35)


def _wing(solid: Solid, root, tip, chords, colour, thickness: float = 0.1, mirrored: bool = True, pieces: int = 4):
    """Add a wing between the leading edges ``root`` and ``tip`` (x, y, z), with the root's and the tip's chord."""
    t = np.linspace(0, 1, pieces + 1)[:, None]
    edge = np.asarray(root) * (1 - t) + np.asarray(tip) * t
    chord = chords[0] * (1 - t) + chords[1] * t
    along = np.array([0, 0.12, 0.45, 1.0, 0.45, 0.12])
    across = np.array([0, 0.4, 0.5, 0, -0.3, -0.3]) * thickness
    span = np.asarray(tip, np.float64) - np.asarray(root)
    span[0] = 0
    lift = np.cross(span, [-1.0, 0, 0])
    lift /= np.linalg.norm(lift)
    if lift[2] < 0:
        lift = -lift
    rings = edge[:, None] - np.array([1.0, 0, 0]) * (chord * along)[..., None] + lift * (chord * across)[..., None]
    for side in (1, -1) if mirrored else (1,):
        solid.skin(rings * [1, side, 1], colour, shine=0.25)
        solid.faces(rings[-1] * [1, side, 1], colour)


def _pod(solid: Solid, front, length: float, radius: float, colour, intake=BLACK) -> None:
    """Add a jet engine whose intake is at ``front``."""
    x, y, z = front
    profile = [(0, 0.86), (-0.06, 1.0), (-0.4, 1.02), (-0.75, 0.8), (-1, 0.5)]
    rings = _rings([(x + a * length, z, radius * r, radius * r) for a, r in profile], 10) + [0, y, 0]
    colours = np.broadcast_to(np.asarray(colour, np.float64), (4, 10, 3)).copy()
    colours[0] = SILVER
    colours[3] = (0.35, 0.35, 0.37)
    solid.skin(rings, colours, shine=0.3)
    solid.faces(rings[0] - [0.001, 0, 0], intake, nearer=-0.002)
    solid.faces(rings[-1], BLACK)


def _windows(solid: Solid, x0: float, x1: float, count: int, y: float, z: float, size: float, colour=GLASS) -> None:
    """Add a row of cabin windows on both sides."""
    x = np.linspace(x0, x1, count)
    w, h = size * 0.5, size * 0.7
    for side in (1, -1):
        corners = np.zeros((count, 4, 3))
        corners[..., 0] = x[:, None] + np.array([-w, w, w, -w]) * side
        corners[..., 1] = side * y
        corners[..., 2] = z + np.array([-h, -h, h, h])
        solid.faces(corners, colour, nearer=0.03)


def _gear(solid: Solid, legs, radius: float, top: float, colour=SILVER) -> np.ndarray:
    """Add landing gear: wheels centred at ``legs`` (x, y, z), struts up to the height ``top``."""
    for x, y, z in legs:
        solid.bar([(x, y, z), (x, y * 0.85, top)], radius * 0.22, colour)
        ring = circle((x, z), radius, points=14)
        for dy in (-0.3 * radius, 0.3 * radius):
            tyre = np.stack([ring[:, 0], np.full(14, y + dy), ring[:, 1]], 1)
            solid.faces(tyre, (0.1, 0.1, 0.1))
        hub = circle((x, z), radius * 0.45, points=8)
        solid.faces(np.stack([hub[:, 0], np.full(8, y - 0.4 * radius), hub[:, 1]], 1), SILVER, nearer=0.01)
    return np.array([(x, y, z - radius) for x, y, z in legs])


def _propeller(rng, solid: Solid, hub, radius: float, blades: int, colour=(0.15, 0.15, 0.16)) -> None:
    """Add a standing propeller with its spinner."""
    x, y, z = hub
    start = rng.uniform(0, np.pi)
    for k in range(blades):
        a = start + 2 * np.pi * k / blades
        out, across = np.array([0, np.cos(a), np.sin(a)]), np.array([0.012, -np.sin(a), np.cos(a)])
        w = radius * 0.09
        corners = [np.array(hub) + radius * r * out + s * w * across for r, s in ((0.1, 0.6), (0.7, 1.2), (1, 0.4))]
        corners += [np.array(hub) + radius * r * out - s * w * across for r, s in ((1, 0.4), (0.7, 0.9), (0.1, 0.6))]
        solid.faces(corners, colour)
    r = radius * 0.16
    solid.skin(_rings([(x - r, z, r, r), (x + r, z, r * 0.8, r * 0.8), (x + 2 * r, z, 0.002, 0.002)], 8) + [0, y, 0],
               SILVER, shine=0.5)  # fmt: skip


def _livery(rng: np.random.Generator):
    """Return an airline's colours: body, accent, tail, and the livery function of the fuselage."""
    body = vary(rng, pick(rng, [WHITE, WHITE, WHITE, SILVER, (0.9, 0.87, 0.78), hsv(rng.uniform(), 0.35, 0.75)]), 0.04)
    accent = hsv(rng.uniform(), rng.uniform(0.6, 1.0), rng.uniform(0.35, 0.85))
    second = hsv(rng.uniform(), rng.uniform(0.5, 1.0), rng.uniform(0.4, 0.9))
    belly = pick(rng, [body, mix(body, (0.3, 0.32, 0.35), 0.6), accent])
    style = int(rng.integers(4))

    def colour(x: float, up: float):
        if style == 0 and -0.05 < up < 0.3:  # a stripe along the windows
            return accent
        if style == 1 and x < -0.22 - 0.12 * up:  # a painted tail
            return accent
        if style == 2 and -0.5 < up < -0.2:  # a low stripe
            return second
        if up < -0.45:
            return belly
        return body

    return body, accent, colour


def _airliner(rng: np.random.Generator, grounded: bool) -> Model:
    """Return an airliner with two or four engines under the wings."""
    solid = Solid()
    r = rng.uniform(0.05, 0.068)
    body, accent, livery = _livery(rng)
    stations = [
        (0.5, -0.3 * r, 0.004, 0.004), (0.485, -0.25 * r, 0.4 * r, 0.38 * r), (0.44, -0.05 * r, 0.8 * r, 0.8 * r),
        (0.36, 0, r, r), (0.1, 0, r, r), (-0.18, 0, r, r), (-0.34, 0.25 * r, 0.7 * r, 0.75 * r),
        (-0.5, 0.6 * r, 0.12 * r, 0.2 * r),
    ]  # fmt: skip
    _fuselage(solid, stations, livery)
    wing_colour = vary(rng, mix(body, SILVER, 0.6), 0.03)
    half, sweep = rng.uniform(0.42, 0.52), rng.uniform(0.2, 0.3)
    root, tip = (0.13, 0.6 * r, -0.55 * r), (0.13 - sweep, half, -0.2 * r + half * 0.1)
    _wing(solid, root, tip, (0.2, 0.055), wing_colour)
    if rng.uniform() < 0.5:
        _wing(solid, tip, (tip[0] - 0.04, half + 0.012, tip[2] + 0.05), (0.05, 0.025), accent, pieces=1)
    _wing(solid, (-0.36, 0.3 * r, 0.5 * r), (-0.46, 0.19, 0.9 * r), (0.1, 0.045), wing_colour, pieces=2)
    fin = rng.uniform(0.15, 0.19)
    _wing(solid, (-0.32, 0, 0.8 * r), (-0.45, 0, 0.8 * r + fin), (0.17, 0.07), accent, mirrored=False, pieces=2)
    engine = vary(rng, pick(rng, [body, accent, SILVER]), 0.03)
    for t in pick(rng, [(0.33,), (0.33,), (0.3, 0.6)]):
        x, y, z = (np.array(root) * (1 - t) + np.array(tip) * t).tolist()
        for side in (1, -1):
            _pod(solid, (x + 0.075, side * y, z - 0.5 * r), 0.15, r * (0.55 if t < 0.5 else 0.48), engine)
    _windows(solid, -0.27, 0.36, int(rng.integers(16, 26)), r * 1.0, 0.25 * r, 0.2 * r)
    cockpit = np.array([(0.455, 0.62, 0.22), (0.478, 0.32, 0.12), (0.468, 0.3, 0.42), (0.44, 0.5, 0.55)])
    for side in (1, -1):
        solid.faces(cockpit * [1, side * r, r], GLASS, nearer=0.04, shine=0.4)
    contacts = np.zeros((0, 3))
    if grounded:
        z = -2.0 * r
        contacts = _gear(solid, [(0.38, 0, z), (-0.03, 0.08, z), (-0.03, -0.08, z)], 0.022, -0.6 * r)
    return Model(solid, grounded, contacts)


def _business_jet(rng: np.random.Generator, grounded: bool) -> Model:
    """Return a small jet with engines at the tail and a T-tail."""
    solid = Solid()
    r = rng.uniform(0.058, 0.07)
    body, accent, livery = _livery(rng)
    stations = [
        (0.5, -0.4 * r, 0.004, 0.004), (0.46, -0.3 * r, 0.45 * r, 0.4 * r), (0.37, -0.05 * r, 0.85 * r, 0.85 * r),
        (0.27, 0, r, r), (0.0, 0, r, r), (-0.2, 0.1 * r, 0.85 * r, 0.85 * r), (-0.5, 0.5 * r, 0.1 * r, 0.15 * r),
    ]  # fmt: skip
    _fuselage(solid, stations, livery)
    wing_colour = vary(rng, mix(body, SILVER, 0.5), 0.03)
    half = rng.uniform(0.4, 0.47)
    _wing(solid, (0.1, 0.5 * r, -0.75 * r), (-0.1, half, -0.75 * r + half * 0.08), (0.19, 0.06), wing_colour)
    top = rng.uniform(0.2, 0.24)
    _wing(solid, (-0.3, 0, 0.7 * r), (-0.46, 0, top), (0.17, 0.1), accent, mirrored=False, pieces=2)
    _wing(solid, (-0.43, 0, top), (-0.52, 0.17, top + 0.005), (0.1, 0.05), wing_colour, pieces=2)
    for side in (1, -1):
        _pod(solid, (-0.14, side * 1.75 * r, 0.55 * r), 0.2, 0.52 * r, pick(rng, [body, accent]))
    _windows(solid, -0.08, 0.25, int(rng.integers(5, 9)), r * 1.0, 0.3 * r, 0.36 * r)
    cockpit = np.array([(0.375, 0.8, 0.3), (0.43, 0.45, 0.1), (0.405, 0.35, 0.5), (0.35, 0.55, 0.75)])
    for side in (1, -1):
        solid.faces(cockpit * [1, side * r, r], GLASS, nearer=0.04, shine=0.4)
    contacts = np.zeros((0, 3))
    if grounded:
        z = -1.9 * r
        contacts = _gear(solid, [(0.36, 0, z), (-0.05, 0.1, z), (-0.05, -0.1, z)], 0.024, -0.7 * r)
    return Model(solid, grounded, contacts)


def _propeller_plane(rng: np.random.Generator, grounded: bool) -> Model:
    """Return a single-engine plane: high wing with struts, low wing, or a biplane."""
    solid = Solid()
    r = rng.uniform(0.065, 0.085)
    kind = pick(rng, ["high", "high", "low", "biplane"])
    body, accent, livery = _livery(rng)
    if kind == "biplane" or rng.uniform() < 0.35:
        body = hsv(pick(rng, [0.0, 0.0, 0.13, 0.58, 0.35]), rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.85))
        cowl = pick(rng, [accent, WHITE, body])

        def livery(x: float, up: float):
            return cowl if x > 0.24 else body

    cabin = 0.5 if kind == "high" else 0.1
    stations = [
        (0.4, 0, 0.55 * r, 0.55 * r), (0.36, 0, 0.8 * r, 0.8 * r), (0.25, 0, 0.92 * r, 0.92 * r),
        (0.13, cabin * 0.5 * r, r, (1 + cabin) * r), (-0.08, cabin * 0.5 * r, r, (1 + cabin) * r),
        (-0.25, 0.15 * r, 0.6 * r, 0.6 * r), (-0.52, 0.35 * r, 0.12 * r, 0.25 * r),
    ]  # fmt: skip
    _fuselage(solid, stations, livery)
    wing_colour = vary(rng, pick(rng, [body, body, WHITE, accent]), 0.03)
    half, chord = rng.uniform(0.5, 0.64), rng.uniform(0.17, 0.21)
    roof = (1 + cabin * 1.4) * r
    low, high = -0.6 * r, roof if kind == "high" else 2.4 * r
    if kind != "low":
        _wing(solid, (0.17, 0, high), (0.15, half, high + 0.02), (chord, chord * 0.75), wing_colour, 0.12, pieces=5)
    if kind != "high":
        _wing(solid, (0.13, 0.7 * r, low), (0.11, half * 0.95, low + 0.05), (chord, chord * 0.7), wing_colour, 0.12,
              pieces=5)  # fmt: skip
    for side in (1, -1):
        if kind == "high":
            solid.bar([(0.1, side * r, -0.6 * r), (0.1, side * half * 0.55, high)], 0.006, body)
        if kind == "biplane":
            for x in (0.1, 0.0):
                solid.bar([(x, side * half * 0.7, low + 0.035), (x, side * half * 0.7, high)], 0.006, (0.3, 0.2, 0.12))
                solid.bar([(x, side * 0.6 * r, 0.7 * r), (x, side * r, high)], 0.005, (0.3, 0.2, 0.12))
            solid.bar([(0.05, side * r, 0), (0.05, side * half * 0.7, high)], 0.0025, SILVER)
    _wing(solid, (-0.4, 0.1 * r, 0.4 * r), (-0.44, 0.2, 0.4 * r), (0.12, 0.08), wing_colour, pieces=2)
    _wing(solid, (-0.36, 0, 0.4 * r), (-0.46, 0, 0.4 * r + rng.uniform(0.13, 0.17)), (0.17, 0.09), accent,
          mirrored=False, pieces=2)  # fmt: skip
    if kind == "high":  # windscreen and side windows
        for side in (1, -1):
            for x0, x1 in ((0.115, 0.04), (0.03, -0.07)):
                pane = np.array([(x0, 1.0, 0.25), (x1, 1.0, 0.25), (x1, 0.85, 1.15), (min(x0, 0.09), 0.85, 1.15)])
                solid.faces(pane * [1, side * r, r], GLASS, nearer=0.035, shine=0.5)
        solid.faces(np.array([(0.2, -0.7, 0.75), (0.2, 0.7, 0.75), (0.12, 0.75, 1.5), (0.12, -0.75, 1.5)]) * [1, r, r],
                    GLASS, nearer=0.03, shine=0.5)  # fmt: skip
    else:
        bubble = [(0.13, 0.75 * r, 0.1 * r, 0.1 * r), (0.08, 1.0 * r, 0.6 * r, 0.6 * r), (-0.03, r, 0.6 * r, 0.65 * r),
                  (-0.16, 0.6 * r, 0.1 * r, 0.1 * r)]  # fmt: skip
        solid.skin(_rings(bubble, 10), (0.2, 0.28, 0.36), shine=0.8, nearer=0.01)
    _propeller(rng, solid, (0.42, 0, 0), rng.uniform(0.15, 0.19), int(rng.integers(2, 4)))
    contacts = np.zeros((0, 3))
    if grounded or kind != "low":
        z = -2.1 * r
        third = (0.32, 0, z) if rng.uniform() < 0.6 else (-0.45, 0, -0.5 * r)
        contacts = _gear(solid, [(0.08, 0.13, z), (0.08, -0.13, z), third], 0.034, -0.6 * r, body)
    return Model(solid, grounded, contacts)


def _fighter(rng: np.random.Generator, grounded: bool) -> Model:
    """Return a jet fighter: pointed nose, delta wings, one or two fins."""
    solid = Solid()
    r = rng.uniform(0.05, 0.06)
    base = pick(rng, [(0.55, 0.58, 0.62), (0.42, 0.45, 0.5), (0.4, 0.42, 0.3), (0.62, 0.55, 0.42), (0.2, 0.25, 0.5)])
    base = vary(rng, base, 0.05)
    patch = mix(base, (0.16, 0.18, 0.14), rng.uniform(0, 0.7))
    spots = rng.uniform(-0.5, 0.5, 5)

    def livery(x: float, up: float):
        return patch if up > -0.3 and np.min(np.abs(spots - x - 0.1 * up)) < 0.045 else base

    stations = [
        (0.58, 0, 0.003, 0.003), (0.47, 0, 0.45 * r, 0.42 * r), (0.3, 0.1 * r, 0.8 * r, 0.85 * r),
        (0.1, 0.1 * r, 1.3 * r, r), (-0.2, 0, 1.4 * r, 0.95 * r), (-0.42, 0, 1.0 * r, 0.8 * r),
    ]  # fmt: skip
    _fuselage(solid, stations, livery)
    solid.faces(_rings([(-0.42, 0, 0.8 * r, 0.6 * r)], 10)[0], BLACK, nearer=0.02)
    half = rng.uniform(0.26, 0.34)
    delta = rng.uniform() < 0.5
    tip_x = -0.22 if delta else -0.12
    _wing(solid, (0.14, r, 0), (tip_x, half, -0.01), (0.46 if delta else 0.32, 0.07), base, 0.035)
    _wing(solid, (-0.3, r, 0), (-0.42, 0.2, -0.01), (0.16, 0.07), patch, 0.04, pieces=2)
    fin = rng.uniform(0.14, 0.18)
    if rng.uniform() < 0.5:
        _wing(solid, (-0.2, 0.9 * r, 0.7 * r), (-0.38, 1.5 * r, fin), (0.18, 0.07), patch, 0.05, pieces=2)
    else:
        _wing(solid, (-0.18, 0, 0.7 * r), (-0.38, 0, fin + 0.03), (0.22, 0.08), patch, 0.05, mirrored=False, pieces=2)
    bubble = [(0.36, 0.8 * r, 0.1 * r, 0.1 * r), (0.29, r, 0.5 * r, 0.55 * r), (0.2, r, 0.5 * r, 0.6 * r),
              (0.06, 0.9 * r, 0.15 * r, 0.1 * r)]  # fmt: skip
    solid.skin(_rings(bubble, 10), (0.14, 0.17, 0.2), shine=0.9, nearer=0.01)
    for side in (1, -1):  # air intakes and missiles
        intake = np.array([(0.2, 0.8, -0.6), (0.2, 1.6, -0.6), (0.2, 1.6, 0.5), (0.2, 0.8, 0.5)]) * [1, side * r, r]
        solid.faces(intake, BLACK, nearer=0.01)
        solid.skin(np.stack([intake, intake - [0.2, 0, 0]]), base)
        for y in (0.6, 0.85)[: int(rng.integers(3))]:
            solid.bar([(-0.1, side * half * y, -0.03), (0.08, side * half * y, -0.03)], 0.009, WHITE)
    contacts = np.zeros((0, 3))
    if grounded:
        z = -2.0 * r
        contacts = _gear(solid, [(0.3, 0, z), (-0.12, 0.09, z), (-0.12, -0.09, z)], 0.025, -0.5 * r)
    return Model(solid, grounded, contacts)


def _glider(rng: np.random.Generator, grounded: bool) -> Model:
    """Return a glider: long slender wings, no engine."""
    solid = Solid()
    r = rng.uniform(0.045, 0.055)
    accent = hsv(rng.uniform(), 0.85, 0.75)
    stripe = rng.uniform() < 0.5

    def livery(x: float, up: float):
        return accent if stripe and -0.25 < up < 0.1 else WHITE

    stations = [
        (0.42, -0.3 * r, 0.004, 0.004), (0.36, -0.1 * r, 0.7 * r, 0.7 * r), (0.22, 0, r, 1.1 * r),
        (0.05, 0.1 * r, 0.8 * r, r), (-0.12, 0.3 * r, 0.35 * r, 0.4 * r), (-0.5, 0.5 * r, 0.18 * r, 0.22 * r),
    ]  # fmt: skip
    _fuselage(solid, stations, livery)
    half = rng.uniform(0.75, 0.95)
    _wing(solid, (0.1, 0, 0.9 * r), (0.06, half, 0.9 * r + half * rng.uniform(0.04, 0.1)), (0.11, 0.04), WHITE, 0.12,
          pieces=7)  # fmt: skip
    top = rng.uniform(0.13, 0.17)
    _wing(
        solid, (-0.4, 0, 0.5 * r), (-0.45, 0, top), (0.13, 0.09), accent if stripe else WHITE, mirrored=False, pieces=2
    )
    _wing(solid, (-0.44, 0, top), (-0.46, 0.16, top), (0.08, 0.05), WHITE, pieces=2)
    bubble = [(0.38, 0.2 * r, 0.2 * r, 0.2 * r), (0.3, 0.6 * r, 0.6 * r, 0.6 * r), (0.2, 0.7 * r, 0.65 * r, 0.6 * r),
              (0.1, 0.8 * r, 0.2 * r, 0.2 * r)]  # fmt: skip
    solid.skin(_rings(bubble, 10), (0.25, 0.33, 0.4), shine=0.9, nearer=0.02)
    contacts = _gear(solid, [(0.1, 0, -1.0 * r)], 0.025, -0.5 * r) if grounded else np.zeros((0, 3))
    return Model(solid, grounded, contacts)


# --- motorbikes ----------------------------------------------------------------------------------------------
# Unit: the wheels' distance is about 1. The ground is z = 0, the front wheel towards +x, the near side is y < 0.

CHROME, RUBBER, STEEL = (0.78, 0.8, 0.83), (0.07, 0.07, 0.075), (0.42, 0.43, 0.45)


def _wheel(solid: Solid, x: float, radius: float, width: float, tyre: float, spokes: int, rim) -> None:
    """Add a wheel standing at ``x``: tyre, rim, spokes (wires if there are more than eight), hub, brake disc."""
    n = 20
    t = np.arange(n + 1) * (2 * np.pi / n)
    out = np.stack([np.cos(t), np.zeros(n + 1), np.sin(t)], 1)
    centre = np.array([x, 0, radius])

    def hoop(r: float, y: float) -> np.ndarray:
        return centre + r * out + [0, y, 0]

    inner = radius - tyre
    profile = [(inner, -0.5), (radius - 0.3 * tyre, -0.47), (radius, 0), (radius - 0.3 * tyre, 0.47), (inner, 0.5)]
    tones = np.array([(0.12, 0.12, 0.125), RUBBER, RUBBER, (0.12, 0.12, 0.125)])[:, None] * np.ones((1, n, 1))
    solid.skin([hoop(r, y * width)[:-1] for r, y in profile], tones, shine=0.1)
    a, b = hoop(inner + 0.005, 0), hoop(inner - 0.022, 0)
    solid.faces(np.stack([a[:-1], a[1:], b[1:], b[:-1]], 1), rim, shine=0.5)
    rim_radius, hub = inner - 0.015, 0.032
    if spokes > 8:
        k = np.arange(spokes)
        a = 2 * np.pi * k / spokes
        b = a + np.where(k % 2, 0.35, -0.35)  # wires leave the hub at a slant, alternately
        side_of_hub = np.where(k % 4 < 2, 0.3, -0.3) * width
        starts = centre + np.stack([hub * np.cos(b), side_of_hub, hub * np.sin(b)], 1)
        ends = centre + rim_radius * np.stack([np.cos(a), 0 * a, np.sin(a)], 1)
        solid.spokes(starts, ends, 0.0028, CHROME)
    else:
        a = 2 * np.pi * (np.arange(spokes) + 0.3) / spokes
        u, v = np.stack([np.cos(a), 0 * a, np.sin(a)], 1), np.stack([-np.sin(a), 0 * a, np.cos(a)], 1)
        corners = ((hub, 0.02), (rim_radius, 0.013), (rim_radius, -0.013), (hub, -0.02))
        blades = centre + np.stack([r * u + w * v for r, w in corners], 1)
        for y in (-0.2 * width, 0.2 * width):
            solid.faces(blades + [0, y, 0], rim, shine=0.3)
    for s in (-1, 1):
        ring = circle((x, radius), hub * 1.15, points=10)
        solid.faces(np.stack([ring[:, 0], np.full(10, s * 0.45 * width), ring[:, 1]], 1), rim, shine=0.4)
    outer, bore = circle((x, radius), 0.45 * inner, points=16), circle((x, radius), 0.27 * inner, points=16)
    y = np.full(16, -0.4 * width)
    a, b = (np.stack([r[:, 0], y, r[:, 1]], 1) for r in (outer, bore))
    solid.faces(np.stack([a, np.roll(a, -1, 0), np.roll(b, -1, 0), b], 1), (0.55, 0.55, 0.57), shine=0.4)


def _arch(solid: Solid, x: float, z: float, radius: float, start: float, end: float, width: float, colour) -> None:
    """Add a mudguard: a bent strip around (x, z) from the angle ``start`` to ``end`` in degrees, 0 = forward."""
    t = np.radians(np.linspace(start, end, 9))
    rows = []
    for y, drop in ((-0.5, 0.035), (-0.42, 0), (0.42, 0), (0.5, 0.035)):
        r = radius - drop
        rows.append(np.stack([x + r * np.cos(t), np.full(9, y * width), z + r * np.sin(t)], 1))
    solid.skin(np.stack(rows, 1), colour, closed=False, one_sided=False, shine=0.35, nearer=0.01)


def _loft(solid: Solid, stations, colour, sides: int = 10, shine: float = 0.5, nearer: float = 0.0) -> None:
    """Add a rounded body along x with closed ends: a tank, a seat, a headlamp."""
    rings = _rings(_resample(stations), sides)
    solid.skin(rings, colour, shine=shine, nearer=nearer)
    solid.faces(rings[[0, -1]], colour, nearer=nearer)


def _cylinder(solid: Solid, base, angle: float, length: float, half: float, colour) -> None:
    """Add an engine cylinder with cooling fins: leaning forward by ``angle`` degrees from upright."""
    a = np.radians(angle)
    up, ahead = np.array([np.sin(a), 0, np.cos(a)]), np.array([np.cos(a), 0, -np.sin(a)])
    fins = 7
    k = np.arange(fins)[:, None, None]
    size = half * np.where(k % 2, 0.8, 1.0) * np.where(k == fins - 1, 1.12, 1.0)  # the head is a little wider
    along, across = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64).T[..., None]
    rings = np.array(base) + up * length * k / (fins - 1) + size * (ahead * along + np.array([0, 0.9, 0]) * across)
    tones = np.where(k[:-1] % 2, colour, mix(colour, BLACK, 0.7))
    solid.skin(rings, np.repeat(tones, 4, 1), shine=0.2)
    solid.faces(rings[-1], colour)


def _cover(solid: Solid, x: float, z: float, radius: float, y: float, colour, points: int = 14) -> None:
    """Add a round engine cover on both sides, with a smaller boss on it."""
    for s in (-1, 1):
        for r, dy, tone in ((radius, 0.0, colour), (radius * 0.55, 0.008, mix(colour, BLACK, 0.25))):
            ring = circle((x, z), r, points=points)
            solid.faces(
                np.stack([ring[:, 0], np.full(points, s * (y + dy)), ring[:, 1]], 1), tone, nearer=dy, shine=0.4
            )


def _pipe(solid: Solid, path, radius: float, colour=CHROME) -> None:
    """Add an exhaust: a bent pipe with a bright line along it."""
    path = smooth(path, closed=False, steps=3)
    solid.bar(path, radius, mix(colour, BLACK, 0.25), shine=0.3)
    solid.bar(path + [0, -radius * 0.9, radius * 0.35], radius * 0.25, mix(colour, (1, 1, 1), 0.6), nearer=0.01)


def _handlebar(solid: Solid, x: float, z: float, rise: float, back: float, half: float = 0.24, mirrors=True) -> None:
    """Add handlebar, grips, levers and mirrors around the steering head at (x, z)."""
    for s in (-1, 1):
        end = np.array([x - back, s * half, z + rise])
        solid.bar([(x, s * 0.03, z), (x + 0.01, s * 0.1, z + rise * 0.9), end - [0, s * 0.08, 0]], 0.011, CHROME)
        solid.bar([end - [0, s * 0.08, 0], end], 0.018, RUBBER)
        if mirrors:
            knee = end + [0.02, -s * 0.05, 0.09]
            solid.bar([end - [0, s * 0.08, 0], knee], 0.006, BLACK)
            ring = circle((knee[1], knee[2] + 0.02), (0.045, 0.03), points=10)
            solid.faces(np.stack([np.full(10, knee[0]), ring[:, 0], ring[:, 1]], 1), (0.15, 0.15, 0.16))


def _lamp(solid: Solid, x: float, z: float, radius: float, colour=CHROME) -> None:
    """Add a round headlamp facing forward."""
    stations = [(x - 1.3 * radius, z, 0.3 * radius, 0.3 * radius), (x - 0.6 * radius, z, 0.9 * radius, 0.9 * radius),
                (x, z, radius, radius)]  # fmt: skip
    rings = _rings(stations, 12)
    solid.skin(rings, colour, shine=0.6, nearer=0.01)
    solid.faces(rings[-1], (0.95, 0.93, 0.8), nearer=0.02, glow=0.5)


def _fork(solid: Solid, x: float, radius: float, head, colour, slim: float = 0.016) -> None:
    """Add the front fork from the axle at (x, radius) to the steering head (x, z)."""
    for s in (-1, 1):
        foot, top = np.array([x, s * 0.07, radius]), np.array([head[0], s * 0.065, head[1]])
        knee = foot + 0.5 * (top - foot)
        solid.bar([foot, knee], slim * 1.4, STEEL, shine=0.3)
        solid.bar([knee, top], slim, colour, shine=0.4)


def _paint(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the body's colour and an accent."""
    body = pick(rng, [
        hsv(rng.uniform(), rng.uniform(0.6, 1.0), rng.uniform(0.3, 0.85)),
        hsv(pick(rng, [0.0, 0.6, 0.08, 0.35]), 0.9, rng.uniform(0.45, 0.85)),
        vary(rng, (0.1, 0.1, 0.11), 0.05), vary(rng, SILVER, 0.06), vary(rng, WHITE, 0.04),
    ])  # fmt: skip
    accent = pick(rng, [np.array(WHITE), np.array(BLACK), hsv(rng.uniform(), 0.9, 0.8), np.array(CHROME)])
    return body, accent


def _cruiser(rng: np.random.Generator) -> Model:
    """Return a long, low motorbike with a V-twin engine and much chrome."""
    solid = Solid()
    body, accent = _paint(rng)
    rf, rr, base = rng.uniform(0.24, 0.28), rng.uniform(0.23, 0.26), rng.uniform(1.08, 1.22)
    xr, xf = -base / 2, base / 2
    rim = pick(rng, [CHROME, CHROME, BLACK, SILVER])
    spokes = int(pick(rng, [16, 20, 6]))
    _wheel(solid, xf, rf, 0.09, 0.055, spokes, rim)
    _wheel(solid, xr, rr, 0.14, 0.075, spokes, rim)
    head = (xf - rng.uniform(0.24, 0.34), 0.62)
    _fork(solid, xf, rf, head, CHROME, 0.02)
    _arch(solid, xf, rf, rf + 0.03, 20, 170, 0.13, body)
    _arch(solid, xr, rr, rr + 0.045, 10, 190, 0.2, body)
    hip = (xr + 0.28, 0.44)
    for y in (-0.07, 0.07):
        solid.bar([(head[0], y * 0.4, head[1]), (0.2, y, 0.15), (-0.2, y, 0.14), (hip[0], y, hip[1])], 0.017, BLACK)
        solid.bar([(hip[0], y * 1.6, hip[1]), (xr, y * 1.7, rr)], 0.013, CHROME, shine=0.4)
        solid.bar([(-0.2, y * 1.5, 0.2), (xr, y * 1.5, rr)], 0.02, STEEL)
    metal = pick(rng, [CHROME, STEEL, (0.2, 0.2, 0.21)])
    solid.slab(circle((0.0, 0.22), (0.2, 0.11), points=14), 0.09, mix(metal, BLACK, 0.3), shine=0.2)
    _cylinder(solid, (0.06, 0, 0.28), 24, 0.2, 0.075, metal)
    _cylinder(solid, (-0.06, 0, 0.28), -24, 0.2, 0.075, metal)
    _cover(solid, 0.03, 0.22, 0.09, 0.1, CHROME)
    _cover(solid, -0.13, 0.21, 0.065, 0.1, metal)
    solid.slab(circle((0.02, 0.43), (0.055, 0.045), points=12), 0.12, CHROME, shine=0.5)
    tank = [(-0.14, 0.52, 0.04, 0.03), (-0.08, 0.55, 0.08, 0.06), (0.1, 0.59, 0.12, 0.09), (0.24, 0.6, 0.1, 0.08),
            (0.3, 0.6, 0.03, 0.03)]  # fmt: skip
    _loft(solid, np.array(tank) - [0, 0.01, 0, 0], body)
    if rng.uniform() < 0.6:
        badge = circle((0.11, 0.59), (0.09, 0.035), points=10)
        for y in (-0.122, 0.122):
            solid.faces(np.stack([badge[:, 0], np.full(10, y), badge[:, 1]], 1), accent, nearer=0.03)
    seat = [(xr + 0.06, 0.56, 0.08, 0.03), (xr + 0.18, 0.5, 0.1, 0.05), (xr + 0.34, 0.48, 0.11, 0.045),
            (-0.12, 0.54, 0.06, 0.03)]  # fmt: skip
    _loft(solid, seat, pick(rng, [(0.09, 0.08, 0.08), (0.3, 0.17, 0.1)]), shine=0.15, nearer=0.02)
    for k in range(2):
        end = xr - rng.uniform(0.0, 0.12)
        _pipe(solid, [(0.16 - 0.22 * k, -0.1, 0.33), (0.2 - 0.2 * k, -0.13, 0.2), (0.0, -0.14, 0.13 + 0.05 * k),
                      (end, -0.15, 0.16 + 0.06 * k)], 0.028)  # fmt: skip
    _lamp(solid, head[0] + 0.13, head[1] - 0.02, 0.065)
    _handlebar(solid, head[0], head[1], rng.uniform(0.08, 0.28), rng.uniform(0.08, 0.2))
    solid.bar([(xr - 0.26, 0, rr + 0.12), (xr - 0.28, 0, rr + 0.15)], 0.025, (0.75, 0.06, 0.06))
    if rng.uniform() < 0.3:  # saddlebags
        bag = smooth([(xr - 0.12, 0.2), (xr + 0.2, 0.2), (xr + 0.2, 0.4), (xr - 0.12, 0.42)], steps=4)
        for y in (-0.17, 0.17):
            solid.slab(bag, 0.05, pick(rng, [body, (0.16, 0.1, 0.07), BLACK]), y=y, shine=0.2)
    if rng.uniform() < 0.25:  # windscreen
        screen = [(head[0] + 0.1, -0.16, head[1] + 0.06), (head[0] + 0.1, 0.16, head[1] + 0.06)]
        screen += [(head[0] - 0.08, 0.13, head[1] + 0.4), (head[0] - 0.08, -0.13, head[1] + 0.4)]
        solid.faces(screen, (0.6, 0.68, 0.72), shine=0.6)
    return Model(solid, True, np.array([(xr, 0, 0), (xf, 0, 0)]))


def _sport(rng: np.random.Generator) -> Model:
    """Return a sport motorbike with a full fairing."""
    solid = Solid()
    body, accent = _paint(rng)
    r, base = rng.uniform(0.225, 0.245), rng.uniform(0.98, 1.08)
    xr, xf = -base / 2, base / 2
    rim = pick(rng, [BLACK, SILVER, accent, (0.8, 0.6, 0.15)])
    spokes = int(pick(rng, [3, 5, 6]))
    _wheel(solid, xf, r, 0.1, 0.055, spokes, rim)
    _wheel(solid, xr, r, 0.15, 0.06, spokes, rim)
    head = (xf - 0.22, 0.6)
    _fork(solid, xf, r, head, (0.75, 0.6, 0.2) if rng.uniform() < 0.4 else STEEL, 0.022)
    _arch(solid, xf, r, r + 0.025, 30, 160, 0.12, pick(rng, [body, accent]))
    for y in (-0.09, 0.09):
        solid.bar([(-0.14, y, 0.3), (xr, y, r)], 0.028, pick(rng, [STEEL, SILVER, BLACK]), shine=0.3)
    solid.slab([(-0.22, 0.2), (0.22, 0.16), (0.26, 0.4), (-0.16, 0.46)], 0.1, (0.22, 0.22, 0.23))
    _cover(solid, -0.08, 0.25, 0.07, 0.105, STEEL)
    belly = rng.uniform(0.12, 0.3)  # how low the fairing reaches
    fairing = smooth([
        (xf - 0.02, 0.6), (xf - 0.1, 0.68), (xf - 0.26, 0.74), (0.12, 0.62), (0.06, 0.44), (-0.06, belly + 0.08),
        (-0.14, belly), (0.16, belly - 0.02), (0.27, belly + 0.1), (0.24, 0.42), (xf - 0.14, 0.52),
    ], steps=3)  # fmt: skip
    solid.slab(fairing, 0.14, body, edge=mix(body, BLACK, 0.15), bevel=0.93, shine=0.4)
    for s in (-1, 1):
        stripe = np.array([(0.28, 0.62), (0.36, 0.6), (0.14, 0.2 + belly * 0.4), (0.05, 0.2 + belly * 0.4)])
        stripe += [xf - 0.52, 0]
        solid.faces(np.stack([stripe[:, 0], np.full(4, s * 0.141), stripe[:, 1]], 1), accent, nearer=0.05)
        vent = smooth([(0.1, 0.36), (0.19, 0.34), (0.17, 0.27), (0.08, 0.3)], steps=2)
        solid.faces(np.stack([vent[:, 0], np.full(len(vent), s * 0.141), vent[:, 1]], 1), BLACK, nearer=0.05)
    screen = [(xf - 0.1, 0.68), (xf - 0.3, 0.86), (xf - 0.34, 0.84), (xf - 0.27, 0.73)]
    solid.slab(screen, 0.1, (0.2, 0.24, 0.28), bevel=0.8, shine=0.8)
    nose = np.array(
        [(xf - 0.03, -0.09, 0.62), (xf - 0.03, 0.09, 0.62), (xf - 0.01, 0.07, 0.57), (xf - 0.01, -0.07, 0.57)]
    )
    solid.faces(nose, (0.95, 0.95, 0.85), nearer=0.05, shine=0.5)
    tank = [(-0.16, 0.58, 0.05, 0.04), (-0.06, 0.62, 0.1, 0.08), (0.08, 0.66, 0.12, 0.1), (0.2, 0.64, 0.08, 0.07)]
    _loft(solid, tank, pick(rng, [body, body, accent]))
    tail_z = rng.uniform(0.68, 0.78)
    tail = [(-0.12, 0.54), (-0.3, 0.6), (xr + 0.0, tail_z - 0.03), (xr - 0.14, tail_z + 0.02),
            (xr - 0.12, tail_z - 0.06), (xr + 0.1, 0.56), (-0.16, 0.44)]  # fmt: skip
    solid.slab(tail, 0.085, body, bevel=0.85, shine=0.4)
    _loft(solid, [(xr + 0.06, tail_z - 0.02, 0.05, 0.02), (xr + 0.2, 0.64, 0.085, 0.035), (-0.12, 0.6, 0.06, 0.03)],
          (0.08, 0.08, 0.085), shine=0.1, nearer=0.03)  # fmt: skip
    solid.bar([(xr - 0.13, 0, tail_z), (xr - 0.15, 0, tail_z)], 0.03, (0.8, 0.08, 0.08), nearer=0.1)
    high = rng.uniform() < 0.5
    end = (xr - 0.08, -0.13, 0.52) if high else (xr + 0.02, -0.15, 0.27)
    _pipe(
        solid,
        [(0.1, -0.1, 0.16), (-0.15, -0.12, 0.17), ((xr - 0.1) / 2, -0.13, 0.26 if high else 0.2), end],
        0.02,
        STEEL,
    )
    start = np.array([(xr - 0.1) / 2 - 0.03, -0.13, 0.28 if high else 0.2])
    solid.bar([start + 0.25 * (np.array(end) - start), end], 0.042, pick(rng, [CHROME, (0.15, 0.15, 0.16)]), shine=0.5)
    _handlebar(solid, head[0] + 0.02, head[1] + 0.06, 0.03, 0.08, 0.22, mirrors=False)
    for s in (-1, 1):
        solid.bar([(xf - 0.2, s * 0.12, 0.72), (xf - 0.18, s * 0.2, 0.77)], 0.018, BLACK)
    return Model(solid, True, np.array([(xr, 0, 0), (xf, 0, 0)]))


def _standard(rng: np.random.Generator) -> Model:
    """Return an upright motorbike without fairing: round lamp, flat seat, twin or single engine."""
    solid = Solid()
    body, accent = _paint(rng)
    r, base = rng.uniform(0.24, 0.27), rng.uniform(0.98, 1.08)
    xr, xf = -base / 2, base / 2
    rim = pick(rng, [CHROME, SILVER, BLACK])
    spokes = int(pick(rng, [16, 20, 5]))
    _wheel(solid, xf, r, 0.08, 0.045, spokes, rim)
    _wheel(solid, xr, r, 0.1, 0.05, spokes, rim)
    head = (xf - 0.2, 0.64)
    _fork(solid, xf, r, head, CHROME)
    fender = pick(rng, [CHROME, body, BLACK])
    _arch(solid, xf, r, r + 0.025, 25, 165, 0.1, fender)
    _arch(solid, xr, r, r + 0.035, 30, 175, 0.12, fender)
    for y in (-0.06, 0.06):
        top = (head[0], y * 0.4)
        solid.bar([(*top, head[1]), (0.22, y, 0.18), (-0.2, y, 0.17), (-0.25, y, 0.5), (*top, 0.6)], 0.015, BLACK)
        solid.bar([(-0.22, y * 1.3, 0.24), (xr, y * 1.3, r)], 0.018, STEEL)
        solid.bar([(xr + 0.12, y * 1.5, 0.55), (xr + 0.01, y * 1.6, r)], 0.02, CHROME, shine=0.4)
    metal = pick(rng, [CHROME, STEEL, (0.25, 0.25, 0.26)])
    solid.slab(
        smooth([(-0.2, 0.2), (0.14, 0.16), (0.2, 0.27), (0.0, 0.34), (-0.18, 0.32)], steps=3), 0.1, metal, shine=0.2
    )
    _cylinder(solid, (0.08, 0, 0.31), 12, 0.19, 0.085, metal)
    _cover(solid, -0.08, 0.26, 0.08, 0.105, CHROME)
    _cover(solid, 0.1, 0.24, 0.05, 0.105, metal)
    tank = [(-0.14, 0.57, 0.05, 0.05), (-0.05, 0.6, 0.09, 0.08), (0.12, 0.62, 0.12, 0.09), (0.24, 0.61, 0.06, 0.06)]
    _loft(solid, tank, body)
    stripe = smooth([(-0.06, 0.585), (0.12, 0.62), (0.21, 0.62), (0.12, 0.585)], steps=3)
    for y in (-0.12, 0.12):
        solid.faces(np.stack([stripe[:, 0], np.full(len(stripe), y), stripe[:, 1]], 1), accent, nearer=0.03)
    seat = [
        (xr - 0.04, 0.6, 0.07, 0.03),
        (xr + 0.08, 0.6, 0.1, 0.04),
        (-0.25, 0.59, 0.1, 0.04),
        (-0.13, 0.6, 0.06, 0.03),
    ]
    _loft(solid, seat, pick(rng, [(0.08, 0.08, 0.08), (0.36, 0.22, 0.13)]), shine=0.15, nearer=0.02)
    solid.slab([(-0.26, 0.36), (-0.13, 0.36), (-0.11, 0.52), (-0.28, 0.52)], 0.08, pick(rng, [body, BLACK, CHROME]))
    _pipe(
        solid,
        [(0.15, -0.08, 0.36), (0.24, -0.1, 0.26), (0.14, -0.12, 0.13), (-0.15, -0.13, 0.14), (-0.25, -0.13, 0.16)],
        0.017,
    )
    solid.bar([(-0.22, -0.13, 0.155), (xr - 0.1, -0.14, rng.uniform(0.18, 0.26))], 0.036, CHROME, shine=0.5)
    _lamp(solid, head[0] + 0.14, head[1] - 0.03, 0.07, pick(rng, [CHROME, body, BLACK]))
    _handlebar(solid, head[0], head[1] + 0.02, rng.uniform(0.03, 0.14), rng.uniform(0.04, 0.14))
    solid.bar([(xr - 0.1, 0, 0.58), (xr - 0.12, 0, 0.57)], 0.028, (0.75, 0.06, 0.06))
    return Model(solid, True, np.array([(xr, 0, 0), (xf, 0, 0)]))


def _dirt_bike(rng: np.random.Generator) -> Model:
    """Return an off-road motorbike: knobbly tyres, high mudguards, long fork, number plate."""
    solid = Solid()
    body = hsv(pick(rng, [0.0, 0.09, 0.16, 0.33, 0.6, rng.uniform()]), rng.uniform(0.75, 1), rng.uniform(0.5, 0.9))
    accent = pick(rng, [np.array(WHITE), np.array(BLACK), hsv(rng.uniform(), 0.8, 0.8)])
    rf, rr, base = rng.uniform(0.265, 0.29), rng.uniform(0.25, 0.265), rng.uniform(1.02, 1.12)
    xr, xf = -base / 2, base / 2
    rim = pick(rng, [SILVER, BLACK, (0.2, 0.3, 0.7), (0.8, 0.6, 0.15)])
    for x, r in ((xf, rf), (xr, rr)):
        _wheel(solid, x, r, 0.09, 0.055, 18, rim)
        t = np.arange(26) * (2 * np.pi / 26)  # knobs
        for y in (-0.025, 0.025):
            a = np.stack([x + r * 0.99 * np.cos(t), np.full(26, y), r + r * 0.99 * np.sin(t)], 1)
            b = np.stack([x + r * 1.05 * np.cos(t), np.full(26, y), r + r * 1.05 * np.sin(t)], 1)
            solid.spokes(a, b, 0.011, RUBBER)
    head = (xf - 0.24, 0.76)
    _fork(solid, xf, rf, head, pick(rng, [SILVER, (0.75, 0.6, 0.2)]), 0.02)
    front = [
        (xf - 0.24, 0.66),
        (xf - 0.06, 0.66),
        (xf + 0.2, 0.58),
        (xf + 0.2, 0.56),
        (xf - 0.06, 0.62),
        (xf - 0.24, 0.62),
    ]
    solid.slab(smooth(front, steps=3), 0.06, body, bevel=0.95, shine=0.3)
    back = [(-0.2, 0.64), (xr + 0.05, 0.68), (xr - 0.26, 0.78), (xr - 0.26, 0.76), (xr + 0.05, 0.64), (-0.2, 0.58)]
    solid.slab(smooth(back, steps=3), 0.07, pick(rng, [body, accent]), bevel=0.95, shine=0.3)
    tubes = pick(rng, [BLACK, SILVER, body])
    for y in (-0.05, 0.05):
        top = (head[0], y * 0.4)
        solid.bar([(*top, head[1]), (0.2, y, 0.3), (-0.12, y, 0.27), (-0.16, y, 0.58), (*top, 0.7)], 0.015, tubes)
        solid.bar([(-0.12, y * 1.4, 0.33), (xr, y * 1.5, rr)], 0.02, SILVER, shine=0.3)
    solid.bar([(-0.14, 0, 0.36), (-0.18, 0, 0.58)], 0.025, (0.8, 0.7, 0.15))
    solid.slab(smooth([(-0.12, 0.28), (0.12, 0.26), (0.17, 0.36), (0.0, 0.4), (-0.12, 0.38)], steps=3), 0.08, STEEL)
    _cylinder(solid, (0.06, 0, 0.36), 15, 0.15, 0.06, SILVER)
    _cover(solid, -0.02, 0.32, 0.06, 0.085, CHROME)
    shroud = [(0.26, 0.7), (0.3, 0.55), (0.2, 0.42), (0.1, 0.52), (-0.12, 0.6), (-0.1, 0.67), (0.08, 0.74)]
    solid.slab(smooth(shroud, steps=3), 0.09, body, bevel=0.9, shine=0.3)
    decal = np.array([(0.25, 0.66), (0.27, 0.58), (0.12, 0.56), (0.0, 0.62)])
    plate = smooth([(-0.16, 0.6), (-0.32, 0.63), (-0.3, 0.5), (-0.18, 0.46)], steps=3)
    for s in (-1, 1):
        solid.faces(np.stack([decal[:, 0], np.full(4, s * 0.091), decal[:, 1]], 1), accent, nearer=0.04)
        solid.faces(np.stack([plate[:, 0], np.full(len(plate), s * 0.08), plate[:, 1]], 1), WHITE, nearer=0.02)
    seat = [(xr - 0.02, 0.72, 0.05, 0.02), (-0.3, 0.69, 0.07, 0.03), (-0.1, 0.68, 0.07, 0.035), (0.1, 0.73, 0.04, 0.02)]
    _loft(solid, seat, (0.09, 0.09, 0.1), shine=0.1, nearer=0.03)
    _pipe(solid, [(0.12, -0.05, 0.42), (0.2, -0.09, 0.36), (0.06, -0.1, 0.46), (-0.2, -0.11, 0.52)], 0.018, STEEL)
    solid.bar([(-0.2, -0.11, 0.52), (xr - 0.06, -0.11, 0.6)], 0.036, SILVER, shine=0.4)
    _handlebar(solid, head[0], head[1], 0.08, 0.05, 0.26, mirrors=False)
    number = smooth([(-0.09, 0.72), (0.09, 0.72), (0.08, 0.9), (-0.08, 0.9)], steps=2)
    number_x = head[0] + 0.09 - 0.2 * (number[:, 1] - 0.72)
    corners = np.stack([number_x, number[:, 0], number[:, 1]], 1)
    solid.faces(corners, pick(rng, [WHITE, body, accent]), nearer=0.03)
    return Model(solid, True, np.array([(xr, 0, 0), (xf, 0, 0)]))


def _scooter(rng: np.random.Generator) -> Model:
    """Return a scooter: small wheels, leg shield, step-through floor."""
    solid = Solid()
    body, accent = _paint(rng)
    if rng.uniform() < 0.5:
        body = hsv(rng.uniform(), rng.uniform(0.2, 0.5), rng.uniform(0.7, 0.9))  # a pastel
    r, base = rng.uniform(0.16, 0.185), rng.uniform(0.88, 0.96)
    xr, xf = -base / 2, base / 2
    for x in (xr, xf):
        _wheel(solid, x, r, 0.1, 0.055, 5, pick(rng, [SILVER, CHROME]))
    head = (xf - 0.16, 0.74)
    _fork(solid, xf, r, head, STEEL, 0.018)
    _arch(solid, xf, r, r + 0.04, -5, 170, 0.14, body)
    shield = smooth([(xf - 0.03, 0.34), (xf - 0.1, 0.55), (xf - 0.14, 0.74), (xf - 0.2, 0.76), (xf - 0.2, 0.5),
                     (xf - 0.22, 0.22), (xf - 0.16, 0.2)], steps=3)  # fmt: skip
    solid.slab(shield, 0.17, body, bevel=0.9, shine=0.4)
    solid.slab([(xf - 0.2, 0.2), (-0.1, 0.17), (-0.1, 0.23), (xf - 0.2, 0.26)], 0.14, mix(body, BLACK, 0.5))
    rear = smooth([(-0.05, 0.2), (-0.03, 0.42), (-0.1, 0.56), (xr - 0.05, 0.58), (xr - 0.24, 0.52), (xr - 0.22, 0.4),
                   (xr + 0.02, 0.34), (xr + 0.16, 0.24)], steps=3)  # fmt: skip
    solid.slab(rear, 0.15, body, bevel=0.86, shine=0.5)
    for s in (-1, 1):
        stripe = smooth([(-0.12, 0.46), (xr - 0.12, 0.5), (xr - 0.14, 0.47), (-0.1, 0.42)], steps=2)
        solid.faces(np.stack([stripe[:, 0], np.full(len(stripe), s * 0.152), stripe[:, 1]], 1), accent, nearer=0.05)
    seat = [(xr - 0.16, 0.62, 0.09, 0.03), (xr, 0.63, 0.12, 0.05), (-0.18, 0.61, 0.11, 0.045), (-0.08, 0.6, 0.06, 0.03)]
    _loft(solid, seat, pick(rng, [(0.09, 0.09, 0.09), (0.4, 0.24, 0.14), (0.6, 0.55, 0.45)]), shine=0.2, nearer=0.03)
    solid.slab([(xr - 0.08, 0.12), (0.02, 0.14), (0.0, 0.26), (xr - 0.02, 0.26)], 0.07, (0.2, 0.2, 0.21))
    solid.bar([(-0.2, -0.12, 0.14), (xr - 0.1, -0.13, 0.2)], 0.035, STEEL, shine=0.3)
    cowl = np.array([(-0.09, 0.8, 0.05, 0.04), (-0.02, 0.83, 0.13, 0.06), (0.06, 0.82, 0.08, 0.06)])
    _loft(solid, cowl + [head[0], 0, 0, 0], body, nearer=0.02)
    _lamp(solid, head[0] + 0.11, 0.81, 0.055)
    _handlebar(solid, head[0] - 0.02, 0.83, 0.04, 0.07, 0.23)
    solid.bar([(xr - 0.22, 0, 0.48), (xr - 0.24, 0, 0.48)], 0.03, (0.8, 0.06, 0.06))
    if rng.uniform() < 0.3:
        solid.slab(
            [(xr - 0.34, 0.64), (xr - 0.1, 0.64), (xr - 0.12, 0.84), (xr - 0.32, 0.84)], 0.12, pick(rng, [BLACK, body])
        )
    return Model(solid, True, np.array([(xr, 0, 0), (xf, 0, 0)]))


# --- schooners -----------------------------------------------------------------------------------------------
# Unit: the hull is about 1 long. The water is z = 0, the bow towards +x.


def _sail(solid: Solid, tack, clew, peak, throat, belly: float, colour, seam) -> None:
    """Add a sail with four corners (give ``throat`` = ``peak`` for a triangle), bulging sideways by ``belly``."""
    nu, nv = 7, 5
    u, v = np.linspace(0, 1, nu)[None, :, None], np.linspace(0, 1, nv)[:, None, None]
    tack, clew, peak, throat = (np.asarray(p, np.float64) for p in (tack, clew, peak, throat))
    low, high = tack + u * (clew - tack), throat + u * (peak - throat)
    grid = low + v * (high - low)
    out = np.cross(clew - tack, peak - tack)
    out /= np.linalg.norm(out)
    grid = grid + out * belly * np.sin(np.pi * u) * (0.35 + np.sin(np.pi * (0.15 + 0.7 * v)))
    # The leech hangs hollow a little, as cloth does.
    grid = grid - (clew - tack) * 0.04 * np.sin(np.pi * v) * u**4
    tones = np.where((np.arange(nu - 1) % 2 == 0)[None, :, None], colour, mix(colour, seam, 0.12))
    solid.skin(grid, np.broadcast_to(tones, (nv - 1, nu - 1, 3)), closed=False, one_sided=False, glow=0.45)


def _schooner(rng: np.random.Generator, sails_up: bool) -> Model:
    """Return a schooner: two or more masts, the foremast no taller than the others, gaff sails and jibs."""
    solid = Solid()
    beam, free = rng.uniform(0.1, 0.125), rng.uniform(0.065, 0.09)
    paint = pick(rng, [(0.1, 0.1, 0.12), (0.92, 0.91, 0.88), (0.1, 0.16, 0.3), (0.1, 0.25, 0.18), (0.45, 0.12, 0.1),
                       (0.42, 0.26, 0.14)])  # fmt: skip
    paint = vary(rng, paint, 0.03)
    trim = pick(rng, [np.array(WHITE), np.array((0.85, 0.7, 0.3)), np.array((0.6, 0.12, 0.1)), np.array(BLACK)])
    boot = pick(rng, [(0.5, 0.1, 0.08), (0.1, 0.3, 0.25), (0.12, 0.12, 0.14)])
    wood, deck = vary(rng, (0.46, 0.29, 0.15), 0.05), (0.62, 0.48, 0.32)
    x = np.array([-0.5, -0.46, -0.35, -0.15, 0.1, 0.28, 0.4, 0.47, 0.505])
    half = beam * np.array([0.55, 0.68, 0.86, 1.0, 1.0, 0.82, 0.52, 0.22, 0.02])
    sheer = free * (1 + 0.9 * np.clip(x + 0.05, 0, 1) ** 2 * 3 + 0.8 * np.clip(-x - 0.1, 0, 1) ** 2 * 2)
    low = np.array([0.1, 0.45, 0.75, 0.95, 0.95, 0.75, 0.45, 0.16, 0.0])
    overhang = np.array([0.1, 0.05, 0, 0, 0, 0, -0.01, -0.04, -0.09])
    rows = []
    for t in (1.0, 0.86, 0.76, 0.35, 0.12, -0.25):  # heights as fractions of the freeboard
        w = half * (low + (1 - low) * np.clip(t, 0, 1) ** 0.6)
        rows.append(
            np.stack([x + overhang * (1 - np.clip(t, 0, 1)), w, sheer * t if t > 0 else np.full(9, t * free)], 1)
        )
    rows = np.array(rows)  # (height, station, 3)
    tones = [paint, trim, paint, paint, boot]
    for side in (1, -1):
        for k, tone in enumerate(tones):
            strip = rows[k : k + 2] * [1, side, 1]
            solid.skin(strip.transpose(1, 0, 2), tone, closed=False, one_sided=False, shine=0.12)
    planks = np.stack([rows[0] * [1, 1, 0.92], rows[0] * [1, -1, 0.92]], 1)
    solid.skin(planks, deck, closed=False, one_sided=False, nearer=-0.02)
    solid.faces(np.concatenate([rows[:, 0], rows[::-1, 0] * [1, -1, 1]]), paint)  # transom
    for k in range(int(rng.integers(1, 4))):
        cx = -0.34 + 0.25 * k
        house = [(cx - 0.05, free), (cx + 0.05, free), (cx + 0.045, free + 0.04), (cx - 0.045, free + 0.04)]
        solid.slab(house, beam * 0.5, pick(rng, [np.array(WHITE), wood]), bevel=1.0)

    masts = int(pick(rng, [2, 2, 2, 3, 3, 4]))
    gap = {2: 0.33, 3: 0.27, 4: 0.215}[masts]
    first = rng.uniform(0.2, 0.25)
    tall = {2: rng.uniform(0.85, 1.02), 3: rng.uniform(0.72, 0.88), 4: rng.uniform(0.62, 0.72)}[masts]
    mast_x = [first - gap * k for k in range(masts)]
    heights = [tall * (0.92 if k == 0 else 1.0 if k < 3 else 0.95) for k in range(masts)]
    canvas = pick(rng, [(0.95, 0.94, 0.9), (0.95, 0.94, 0.9), (0.9, 0.85, 0.72), (0.85, 0.8, 0.7), (0.6, 0.24, 0.15)])
    canvas = vary(rng, canvas, 0.03)
    seam = (0.3, 0.25, 0.2)
    sheet = np.radians(rng.uniform(4, 38)) * (1 if rng.uniform() < 0.5 else -1)  # how far the booms swing out
    swing = np.array([-np.cos(sheet), np.sin(sheet), 0])
    belly = 0.028 * np.sign(sheet)
    rake = rng.uniform(0.0, 0.06)
    topsails = rng.uniform() < 0.5
    marconi = rng.uniform() < 0.2  # a triangular aftermost sail
    line_colour = (0.16, 0.13, 0.1)
    for k, (mx, height) in enumerate(zip(mast_x, heights)):
        up = np.array([-rake, 0, 1.0])
        foot = np.array([mx, 0, free])
        top = foot + up * height
        solid.bar([foot, foot + up * height * 0.62], 0.011, wood, shine=0.1)
        solid.bar([foot + up * height * 0.6, top], 0.007, wood)
        for side in (1, -1):
            for dx in (-0.035, 0.0, -0.07):
                solid.bar([(mx + dx, side * beam * 0.95, free * 1.05), foot + up * height * 0.6], 0.0018, line_colour)
        after = mx - mast_x[k + 1] if k + 1 < masts else rng.uniform(0.36, 0.46)
        boom_length = after * (0.88 if k + 1 < masts else 1.0)
        tack = foot + up * 0.07
        clew = tack + swing * boom_length + [0, 0, 0.015]
        throat = foot + up * height * 0.56
        peak = throat + swing * boom_length * 0.74 + np.array([0, 0, boom_length * rng.uniform(0.42, 0.6)])
        solid.bar([tack, clew], 0.008, wood)
        if not sails_up:
            solid.bar([tack + [0, 0, 0.018], clew + [0, 0, 0.012]], 0.017, canvas)
            solid.bar([tack + [0, 0, 0.04], clew * 0.96 + tack * 0.04 + [0, 0, 0.03]], 0.006, wood)
            solid.bar([clew, top], 0.0015, line_colour)
            continue
        if marconi and k == masts - 1:
            head = foot + up * height * 0.97
            _sail(solid, tack, clew, head + swing * 0.01, head, belly, canvas, seam)
        else:
            _sail(solid, tack, clew, peak, throat, belly, canvas, seam)
            solid.bar([throat, peak], 0.007, wood)
            if topsails:
                head = foot + up * height * 0.98
                _sail(
                    solid, throat + up * 0.02, peak + [0, 0, 0.012], head - up * 0.02, head, belly * 0.5, canvas, seam
                )
        solid.bar([peak, top], 0.0015, line_colour)
        if k:
            solid.bar(
                [np.array([mast_x[k - 1] - rake * heights[k - 1], 0, free + heights[k - 1]]), top], 0.0015, line_colour
            )
    sprit = np.array([0.5 + rng.uniform(0.16, 0.26), 0, sheer[-1] + rng.uniform(0.03, 0.08)])
    solid.bar([(0.42, 0, sheer[-1]), sprit], 0.009, wood)
    fore_top = np.array([mast_x[0] - rake * heights[0], 0, free + heights[0]])
    stem = np.array([0.49, 0, sheer[-1]])
    stays = [(sprit, 0.95), (sprit * 0.55 + stem * 0.45, 0.72), (stem, 0.58)]
    for number, (anchor, part) in enumerate(stays):
        head = np.array([mast_x[0] - rake * heights[0] * part, 0, free + heights[0] * part])
        solid.bar([anchor, head], 0.0016, line_colour)
        if sails_up and number < int(rng.integers(2, 4)):
            tack, head = anchor + 0.06 * (head - anchor), anchor + 0.86 * (head - anchor)
            foot_length = min(0.3, (anchor[0] - mast_x[0]) * 0.85)
            clew = tack + np.array([-np.cos(sheet * 0.6), np.sin(sheet * 0.6), 0]) * foot_length + [0, 0, 0.02]
            _sail(solid, tack, clew, head - [0.004, 0, 0], head, belly * 0.8, canvas, seam)
    solid.bar([fore_top, sprit], 0.0015, line_colour)
    if rng.uniform() < 0.6:
        pole = np.array([mast_x[-1] - rake * heights[-1], 0, free + heights[-1]])
        flag = np.array([(0, 0, 0), (-0.09, 0.02, -0.005), (-0.09, 0.02, -0.045), (0, 0, -0.04)]) + pole
        solid.faces(flag, hsv(rng.uniform(), 0.8, 0.75))
    for _ in range(int(rng.integers(0, 5))):  # crew
        cx = rng.uniform(-0.4, 0.3)
        solid.bar([(cx, -beam * 0.5, free), (cx, -beam * 0.5, free + 0.045)], 0.011, hsv(rng.uniform(), 0.5, 0.6))
        solid.bar([(cx, -beam * 0.5, free + 0.058), (cx, -beam * 0.5, free + 0.062)], 0.009, (0.75, 0.55, 0.42))
    return Model(solid, False, np.array([(-0.42, 0, 0), (0.42, 0, 0)]))


# --- scenes --------------------------------------------------------------------------------------------------


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


def _shared_scene(rng: np.random.Generator) -> Scene:
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


def _air_scene(rng: np.random.Generator, grounded: bool) -> Scene:
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


def _road_scene(rng: np.random.Generator) -> Scene:
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


def _sea_scene(rng: np.random.Generator) -> Scene:
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


# --- things in front -----------------------------------------------------------------------------------------


def _grass_blades(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw tall grass along the lower edge, up to the row ``base``."""
    tone = vary(rng, pick(rng, [(0.2, 0.36, 0.12), (0.5, 0.46, 0.2), (0.14, 0.22, 0.1)]), 0.05)
    n = int(rng.integers(60, 140))
    x, lean, height = rng.uniform(-5, SIZE[0] + 5, n), rng.normal(0, 10, n), rng.uniform(0.3, 1.0, n)
    for a, b, h, shade in zip(x, lean, height, rng.uniform(0.6, 1.25, n)):
        low, top = SIZE[1], SIZE[1] - h * (SIZE[1] - base)
        bend, half = a + b * 0.3, (low + top) / 2
        layer.polygon([(a - 1.6, low), (bend, half), (a + b, top), (bend + 2, half), (a + 1.6, low)], tone * shade)


def _fence(rng: np.random.Generator, layer: Layer, base: float) -> None:
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


def _people(rng: np.random.Generator, layer: Layer, base: float) -> None:
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


def _branch(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw leaves that hang into the picture from an upper corner."""
    side = int(rng.integers(2)) * SIZE[0]
    tone = vary(rng, pick(rng, [(0.16, 0.28, 0.1), (0.4, 0.3, 0.12), (0.08, 0.12, 0.07)]), 0.04)
    n = int(rng.integers(40, 110))
    reach = np.abs(rng.normal(0, 38, (n, 2)))
    for (dx, dy), angle, shade in zip(reach, rng.uniform(0, np.pi, n), rng.uniform(0.6, 1.4, n)):
        x = side + dx * 1.6 if side == 0 else side - dx * 1.6
        layer.polygon(circle((x, dy), (7, 3), angle, points=8), tone * shade)


def _birds(rng: np.random.Generator, layer: Layer, base: float) -> None:
    """Draw a few birds."""
    for _ in range(int(rng.integers(2, 7))):
        x, y, s = rng.uniform(0, SIZE[0]), rng.uniform(10, 0.6 * SIZE[1]), rng.uniform(3, 7)
        wing = rng.uniform(-0.3, 0.8)
        flap = np.array([(-1, -wing), (-0.4, -0.5), (0, 0), (0.4, -0.5), (1, -wing)])
        layer.line([x, y] + s * flap, (0.15, 0.15, 0.17), 1.2)


# --- putting it together -------------------------------------------------------------------------------------

AIRPLANES = (_airliner, _airliner, _airliner, _business_jet, _propeller_plane, _propeller_plane, _fighter, _glider)
MOTORBIKES = (_cruiser, _cruiser, _cruiser, _sport, _sport, _standard, _standard, _dirt_bike, _scooter)


def _airplane_pose(rng: np.random.Generator, grounded: bool) -> np.ndarray:
    """Return the rotation of an airplane: sideways, three-quarter, banked or seen from below."""
    side = np.pi * int(rng.integers(2))
    if grounded:
        turn = rng.uniform(-0.35, 0.35) if rng.uniform() < 0.6 else rng.uniform(-1.0, 1.0)
        return rotation(roll=rng.uniform(0.02, 0.22)) @ rotation(yaw=side + turn)
    view = pick(rng, ["side", "side", "three-quarter", "three-quarter", "banked", "banked"])
    if view == "side":
        attitude = rotation(rng.uniform(-0.3, 0.3), rng.uniform(-0.1, 0.25), rng.uniform(-0.15, 0.15))
        elevation = rng.uniform(0.05, 0.35) * (1 - 2 * int(rng.integers(2)))
    elif view == "three-quarter":
        attitude = rotation(
            rng.uniform(0.3, 1.0) * (1 - 2 * int(rng.integers(2))), rng.uniform(-0.1, 0.3), rng.uniform(-0.2, 0.2)
        )
        elevation = rng.uniform(-0.5, 0.5)
    else:
        attitude = rotation(
            rng.uniform(-0.6, 0.6), rng.uniform(-0.1, 0.3), rng.uniform(0.35, 0.9) * (1 - 2 * int(rng.integers(2)))
        )
        elevation = rng.uniform(-0.4, 0.4)
    return rotation(roll=elevation) @ rotation(yaw=side) @ attitude


def _motorbike_pose(rng: np.random.Generator) -> np.ndarray:
    """Return the rotation of a motorbike: seen from its side, or somewhat from the front or the back."""
    turn = rng.uniform(-0.25, 0.25) if rng.uniform() < 0.6 else rng.uniform(-0.75, 0.75)
    lean = rng.uniform(-0.12, 0.06)
    return rotation(roll=rng.uniform(0.0, 0.2)) @ rotation(yaw=turn, roll=lean)


def _schooner_pose(rng: np.random.Generator) -> np.ndarray:
    """Return the rotation of a schooner: from the side or three-quarter, heeling in the wind."""
    side = np.pi * int(rng.integers(2))
    turn = rng.uniform(-0.95, 0.95)
    return rotation(roll=rng.uniform(0.02, 0.12)) @ rotation(
        yaw=side + turn, pitch=rng.uniform(-0.03, 0.04), roll=rng.uniform(-0.22, 0.22)
    )


def _place(
    rng, solid: Solid, perspective: float, share: float, anchor: float | None, contacts
) -> tuple[float, tuple[float, float]]:
    """Return scale and origin, in pixels, that show the solid at the wanted share of the picture.

    ``anchor`` is the row on which the lowest contact point should stand, None for anywhere.
    """
    seen = solid.project(perspective=perspective)[:, :2]
    low, high = seen.min(0), seen.max(0)
    extent = high - low
    margin = 4
    room = np.array(SIZE) - 2 * margin
    scale = share * min(room[0] / extent[0], room[1] / extent[1])
    free = np.array(SIZE) - 2 * margin - scale * extent
    spot = margin + free * rng.uniform(0.1, 0.9, 2)
    if anchor is not None:
        foot = contacts[:, 1].max() - low[1]
        spot[1] = np.clip(anchor * SIZE[1] - scale * foot, margin, margin + free[1])
    return scale, tuple(spot - scale * low)


def _cast_shadow(rng: np.random.Generator, picture: np.ndarray, layer: Layer, line: np.ndarray) -> np.ndarray:
    """Return the picture with the vehicle's shadow on the ground; ``line`` holds the points of contact, in pixels."""
    x0, y0, x1, y1 = layer.box()
    row = line[:, 1].mean()
    flat = max(2, int((y1 - y0) * rng.uniform(0.1, 0.25)))
    squeezed = layer.coverage().crop((x0, y0, x1, y1)).resize((x1 - x0, flat))
    ground = Image.new("L", SIZE)
    ground.paste(squeezed, (x0 + int(rng.uniform(-0.1, 0.1) * (x1 - x0)), int(row - flat * rng.uniform(0.4, 0.8))))
    mask = np.asarray(ground, np.float32) / 255
    return shadow(picture, mask, rng.uniform(0.35, 0.75), rng.uniform(1.5, 4))


def _reflect(rng: np.random.Generator, picture: np.ndarray, layer: Layer, line: np.ndarray) -> np.ndarray:
    """Return the water with the ship's mirror image in it, broken by waves."""
    row = int(line[:, 1].mean())
    sheet = layer.sheet()
    rows = np.arange(row, SIZE[1])
    source = np.clip(row - (rows - row) * rng.uniform(1.0, 1.4), 0, SIZE[1] - 1).astype(np.int32)
    ripple = (
        (noise(rng, SIZE, 0.5, stretch=(4, 1))[rows] - 0.5)
        * np.linspace(4, 40, len(rows))[:, None]
        * rng.uniform(0.3, 1)
    )
    columns = np.clip(np.arange(SIZE[0])[None, :] + ripple, 0, SIZE[0] - 1).astype(np.int32)
    mirrored = sheet[source[:, None], columns]
    fade = np.linspace(0.75, 0.15, len(rows), dtype=np.float32)[:, None] * np.float32(rng.uniform(0.4, 1))
    result = picture.copy()
    result[row:] += fade[..., None] * (mirrored[..., :3] * np.float32(0.8) - mirrored[..., 3:] * result[row:])
    return result


def _foam(rng: np.random.Generator, picture: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return the picture with broken white water along the hull, from stern to bow."""
    layer = Layer(SIZE, 2)
    n = 30
    t = rng.uniform(-0.08, 1.12, n)
    spots = line[0] + t[:, None] * (line[1] - line[0]) + rng.normal(0, 1.2, (n, 2)) + [0, 2.5]
    for (x, y), w in zip(spots, rng.uniform(2, 9, n)):
        layer.disc((x, y), (w, 0.8), (0.88, 0.92, 0.94))
    return layer.over(picture, opacity=rng.uniform(0.2, 0.7), blur=0.8)


def _in_front(
    rng: np.random.Generator, picture: np.ndarray, scene: Scene, label: str, standing: float | None
) -> np.ndarray:
    """Return the picture with something in front of the vehicle, in about three of ten pictures."""
    chance = rng.uniform()
    if chance < 0.08:  # mist or smoke
        density = np.clip(noise(rng, SIZE, 0.3) * 1.5 - 0.5, 0, 0.65)
        return blend(density, picture, scene.haze)
    if chance > 0.3:
        return picture
    low = SIZE[1] * (0.92 if standing is None else min(0.93, standing + rng.uniform(-0.1, 0.03)))
    things = [_grass_blades, _fence, _people, _branch] if standing is not None else [_branch, _birds]
    if label == "schooner":
        things = [_birds, _branch, _people, _fence]
    layer = Layer(SIZE, 2)
    pick(rng, things)(rng, layer, low)
    return layer.over(picture, blur=rng.uniform(0, 1.5))


def render(label: str, index: int, seed: int = 0) -> Picture:
    """Return one picture of a class; the same arguments always give the same picture.

    Parameters
    ----------
    label : str
        ``"airplane"``, ``"motorbike"`` or ``"schooner"``.
    index : int
        Its number within the class, from 0.
    seed : int
        The data set's seed, zero or more.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    if label not in COUNTS:
        raise ValueError(f"label is {label!r}; expected one of {', '.join(COUNTS)}.")
    rng = stream(seed, list(COUNTS).index(label), index)
    shared = rng.uniform() < SHARED
    perspective = rng.uniform(0.0, 0.35)
    if label == "airplane":
        grounded = rng.uniform() < 0.3
        model = pick(rng, AIRPLANES)(rng, grounded)
        pose = _airplane_pose(rng, grounded)
        scene = _shared_scene(rng) if shared else _air_scene(rng, grounded)
    elif label == "motorbike":
        model = pick(rng, MOTORBIKES)(rng)
        pose = _motorbike_pose(rng)
        scene = _shared_scene(rng) if shared else _road_scene(rng)
    else:
        model = _schooner(rng, sails_up=rng.uniform() < 0.88)
        pose = _schooner_pose(rng)
        scene = _shared_scene(rng) if shared else _sea_scene(rng)
    solid = model.solid.turned(pose)
    contacts = solid.project(model.contacts @ pose.T, perspective) if len(model.contacts) else None
    standing = scene.ground if contacts is not None and (model.grounded or label == "schooner") else None
    # Mostly large, sometimes small or far away.
    share = rng.uniform(0.78, 0.98) if rng.uniform() < 0.82 else rng.uniform(0.5, 0.78)
    scale, origin = _place(rng, solid, perspective, share, standing, contacts)

    layer = Layer(SIZE, 3)
    light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.9, -0.2), rng.uniform(0.4, 1.0)])
    solid.draw(layer, scale, origin, light, ambient=rng.uniform(0.3, 0.6), perspective=perspective)

    background = scene.picture
    if standing is not None:
        line = np.asarray(origin) + scale * contacts[:, :2]
        background = (_reflect if scene.water else _cast_shadow)(rng, background, layer, line)
    # Lit unevenly, a little dirty; the farther away, the more the air's colour.
    surface = gradient(SIZE, rng.uniform(0, 2 * np.pi), 0.85, 1.12) * (0.93 + 0.14 * noise(rng, SIZE, 1.0))
    air = max(0.0, rng.uniform(-0.5, 0.4)) * (1.3 - share)
    picture = layer.over(background, light=surface, haze=(scene.haze, air))
    if standing is not None and scene.water:
        picture = _foam(rng, picture, line)
    picture = _in_front(rng, picture, scene, label, standing)
    picture = illuminate(rng, picture)
    soft = rng.uniform() < 0.08  # out of focus
    picture = camera(rng, picture, blur=(1.2, 2.4) if soft else (0.0, 0.8), grain=0.035)

    image, mask, (x0, y0, x1, y1) = to_image(picture), layer.mask(), layer.box()
    if rng.integers(2):
        image, mask = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), mask[:, ::-1]
        x0, x1 = SIZE[0] - x1, SIZE[0] - x0
    return Picture(image, (x0, y0, x1, y1), mask)


def make_vehicles(
    folder: Path,
    seed: int = 0,
    *,
    progress: Callable[[int], object] | None = None,
    _counts: dict[str, int] | None = None,
) -> None:
    """Write the data set: one folder of JPEG files per class, and ``boxes.csv``.

    Parameters
    ----------
    folder : Path
        Made if it does not exist. Files of the same names are overwritten.
    seed : int
        Zero or more. Equal seeds give equal files, byte for byte.
    progress : callable, optional
        Called with 1 after each picture, such as a tqdm bar's ``update``.

    Notes
    -----
    ``boxes.csv`` has the columns ``file, x0, y0, x1, y1``: the vehicle's box in pixels, x1 and y1 exclusive.
    """
    folder = Path(folder)
    rows = []
    for label, count in (_counts or COUNTS).items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture = render(label, index, seed)
            name = f"{label}/{index + 1:04d}.jpg"
            picture.image.save(folder / name, quality=QUALITY)
            rows.append((name, *picture.box))
            if progress is not None:
                progress(1)
    with open(folder / "boxes.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "x0", "y0", "x1", "y1"))
        writer.writerows(rows)
