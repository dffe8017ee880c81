"""Drawn cats, angry and happy: the embedded data of lesson 15, in the layout that YOLO reads.

The emotion is in the face alone. An expression is seven cues, each a number from -1 (angry) over 0 (neutral) to
+1 (happy); a cue is present with a probability and has a strength, so that no single one decides. Everything else
(coat, pose, light, background, place, size, number of cats) is drawn from a stream of random numbers that never
sees the emotion. That the label does not leak through it is tested in ``tests/test_data_cats.py``; how well it can
be learned is measured in ``tests/benchmarks/learnability_cats.py``.

The box of a cat encloses its head: ears and fur, without whiskers. It is tight around what the renderer drew
before anything else (a leaf, the edge of a box) was put in front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from course_utils.data.drawing import (
    Layer,
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
    smooth,
    textured,
    to_image,
    to_picture,
    vary,
)

VERSION = 1  # raise it when the pictures change
NAMES = ("angry", "happy")
SPLITS = {"train": 240, "valid": 68, "test": 36}
SIDE = 320  # pixels
QUALITY = 92  # of the JPEG files

_TAG = 15  # keeps these random streams apart from the other generators'
_HEAD = (1.0, 0.9, 0.8)  # half axes of the skull along x, y and z; the unit of all lengths on a cat


# --- what a cat looks like ---------------------------------------------------------------------------------------


@dataclass
class _Look:
    """What does not change with the mood. Colours are RGB, 0 to 1."""

    base: np.ndarray
    dark: np.ndarray  # stripes, patches, points
    light: np.ndarray  # muzzle, chest
    pattern: str
    iris: np.ndarray
    nose: np.ndarray
    wide: float  # half width of the cheeks
    fluff: float  # length of the fur at the edge
    ears: float  # length of the ears
    set: float  # how far outwards they stand, degrees
    tall: float  # height of the head over its width
    eyes: float  # size of the eyes
    blaze: float  # how much white a bicolour face has
    collar: np.ndarray | None
    shift: list[int] = field(repr=False)  # where the markings are cut from


_COATS = {
    #          base               dark               light              pattern
    "ginger": ((0.86, 0.56, 0.28), (0.68, 0.35, 0.13), (0.97, 0.88, 0.75), "tabby"),
    "brown": ((0.58, 0.47, 0.35), (0.25, 0.19, 0.14), (0.86, 0.79, 0.68), "tabby"),
    "silver": ((0.70, 0.71, 0.72), (0.27, 0.27, 0.30), (0.93, 0.93, 0.92), "tabby"),
    "cream": ((0.93, 0.82, 0.66), (0.82, 0.65, 0.45), (0.98, 0.94, 0.87), "tabby"),
    "grey": ((0.46, 0.49, 0.54), (0.38, 0.41, 0.46), (0.54, 0.57, 0.62), "plain"),
    "black": ((0.15, 0.14, 0.15), (0.10, 0.09, 0.10), (0.20, 0.19, 0.19), "plain"),
    "white": ((0.94, 0.92, 0.89), (0.86, 0.83, 0.79), (0.98, 0.97, 0.95), "plain"),
    "tuxedo": ((0.16, 0.15, 0.17), (0.11, 0.10, 0.12), (0.95, 0.94, 0.92), "bicolour"),
    "grey and white": ((0.47, 0.49, 0.53), (0.40, 0.42, 0.46), (0.95, 0.94, 0.93), "bicolour"),
    "ginger and white": ((0.85, 0.55, 0.29), (0.70, 0.39, 0.17), (0.97, 0.95, 0.92), "bicolour"),
    "calico": ((0.85, 0.54, 0.27), (0.17, 0.15, 0.15), (0.96, 0.94, 0.90), "calico"),
    "tortoiseshell": ((0.62, 0.38, 0.20), (0.15, 0.12, 0.11), (0.70, 0.48, 0.30), "calico"),
    "seal point": ((0.91, 0.84, 0.73), (0.28, 0.20, 0.16), (0.95, 0.91, 0.84), "point"),
    "blue point": ((0.89, 0.88, 0.86), (0.47, 0.49, 0.54), (0.95, 0.95, 0.94), "point"),
}
_IRISES = ((0.80, 0.68, 0.16), (0.55, 0.66, 0.22), (0.30, 0.58, 0.36), (0.78, 0.47, 0.13), (0.72, 0.72, 0.30))


def _sample_look(rng: np.random.Generator) -> _Look:
    base, dark, light, pattern = _COATS[pick(rng, list(_COATS))]
    iris = (0.36, 0.60, 0.82) if pattern == "point" or rng.random() < 0.08 else pick(rng, _IRISES)
    pale = float(np.mean(light)) > 0.7
    return _Look(
        base=vary(rng, base, 0.04),
        dark=vary(rng, dark, 0.03),
        light=vary(rng, light, 0.02),
        pattern=pattern,
        iris=vary(rng, iris, 0.06),
        nose=vary(rng, (0.86, 0.55, 0.53) if pale and rng.random() < 0.75 else (0.30, 0.22, 0.21), 0.05),
        wide=rng.uniform(0.97, 1.14),
        fluff=rng.uniform(0.02, 0.065),
        ears=rng.uniform(0.85, 1.1),
        set=rng.uniform(-9, 9),
        tall=rng.uniform(0.86, 1.14),
        eyes=rng.uniform(0.92, 1.12),
        blaze=rng.uniform(0.0, 1.0),
        collar=hsv(rng.uniform(), rng.uniform(0.6, 0.9), rng.uniform(0.45, 0.9)) if rng.random() < 0.35 else None,
        shift=rng.integers(0, 512, 6).tolist(),
    )


@dataclass
class _Expression:
    """The cues: -1 is angry, 0 is neutral, +1 is happy."""

    ears: float  # flattened and turned outwards .. upright
    lids: float  # narrowed under a frown .. half closed from below, an arc
    brow: float  # furrows .. smooth, with raised cheeks
    corners: float  # corners of the mouth down .. up
    whiskers: float  # drawn back .. relaxed
    pupils: float  # slit or wide open .. medium
    gape: float  # bared teeth .. open smile
    wide_pupils: bool = False
    tongue: bool = False


_CUES = ("ears", "lids", "brow", "corners", "whiskers", "pupils", "gape")
# How often a cue is present, and how strong it is then. Tuned with tests/benchmarks/learnability_cats.py.
_PRESENT = {"ears": 0.7, "lids": 0.9, "brow": 0.9, "corners": 0.9, "whiskers": 0.85, "pupils": 0.6, "gape": 0.55}
_STRENGTH = (0.65, 1.0)
_SPREAD = 0.12  # standard deviation of a cue that is not present, and of the strength of one that is


def _sample_expression(rng: np.random.Generator, emotion: int) -> _Expression:
    sign = 1.0 if emotion == 1 else -1.0
    mood = rng.uniform(*_STRENGTH)  # how angry or happy this cat is, all cues taken together
    cues = {}
    for name in _CUES:
        strength = mood * rng.uniform(0.7, 1.15) if rng.random() < _PRESENT[name] else 0.0
        cues[name] = float(np.clip(sign * strength + rng.normal(0, _SPREAD), -1, 1))
    return _Expression(**cues, wide_pupils=bool(rng.random() < 0.4), tongue=bool(rng.random() < 0.5))


# --- fur -----------------------------------------------------------------------------------------------------------


@cache
def _strands() -> np.ndarray:
    """Return a periodic texture (256 rows, 256 columns) of hairs that run along the rows' axis; deviation 1."""
    rng = np.random.default_rng(_TAG)
    white = rng.standard_normal((3, 256, 256)).astype(np.float32)
    scales = ((7, 0.5), (9, 1.2), (14, 3.0))  # standard deviations along and across: single hairs, locks, tufts
    layers = [ndimage.gaussian_filter(w, s, mode="wrap") for w, s in zip(white, scales)]
    total = sum(weight * layer / layer.std() for weight, layer in zip((0.9, 0.8, 0.45), layers))
    return (total / total.std()).astype(np.float32)


def _hair(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Look the strands up: ``along`` and ``across`` in cells of the texture."""
    return _strands()[along.astype(np.int32) & 255, across.astype(np.int32) & 255]


def _ramp(value, low: float, high: float) -> np.ndarray:
    """Return 0 where ``value`` is below ``low``, 1 above ``high``, a smooth step between. ``low`` may be the larger."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _patches(look: _Look, x: np.ndarray, y: np.ndarray, number: int) -> np.ndarray:
    """Return a cloudy field around 0 that belongs to the cat's skin: it turns with the head."""
    i, j = look.shift[number : number + 2]
    t = np.float32(i) * 0.37, np.float32(j) * 0.53
    return (
        np.sin(2.1 * x + 1.3 * y + t[0])
        + np.sin(-1.7 * x + 2.6 * y + t[1])
        + 0.6 * np.sin(4.3 * x - 1.1 * y + 2 * t[1])
        + 0.4 * np.sin(2.9 * x + 5.3 * y + 3 * t[0])
    )


def _face_coat(look: _Look, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the colours of the fur at the points ``x, y`` of the face, (..., 3)."""
    side = np.abs(x)
    if look.pattern == "tabby":
        brow = np.cos(2 * np.pi * (side * 2.7 + 0.25 * y)) * _ramp(y, -0.22, -0.45) * _ramp(side, 0.75, 0.6)
        cheek = np.cos(2 * np.pi * (2.3 * y - 0.9 * side + 0.1)) * _ramp(side, 0.55, 0.75) * _ramp(y, -0.3, -0.1)
        rgb = blend(0.85 * _ramp(brow + cheek, 0.05, 0.6), look.base, look.dark)
        muzzle = _ramp((x / 0.52) ** 2 + ((y - 0.58) / 0.34) ** 2, 1.2, 0.6)
        socket = _ramp(((side - 0.42) / 0.34) ** 2 + ((y + 0.04) / 0.32) ** 2, 1.3, 0.8)
        return blend(np.maximum(muzzle, 0.55 * socket), rgb, look.light)
    if look.pattern == "plain":
        return blend(_ramp((x / 0.6) ** 2 + ((y - 0.55) / 0.4) ** 2, 1.4, 0.4), look.base, look.light)
    wobble = 0.05 * _patches(look, 2 * x, 2 * y, 0)
    if look.pattern == "bicolour":
        edge = 0.02 + 0.10 * look.blaze + (0.35 + 0.3 * look.blaze) * np.clip(y + 0.45, 0, 0.8) ** 1.3
        white = _ramp(side - edge - wobble, 0.05, -0.03)
        return blend(white * _ramp(y, -0.75 * look.blaze - 0.2, -0.75 * look.blaze), look.base, look.light)
    if look.pattern == "calico":
        rgb = blend(_ramp(_patches(look, 1.3 * x, 1.3 * y, 2), -0.1, 0.15), look.base, look.dark)
        white = _ramp(side - 0.12 - 0.5 * np.clip(y + 0.25, 0, 1) - 2 * wobble, 0.06, -0.04)
        return blend(white * (1 if look.light.mean() > 0.8 else 0.4), rgb, look.light)
    mask = np.exp(-1.6 * (x**2 + 1.1 * (y - 0.22) ** 2)) + 0.9 * _ramp(np.hypot(x, y + 0.1), 0.95, 1.2) * _ramp(
        y, -0.3, -0.5
    )
    return blend(np.clip(1.15 * mask, 0, 1), look.base, look.dark)


def _body_coat(look: _Look, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the colours of the fur at the points ``x, y`` of the body, (..., 3); the neck is at 0, 0.4."""
    side = np.abs(x)
    bib = _ramp(side / 0.55 + np.abs(y - 0.9) / 1.2, 1.1, 0.7)
    if look.pattern == "tabby":
        bands = np.cos(2 * np.pi * (1.5 * y + 0.25 * side)) * _ramp(side, 0.3, 0.6)
        return blend(0.6 * bib, blend(0.8 * _ramp(bands, 0.1, 0.6), look.base, look.dark), look.light)
    if look.pattern == "plain":
        return blend(0.7 * bib, look.base, look.light)
    wobble = 0.1 * _patches(look, x, y, 0)
    if look.pattern == "bicolour":
        socks = _ramp(y + wobble, 2.35, 2.5)
        return blend(np.maximum(_ramp(side - 0.5 + 0.15 * (y - 1) + wobble, 0.06, -0.06), socks), look.base, look.light)
    if look.pattern == "calico":
        rgb = blend(_ramp(_patches(look, x, y, 2), -0.1, 0.15), look.base, look.dark)
        white = _ramp(side - 0.45 + wobble, 0.06, -0.06)
        return blend(white * (1 if look.light.mean() > 0.8 else 0.3), rgb, look.light)
    return blend(0.9 * _ramp(y, 2.0, 2.8), look.base, look.dark)


# --- the head ------------------------------------------------------------------------------------------------------


@dataclass
class _Pose:
    """Where a head is and how it is turned. Angles in radians."""

    centre: tuple[float, float]  # pixels
    scale: float  # pixels per unit
    roll: float
    yaw: float
    pitch: float
    tall: float = 1.0  # stretch along y before the roll, so that long and round heads share one drawing

    def place(self, points, lift: float = 0.0) -> np.ndarray:
        """Return the pixels of points of the face (..., 2); ``lift`` is how far they stand out of the skull."""
        p = np.asarray(points, np.float64)
        x, y = p[..., 0], p[..., 1]
        a, b, c = _HEAD
        z = c * np.sqrt(np.maximum(1 - (x / a) ** 2 - (y / b) ** 2, 0)) + lift
        cy, sy = np.cos(self.yaw), np.sin(self.yaw)
        turned = np.empty_like(p)
        turned[..., 0] = x * cy + z * sy
        turned[..., 1] = y * np.cos(self.pitch) + (z * cy - x * sy) * np.sin(self.pitch)
        return self.flat(turned)

    def flat(self, points) -> np.ndarray:
        """Return the pixels of points (..., 2) of the head's outline, which a turn does not move."""
        c, s, t = np.cos(self.roll), np.sin(self.roll), self.tall**0.5
        return np.asarray(points, np.float64) @ (np.array([[c / t, s / t], [-s * t, c * t]]) * self.scale) + self.centre

    def grid(self, x0: int, y0: int, x1: int, y1: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the outline's coordinates of the pixels of a window, the inverse of :meth:`flat`."""
        u = (np.arange(x0, x1, dtype=np.float32) + 0.5 - self.centre[0])[None, :] / np.float32(self.scale)
        v = (np.arange(y0, y1, dtype=np.float32) + 0.5 - self.centre[1])[:, None] / np.float32(self.scale)
        c, s = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        stretch = np.float32(self.tall**0.5)
        return (c * u + s * v) * stretch, (c * v - s * u) / stretch

    def unturn(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the face's ``x, y`` seen at the outline's ``u, v``, and the depth there: :meth:`place` backwards."""
        a, b, c = _HEAD
        w = np.float32(c) * np.sqrt(np.clip(1 - (u / a) ** 2 - (v / b) ** 2, 0, 1))
        cp, sp = np.float32(np.cos(self.pitch)), np.float32(np.sin(self.pitch))
        cy, sy = np.float32(np.cos(self.yaw)), np.float32(np.sin(self.yaw))
        y, z = v * cp - w * sp, w * cp + v * sp
        return u * cy - z * sy, y, w


def _ear(look: _Look, cue: float, side: int, yaw: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlines of an ear and of its hollow, in the head's plane."""
    angle = np.radians(np.interp(cue, (-1, 0, 1), (-24, -50, -68)) + look.set)
    length = look.ears * np.interp(cue, (-1, 0, 1), (0.74, 0.82, 0.86))
    tilt = np.radians(np.interp(cue, (-1, 0, 1), (50, 40, 35)))
    root = np.array([0.56, -0.52])
    # An ear turned with the head: the far one is seen from the edge.
    breadth = 0.40 * (1 - 0.35 * max(0.0, side * np.sin(yaw))) * np.interp(cue, (-1, 0, 1), (0.92, 1.0, 1.0))
    base = np.array([np.cos(tilt), np.sin(tilt)])
    tip = root + length * np.array([np.cos(angle), np.sin(angle)])
    inner, outer = root - breadth * base, root + breadth * base
    away = (tip - root) / length
    bulge = 0.10 * np.array([away[1], -away[0]])  # towards the middle of the head for an upright ear
    outline = np.array(
        [
            inner - 0.15 * away,
            inner + 0.42 * (tip - inner) + 0.8 * bulge,
            tip - 0.06 * away - 0.03 * base,
            tip - 0.06 * away + 0.03 * base,
            outer + 0.45 * (tip - outer) - 0.9 * bulge,
            outer - 0.15 * away,
        ]
    )
    # A flattened ear shows its back: the hollow shrinks to a slit at the lower edge.
    share = np.interp(cue, (-1, -0.3, 0.4), (0.22, 0.62, 0.72))
    middle = outer * 0.55 + inner * 0.45 if cue > -0.3 else outer * 0.75 + inner * 0.25
    hollow = np.array(
        [
            middle + share * (inner - middle) + 0.04 * away,
            middle + 0.55 * (tip - middle) + share * 0.5 * (inner - middle),
            root * 0.12 + tip * 0.88,
            middle + 0.5 * (tip - middle) + share * 0.62 * (outer - middle),
            middle + share * (outer - middle) + 0.06 * away,
        ]
    )
    flip = np.array([side, 1.0])
    return smooth(outline) * flip, smooth(hollow) * flip


def _skull(look: _Look, drop: float) -> np.ndarray:
    """Return the head's outline without ears; ``drop`` is how far an open mouth lowers the chin."""
    w = look.wide
    right = [(0.36, -0.80), (0.70, -0.62), (0.92 * w, -0.22), (w, 0.14), (0.94 * w, 0.42), (0.68, 0.68)]
    right += [(0.36, 0.86 + 0.6 * drop)]
    points = [(0, -0.80), *right, (0, 0.92 + drop), *[(-x, y) for x, y in reversed(right)]]
    return smooth(points)


def _drop(face: _Expression) -> float:
    """Return how far the mouth is open, in the head's units."""
    return 0.26 * _ramp(-face.gape, 0.2, 1.0) + 0.13 * _ramp(face.gape, 0.25, 1.0)


def _head_outline(look: _Look, face: _Expression, yaw: float) -> list[np.ndarray]:
    """Return the polygons, in the head's plane, that make up its silhouette."""
    ears = [_ear(look, face.ears, side, yaw)[0] for side in (-1, 1)]
    return [*ears, _skull(look, _drop(face))]


def _extent(look: _Look, face: _Expression, pose: _Pose) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of the silhouette's bounding box, in pixels."""
    points = np.concatenate([pose.flat(p) for p in _head_outline(look, face, pose.yaw)])
    return points.min(0), points.max(0)


def _window(points: np.ndarray, margin: float) -> tuple[int, int, int, int]:
    """Return the part of the picture around some points, as x0, y0, x1, y1."""
    x0, y0 = np.clip(np.floor(points.min(0) - margin), 0, SIDE).astype(int)
    x1, y1 = np.clip(np.ceil(points.max(0) + margin), 0, SIDE).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _fill(polygons: list[np.ndarray], window: tuple[int, int, int, int]) -> np.ndarray:
    """Return the coverage, 0 to 1, of the window's pixels by the union of the polygons."""
    x0, y0, x1, y1 = window
    sheet = Image.new("L", (2 * (x1 - x0), 2 * (y1 - y0)))
    draw = ImageDraw.Draw(sheet)
    for points in polygons:
        draw.polygon(((points - (x0, y0)) * 2 - 0.5).ravel().tolist(), fill=255)
    return np.asarray(sheet.reduce(2), np.float32) / 255


def _ruffle(mask: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return the mask with its pixels fetched from ``dx, dy`` pixels away: an edge of fur."""
    height, width = mask.shape
    rows = np.arange(0.5, height, dtype=np.float32)[:, None] + dy
    columns = np.arange(0.5, width, dtype=np.float32) + dx
    moved = mask[rows.clip(0, height - 1).astype(np.int32), columns.clip(0, width - 1).astype(np.int32)]
    # Fetching whole pixels leaves steps; the weights 1 2 1 along both axes smooth them.
    moved[1:-1] = 0.5 * moved[1:-1] + 0.25 * (moved[:-2] + moved[2:])
    moved[:, 1:-1] = 0.5 * moved[:, 1:-1] + 0.25 * (moved[:, :-2] + moved[:, 2:])
    return moved


def _stroke(points: np.ndarray, width, ends=(0.3, 0.3)) -> np.ndarray:
    """Return the outlines (..., 2N, 2) of brush strokes along ``points`` (..., N, 2).

    Parameters
    ----------
    width : float
        Width in the middle, in the units of ``points``.
    ends : (float, float)
        Width at the two ends, as a fraction of ``width``.
    """
    p = np.asarray(points, np.float64)
    n = p.shape[-2]
    along = np.concatenate(
        [p[..., 1:2, :] - p[..., :1, :], p[..., 2:, :] - p[..., :-2, :], p[..., -1:, :] - p[..., -2:-1, :]], -2
    )
    t = np.arange(n) / (n - 1)
    taper = np.minimum(ends[0] + (1 - ends[0]) * 2 * t, np.minimum(1, ends[1] + (1 - ends[1]) * (2 - 2 * t)))
    size = taper * (width / 2) / np.maximum(np.sqrt((along**2).sum(-1)), 1e-9)
    offset = along[..., ::-1] * (-1, 1) * size[..., None]
    return np.concatenate([p + offset, (p - offset)[..., ::-1, :]], -2)


class _Brush:
    """Draws on a window of a picture at ``fine`` times its resolution, with transparent colours."""

    def __init__(self, image: Image.Image, origin: np.ndarray, fine: int):
        self.image, self.origin, self.fine = image, origin, fine
        self._draw = ImageDraw.Draw(image, "RGBA")

    @classmethod
    def on(cls, picture: np.ndarray, window: tuple[int, int, int, int], fine: int) -> _Brush:
        x0, y0, x1, y1 = window
        small = to_image(picture[y0:y1, x0:x1])
        # Repeated pixels, so that what is not painted on comes back as it was.
        large = small.resize((small.width * fine, small.height * fine), Image.Resampling.NEAREST)
        return cls(large, np.array([x0, y0], np.float64), fine)

    def flat(self, points) -> list[float]:
        """Return a picture's points as coordinates on the enlarged window, in a row."""
        return ((np.asarray(points) - self.origin) * self.fine - 0.5).ravel().tolist()

    def fill(self, points, colour, opacity: float = 1.0) -> None:
        """Fill the polygon ``points`` (N, 2)."""
        ink = tuple(min(255, max(0, int(c * 255 + 0.5))) for c in colour)
        self._draw.polygon(self.flat(points), fill=(*ink, int(opacity * 255 + 0.5)))

    def dot(self, centre, radius: float, colour, opacity: float = 1.0) -> None:
        """Fill a circle; ``radius`` is in pixels of the picture."""
        ink = tuple(min(255, max(0, int(c * 255 + 0.5))) for c in colour)
        x, y = self.flat(centre)
        r = radius * self.fine
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=(*ink, int(opacity * 255 + 0.5)))

    def clip(self, points, paint: Callable[[_Brush], None]) -> None:
        """Let ``paint`` draw on a copy, and keep only what lies within the polygon ``points``."""
        corners = (np.asarray(points) - self.origin) * self.fine - 0.5
        x0, y0 = np.maximum(np.floor(corners.min(0)), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(corners.max(0)) + 1, self.image.size).astype(int)
        if x1 <= x0 or y1 <= y0:
            return
        part = _Brush(self.image.crop((x0, y0, x1, y1)), self.origin + np.array([x0, y0]) / self.fine, self.fine)
        paint(part)
        stencil = Image.new("L", part.image.size)
        ImageDraw.Draw(stencil).polygon(part.flat(points), fill=255)
        self.image.paste(part.image, (int(x0), int(y0)), stencil)

    def picture(self) -> np.ndarray:
        """Return the window at the picture's resolution."""
        return np.asarray(self.image.reduce(self.fine), np.float32) / 255


def _paint_eye(brush: _Brush, pose: _Pose, look: _Look, face: _Expression, side: int, gaze: np.ndarray) -> None:
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
        brush.fill(_stroke(edge_points, 0.075 * unit, (0.5, 0.5)), rim, 0.9)
    brush.fill(_stroke(at(np.array([-0.9, -1.1, -1.3]), np.array([0.2, 0.33, 0.5])), 0.05 * unit, (0.9, 0.1)), rim, 0.8)

    narrow = np.interp(face.pupils, (-1, 0.2, 1), (0.16, 0.42, 0.55))
    if face.wide_pupils:
        narrow = np.interp(face.pupils, (-1, 0.2, 1), (0.80, 0.50, 0.55))
    tall = max(narrow, 0.72)

    def iris(b: _Brush) -> None:
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


def _paint_mouth(brush: _Brush, pose: _Pose, look: _Look, face: _Expression) -> None:
    unit, lift = pose.scale, 0.16
    pale = float(look.light.mean()) > 0.45
    ink = mix(look.light, (0.20, 0.08, 0.08), 0.82) if pale else np.array([0.03, 0.02, 0.02])
    drop = _drop(face)
    snarl = _ramp(-face.gape, 0.2, 1.0)
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

        def within(b: _Brush) -> None:
            b.fill(pose.place(circle((0, low - 0.02), (half * 0.72, 0.75 * drop)), lift), (0.86, 0.43, 0.46))
            b.fill(pose.place(_stroke(np.array([(0, low - 0.5 * drop), (0, low)]), 0.02), lift), (0.66, 0.28, 0.32))
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
        brush.fill(pose.place(_stroke(np.array([(0, 0.58), (0, 0.68)]), 0.018), lift), (0.74, 0.34, 0.37))
    width = 0.045 * unit
    brush.fill(_stroke(pose.place([(0, 0.38), (0, 0.45), (0, 0.52)], lift), width, (1, 1)), ink, 0.9)
    for s in (-1, 1):
        line = smooth([(0, 0.50), (s * 0.07, 0.55 + 0.02 * up), s * sag * (1, s), s * end * (1, s)], closed=False)
        brush.fill(_stroke(pose.place(line, lift), width, (0.9, 0.35)), ink, 0.9)


def _paint_face(brush: _Brush, pose: _Pose, look: _Look, face: _Expression, rng: np.random.Generator) -> None:
    """Draw ears' hollows, brow, eyes, nose, mouth and whiskers."""
    unit = pose.scale
    shade = mix(look.base, (0.05, 0.03, 0.03), 0.62)
    gaze = rng.uniform((-0.18, -0.10), (0.18, 0.10))
    for side in (-1, 1):
        _, hollow = _ear(look, face.ears, side, pose.yaw)
        pink = mix((0.80, 0.55, 0.52), look.base, 0.35)
        brush.fill(pose.flat(hollow), pink * 0.72, 0.85)
        brush.fill(pose.flat((hollow - hollow.mean(0)) * 0.72 + hollow.mean(0)), pink * 0.92, 0.8)
        # Tufts that grow from the lower edge towards the tip.
        start, end, tip = hollow[len(hollow) * 4 // 5], hollow[0], hollow[len(hollow) * 2 // 5]
        feet = start + np.linspace(0.05, 0.95, 9)[:, None] * (end - start)
        reach = (tip - feet) * rng.uniform(0.3, 0.62, (9, 1)) + rng.normal(0, 0.04, (9, 2))
        tufts = np.stack([feet, feet + 0.5 * reach, feet + reach], 1)
        colour = mix(look.light, look.base, 0.3)
        for outline in _stroke(pose.flat(tufts), 0.05 * unit, (1, 0.1)):
            brush.fill(outline, colour, 0.7)

    furrow = max(0.0, -face.brow)
    if furrow > 0.05:
        for s in (-1, 1):
            for k, (x, y) in enumerate(((0.13, -0.24), (0.17, -0.36), (0.08, -0.30))):
                steep = (0.34, 0.30, 0.06)[k], (-0.20, -0.16, -0.22)[k]
                line = [(s * x, y), (s * (x + 0.5 * steep[0]), y + 0.62 * steep[1])]
                line += [(s * (x + steep[0]), y + steep[1])]
                width = (0.085, 0.06, 0.05)[k] * unit
                brush.fill(_stroke(pose.place(line, 0.02), width, (0.5, 0.1)), shade, 0.75 * furrow)
    for s in (-1, 1):
        _paint_eye(brush, pose, look, face, s, gaze * (s, 1))
    cheer = max(0.0, face.brow)
    if cheer > 0.05:  # raised cheeks fold the fur below the eyes
        for s in (-1, 1):
            fold = [(s * 0.24, 0.20), (s * 0.45, 0.27), (s * 0.66, 0.16)]
            brush.fill(_stroke(pose.place(fold, 0.02), 0.06 * unit, (0.1, 0.1)), shade, 0.5 * cheer)

    wrinkle = _ramp(-face.gape, 0.2, 1.0)
    if wrinkle > 0:
        for s in (-1, 1):
            for y in (0.10, 0.18):
                line = [(s * 0.04, y + 0.03), (s * 0.13, y), (s * 0.19, y - 0.07)]
                brush.fill(_stroke(pose.place(line, 0.1), 0.035 * unit, (0.4, 0.1)), shade, 0.7 * wrinkle)

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
        for number, outline in enumerate(_stroke(paths, max(0.030 * unit, 1.1), (1.0, 0.25))):
            dark = look.base.mean() > 0.75 and number % 2
            brush.fill(outline, (0.30, 0.27, 0.26) if dark else (0.97, 0.96, 0.94), 0.8)


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


def _draw_head(
    picture: np.ndarray, pose: _Pose, look: _Look, face: _Expression, light: list[float], rng: np.random.Generator
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
    polygons = [pose.flat(p) for p in _head_outline(look, face, pose.yaw)]
    # The muzzle of a turned head stands out beyond the cheek.
    polygons.append(pose.place(circle((0, 0.50), (0.34, 0.26)), 0.1))
    window = _window(np.concatenate(polygons), 0.15 * pose.scale + 2)
    x0, y0, x1, y1 = window
    u, v = pose.grid(*window)
    radius, angle = np.hypot(u, v - 0.15), np.arctan2(v - 0.15, u)
    i, j = look.shift[:2]
    across = (angle + 0.05 * np.sin(5 * angle + i)) * np.float32(512 / (2 * np.pi))
    strands = _hair(radius * 140 + j, across + 1024)
    push = look.fluff * pose.scale * strands * _ramp(radius, 0.5, 0.9) * 0.55 / np.maximum(radius, 0.3)
    c, s = float(np.cos(pose.roll)), float(np.sin(pose.roll))
    dx, dy = push * (c * u - s * (v - 0.15)), push * (s * u + c * (v - 0.15))
    alpha = _ruffle(_fill(polygons, window), dx, dy)

    x, y, w = pose.unturn(u, v)
    jitter = 0.03 * strands * _ramp(np.hypot(x, y - 0.3), 0.1, 0.5)
    rgb = _face_coat(look, x * (1 + jitter), y + jitter * (y - 0.3))
    rgb = rgb * (1 + 0.11 * strands * _ramp(np.hypot(x, y - 0.3), 0.05, 0.4))[..., None]
    # Dark fur has more sheen than colour.
    sheen = 0.025 * (1 - float(look.base.mean()))
    rgb = np.clip(rgb + sheen * strands[..., None], 0.015, 1)

    inside = _ramp((u / 1.04) ** 2 + (v / 0.94) ** 2, 1.1, 0.75)  # the skull, not the ears
    lx, ly, lz = c * light[0] + s * light[1], c * light[1] - s * light[0], light[2]
    ny, nz = v / _HEAD[1] ** 2, w / _HEAD[2] ** 2 + 0.15  # a normal of the ellipsoid is u, ny, nz
    facing = (lx * u + ly * ny + lz * nz) / np.sqrt(u * u + ny * ny + nz * nz)
    relief = np.repeat(np.repeat(_relief(x[::2, ::2], y[::2, ::2]), 2, 0), 2, 1)[: x.shape[0], : x.shape[1]]
    shade = 0.62 + 0.46 * facing + relief * inside
    behind = 0.80 + 0.12 * lz + 0.10 * lx * u  # the ears: a plane that faces the camera
    shade = np.clip(behind + inside * (shade - behind), 0.2, 1.2)

    patch = picture[y0:y1, x0:x1]
    patch += alpha[..., None] * (rgb - patch)
    whiskers = _window(np.concatenate(polygons), 0.75 * pose.scale)
    brush = _Brush.on(picture, whiskers, 3 if pose.scale < 55 else 2)
    _paint_face(brush, pose, look, face, rng)
    wx0, wy0, wx1, wy1 = whiskers
    picture[wy0:wy1, wx0:wx1] = brush.picture()
    patch = picture[y0:y1, x0:x1]
    patch *= (1 + alpha * (shade - 1))[..., None]
    cover = np.zeros((SIDE, SIDE), np.float32)
    cover[y0:y1, x0:x1] = alpha
    return cover


# --- the body ------------------------------------------------------------------------------------------------------


@dataclass
class _Body:
    kind: str  # "sit", "loaf" or "peek" (only paws, over an edge)
    lean: float
    stout: float
    tail: int  # -1, 0 or 1: the side it shows on


def _draw_body(picture: np.ndarray, pose: _Pose, look: _Look, body: _Body, light: list[float]) -> None:
    """Draw what is below the head, and the shadow it casts, into ``picture``, in place."""
    frame = _Pose(pose.centre, pose.scale, 0.2 * pose.roll + body.lean, 0, 0)
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
        polygons.append(frame.flat(_stroke(path, 0.36, (0.9, 0.5))))
    window = _window(np.concatenate(polygons), 0.12 * pose.scale + 2)
    x0, y0, x1, y1 = window
    if x1 - x0 < 2 or y1 - y0 < 2:  # a large head at the bottom hides it
        return
    u, v = frame.grid(*window)
    i, j = look.shift[2:4]
    # The fur flows down and outwards from the neck.
    flow = u / (0.75 + 0.3 * np.clip(v, 0, 3))
    strands = _hair(v * 120 + 16 * u * u + j, flow * 95 + 7 * np.sin(3 * v + i) + 2048)
    push = -look.fluff * pose.scale * 0.6 * strands
    alpha = _ruffle(_fill(polygons, window), push * np.tanh(2 * u), push * 0.5)
    rgb = _body_coat(look, u * (1 + 0.02 * strands), v + 0.06 * strands)
    rgb = np.clip(rgb * (1 + 0.11 * strands)[..., None] + 0.02 * strands[..., None], 0.015, 1)
    half = np.interp(v, [0, 1, 2, 3], [0.7, 1.0, 1.25, 1.3] if body.kind == "sit" else [0.9, 1.6, 1.6, 1.6]).astype(
        np.float32
    )
    across = np.clip(u / half, -1, 1)
    shade = 0.72 + 0.30 * across * light[0] + 0.25 * np.sqrt(1 - across**2) * light[2]
    shade -= 0.42 * np.exp(-((u / 0.8) ** 2) - ((v - 0.75) / 0.4) ** 2)  # the head's shadow on the chest
    if body.kind == "sit":
        # The forelegs stand before the belly.
        shade -= 0.30 * _ramp(v, 1.5, 2.2) * np.exp(-(((np.abs(u) - 0.66) / 0.07) ** 2))
        shade -= 0.25 * _ramp(v, 1.5, 2.2) * np.exp(-((u / 0.05) ** 2))
        shade -= 0.18 * np.exp(-(((np.hypot(np.abs(u) - 0.95 * f, v - 2.45) - 0.45) / 0.06) ** 2))
    shade -= 0.25 * _ramp(v, bottom - 0.5, bottom + 0.1)
    cover = np.zeros((SIDE, SIDE), np.float32)
    cover[y0:y1, x0:x1] = alpha
    _cast(picture, cover, (-10 * light[0], 6))
    patch = picture[y0:y1, x0:x1]
    patch += alpha[..., None] * (rgb * np.clip(shade, 0.2, 1.15)[..., None] - patch)
    brush = _Brush.on(picture, window, 2)
    _paint_paws(brush, frame, look, paws)
    if look.collar is not None and body.kind == "sit":
        band = smooth([(-0.72, 0.72), (-0.4, 0.98), (0, 1.07), (0.4, 0.98), (0.72, 0.72)], closed=False)
        brush.fill(frame.flat(_stroke(band, 0.17, (0.9, 0.9))), look.collar * 0.75)
        brush.fill(frame.flat(_stroke(band - (0, 0.02), 0.10, (0.9, 0.9))), look.collar)
        brush.fill(frame.flat(circle((0.0, 1.2), 0.13)), (0.80, 0.62, 0.18))
        brush.fill(frame.flat(circle((-0.03, 1.17), 0.06)), (0.99, 0.90, 0.55))
        brush.fill(frame.flat(circle((0.0, 1.26), (0.025, 0.05))), (0.25, 0.18, 0.08))
    picture[y0:y1, x0:x1] = brush.picture()


def _paint_paws(brush: _Brush, frame: _Pose, look: _Look, paws) -> None:
    colour = {"plain": look.base, "tabby": mix(look.base, look.light, 0.5), "point": look.dark}.get(
        look.pattern, look.light
    )
    ink = mix(colour, (0.05, 0.03, 0.03), 0.6)
    for x, y in paws:
        brush.fill(frame.flat(circle((x, y + 0.01), (0.34, 0.21))), colour * 0.7, 0.8)
        brush.fill(frame.flat(circle((x, y - 0.02), (0.31, 0.18))), colour * 0.95, 0.9)
        for toe in (-0.1, 0.1):
            line = [(x + toe, y - 0.02), (x + 1.1 * toe, y + 0.06), (x + 1.2 * toe, y + 0.15)]
            brush.fill(_stroke(frame.flat(line), 0.035 * frame.scale, (0.2, 1)), ink, 0.8)


# --- the surroundings ----------------------------------------------------------------------------------------------

_SIZE = (SIDE, SIDE)
_FABRICS = ((0.55, 0.32, 0.28), (0.32, 0.42, 0.52), (0.42, 0.48, 0.36), (0.72, 0.63, 0.52), (0.46, 0.38, 0.50),
            (0.30, 0.45, 0.45), (0.78, 0.72, 0.66), (0.62, 0.48, 0.26))  # fmt: skip
_WALLS = ((0.84, 0.80, 0.73), (0.66, 0.75, 0.78), (0.78, 0.70, 0.66), (0.62, 0.68, 0.58), (0.86, 0.86, 0.84),
          (0.52, 0.56, 0.64), (0.80, 0.74, 0.55))  # fmt: skip


def _sofa(rng: np.random.Generator, ground: float) -> np.ndarray:
    wall = blend(gradient(_SIZE, rng.uniform(0, 6.3)), vary(rng, pick(rng, _WALLS)) * 0.8, vary(rng, pick(rng, _WALLS)))
    cloth = vary(rng, pick(rng, _FABRICS))
    layer = Layer(_SIZE, 2)
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
    weave = 0.9 + 0.2 * noise(rng, _SIZE, 1.0)
    return layer.over(wall, light=weave)


def _lawn(rng: np.random.Generator, ground: float) -> np.ndarray:
    horizon = float(np.clip(ground - rng.uniform(60, 170), 20, 240))
    green = hsv(rng.uniform(0.20, 0.34), rng.uniform(0.4, 0.7), rng.uniform(0.5, 0.75))
    far = blend(noise(rng, (40, 40), 0.5), green * 0.35, mix(green, (0.8, 0.9, 0.95), rng.uniform(0.1, 0.6)))
    far = _enlarge(far).copy()
    near = floor(textured(rng, _SIZE, "grass", green * 0.35, np.minimum(green * 1.35, 1)), horizon, 2.5)
    top, bottom = int(round(horizon)), int(round(horizon)) + 18
    fade = _ramp(np.arange(top, bottom, dtype=np.float32), top - 2, bottom)[:, None, None]
    far[top:bottom] += fade * (near[top:bottom] - far[top:bottom])
    far[bottom:] = near[bottom:]
    return far


def _room(rng: np.random.Generator, ground: float) -> np.ndarray:
    horizon = float(np.clip(ground - rng.uniform(15, 110), 60, 290))
    colour = vary(rng, pick(rng, _WALLS))
    wall = blend(gradient(_SIZE, rng.uniform(0, 6.3), 0.0, 1.0), colour * 0.82, np.minimum(colour * 1.08, 1))
    x = np.arange(SIDE, dtype=np.float32)
    if rng.random() < 0.5:  # wallpaper
        stripes = (np.sin(x * rng.uniform(0.15, 0.5)) > rng.uniform(-0.5, 0.7)).astype(np.float32)[None, :]
        wall = wall * (1 - rng.uniform(0.05, 0.16) * stripes)[..., None]
    wood = hsv(rng.uniform(0.05, 0.1), rng.uniform(0.25, 0.6), rng.uniform(0.4, 0.8))
    planks = 0.65 + 0.35 * noise(rng, _SIZE, 0.5, stretch=(1, 8))
    planks = planks * (0.86 + 0.14 * noise(rng, _SIZE, 1.0, stretch=(8, 1)))
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
    a, b = vary(rng, pick(rng, _FABRICS), 0.1), vary(rng, pick(rng, _FABRICS), 0.1)
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
        field = noise(rng, _SIZE, 0.3)
    pile = 0.75 + 0.4 * noise(rng, _SIZE, 1.0)
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
    return photograph(rng, _SIZE, pick(rng, ("china", "flower", "coffee", "rocket")), blur=rng.uniform(0.5, 5))


def _masonry(rng: np.random.Generator, ground: float) -> np.ndarray:
    name = pick(rng, ("brick", "gravel"))
    tone = hsv(rng.uniform(0.02, 0.14), rng.uniform(0.05, 0.45), rng.uniform(0.55, 0.9))
    return textured(rng, _SIZE, name, tone * 0.3, np.minimum(tone * 1.2, 1))


_BACKGROUNDS = (_sofa, _lawn, _room, _carpet, _bokeh, _photo, _masonry)


def _enlarge(picture: np.ndarray) -> np.ndarray:
    """Return a small picture at full size: out of focus."""
    return to_picture(to_image(picture).resize(_SIZE, Image.Resampling.BICUBIC))


def _leaf(rng: np.random.Generator, picture: np.ndarray, outdoors: bool) -> np.ndarray:
    """Put something in front, near the edge of the picture: the leaves of a plant, or outdoors blades of grass."""
    layer = Layer(_SIZE, 2)
    green = hsv(rng.uniform(0.2, 0.4), rng.uniform(0.35, 0.7), rng.uniform(0.25, 0.6))
    if outdoors:
        for _ in range(int(rng.integers(10, 30))):
            x, h = rng.uniform(0, SIDE), rng.uniform(25, 90)
            path = np.array([(x, SIDE + 3), (x + rng.normal(0, 8), SIDE - 0.6 * h), (x + rng.normal(0, 22), SIDE - h)])
            layer.polygon(_stroke(smooth(path, closed=False), rng.uniform(4, 8), (1, 0.1)), vary(rng, green, 0.08))
    else:
        corner = np.array([pick(rng, (0, SIDE)), pick(rng, (0, SIDE))], float)
        for _ in range(int(rng.integers(3, 6))):
            towards = np.array([SIDE / 2, SIDE / 2]) - corner
            angle = np.arctan2(towards[1], towards[0]) + rng.normal(0, 0.5)
            reach = rng.uniform(60, 130)
            tip = corner + reach * np.array([np.cos(angle), np.sin(angle)])
            blade = smooth(np.array([corner, (corner + tip) / 2 + rng.normal(0, 6, 2), tip]), closed=False, steps=8)
            layer.polygon(_stroke(blade, 0.34 * reach, (0.1, 0.05)), vary(rng, green, 0.06))
            layer.line(blade, green * 0.6, 1.2)
    return layer.over(picture, blur=rng.uniform(0.6, 2.2))


# --- one picture ---------------------------------------------------------------------------------------------------


@dataclass
class _Cat:
    look: _Look
    face: _Expression
    pose: _Pose
    body: _Body


@dataclass
class _Drawn:
    """A finished picture and what is known about it."""

    image: Image.Image
    boxes: np.ndarray  # (cats, 4): x0, y0, x1, y1 of the heads in pixels, x1 and y1 exclusive
    heads: list[np.ndarray]  # coverage of each head, before anything was put in front of it
    cats: list[_Cat]


def _arrange(rng: np.random.Generator, faces: list[_Expression]) -> list[_Cat]:
    """Choose coats, poses and places. What is chosen does not depend on ``faces``; that the heads fit does."""
    cats = []
    two = len(faces) == 2
    for k, face in enumerate(faces):
        look = _sample_look(rng)
        share = rng.uniform(0.13, 0.21) if two else rng.uniform(0.13, 0.6)
        roll = np.radians(np.clip(rng.normal(0, 12), -32, 32))
        yaw, pitch = np.radians(np.clip(rng.normal(0, 15), -32, 32)), np.radians(np.clip(rng.normal(2, 7), -14, 16))
        place = rng.uniform(0, 1, 2)
        kind = pick(rng, ("sit", "sit", "loaf", "peek"))
        body = _Body(kind, rng.normal(0, 0.06), rng.uniform(0.9, 1.2), int(rng.integers(-1, 2)))
        # The box's area is chosen and the cat scaled to it, so that flat ears do not make smaller boxes.
        pose = _Pose((0.0, 0.0), 1.0, float(roll), float(yaw), float(pitch), look.tall)
        low, high = _extent(look, face, pose)
        width, height = high - low
        pose.scale = float(min(SIDE * np.sqrt(share / (width * height)), 0.93 * SIDE / max(width, height)))
        half = pose.scale * np.array([width, height]) / 2 + 3
        room = (half, SIDE - half)
        if two:  # side by side
            room = (np.array([0.0, half[1]]), np.array([SIDE, SIDE - half[1]]))
            centre = np.array([0.5 * SIDE + (k - 0.5) * SIDE * (0.42 + 0.08 * place[0]),
                               room[0][1] + (0.15 + 0.6 * place[1]) * (room[1][1] - room[0][1])])  # fmt: skip
            centre[0] = np.clip(centre[0], half[0], SIDE - half[0])
        else:  # more often above the middle: there is a body below
            centre = room[0] + np.array([place[0], place[1] ** 1.4]) * (room[1] - room[0])
        pose.centre = tuple((centre - pose.scale * (low + high) / 2).tolist())
        cats.append(_Cat(look, face, pose, body))
    return sorted(cats, key=lambda cat: cat.pose.centre[1])  # the nearer one stands lower and is drawn last


def _cast(picture: np.ndarray, cover: np.ndarray, offset: tuple[float, float]) -> None:
    """Darken the picture, in place, by the soft shadow of what covers it, moved by ``offset`` pixels."""
    small = Image.fromarray((cover * 255).astype(np.uint8)).reduce(8)
    soft = small.transform(small.size, Image.Transform.AFFINE, (1, 0, -offset[0] / 8, 0, 1, -offset[1] / 8),
                           Image.Resampling.BILINEAR).resize(_SIZE, Image.Resampling.BICUBIC)  # fmt: skip
    picture *= (1 - np.asarray(soft, np.float32) * np.float32(0.45 / 255))[..., None]


def _edge(rng: np.random.Generator, picture: np.ndarray, cat: _Cat) -> np.ndarray:
    """Put the edge of a box, a table or a blanket in front of a cat that peeks over it, with its paws on it."""
    pose = cat.pose
    y = min(pose.centre[1] + rng.uniform(0.8, 1.0) * pose.scale, SIDE - 2)
    colour = vary(rng, pick(rng, (*_FABRICS, (0.72, 0.56, 0.38), (0.72, 0.56, 0.38))), 0.05)
    layer = Layer(_SIZE, 2)
    tilt = rng.normal(0, 6)
    layer.polygon([(-2, y - tilt), (SIDE + 2, y + tilt), (SIDE + 2, SIDE + 2), (-2, SIDE + 2)], colour * 0.92)
    layer.line([(-2, y - tilt), (SIDE + 2, y + tilt)], np.minimum(colour * 1.2, 1), 3)
    grain = 0.85 + 0.3 * noise(rng, _SIZE, pick(rng, (0.5, 1.0)), stretch=pick(rng, ((1, 1), (6, 1))))
    _cast(picture, layer.mask(), (0, -7))
    picture = layer.over(picture, light=grain)
    frame = _Pose((pose.centre[0], y), pose.scale, 0, 0, 0)
    paws = [(s * 0.62, 0.06) for s in (-1, 1)]
    window = _window(frame.flat([(-1.1, -0.4), (1.1, 0.4)]), 2)
    if window[3] - window[1] > 4:
        brush = _Brush.on(picture, window, 2)
        _paint_paws(brush, frame, cat.look, paws)
        x0, y0, x1, y1 = window
        picture[y0:y1, x0:x1] = brush.picture()
    return picture


def _plan(seed: int, index: int, emotion: int) -> tuple[list[_Cat], np.random.Generator]:
    """Return the cats of picture ``index``, and the stream of random numbers for all that is around them.

    That stream never sees the emotion; the expressions have one of their own.
    """
    rng, mood = (np.random.default_rng([seed, _TAG, index, part]) for part in (1, 2))
    count = 2 if rng.random() < 0.18 else 1
    cats = _arrange(rng, [_sample_expression(mood, emotion) for _ in range(count)])
    if count == 2:
        for cat in cats:
            cat.body.kind = "sit"
    return cats, rng


def _draw(seed: int, index: int, emotion: int) -> _Drawn:
    """Draw picture ``index`` with the given emotion (0 angry, 1 happy), independent of all other pictures."""
    cats, rng = _plan(seed, index, emotion)
    detail = np.random.default_rng([seed, _TAG, index, 3])  # gaze, and how single hairs fall
    light = np.array([rng.uniform(-0.75, 0.75), rng.uniform(-0.7, 0.1), 0.75])
    light = (light / np.linalg.norm(light)).tolist()
    last = cats[-1]
    feet = last.pose.centre[1] + last.pose.scale * (3.0 if last.body.kind == "sit" else 1.7)
    scenery = pick(rng, _BACKGROUNDS)
    picture = np.clip(scenery(rng, float(np.clip(feet, 150, 300))), 0, 1).astype(np.float32)
    heads = []
    for cat in cats:
        if cat.body.kind != "peek":
            _draw_body(picture, cat.pose, cat.look, cat.body, light)
        heads.append(_draw_head(picture, cat.pose, cat.look, cat.face, light, detail))
    if cats[-1].body.kind == "peek":
        picture = _edge(rng, picture, cats[-1])
    if rng.random() < 0.25:
        picture = _leaf(rng, picture, scenery is _lawn)
    picture = illuminate(rng, picture, exposure=0.3, tint=0.09, slope=0.35)
    picture = camera(rng, picture, blur=(0.0, 0.9), grain=0.035)
    return _Drawn(to_image(picture), np.array([_box(head) for head in heads]), heads, cats)


def _box(cover: np.ndarray) -> tuple[int, int, int, int]:
    """Return the bounding box x0, y0, x1, y1 (exclusive) of the pixels that are covered by half or more."""
    rows, columns = np.flatnonzero((cover >= 0.5).any(1)), np.flatnonzero((cover >= 0.5).any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


# --- the data set --------------------------------------------------------------------------------------------------


def _emotions(seed: int) -> dict[str, np.ndarray]:
    """Return the class ids of each split's pictures in order: half of each, shuffled."""
    rng = np.random.default_rng([seed, _TAG])
    return {split: rng.permutation(np.arange(count) % 2) for split, count in SPLITS.items()}


def _label_lines(drawn: _Drawn, emotion: int) -> str:
    """Return a picture's labels as YOLO has them: a line per cat, class cx cy w h, in parts of the side."""
    x0, y0, x1, y1 = drawn.boxes.T / SIDE
    rows = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], 1)
    return "".join(f"{emotion} " + " ".join(f"{value:.6f}" for value in row) + "\n" for row in rows)


def make_cats(folder: Path, seed: int = 0, *, progress: Callable[[int], object] | None = None) -> None:
    """Draw the angry and happy cats and write them to ``folder`` in YOLO layout.

    The layout is ``data.yaml`` and, for each of train, valid and test, ``images/0001.jpg`` beside
    ``labels/0001.txt``. Numbers run on over the splits. A picture shows one cat, or two of the same emotion; half of
    each split is angry. A label's box encloses the cat's head with ears and fur, without whiskers, also where
    something covers it.

    Parameters
    ----------
    folder : Path
        Created if it does not exist. Files of the same names are overwritten.
    seed : int
        Zero or more. The same seed gives the same bytes.
    progress : callable, optional
        Called with 1 after each picture, for the ``update`` of a progress bar.

    Notes
    -----
    Taught in lesson 15.
    """
    folder = Path(folder)
    index = 0
    for split, emotions in _emotions(seed).items():
        for part in ("images", "labels"):
            (folder / split / part).mkdir(parents=True, exist_ok=True)
        for emotion in emotions.tolist():
            drawn = _draw(seed, index, emotion)
            index += 1
            drawn.image.save(folder / split / "images" / f"{index:04d}.jpg", quality=QUALITY)
            labels = folder / split / "labels" / f"{index:04d}.txt"
            labels.write_text(_label_lines(drawn, emotion), encoding="ascii", newline="\n")
            if progress is not None:
                progress(1)
    (folder / "data.yaml").write_text(
        f"train: train/images\nval: valid/images\ntest: test/images\nnc: {len(NAMES)}\nnames: [{', '.join(NAMES)}]\n",
        encoding="ascii",
        newline="\n",
    )
