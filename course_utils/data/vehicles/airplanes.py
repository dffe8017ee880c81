"""Models of airplanes: airliners, business jets, propeller planes, fighters, gliders.

Unit: the fuselage is about 1 long, its middle at the origin, nose towards +x.
"""

from __future__ import annotations

import numpy as np

from course_utils.data.drawing import Solid, circle, hsv, mix, pick, rotation, vary
from course_utils.data.vehicles.parts import BLACK, SILVER, WHITE, Model, ellipses, refine

GLASS = (0.1, 0.14, 0.2)


def _fuselage(solid: Solid, stations, livery, sides: int = 14) -> None:
    """Add a body; ``livery(x, up)`` gives its colour at a station and a height from -1 (belly) to 1 (top)."""
    stations = refine(stations)
    x = (stations[:-1, 0] + stations[1:, 0]) / 2
    up = np.sin((np.arange(sides) + 1) * (2 * np.pi / sides))
    colours = np.array([[livery(a, b) for b in up] for a in x])
    solid.skin(ellipses(stations, sides), colours, shine=0.35)


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
    rings = ellipses([(x + a * length, z, radius * r, radius * r) for a, r in profile], 10) + [0, y, 0]
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
    solid.skin(ellipses([(x - r, z, r, r), (x + r, z, r * 0.8, r * 0.8), (x + 2 * r, z, 0.002, 0.002)], 8) + [0, y, 0],
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
        solid.skin(ellipses(bubble, 10), (0.2, 0.28, 0.36), shine=0.8, nearer=0.01)
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
    solid.faces(ellipses([(-0.42, 0, 0.8 * r, 0.6 * r)], 10)[0], BLACK, nearer=0.02)
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
    solid.skin(ellipses(bubble, 10), (0.14, 0.17, 0.2), shine=0.9, nearer=0.01)
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
    solid.skin(ellipses(bubble, 10), (0.25, 0.33, 0.4), shine=0.9, nearer=0.02)
    contacts = _gear(solid, [(0.1, 0, -1.0 * r)], 0.025, -0.5 * r) if grounded else np.zeros((0, 3))
    return Model(solid, grounded, contacts)


KINDS = (_airliner, _airliner, _airliner, _business_jet, _propeller_plane, _propeller_plane, _fighter, _glider)


def airplane(rng: np.random.Generator, grounded: bool) -> Model:
    """Return an airplane of some kind, on its wheels or in the air."""
    return pick(rng, KINDS)(rng, grounded)


def airplane_pose(rng: np.random.Generator, grounded: bool) -> np.ndarray:
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
