"""A cat's looks, which do not change with its mood: colours and markings, and the hairs of its fur."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy import ndimage

from course_utils.data.cats.canvas import ramp
from course_utils.data.drawing import blend, hsv, pick, vary

COATS = {
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
IRISES = ((0.80, 0.68, 0.16), (0.55, 0.66, 0.22), (0.30, 0.58, 0.36), (0.78, 0.47, 0.13), (0.72, 0.72, 0.30))


@dataclass
class Look:
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


def sample_look(rng: np.random.Generator) -> Look:
    """Return the looks of some cat."""
    base, dark, light, pattern = COATS[pick(rng, list(COATS))]
    iris = (0.36, 0.60, 0.82) if pattern == "point" or rng.random() < 0.08 else pick(rng, IRISES)
    pale = float(np.mean(light)) > 0.7
    return Look(
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


@cache
def _strands() -> np.ndarray:
    """Return a periodic texture (256 rows, 256 columns) of hairs that run along the rows' axis; deviation 1."""
    rng = np.random.default_rng(15)  # any number: one texture serves all cats
    white = rng.standard_normal((3, 256, 256)).astype(np.float32)
    scales = ((7, 0.5), (9, 1.2), (14, 3.0))  # standard deviations along and across: single hairs, locks, tufts
    layers = [ndimage.gaussian_filter(w, s, mode="wrap") for w, s in zip(white, scales)]
    total = sum(weight * layer / layer.std() for weight, layer in zip((0.9, 0.8, 0.45), layers))
    return (total / total.std()).astype(np.float32)


def hair(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Look the strands up: ``along`` and ``across`` in cells of the texture."""
    return _strands()[along.astype(np.int32) & 255, across.astype(np.int32) & 255]


def ruffle(mask: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Return the mask with its pixels fetched from ``dx, dy`` pixels away: an edge of fur."""
    height, width = mask.shape
    rows = np.arange(0.5, height, dtype=np.float32)[:, None] + dy
    columns = np.arange(0.5, width, dtype=np.float32) + dx
    moved = mask[rows.clip(0, height - 1).astype(np.int32), columns.clip(0, width - 1).astype(np.int32)]
    # Fetching whole pixels leaves steps; the weights 1 2 1 along both axes smooth them.
    moved[1:-1] = 0.5 * moved[1:-1] + 0.25 * (moved[:-2] + moved[2:])
    moved[:, 1:-1] = 0.5 * moved[:, 1:-1] + 0.25 * (moved[:, :-2] + moved[:, 2:])
    return moved


def _patches(look: Look, x: np.ndarray, y: np.ndarray, number: int) -> np.ndarray:
    """Return a cloudy field around 0 that belongs to the cat's skin: it turns with the head."""
    i, j = look.shift[number : number + 2]
    t = np.float32(i) * 0.37, np.float32(j) * 0.53
    return (
        np.sin(2.1 * x + 1.3 * y + t[0])
        + np.sin(-1.7 * x + 2.6 * y + t[1])
        + 0.6 * np.sin(4.3 * x - 1.1 * y + 2 * t[1])
        + 0.4 * np.sin(2.9 * x + 5.3 * y + 3 * t[0])
    )


def face_coat(look: Look, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the colours of the fur at the points ``x, y`` of the face, (..., 3)."""
    side = np.abs(x)
    if look.pattern == "tabby":
        brow = np.cos(2 * np.pi * (side * 2.7 + 0.25 * y)) * ramp(y, -0.22, -0.45) * ramp(side, 0.75, 0.6)
        cheek = np.cos(2 * np.pi * (2.3 * y - 0.9 * side + 0.1)) * ramp(side, 0.55, 0.75) * ramp(y, -0.3, -0.1)
        rgb = blend(0.85 * ramp(brow + cheek, 0.05, 0.6), look.base, look.dark)
        muzzle = ramp((x / 0.52) ** 2 + ((y - 0.58) / 0.34) ** 2, 1.2, 0.6)
        socket = ramp(((side - 0.42) / 0.34) ** 2 + ((y + 0.04) / 0.32) ** 2, 1.3, 0.8)
        return blend(np.maximum(muzzle, 0.55 * socket), rgb, look.light)
    if look.pattern == "plain":
        return blend(ramp((x / 0.6) ** 2 + ((y - 0.55) / 0.4) ** 2, 1.4, 0.4), look.base, look.light)
    wobble = 0.05 * _patches(look, 2 * x, 2 * y, 0)
    if look.pattern == "bicolour":
        edge = 0.02 + 0.10 * look.blaze + (0.35 + 0.3 * look.blaze) * np.clip(y + 0.45, 0, 0.8) ** 1.3
        white = ramp(side - edge - wobble, 0.05, -0.03)
        return blend(white * ramp(y, -0.75 * look.blaze - 0.2, -0.75 * look.blaze), look.base, look.light)
    if look.pattern == "calico":
        rgb = blend(ramp(_patches(look, 1.3 * x, 1.3 * y, 2), -0.1, 0.15), look.base, look.dark)
        white = ramp(side - 0.12 - 0.5 * np.clip(y + 0.25, 0, 1) - 2 * wobble, 0.06, -0.04)
        return blend(white * (1 if look.light.mean() > 0.8 else 0.4), rgb, look.light)
    mask = np.exp(-1.6 * (x**2 + 1.1 * (y - 0.22) ** 2)) + 0.9 * ramp(np.hypot(x, y + 0.1), 0.95, 1.2) * ramp(
        y, -0.3, -0.5
    )
    return blend(np.clip(1.15 * mask, 0, 1), look.base, look.dark)


def body_coat(look: Look, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the colours of the fur at the points ``x, y`` of the body, (..., 3); the neck is at 0, 0.4."""
    side = np.abs(x)
    bib = ramp(side / 0.55 + np.abs(y - 0.9) / 1.2, 1.1, 0.7)
    if look.pattern == "tabby":
        bands = np.cos(2 * np.pi * (1.5 * y + 0.25 * side)) * ramp(side, 0.3, 0.6)
        return blend(0.6 * bib, blend(0.8 * ramp(bands, 0.1, 0.6), look.base, look.dark), look.light)
    if look.pattern == "plain":
        return blend(0.7 * bib, look.base, look.light)
    wobble = 0.1 * _patches(look, x, y, 0)
    if look.pattern == "bicolour":
        socks = ramp(y + wobble, 2.35, 2.5)
        return blend(np.maximum(ramp(side - 0.5 + 0.15 * (y - 1) + wobble, 0.06, -0.06), socks), look.base, look.light)
    if look.pattern == "calico":
        rgb = blend(ramp(_patches(look, x, y, 2), -0.1, 0.15), look.base, look.dark)
        white = ramp(side - 0.45 + wobble, 0.06, -0.06)
        return blend(white * (1 if look.light.mean() > 0.8 else 0.3), rgb, look.light)
    return blend(0.9 * ramp(y, 2.0, 2.8), look.base, look.dark)
