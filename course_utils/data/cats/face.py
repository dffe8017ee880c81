"""The features of a face, which show the expression: eyes, brow, nose, mouth, whiskers, the hollows of the ears."""

from __future__ import annotations

import numpy as np

from course_utils.data.cats.canvas import Brush, ramp, stroke
from course_utils.data.cats.coat import Look
from course_utils.data.cats.expression import Expression
from course_utils.data.cats.pose import Pose, ear
from course_utils.data.drawing import circle, mix, smooth


def _paint_eye(brush: Brush, pose: Pose, look: Look, face: Expression, side: int, gaze: np.ndarray) -> None:
    middle = np.array([0.43 * side, -0.05])
    size = look.eyes * np.array([0.245 * side, 0.235])
    u = np.linspace(-1, 1, 21)  # from the inner to the outer corner
    axis = 0.16 - 0.17 * (u + 1)
    arch = 1 - np.abs(u) ** 2.3
    frown, smile = max(0.0, -face.lids), max(0.0, face.lids)
    upper = axis - (0.95 - 0.12 * smile) * arch
    lower = axis + (0.80 - 0.30 * frown - 1.18 * smile) * arch
    # The frowning lid is a straight edge that falls towards the nose.
    edge = (-1.15 + 1.25 * frown) + (-0.05 - 0.42 * frown) * (u + 1) / 2
    upper = np.minimum(np.maximum(upper, edge), lower)
    lower = np.maximum(lower, upper + 0.05)

    def at(across, down):
        return pose.place(np.stack([across, down], 1) * size + middle)

    top, bottom = at(u, upper), at(u, lower)
    opening = np.concatenate([top, bottom[::-1]])
    rim = mix(look.base, (0.07, 0.05, 0.05), 0.85)
    unit = pose.scale
    for edge_points in (top, bottom):
        brush.fill(stroke(edge_points, 0.075 * unit, (0.5, 0.5)), rim, 0.9)
    brush.fill(stroke(at(np.array([-0.9, -1.1, -1.3]), np.array([0.2, 0.33, 0.5])), 0.05 * unit, (0.9, 0.1)), rim, 0.8)

    narrow = np.interp(face.pupils, (-1, 0.2, 1), (0.16, 0.42, 0.55))
    if face.wide_pupils:
        narrow = np.interp(face.pupils, (-1, 0.2, 1), (0.80, 0.50, 0.55))
    tall = max(narrow, 0.72)

    def iris(b: Brush) -> None:
        b.fill(opening, look.iris * 0.45)
        radii = np.array([0.98, 0.90, 0.76, 0.56, 0.46])[:, None]
        rings = circle((0, 0), 1.0)[:, None] * radii + gaze  # (points, rings, 2)
        outlines = pose.place(rings * size + middle)
        for k, shade in enumerate((0.62, 0.85, 1.0, 1.12, 1.2)):
            b.fill(outlines[:, k], look.iris * shade)
        b.fill(at(*circle(gaze, (narrow, tall)).T), (0.03, 0.03, 0.04))
        b.fill(at(*circle(gaze + (0, 0.55), (0.5, 0.25)).T), (1, 1, 1), 0.10)
        # The lid's shadow on the eyeball.
        b.fill(np.concatenate([top, at(u, upper + 0.28)[::-1]]), (0, 0, 0), 0.38)
        # Reflections, on the same side of both eyes.
        glint = gaze + np.array([-0.32 * side, max(-0.38, float(upper[8]) + 0.25)])
        b.fill(at(*circle(glint, (0.17, 0.19)).T), (1, 1, 1), 0.92)
        b.fill(at(*circle(gaze + (0.25 * side, 0.30), 0.08).T), (1, 1, 1), 0.6)

    brush.clip(opening, iris)


def _paint_mouth(brush: Brush, pose: Pose, look: Look, face: Expression) -> None:
    unit, lift = pose.scale, 0.16
    pale = float(look.light.mean()) > 0.45
    ink = mix(look.light, (0.20, 0.08, 0.08), 0.82) if pale else np.array([0.03, 0.02, 0.02])
    drop = face.drop
    snarl = ramp(-face.gape, 0.2, 1.0)
    up = face.corners
    end = np.array([0.36 + 0.04 * up, 0.56 - 0.13 * up])
    sag = np.array([0.17, 0.57 + 0.05 * up - 0.03 * snarl])
    if drop > 0.02:
        low = 0.60 + 1.55 * drop
        half = 0.16 + 0.42 * drop if face.gape < 0 else 0.15 + 0.5 * drop
        right = [(0.16, 0.545), (half + 0.10, 0.56 + 0.3 * drop)]
        right += [(half, low - 0.25 * drop)] if face.gape < 0 else [(half * 0.7, low - 0.18 * drop)]
        mouth = smooth([(0, 0.50), *right, (0, low), *[(-x, y) for x, y in reversed(right)]])
        inside = pose.place(mouth, lift)
        brush.fill(pose.place((mouth - (0, 0.62)) * 1.14 + (0, 0.62), lift), mix(look.light, ink, 0.45), 0.55)
        brush.fill(inside, (0.32, 0.07, 0.09))

        def within(b: Brush) -> None:
            b.fill(pose.place(circle((0, low - 0.02), (half * 0.72, 0.75 * drop)), lift), (0.86, 0.43, 0.46))
            b.fill(pose.place(stroke(np.array([(0, low - 0.5 * drop), (0, low)]), 0.02), lift), (0.66, 0.28, 0.32))
            if face.gape < 0:
                for s in (-1, 1):
                    for x, w, y, tip in ((0.17, 0.05, 0.53, 0.60 + 0.55 * drop), (0.13, 0.035, low, low - 0.5 * drop)):
                        fang = [(s * (x - w), y), (s * (x + w), y), (s * x * 0.97, tip)]
                        b.fill(pose.place(fang, lift), (0.97, 0.95, 0.88))
                for x in (-0.06, 0, 0.06):
                    b.fill(pose.place(circle((x, low - 0.06 * drop), (0.025, 0.035)), lift), (0.94, 0.92, 0.86))

        brush.clip(inside, within)
    elif face.tongue and face.corners > 0.35:
        tongue = smooth([(-0.085, 0.56), (0.085, 0.56), (0.08, 0.68), (0, 0.72), (-0.08, 0.68)])
        brush.fill(pose.place(tongue, lift), (0.90, 0.48, 0.50))
        brush.fill(pose.place(stroke(np.array([(0, 0.58), (0, 0.68)]), 0.018), lift), (0.74, 0.34, 0.37))
    width = 0.045 * unit
    brush.fill(stroke(pose.place([(0, 0.38), (0, 0.45), (0, 0.52)], lift), width, (1, 1)), ink, 0.9)
    for s in (-1, 1):
        line = smooth([(0, 0.50), (s * 0.07, 0.55 + 0.02 * up), s * sag * (1, s), s * end * (1, s)], closed=False)
        brush.fill(stroke(pose.place(line, lift), width, (0.9, 0.35)), ink, 0.9)


def paint_face(brush: Brush, pose: Pose, look: Look, face: Expression, rng: np.random.Generator) -> None:
    """Draw ears' hollows, brow, eyes, nose, mouth and whiskers."""
    unit = pose.scale
    shade = mix(look.base, (0.05, 0.03, 0.03), 0.62)
    gaze = rng.uniform((-0.18, -0.10), (0.18, 0.10))
    for side in (-1, 1):
        _, hollow = ear(look, face.ears, side, pose.yaw)
        pink = mix((0.80, 0.55, 0.52), look.base, 0.35)
        brush.fill(pose.flat(hollow), pink * 0.72, 0.85)
        brush.fill(pose.flat((hollow - hollow.mean(0)) * 0.72 + hollow.mean(0)), pink * 0.92, 0.8)
        # Tufts that grow from the lower edge towards the tip.
        start, end, tip = hollow[len(hollow) * 4 // 5], hollow[0], hollow[len(hollow) * 2 // 5]
        feet = start + np.linspace(0.05, 0.95, 9)[:, None] * (end - start)
        reach = (tip - feet) * rng.uniform(0.3, 0.62, (9, 1)) + rng.normal(0, 0.04, (9, 2))
        tufts = np.stack([feet, feet + 0.5 * reach, feet + reach], 1)
        colour = mix(look.light, look.base, 0.3)
        for outline in stroke(pose.flat(tufts), 0.05 * unit, (1, 0.1)):
            brush.fill(outline, colour, 0.7)

    furrow = max(0.0, -face.brow)
    if furrow > 0.05:
        for s in (-1, 1):
            for k, (x, y) in enumerate(((0.13, -0.24), (0.17, -0.36), (0.08, -0.30))):
                steep = (0.34, 0.30, 0.06)[k], (-0.20, -0.16, -0.22)[k]
                line = [(s * x, y), (s * (x + 0.5 * steep[0]), y + 0.62 * steep[1])]
                line += [(s * (x + steep[0]), y + steep[1])]
                width = (0.085, 0.06, 0.05)[k] * unit
                brush.fill(stroke(pose.place(line, 0.02), width, (0.5, 0.1)), shade, 0.75 * furrow)
    for s in (-1, 1):
        _paint_eye(brush, pose, look, face, s, gaze * (s, 1))
    cheer = max(0.0, face.brow)
    if cheer > 0.05:  # raised cheeks fold the fur below the eyes
        for s in (-1, 1):
            fold = [(s * 0.24, 0.20), (s * 0.45, 0.27), (s * 0.66, 0.16)]
            brush.fill(stroke(pose.place(fold, 0.02), 0.06 * unit, (0.1, 0.1)), shade, 0.5 * cheer)

    wrinkle = ramp(-face.gape, 0.2, 1.0)
    if wrinkle > 0:
        for s in (-1, 1):
            for y in (0.10, 0.18):
                line = [(s * 0.04, y + 0.03), (s * 0.13, y), (s * 0.19, y - 0.07)]
                brush.fill(stroke(pose.place(line, 0.1), 0.035 * unit, (0.4, 0.1)), shade, 0.7 * wrinkle)

    nose = smooth([(0, 0.245), (0.10, 0.245), (0.135, 0.285), (0.06, 0.355), (0, 0.40), (-0.06, 0.355), (-0.135, 0.285)]
                  + [(-0.10, 0.245)])  # fmt: skip
    brush.fill(pose.place((nose - (0, 0.31)) * 1.16 + (0, 0.31), 0.2), look.nose * 0.5, 0.6)
    brush.fill(pose.place(nose, 0.2), look.nose)
    for s in (-1, 1):
        brush.fill(pose.place(circle((s * 0.062, 0.325), (0.03, 0.018), s * 0.5), 0.2), look.nose * 0.3, 0.9)
    brush.fill(pose.place(circle((-0.03, 0.272), (0.05, 0.014)), 0.2), (1, 1, 1), 0.4)
    _paint_mouth(brush, pose, look, face)

    dots = mix(look.light, (0.1, 0.06, 0.05), 0.6)
    row, column = np.divmod(np.arange(9), 3)
    pad = np.stack([0.18 + 0.075 * column + 0.02 * row, 0.41 + 0.055 * row + 0.008 * column], 1)
    # Drawn back they rise along the cheek; relaxed they fan out and hang.
    rise, droop, fan, reach = (
        np.interp(face.whiskers, (-1, 0, 1), row)
        for row in ((-0.62, -0.12, 0.10), (-0.08, 0.10, 0.26), (0.12, 0.18, 0.24), (0.85, 1.0, 1.05))
    )
    k, t = np.arange(4), np.linspace(0, 1, 9)[:, None]
    for s in (-1, 1):
        for spot in pose.place(pad * (s, 1), 0.18):
            brush.dot(spot, 0.016 * unit, dots, 0.6)
        heading = rise + (k - 1.5) * fan + rng.normal(0, 0.05, 4)
        away = reach * rng.uniform(0.95, 1.2, 4)[:, None] * np.stack([s * np.cos(heading), np.sin(heading)], 1)
        roots = pose.place(np.stack([s * (0.22 + 0.03 * k), 0.42 + 0.045 * k], 1), 0.18)
        paths = pose.flat(t * away[:, None] + t**2 * (0, droop)) - pose.centre + roots[:, None]
        for number, outline in enumerate(stroke(paths, max(0.030 * unit, 1.1), (1.0, 0.25))):
            dark = look.base.mean() > 0.75 and number % 2
            brush.fill(outline, (0.30, 0.27, 0.26) if dark else (0.97, 0.96, 0.94), 0.8)
