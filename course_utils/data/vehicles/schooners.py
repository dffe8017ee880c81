"""Models of schooners.

Unit: the hull is about 1 long. The water is z = 0, the bow towards +x.
"""

from __future__ import annotations

import numpy as np

from course_utils.data.drawing import Solid, hsv, mix, pick, rotation, vary
from course_utils.data.vehicles.parts import BLACK, WHITE, Model


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


def schooner(rng: np.random.Generator, sails_up: bool) -> Model:
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


def schooner_pose(rng: np.random.Generator) -> np.ndarray:
    """Return the rotation of a schooner: from the side or three-quarter, heeling in the wind."""
    side = np.pi * int(rng.integers(2))
    turn = rng.uniform(-0.95, 0.95)
    return rotation(roll=rng.uniform(0.02, 0.12)) @ rotation(
        yaw=side + turn, pitch=rng.uniform(-0.03, 0.04), roll=rng.uniform(-0.22, 0.22)
    )
