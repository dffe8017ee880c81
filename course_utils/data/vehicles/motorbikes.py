"""Models of motorbikes: cruisers, sport bikes, standards, dirt bikes, scooters.

Unit: the wheels' distance is about 1. The ground is z = 0, the front wheel towards +x, the near side is y < 0.
"""

from __future__ import annotations

import numpy as np

from course_utils.data.drawing import Solid, circle, hsv, mix, pick, rotation, smooth, vary
from course_utils.data.vehicles.parts import BLACK, SILVER, WHITE, Model, ellipses, refine

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
    rings = ellipses(refine(stations), sides)
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
    rings = ellipses(stations, 12)
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


KINDS = (_cruiser, _cruiser, _cruiser, _sport, _sport, _standard, _standard, _dirt_bike, _scooter)


def motorbike(rng: np.random.Generator) -> Model:
    """Return a motorbike of some kind."""
    return pick(rng, KINDS)(rng)


def motorbike_pose(rng: np.random.Generator) -> np.ndarray:
    """Return the rotation of a motorbike: seen from its side, or somewhat from the front or the back."""
    turn = rng.uniform(-0.25, 0.25) if rng.uniform() < 0.6 else rng.uniform(-0.75, 0.75)
    lean = rng.uniform(-0.12, 0.06)
    return rotation(roll=rng.uniform(0.0, 0.2)) @ rotation(yaw=turn, roll=lean)
