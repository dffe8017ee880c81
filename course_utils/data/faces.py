"""Drawn faces: 26 people who do not exist, photographed 890 times.

Every picture is a small rendering. The head, the hair and the body are height fields, written as sums of smooth
bumps; a lamp lights them (Lambert's law, soft cast shadows, a little gloss), and a camera with its own exposure,
gamma, blur and noise takes the picture.

*Who* it is decides the bumps and the shades: :class:`Person`, drawn once per name. *How* the picture was taken is
drawn anew for each picture: :class:`Shot`. Clothes and background belong to the shot, so they say nothing about the
person.

What makes them hard, and for whom: a quarter of the pictures are film negatives, which turn every difference of light
around, so that a single template per person, all that a linear classifier has, cannot fit both kinds. Lamps to the
left and to the right and dappled light change the large forms more than the edges, which suits a network that looks at
small neighbourhoods. The pose varies a little, in every twelfth picture a lot.

Lengths are in *face units*: half the width of an average face. ``u`` points to the right of the picture, ``v`` down,
``z`` to the camera; the origin lies between the eyes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import cos, exp, hypot, sin, sqrt

import numpy as np
from scipy import ndimage

HEIGHT, WIDTH = 170, 130  # pixels
PER_SPLIT = 445  # pictures
UNIT = 37.0  # pixels in a face unit, at scale 1
CENTRE = (WIDTH / 2, 81.0)  # pixels; where the point between the eyes lies without jitter
PIVOT = 1.2  # the head tilts around a point this far below the eyes

# One stream of random numbers per purpose, so that a picture does not depend on the others.
_PERSON, _ORDER, _SHOT, _GRAIN = 1, 2, 3, 4


@dataclass(frozen=True)
class Look:
    """What a person chose or was born with, in words; the geometry is drawn by :func:`draw_person`.

    Skin and hair are reflectances from 0 (black) to 1 (white).
    """

    name: str
    style: str  # one of STYLES
    skin: float
    hair: float
    beard: str = ""  # "", "stubble", "moustache", "goatee" or "full"
    glasses: float = 0.0  # share of the pictures with glasses on
    freckles: float = 0.0
    age: float = 0.2  # 0 is twenty years old, 1 is eighty
    masculine: float = 0.5  # moves the averages of jaw, brows and lips


LOOKS = (
    Look("Ada", "bob", 0.66, 0.10, masculine=0.15),
    Look("Ben", "short", 0.68, 0.16, beard="stubble", masculine=0.85),
    Look("Cleo", "bun", 0.34, 0.05, masculine=0.1),
    Look("Dina", "long", 0.56, 0.09, masculine=0.1),
    Look("Emil", "short", 0.70, 0.20, age=0.1, masculine=0.6, freckles=0.6),
    Look("Finn", "side", 0.72, 0.34, masculine=0.8, freckles=0.9),
    Look("Gita", "long", 0.46, 0.06, age=0.4, masculine=0.2),
    Look("Hugo", "receding", 0.66, 0.22, beard="full", glasses=0.5, age=0.6, masculine=0.9),
    Look("Iris", "curly", 0.62, 0.14, masculine=0.2, freckles=0.5),
    Look("Juan", "side", 0.54, 0.08, beard="moustache", age=0.5, masculine=0.85),
    Look("Kofi", "short", 0.28, 0.05, masculine=0.8),
    Look("Lena", "long", 0.70, 0.40, masculine=0.1),
    Look("Maya", "curly", 0.36, 0.06, age=0.1, masculine=0.15),
    Look("Nils", "side", 0.72, 0.42, age=0.4, masculine=0.75),
    Look("Olga", "bob", 0.70, 0.50, glasses=0.5, age=0.9, masculine=0.25),
    Look("Pavel", "shaved", 0.66, 0.18, beard="goatee", age=0.5, masculine=0.95),
    Look("Quinn", "fringe", 0.68, 0.24, masculine=0.4, freckles=0.7),
    Look("Rosa", "bun", 0.54, 0.10, age=0.5, masculine=0.15),
    Look("Sami", "short", 0.50, 0.07, beard="full", masculine=0.85),
    Look("Tara", "fringe", 0.44, 0.07, glasses=0.5, masculine=0.2),
    Look("Umar", "shaved", 0.30, 0.06, beard="full", age=0.4, masculine=0.9),
    Look("Vera", "bun", 0.68, 0.55, age=1.0, masculine=0.25),
    Look("Wei", "short", 0.62, 0.06, glasses=0.5, masculine=0.7),
    Look("Xenia", "long", 0.62, 0.16, masculine=0.1),
    Look("Yuki", "fringe", 0.64, 0.05, age=0.1, masculine=0.15),
    Look("Zoe", "bob", 0.40, 0.06, masculine=0.2),
)
NAMES = tuple(look.name for look in LOOKS)


@dataclass(frozen=True)
class Person:
    """The geometry and the shades of one person; lengths in face units."""

    look: Look
    skin: float
    hair: float
    cheek: float  # half width of the head at the cheekbones
    taper: float  # how much narrower the jaw is
    square: float  # exponent of the jaw's outline: 2 is round, 3 is square
    chin: float  # height of the chin below the eyes
    chin_knob: float
    cheekbone: float
    dome: float  # depth of the head
    eye_gap: float  # from the middle to the centre of an eye
    eye_width: float  # half
    eye_open: float
    eye_slant: float
    iris: float  # radius
    iris_shade: float
    fold: float  # how deep the fold above the eye is
    brow_height: float
    brow_thick: float
    brow_arch: float
    brow_slant: float
    brow_dark: float
    brow_ridge: float
    nose_length: float
    nose_width: float
    nose_depth: float
    nose_bridge: float
    nose_tip: float
    mouth_height: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    lip_dark: float
    ear: float
    neck: float
    hairline: float
    hair_volume: float
    part: float  # where the hair is parted, left to right
    marks: tuple[tuple[float, float, float, float], ...]  # freckles and moles: u, v, radius, depth


@dataclass(frozen=True)
class Shot:
    """How one picture was taken. Angles in radians, shifts in pixels."""

    yaw: float
    pitch: float
    roll: float
    shift: tuple[float, float]
    scale: float
    azimuth: float  # of the lamp: negative is left
    elevation: float
    key: float  # strength of the lamp beside the light from everywhere
    softness: float  # how far light reaches around the edge of a shadow
    dapple: float  # unevenness of the light, as if it came through leaves
    exposure: float
    gamma: float
    negative: bool
    smile: float
    open_mouth: float
    brow: float
    lid: float
    gaze: tuple[float, float]
    glasses: bool
    clothes: str
    clothes_shade: float
    clothes_accent: float
    backdrop: str
    backdrop_shade: float
    backdrop_contrast: float
    occluder: str
    occluder_place: float
    occluder_shade: float
    blur: float
    noise: float


# --- who -------------------------------------------------------------------------------------------------------

SPREAD = 1.2  # how much faces differ: 1 is the spread below


def draw_person(seed: int, label: int) -> Person:
    """Draw the geometry of one person; the same seed and label give the same person."""
    rng = np.random.default_rng([seed, _PERSON, label])
    look = LOOKS[label]
    m = look.masculine - 0.5

    def about(mean: float, spread: float) -> float:
        # A uniform draw keeps everybody plausible: no tails.
        return float(mean + SPREAD * spread * rng.uniform(-1, 1))

    nose_length = about(0.60 + 0.04 * m + 0.04 * look.age, 0.07)
    mouth_height = nose_length + about(0.33 + 0.03 * m, 0.04)
    chin = mouth_height + about(0.44 + 0.08 * m, 0.05)
    marks = []
    for _ in range(int(70 * look.freckles)):
        side = rng.choice([-1, 1])
        marks.append((side * abs(rng.normal(0.42, 0.2)), rng.normal(0.38, 0.16), rng.uniform(0.014, 0.03), 0.18))
    for _ in range(int(rng.integers(1, 4))):
        marks.append((rng.uniform(-0.7, 0.7), rng.uniform(0.2, 1.1), rng.uniform(0.025, 0.04), 0.55))
    return Person(
        look=look,
        skin=look.skin,
        hair=look.hair,
        cheek=about(0.98 + 0.03 * m, 0.06),
        taper=about(0.20 - 0.10 * m, 0.05),
        square=about(2.35 + 0.5 * m, 0.25),
        chin=chin,
        chin_knob=about(0.08 + 0.05 * m, 0.05),
        cheekbone=about(0.07, 0.05),
        dome=about(0.95, 0.1),
        eye_gap=about(0.43, 0.045),
        eye_width=about(0.218 - 0.01 * m, 0.022),
        eye_open=about(0.097 - 0.02 * m, 0.02),
        eye_slant=about(0.05, 0.10),
        iris=about(0.088, 0.008),
        iris_shade=about(0.16, 0.12),
        fold=about(0.55, 0.42),
        brow_height=about(0.285 - 0.04 * m, 0.045),
        brow_thick=about(0.048 + 0.02 * m, 0.016),
        brow_arch=about(0.07 - 0.05 * m, 0.04),
        brow_slant=about(-0.01, 0.06),
        brow_dark=about(0.75, 0.2),
        brow_ridge=about(0.05 + 0.06 * m, 0.03),
        nose_length=nose_length,
        nose_width=about(0.20 + 0.03 * m, 0.05),
        nose_depth=about(0.30, 0.08),
        nose_bridge=about(0.12, 0.06),
        nose_tip=about(0.10, 0.03),
        mouth_height=mouth_height,
        mouth_width=about(0.36, 0.05),
        upper_lip=about(0.065 - 0.03 * m, 0.018),
        lower_lip=about(0.095 - 0.03 * m, 0.02),
        lip_dark=about(0.34 - 0.12 * m, 0.07),
        ear=about(0.13, 0.03),
        neck=about(0.56 + 0.14 * m, 0.05),
        hairline=about(-0.86, 0.07),
        hair_volume=about(1.0, 0.3),
        part=about(0.0, 0.5),
        marks=tuple(marks),
    )


# --- how -------------------------------------------------------------------------------------------------------

CLOTHES = ("round", "vneck", "shirt", "turtleneck")
NEGATIVES = 0.25  # share of the pictures that are film negatives, never printed
STRAY = 0.08  # share of the pictures with a pose and a position far from the usual
BACKDROPS = ("plain", "bokeh", "panels", "shelf", "cloudy")


def draw_shot(rng: np.random.Generator, glasses_share: float) -> Shot:
    """Draw the circumstances of one picture."""

    # Most people stand where they were told to; now and then somebody turns away or stands aside.
    stray = 3.0 if rng.random() < STRAY else 1.0

    def near(spread: float, limit: float) -> float:
        return float(np.clip(rng.normal(0, stray * spread), -limit, limit))

    side = float(rng.choice([-1.0, 1.0]))
    occluder = str(rng.choice(["", "hand", "scarf", "hat", "shadow"], p=[0.86, 0.04, 0.03, 0.03, 0.04]))
    return Shot(
        yaw=near(0.05, 0.3),
        pitch=near(0.02, 0.12),
        roll=near(0.02, 0.12),
        shift=(near(0.8, 8.0), near(0.8, 8.0)),
        scale=exp(near(0.012, 0.06)),
        azimuth=side * float(rng.uniform(0.5, 1.25)),
        elevation=float(rng.uniform(0.05, 0.65)),
        key=float(rng.uniform(0.55, 0.92)),
        softness=float(rng.uniform(0.05, 0.25)),
        dapple=float(rng.uniform(0.15, 0.42)),
        exposure=exp(float(rng.normal(0, 0.2))),
        gamma=exp(float(rng.normal(0, 0.1))),
        negative=bool(rng.random() < NEGATIVES),
        smile=float(rng.choice([rng.uniform(-0.1, 0.4), rng.uniform(0.4, 1.0)])),
        open_mouth=float(rng.choice([0.0, rng.uniform(0.2, 1.0)], p=[0.65, 0.35])),
        brow=float(rng.uniform(-0.8, 0.8)),
        lid=float(rng.choice([rng.uniform(0.85, 1.15), rng.uniform(0.3, 0.7)], p=[0.88, 0.12])),
        gaze=(float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.5, 0.5))),
        glasses=bool(rng.random() < glasses_share),
        clothes=str(rng.choice(CLOTHES)),
        clothes_shade=float(rng.uniform(0.06, 0.75)),
        clothes_accent=float(rng.uniform(0.06, 0.85)),
        backdrop=str(rng.choice(BACKDROPS)),
        backdrop_shade=float(rng.uniform(0.08, 0.75)),
        backdrop_contrast=float(rng.uniform(0.1, 0.45)),
        occluder=occluder,
        occluder_place=float(rng.uniform(-1, 1)),
        occluder_shade=float(rng.uniform(0.08, 0.6)),
        blur=float(rng.uniform(0.0, 0.55)),
        noise=float(rng.uniform(0.003, 0.012)),
    )


# --- fields ----------------------------------------------------------------------------------------------------


def _bell(x: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-((x * (1 / width)) ** 2))


def _bump(x: np.ndarray, y: np.ndarray, sx: float, sy: float) -> np.ndarray:
    return np.exp(-((x * (1 / sx)) ** 2) - (y * (1 / sy)) ** 2)


def _rise(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 where ``x`` is below ``low``, 1 where it is above ``high``, and a smooth step between."""
    t = np.clip((x - low) * (1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def _below(distance: np.ndarray, unit: float, soft: float = 1.0) -> np.ndarray:
    """Return how much of each pixel lies where ``distance`` (face units) is negative: an edge ``soft`` pixels wide."""
    return np.clip(0.5 - distance * (unit / soft), 0, 1)


def _inside(field: np.ndarray, soft: float = 1.0) -> np.ndarray:
    """Return how much of each pixel lies where ``field`` is negative, when it is not a distance."""
    gy, gx = np.gradient(field)
    return np.clip(0.5 - field / (soft * np.sqrt(gx * gx + gy * gy) + 1e-6), 0, 1)


def _clouds(rng: np.random.Generator, cells: tuple[int, int]) -> np.ndarray:
    """Return smooth noise from -1 to 1 over the picture: ``cells`` of random numbers, interpolated."""
    grid = rng.uniform(-1, 1, (cells[0] + 3, cells[1] + 3)).astype(np.float32)
    return _spline(HEIGHT, cells[0]) @ grid @ _spline(WIDTH, cells[1]).T


@cache
def _spline(pixels: int, cells: int) -> np.ndarray:
    """Return the matrix that interpolates ``cells + 3`` numbers at each pixel, with Catmull and Rom's cubic."""
    x = np.linspace(1, cells + 1, pixels)
    t = np.abs(x[:, None] - np.arange(cells + 3)[None, :])
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0)).astype(np.float32)


def _strands(rng: np.random.Generator, where: np.ndarray, per_unit: float) -> np.ndarray:
    """Return noise from -1 to 1 that changes along ``where`` only: hairs side by side, the backs of books."""
    table = rng.uniform(-1, 1, 1024).astype(np.float32)
    place = where * per_unit + 300
    index = np.floor(place).astype(np.int32)
    t = place - index.astype(np.float32)
    t = t * t * (3 - 2 * t)
    return table[index % 1024] * (1 - t) + table[(index + 1) % 1024] * t


# --- light -----------------------------------------------------------------------------------------------------


class _Light:
    """A lamp and light from everywhere, and what they make of a height field.

    Parameters
    ----------
    unit : float
        Pixels in a face unit, in this picture.
    """

    def __init__(self, shot: Shot, unit: float):
        flat = cos(shot.elevation)
        self.direction = (sin(shot.azimuth) * flat, -sin(shot.elevation), cos(shot.azimuth) * flat)
        half = (self.direction[0], self.direction[1], self.direction[2] + 1)
        size = sqrt(sum(c * c for c in half))
        self.half = tuple(c / size for c in half)
        self.key, self.wrap, self.unit = shot.key, shot.softness, unit

    def on(self, height: np.ndarray, gloss: float = 0.0, power: int = 14, lit: np.ndarray | float = 1.0):
        """Return the diffuse light on a surface and its gloss, two fields.

        Parameters
        ----------
        height : array (170, 130)
            In face units.
        gloss : float
            Strength of the reflection of the lamp itself.
        power : int
            Its sharpness (Blinn and Phong's exponent).
        lit : array or float
            How much of the lamp reaches each point, from :meth:`reach`.
        """
        gy, gx = np.gradient(height * self.unit)
        norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
        lx, ly, lz = self.direction
        lambert = np.clip(((lz - gx * lx - gy * ly) * norm + self.wrap) / (1 + self.wrap), 0, None)
        # What faces up and what faces the camera gets most of the light from everywhere.
        ambient = (0.72 + 0.28 * norm) * (1 - 0.18 * gy * norm)
        diffuse = 1.25 * self.key * lambert * lit + (1 - self.key) * ambient
        hx, hy, hz = self.half
        shine = np.clip((hz - gx * hx - gy * hy) * norm, 0, 1) ** power
        return diffuse, (gloss * self.key) * shine * lit

    def reach(self, height: np.ndarray) -> np.ndarray:
        """Return how much of the lamp each point sees, 0 to 1: what stands up towards the lamp hides it."""
        lx, ly, lz = self.direction
        flat = hypot(lx, ly)
        hidden = np.zeros_like(height)
        if flat < 0.2:
            return hidden + 1
        margin = 42
        padded = np.pad(height, margin, mode="edge")
        rows, columns = height.shape
        for step in range(1, 9):
            far = 0.9 * (step / 8) ** 1.4
            dx = min(margin, max(-margin, round(lx / flat * far * self.unit))) + margin
            dy = min(margin, max(-margin, round(ly / flat * far * self.unit))) + margin
            there = padded[dy : dy + rows, dx : dx + columns]
            # How far the horizon stands above the ray to the lamp, in widths of the half shadow.
            np.maximum(hidden, (there - height - lz / flat * far) * (1 / (0.06 + 0.25 * far)), out=hidden)
        return ndimage.gaussian_filter(1 - np.minimum(hidden, 1), 1.6)


# --- the drawing -----------------------------------------------------------------------------------------------


@dataclass
class Picture:
    """One rendered picture with its ground truth.

    Attributes
    ----------
    image : array of uint8, (170, 130)
    box : array of int64, (4,)
        ``x0, y0, x1, y1`` of the face in pixels, from the hairline to the chin and from cheek to cheek; ``x1`` and
        ``y1`` are exclusive.
    eyes : array of float, (2, 2)
        ``x, y`` of the eye on the left of the picture, then of the one on the right.
    """

    image: np.ndarray
    box: np.ndarray
    eyes: np.ndarray


@dataclass
class _Surface:
    """The face over the picture: where each pixel is on the unturned head, and what is there.

    A band of rows is a view, so that the parts of a face are drawn on the rows they need, in place.
    """

    u: np.ndarray
    v: np.ndarray
    height: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray

    def band(self, top: float, bottom: float) -> _Surface:
        rows = np.flatnonzero((self.v > top).any(1) & (self.v < bottom).any(1))
        part = slice(rows[0], rows[-1] + 1) if rows.size else slice(0, 0)
        return _Surface(self.u[part], self.v[part], self.height[part], self.albedo[part], self.gloss[part])


def _lay(picture: np.ndarray, cover: np.ndarray, light: np.ndarray | float) -> None:
    """Lay a layer over the picture, in place."""
    picture += cover * (light - picture)


def render(person: Person, shot: Shot, rng: np.random.Generator) -> Picture:
    """Render one picture of ``person``, taken as ``shot`` says; ``rng`` draws textures and grain."""
    unit = UNIT * shot.scale
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x = (x + 0.5 - (CENTRE[0] + shot.shift[0])) / unit
    y = (y + 0.5 - (CENTRE[1] + shot.shift[1])) / unit
    light = _Light(shot, unit)
    # The head tilts around the neck.
    c, s = cos(shot.roll), sin(shot.roll)
    us, vs = c * x + s * (y - PIVOT), -s * x + c * (y - PIVOT) + PIVOT
    u, v = _turn(person, shot, us, vs)

    picture = _backdrop(rng, shot)
    outline = _outline(person, u, v)
    head = _inside(outline, 1.2)
    hair = _hair(person, rng, u, v, unit)
    if hair.behind is not None:
        diffuse, shine = light.on(hair.height * 0.6, 0.03, 8)
        _lay(picture, hair.behind, hair.albedo * diffuse * 0.55 + shine)
    _body(picture, person, shot, rng, light, x, y, unit)
    _ears(picture, person, light, u, v)

    face = _face(person, shot, u, v, outline, unit)
    lit = light.reach(np.where(head > 0, face.height, -1.0) + 0.10 * hair.cover)
    if shot.occluder == "shadow":
        across = us * cos(1.5 * shot.occluder_place) + vs * sin(1.5 * shot.occluder_place)
        lit = lit * (1 - 0.75 * _rise(across, -0.05, 0.12) * _rise(-across, -1.1, -0.9))
    diffuse, shine = light.on(face.height, 0.10, 14, lit)
    # Hollows see less of the surroundings.
    hollow = np.clip((ndimage.uniform_filter(face.height, round(0.28 * unit)) - face.height) * 2.6, -0.1, 0.35)
    _lay(picture, head, face.albedo * diffuse * (1 - hollow) + shine * face.gloss)

    diffuse, shine = light.on(hair.height, hair.gloss, 8, np.maximum(lit, 0.35))
    _lay(picture, hair.cover, (hair.albedo * diffuse + shine) * (1 - 0.25 * _rise(v, 0.0, 1.2)))
    if shot.glasses:
        _glasses(picture, person, u, v, unit)
    if shot.occluder:
        _occlude(picture, person, shot, light, us, vs, unit)
    picture *= np.exp(shot.dapple * _clouds(rng, (4, 3)))
    return Picture(_camera(rng, shot, picture), _face_box(head, v, person), _eye_places(person, shot))


def _turn(person: Person, shot: Shot, us: np.ndarray, vs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where on the unturned head each point of the picture lies."""
    cy, sy, cp, sp = cos(shot.yaw), sin(shot.yaw), cos(shot.pitch), sin(shot.pitch)
    u, v = us, vs
    for _ in range(3):  # a fixed point: the place depends on the depth, and the depth on the place
        z = person.dome * np.clip(1 - (u / 1.05) ** 2 - ((v - 0.05) / 1.75) ** 2, 0, 1)
        u = (us - z * sy) / cy
        v = (vs - z * sp) / cp
    return u, v


def _outline(person: Person, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return a field that is negative inside the outline of the head and rises to 0 there."""
    below, above = np.clip(v, 0, None), np.clip(-v, 0, None)
    width = person.cheek * (1 - person.taper * np.minimum(below / person.chin, 1.3) ** 1.6)
    width = width * (1 - 0.06 * _rise(above, 0.0, 0.9))
    return (
        (np.abs(u) / width) ** (2.1 + 0.25 * (person.square - 2))
        + (below / person.chin) ** (1.25 * person.square)
        + (above / 1.36) ** 2.3
        - 1
    )


def _face(person: Person, shot: Shot, u, v, outline, unit: float) -> _Surface:
    """Return the face, without hair."""
    p, age = person, person.look.age
    ones = np.ones_like(u)
    face = _Surface(u, v, 0.95 * p.dome * np.sqrt(np.clip(-outline, 0, 1) + 0.02), p.skin * ones, ones)
    _skull(p, shot, face.band(-1.3, 1.8))
    for mark in p.marks:
        _mark(face, *mark)
    if age > 0.3:
        band = face.band(-0.85, 0.3)
        a = np.abs(band.u)
        lines = np.sin((band.v + 0.03 * np.cos(3 * band.u)) * 46) * _bump(a, band.v + 0.55, 0.5, 0.13)
        lines += 1.2 * np.sin((band.v - a * 0.25) * 60) * _bump(a - p.eye_gap - 0.33, band.v - 0.02, 0.1, 0.12)
        band.height += 0.006 * (age - 0.2) * (1 + max(shot.brow, 0)) * lines
    _nose(p, shot, face.band(-0.5, p.nose_length + 0.35))
    if p.look.beard:
        _beard(p, shot, face.band(0.3, 1.8), unit)
    _mouth(p, shot, face.band(p.mouth_height - 0.5, p.mouth_height + 0.6), unit)
    _eyes(p, shot, face.band(-0.45, 0.4), unit)
    _brows(p, shot, face.band(-p.brow_height - 0.4, -p.brow_height + 0.3), unit)
    return face


def _skull(p: Person, shot: Shot, face: _Surface) -> None:
    """Shape forehead, cheeks, mouth and chin, and shade the skin."""
    u, v, h, skin = face.u, face.v, face.height, face.albedo
    a, age, smile = np.abs(u), p.look.age, max(shot.smile, 0.0)
    h += 0.05 * _bump(u, v + 0.62, 0.6, 0.3)
    h += p.brow_ridge * _bump(a - 0.38, v + p.brow_height - 0.05, 0.34, 0.10)
    h -= 0.12 * _bump(a - p.eye_gap + 0.03, v - 0.01, 0.27, 0.17)
    h += 0.06 * _bump(a - p.eye_gap, v - 0.01, 0.17, 0.11)
    h += (p.cheekbone + 0.05 * smile) * _bump(a - 0.56, v - 0.42 + 0.06 * smile, 0.24, 0.2)
    h -= (0.03 + 0.04 * age) * _bump(a - 0.66, v - 0.85, 0.2, 0.26)
    h += 0.09 * _bump(u, v - p.mouth_height, 0.42, 0.24)
    h -= 0.03 * _bump(u, v - p.mouth_height - p.lower_lip - 0.16 * shot.open_mouth - 0.09, 0.22, 0.06)
    h += p.chin_knob * _bump(u, v - p.chin + 0.16, 0.2, 0.13)
    # A crease from the nose to the corners of the mouth, deeper with age and when smiling.
    top = p.nose_length - 0.05
    t = np.clip((v - top) * (1 / (p.mouth_height - top)), 0, 1.25)
    crease = a - (p.nose_width + 0.09 + (p.mouth_width * (1 + 0.2 * smile) - p.nose_width + 0.06) * t**1.3)
    h -= (0.006 + 0.022 * age + 0.016 * smile) * _bell(crease, 0.07) * _rise(t, 0.0, 0.35) * _rise(-t, -1.25, -0.85)
    # Blood is dark in grey; so is the thin skin around the eyes.
    skin *= 1 - 0.08 * _bump(a - 0.5, v - 0.45, 0.28, 0.22)
    skin *= 1 - (0.08 + 0.12 * age) * _bump(a - p.eye_gap, v - 0.14, 0.2, 0.06)
    skin *= 1 - 0.12 * _bump(a - p.eye_gap, v + 0.10, 0.24, 0.07)


def _mark(face: _Surface, u: float, v: float, radius: float, depth: float) -> None:
    spot = face.band(v - 2 * radius, v + 2 * radius)
    spot.albedo *= 1 - depth * _bump(spot.u - u, spot.v - v, radius, radius)


def _nose(p: Person, shot: Shot, face: _Surface) -> None:
    v, h, skin = face.v, face.height, face.albedo
    along = np.clip(v / p.nose_length, 0, 1)
    # It stands out of the face, so it moves further when the head turns.
    u = face.u - sin(shot.yaw) * p.nose_depth * 0.6 * along
    a = np.abs(u)
    ridge = (p.nose_bridge + (p.nose_depth - p.nose_bridge) * along**1.5) * _rise(v, -0.32, 0.15)
    ridge *= _rise(-v, -p.nose_length - 0.085, -p.nose_length + 0.06)
    h += ridge * np.exp(-((np.abs(u) / (0.115 + 0.5 * p.nose_tip * along**2)) ** 1.7))
    h += 0.5 * p.nose_tip * _bump(u, v - p.nose_length + 0.06, p.nose_tip * 1.2, 0.09)
    wing = _bump(a - p.nose_width * 0.78, v - p.nose_length + 0.035, 0.085, 0.075)
    h += 0.10 * wing
    skin *= 1 - 0.10 * wing
    skin *= 1 - 0.72 * np.minimum(1.25 * _bump(a - p.nose_width * 0.48, v - p.nose_length - 0.02, 0.055, 0.028), 1)


def _beard(p: Person, shot: Shot, face: _Surface, unit: float) -> None:
    u, v, kind = face.u, face.v, p.look.beard
    a = np.abs(u)
    edge = 0.45 + 0.9 * np.clip(0.95 - a, 0, 1) ** 0.8  # where a full beard begins on the cheek
    full = _rise(v - edge, -0.02, 0.2)
    lip = _bump(u, v - (p.mouth_height - 0.14) - 0.12 * (u / p.mouth_width) ** 2, p.mouth_width * 1.05, 0.085)
    clear = 1 - 0.9 * _bump(u, v - p.mouth_height - 0.03, p.mouth_width * 0.85, 0.10)
    cover, strength = {
        "moustache": (np.clip(1.6 * lip - 0.15, 0, 1), 0.85),
        "goatee": (np.clip(2.2 * _bump(u, v - p.mouth_height - 0.16, p.mouth_width, 0.34) - 0.5, 0, 1) * clear, 0.75),
        "full": (np.clip(full + lip, 0, 1) * clear, 0.85),
        "stubble": (np.clip(full + 0.8 * lip, 0, 1) * clear, 0.30),
    }[kind]
    hairs = 0.9 + 0.1 * np.sin(u * 130 + 8 * np.sin(v * 37)) * np.sin(v * 90 + 5 * u)
    _lay(face.albedo, strength * cover, 0.9 * p.hair * hairs)
    face.gloss *= 1 - 0.8 * strength * cover


def _mouth(p: Person, shot: Shot, face: _Surface, unit: float) -> None:
    u, v, skin = face.u, face.v, face.albedo
    smile = max(shot.smile, 0.0)
    half = p.mouth_width * (1 + 0.22 * smile - 0.12 * shot.open_mouth * (1 - smile))
    s = u / half
    arc = np.clip(1 - s * s, 0, 1)
    # The corners go up with a smile and down without.
    lift = 0.28 * p.mouth_width * (shot.smile + 0.12)
    line = p.mouth_height + 0.02 * (1 - smile) - lift * (np.minimum(s * s, 1.7) - 0.4)
    gap = 0.19 * shot.open_mouth * arc
    upper, lower = line - 0.3 * gap, line + 0.7 * gap
    top = upper - p.upper_lip * arc**0.8 * (1 - 0.28 * _bell(u, 0.07))
    bottom = lower + p.lower_lip * (1 - 0.2 * smile) * arc**0.7
    within = _below((np.abs(s) - 1) * half, unit)
    lips = _below(top - v, unit, 1.4) * _below(v - bottom, unit, 1.4) * within
    face.height += 0.05 * lips * np.clip(1 - ((v - (top + bottom) / 2) / 0.11) ** 2, 0, 1)
    skin *= 1 - lips * (p.lip_dark + 0.14 * _below(v - line, unit, 2))
    mouth = _below(upper - v, unit) * _below(v - lower, unit) * within
    teeth = _below(v - upper - 0.095 * arc, unit) * _rise(0.92 - np.abs(s), 0, 0.3)
    _lay(skin, mouth, 0.04 + 0.60 * teeth * (1 - 0.25 * np.abs(s)))
    face.gloss *= 1 - 0.9 * mouth
    # The line between closed lips.
    skin *= 1 - 0.62 * _bell(v - line, 0.026) * within * np.clip(1.3 - 12 * gap, 0, 1)


def _eyes(p: Person, shot: Shot, face: _Surface, unit: float) -> None:
    u, skin = face.u, face.albedo
    a, sign = np.abs(u), np.sign(u)
    v = face.v - 0.6 * p.eye_slant * (p.eye_gap - a)  # the line through the corners of an eye is level now
    smile = max(shot.smile, 0.0)
    lid = shot.lid * (1 - 0.2 * smile)
    e = (a - p.eye_gap) / p.eye_width
    arc = np.clip(1 - e * e, 0, 1)
    upper = p.eye_open * (0.2 * (1 - lid) * arc - lid * (1 - 0.15 * e) * arc**0.75)
    lower = 0.62 * p.eye_open * (1 - 0.15 * smile) * arc**0.8
    within = _below((np.abs(e) - 1) * p.eye_width, unit)
    opening = _below(upper - v, unit) * _below(v - lower, unit) * within
    white = 0.76 - 0.22 * e * e - 0.30 * _bell(v - upper, 0.035)  # in the shadow of the lid at the top
    # Both eyes look at the same place.
    look_u, look_v = 0.045 * (shot.gaze[0] - 0.25 * shot.yaw), 0.02 * shot.gaze[1] - 0.006
    iu, iv = u - sign * p.eye_gap - look_u, v - look_v
    radius = np.sqrt(iu * iu + iv * iv)
    iris = p.iris_shade * (1 - 0.55 * _rise(radius, 0.7 * p.iris, p.iris)) * (1 + 0.5 * _rise(iv, -0.05, 0.08))
    iris *= 1 - 0.95 * _below(radius - 0.45 * p.iris, unit)
    eye = white + _below(radius - p.iris, unit) * (iris - white)
    eye += 0.8 * _bump(iu - 0.3 * p.iris * sin(shot.azimuth), iv + 0.035, 0.024, 0.024)  # the lamp, reflected
    _lay(skin, opening, eye)
    face.gloss *= 1 - opening
    ends = np.clip((1.12 - np.abs(e)) * 8, 0, 1)
    skin *= 1 - 0.82 * _bell(v - upper, 0.036 - 0.008 * p.look.masculine) * ends  # lashes
    skin *= 1 - 0.30 * _bell(v - lower, 0.020) * within
    skin *= 1 - 0.38 * p.fold * _bell(v - upper + 0.055 + 0.02 * lid, 0.028) * ends


def _brows(p: Person, shot: Shot, face: _Surface, unit: float) -> None:
    u, v = face.u, face.v
    b = (np.abs(u) - p.eye_gap - 0.02) / 0.27  # -1 at the inner end, 1 at the outer
    middle = -p.brow_height - 0.05 * shot.brow * (1 - 0.3 * b) - p.brow_arch * (1 - b * b) + p.brow_slant * b
    ends = np.clip((1.12 - np.abs(b)) * 4, 0, 1)
    thick = p.brow_thick * np.clip(1.05 - 0.45 * np.clip(b, -1, 1), 0.3, 2) * ends
    hairs = 0.9 + 0.1 * np.sin((2 * u + np.sign(u) * v) * 30)
    brow = np.clip((thick - np.abs(v - middle)) * (0.8 * unit) + 0.35, 0, 1) * ends
    _lay(face.albedo, p.brow_dark * brow * hairs, 0.8 * min(p.hair, 0.45))
    face.height += 0.012 * brow


@dataclass
class _Hair:
    cover: np.ndarray
    behind: np.ndarray | None  # what is seen of it behind the neck
    albedo: np.ndarray
    height: np.ndarray
    gloss: float


@dataclass(frozen=True)
class _Style:
    side: float  # how far the hair stands off the head
    top: float
    length: float  # how far down it reaches, from the eyes
    window: float  # half the width of the part of the face it leaves free, in cheek widths
    line: float = 0.0  # hairline, relative to the person's
    behind: bool = False


STYLES = {
    "shaved": _Style(0.01, 0.02, 0.10, 0.95, line=-0.02),
    "short": _Style(0.04, 0.14, 0.25, 0.93),
    "receding": _Style(0.04, 0.08, 0.28, 0.95, line=-0.20),
    "side": _Style(0.05, 0.22, 0.28, 0.93, line=-0.08),
    "bun": _Style(0.04, 0.10, 0.12, 0.95),
    "bob": _Style(0.18, 0.20, 1.05, 0.82, line=-0.08, behind=True),
    "fringe": _Style(0.15, 0.18, 0.78, 0.83, line=0.42, behind=True),
    "long": _Style(0.15, 0.20, 2.60, 0.82, line=-0.08, behind=True),
    "curly": _Style(0.34, 0.36, 0.80, 0.84, behind=True),
}


def _hair(person: Person, rng: np.random.Generator, u, v, unit: float) -> _Hair:
    p, name = person, person.look.style
    style = STYLES[name]
    side, top = style.side * p.hair_volume, style.top * p.hair_volume
    a = np.abs(u)
    lump = _clouds(rng, (14, 11))
    # Its outer edge.
    if name == "curly":
        outer = np.sqrt((u / (p.cheek + side)) ** 2 + ((v + 0.30) / (1.12 + top)) ** 2) - 1 + 0.09 * lump
    else:
        wide = p.cheek + side + (0.10 * _rise(v, 0.2, 1.0) if style.length > 1 else 0)
        off = 0.12 * p.part * _rise(-v, 0.6, 1.4) if name == "side" else 0
        outer = (np.abs(u - off) / wide) ** 2.3 + (np.clip(-v - 0.1, 0, None) / (1.26 + top)) ** 2.2 - 1
        if name != "shaved":
            outer = outer + 0.04 * lump
    outline = _inside(outer, 1.2)
    if name == "bun":
        knot = np.sqrt((u / 0.34) ** 2 + ((v + 1.50 + 0.1 * p.hair_volume) / 0.30) ** 2) - 1
        outline = np.maximum(outline, _inside(knot, 1.2))

    # The window that it leaves for the face; the upper edge of that is the hairline.
    line = p.hairline + style.line
    if name == "receding":
        line = line - 0.16 * _bell(a - 0.45, 0.22) + 0.1 * _bell(u, 0.2)
    elif name in ("side", "bob", "long"):
        line = line + 0.5 * np.abs(u - 0.6 * p.part) ** 1.5  # it falls to both sides of the parting
    elif name == "fringe":
        line = line + 0.03 * _strands(rng, u, 9.0)
    low = 0.25
    height = np.clip(low - v, 0, None) / np.maximum(low - line, 0.1)
    square = 4.5 if name == "fringe" else 3.0
    window = (a / (style.window * p.cheek)) ** square + height**square - 1
    cover = outline * (1 - _inside(window, 5.0 if name == "shaved" else 2.0))
    short = style.length < 0.5
    end = style.length + (0.05 if short else 0.02) * _strands(rng, u, 7.0)
    cover *= _below(v - end, unit, 6.0 if short else 1.6)
    if name == "shaved":
        cover *= 0.62
    behind = None
    if style.behind:
        far = style.length + (0.1 if name != "curly" else 0.2)
        behind = outline * _below(v - far - 0.03 * lump, unit, 2.0)

    # Strands run from the parting outwards and down.
    if name == "curly":
        strands = 0.9 * _clouds(rng, (56, 44)) + 0.5 * lump
    else:
        run = np.arctan2(u - 0.3 * p.part, 0.9 - v)
        if name == "bun":
            run = 0.8 * np.arctan2(u, v + 1.9)
        elif not short:
            run = np.where(v > -0.35, 0.75 * np.sign(u) + 0.5 * u + 0.03 * np.sin(5 * v + u), run)
        strands = 0.6 * _strands(rng, run, 44.0) + 0.5 * _strands(rng, run, 15.0) * (0.6 + 0.4 * lump)
    albedo = p.hair * (1 + (0.42 if name == "curly" else 0.10 if name == "shaved" else 0.24) * strands)
    height = 0.95 * p.dome * np.sqrt(np.clip(-outer, 0, 1) + 0.03) + 0.008 * strands
    if name == "curly":
        height += 0.05 * lump + 0.015 * strands
    return _Hair(cover, behind, albedo, height, 0.0 if name == "shaved" else 0.05 + 0.10 * min(p.hair, 0.4))


def _ears(picture: np.ndarray, person: Person, light: _Light, u, v) -> None:
    du, dv = (np.abs(u) - 0.985 * person.cheek) / person.ear, (v - 0.2) / 0.31
    outline = (du - 0.25 * dv) ** 2 + np.abs(dv) ** 2.2 - 1
    shell = 0.25 * np.sqrt(np.clip(-outline, 0, 1) + 0.05) - 0.14 * _bump(du - 0.2, dv + 0.1, 0.5, 0.55)
    _lay(picture, _inside(outline), 0.88 * person.skin * light.on(shell)[0])


def _body(picture: np.ndarray, person: Person, shot: Shot, rng, light: _Light, x, y, unit: float) -> None:
    """Draw neck, shoulders and clothes."""
    p = person
    x = x + 0.2 * sin(shot.roll)
    a = np.abs(x)
    neck = p.neck + 0.10 * _rise(y, 1.3, 2.2)
    column = 0.62 * np.sqrt(np.clip(1 - (x / (neck + 0.12)) ** 2, 0, 1) + 0.02)
    column += 0.03 * _bump(a - 0.12 - 0.22 * (2.2 - y), y - 1.9, 0.09, 0.5)
    in_shadow = 1 - 0.55 * _rise(p.chin - y, -0.55, -0.05)  # of the chin
    _lay(picture, _below(a - neck, unit) * _rise(y, 0.7, 0.9), 0.93 * p.skin * light.on(column)[0] * in_shadow)

    shoulder = 1.62 + 0.10 * a + 0.16 * np.clip(a - 0.55, 0, None) ** 1.1 + 0.42 * np.clip(a - 1.25, 0, None) ** 2
    opening = np.sqrt(np.clip(1 - (a / (p.neck + 0.12)) ** 2, 0, 1))
    neckline = {
        "round": 1.62 + 0.42 * opening,
        "turtleneck": 1.62 + 0.20 * opening,
        "vneck": 2.55 - 1.35 * a,
        "shirt": 2.05 - 0.85 * a,
    }[shot.clothes]
    if shot.clothes == "shirt":
        shoulder = np.minimum(shoulder, 1.50 + 0.9 * np.abs(a - 0.45))
    pattern = int(rng.integers(4))
    accent = 0.0
    if pattern == 1:
        accent = _rise(np.sin((y + 0.05 * a) * 22 + rng.uniform(0, 6)), -0.4, 0.6)
    elif pattern == 2:
        accent = 0.5 * (_rise(np.sin(x * 20), 0.2, 0.8) + _rise(np.sin(y * 20), 0.2, 0.8))
    elif pattern == 3:
        accent = 0.6 * np.clip(_clouds(rng, (40, 30)), 0, 1)
    albedo = shot.clothes_shade + 0.6 * accent * (shot.clothes_accent - shot.clothes_shade)
    if shot.clothes == "shirt":
        albedo = albedo + _below(np.abs(y - neckline - 0.13) - 0.14, unit) * (shot.clothes_accent - albedo)
        albedo = albedo * (1 - 0.4 * _bell(y - neckline - 0.28, 0.04) * (a < 0.75))
    height = 0.9 * np.sqrt(np.clip(1 - (x / 2.4) ** 2, 0, 1)) + 0.05 * _clouds(rng, (6, 9))
    height -= 0.55 * np.exp(-np.clip(y - shoulder, 0, None) * 4)  # rounded off at the top
    cover = _inside(shoulder - y) * _below(neckline - y, unit)
    _lay(picture, cover, albedo * light.on(height)[0] * (1 - 0.25 * _bell(y - neckline, 0.045)))
    if shot.clothes == "turtleneck":
        tube = 0.75 * np.sqrt(np.clip(1 - (x / (p.neck + 0.2)) ** 2, 0, 1) + 0.02)
        rim = 1.45 + 0.10 * opening
        cover = _below(a - p.neck - 0.07 - 0.1 * _rise(y, 1.6, 1.9), unit)
        cover *= _below(rim - y, unit) * _rise(-y, -2.0, -1.75)
        _lay(picture, cover, shot.clothes_shade * light.on(tube)[0] * (0.9 + 0.1 * np.sin(x * 40)))


def _glasses(picture: np.ndarray, person: Person, u, v, unit: float) -> None:
    gap = person.eye_gap
    a = np.abs(u)
    lens = (np.abs((a - gap) / 0.31) ** 3 + np.abs((v - 0.03) / 0.23) ** 3) ** (1 / 3) - 1
    frame = _below(np.abs(lens) * 0.25 - 0.018, unit)
    bridge = _below(np.abs(v + 0.05 + 0.05 * (1 - (u / 0.15) ** 2)) - 0.016, unit) * (a < gap - 0.29)
    arm = _below(np.abs(v + 0.06) - 0.016, unit) * (a > gap + 0.29) * (a < 1.02 * person.cheek)
    picture += 0.04 * _below(lens * 0.25, unit)
    _lay(picture, np.maximum(np.maximum(frame, bridge), arm), 0.05)


def _occlude(picture: np.ndarray, person: Person, shot: Shot, light: _Light, us, vs, unit: float) -> None:
    """Draw what hides a part of the face: a hand, a scarf or a hat."""
    place = shot.occluder_place
    side = 1.0 if place > 0 else -1.0
    if shot.occluder == "hand":
        # The fingers lie on the cheek, the palm below it.
        turn = -side * (0.15 + 0.25 * abs(place))
        x0, y0 = us - side * 0.72, vs - 1.25
        x, y = cos(turn) * x0 - sin(turn) * y0, sin(turn) * x0 + cos(turn) * y0
        height, cover = np.zeros_like(us), np.zeros_like(us)
        for middle, tip in zip((-0.315, -0.105, 0.105, 0.315), (-0.50, -0.64, -0.58, -0.38)):
            d = np.hypot((x - middle) / 0.112, np.minimum(y - tip, 0) / 0.13)
            height = np.maximum(height, 0.12 * np.sqrt(np.clip(1 - d * d, 0, 1)))
            cover = np.maximum(cover, _below((d - 1) * 0.112, unit))
        back = _rise(y, 0.0, 0.3)
        wrist = 0.43 - 0.13 * _rise(y, 0.55, 1.0)
        cover = cover * (1 - back) + _below(np.abs(x) - wrist, unit) * back
        palm = 0.22 * np.sqrt(np.clip(1 - (x / 0.5) ** 2, 0, 1))
        height = height * (1 - back) + palm * back
        picture *= 1 - 0.35 * ndimage.gaussian_filter(cover, 0.05 * unit)
        diffuse, shine = light.on(height, 0.05)
        _lay(picture, cover, 0.9 * person.skin * diffuse + shine)
    elif shot.occluder == "scarf":
        top = person.mouth_height - 0.12 + 0.3 * abs(place)
        half = (2.45 - top) / 2
        x, y = (
            us / (0.84 + 0.26 * _rise(vs, top, 2.1)),
            (vs - top - half + 0.10 * np.cos(us * 2) - 0.08 * side * us) / half,
        )
        outline = np.abs(x) ** 3.5 + np.abs(y) ** 3.5 - 1
        height = 0.9 * np.sqrt(np.clip(1 - (us / 1.2) ** 2, 0, 1) + 0.03) + 0.04 * np.sin((vs - 0.3 * side * us) * 15)
        height += 0.15 * np.sqrt(np.clip(-outline, 0, 1))
        knit = 1 + 0.15 * np.sin(us * 60) * np.sin(vs * 60)
        _lay(picture, _inside(outline), shot.occluder_shade * knit * light.on(height)[0])
    elif shot.occluder == "hat":
        brim = -0.62 + 0.12 * place - 0.10 * np.cos(us * 1.4)
        crown = (np.abs(us) / 1.14) ** 2.6 + (np.clip(-vs - 0.5, 0, None) / 1.15) ** 2.4 - 1
        edge = (np.abs(us) / 1.28) ** 8 + (np.abs(vs - brim) / 0.10) ** 4 - 1
        shadow = _rise(vs - brim, 0.0, 0.08) * _rise(brim + 0.5 - vs, 0.0, 0.3) * _below(np.abs(us) - 1.0, unit, 4.0)
        picture *= 1 - 0.5 * shadow
        diffuse, _ = light.on(0.9 * np.sqrt(np.clip(-crown, 0, 1) + 0.03))
        rib = 1 + 0.12 * np.sin(us * 45)
        _lay(picture, _inside(crown) * _below(vs - brim, unit), shot.occluder_shade * rib * diffuse)
        _lay(picture, _inside(edge), 0.75 * shot.occluder_shade * diffuse)


def _backdrop(rng: np.random.Generator, shot: Shot) -> np.ndarray:
    """Return the light of what is behind the person, out of focus."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    y, x = y / HEIGHT, x / WIDTH
    angle = rng.uniform(0, 6.28)
    field = 0.5 * (cos(angle) * (x - 0.5) + sin(angle) * (y - 0.5))
    if shot.backdrop == "bokeh":
        for _ in range(12):
            cx, cy, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.05, 0.16)
            d = np.hypot(x - cx, (y - cy) * (HEIGHT / WIDTH))
            field += rng.uniform(-0.3, 0.9) * np.clip((r - d) * (WIDTH / 5), 0, 1)
    elif shot.backdrop == "panels":
        for _ in range(3):
            x0, y0 = rng.uniform(-0.3, 0.8, 2)
            w, h = rng.uniform(0.25, 0.6, 2)
            field += rng.uniform(-0.9, 0.9) * ((x > x0) & (x < x0 + w) & (y > y0) & (y < y0 + h))
        field = ndimage.gaussian_filter(field, rng.uniform(1, 4))
    elif shot.backdrop == "shelf":
        shelf = 4 * y + 0.3
        field += 0.8 * _strands(rng, x + 7 * np.floor(shelf), rng.uniform(18, 30)) - 0.8 * (np.mod(shelf, 1) > 0.86)
        field = ndimage.gaussian_filter(field, rng.uniform(2, 4))
    elif shot.backdrop == "cloudy":
        field += 0.7 * _clouds(rng, (5, 4)) + 0.35 * _clouds(rng, (11, 9))
    base, contrast = shot.backdrop_shade, shot.backdrop_contrast
    return np.clip(base * (1 + 1.6 * contrast * field) + 0.35 * contrast * field * (1 - base), 0.01, 1.1)


def _camera(rng: np.random.Generator, shot: Shot, light: np.ndarray) -> np.ndarray:
    """Return the 8-bit picture that a camera makes of the light that reaches it."""
    if shot.blur > 0.2:
        light = ndimage.gaussian_filter(light, shot.blur)
    light = np.clip(light, 1e-4, None) * (1.15 * shot.exposure)
    light = light / (1 + 0.22 * light * light)  # film's shoulder: bright light is held back
    value = light ** (shot.gamma / 1.8) + shot.noise * rng.standard_normal(light.shape, dtype=np.float32)
    grey = np.clip(value * 235 + 8, 0, 255).round().astype(np.uint8)
    return 255 - grey if shot.negative else grey


def _face_box(head: np.ndarray, v: np.ndarray, person: Person) -> np.ndarray:
    face = (head > 0.5) & (v > person.hairline)
    ys, xs = np.flatnonzero(face.any(1)), np.flatnonzero(face.any(0))
    return np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1], np.int64)


def _eye_places(person: Person, shot: Shot) -> np.ndarray:
    places = []
    unit = UNIT * shot.scale
    for u in (-person.eye_gap, person.eye_gap):
        z = person.dome * (1 - (u / 1.05) ** 2)
        us, vs = u * cos(shot.yaw) + z * sin(shot.yaw), z * sin(shot.pitch) - PIVOT
        x, y = cos(shot.roll) * us - sin(shot.roll) * vs, sin(shot.roll) * us + cos(shot.roll) * vs + PIVOT
        places.append((CENTRE[0] + shot.shift[0] + x * unit, CENTRE[1] + shot.shift[1] + y * unit))
    return np.array(places)


# --- the set ---------------------------------------------------------------------------------------------------


def labels(seed: int = 0) -> np.ndarray:
    """Return the labels of all pictures, ``(890,)`` int64: the first 445 are the training set.

    Each person appears 17 times in each half, and a few 18 times: 445 is not a multiple of 26.
    """
    rng = np.random.default_rng([seed, _ORDER])
    halves = []
    extra = rng.permutation(len(LOOKS))
    spare = PER_SPLIT % len(LOOKS)
    for half in range(2):
        more = extra[half * spare : (half + 1) * spare]
        halves.append(
            rng.permutation(np.concatenate([np.repeat(np.arange(len(LOOKS)), PER_SPLIT // len(LOOKS)), more]))
        )
    return np.concatenate(halves).astype(np.int64)


def make_picture(seed: int, index: int, label: int) -> Picture:
    """Render picture ``index`` of the set; it depends on nothing but these three numbers."""
    person = draw_person(seed, label)
    rng = np.random.default_rng([seed, _SHOT, index])
    shot = draw_shot(rng, person.look.glasses)
    return render(person, shot, np.random.default_rng([seed, _GRAIN, index]))


def make_faces(seed: int = 0, *, progress: Callable[[int], object] | None = None) -> dict[str, np.ndarray]:
    """Render the whole set: 26 people, 445 training and 445 test pictures.

    Parameters
    ----------
    seed : int
        Zero or more. The same seed gives the same bytes; another one gives 26 other people with the same names.
    progress : callable, optional
        Called with 1 after each picture, as a progress bar's ``update`` wants it.

    Returns
    -------
    dict
        ``train_images`` and ``test_images``, uint8 (445, 170, 130); ``train_labels`` and ``test_labels``, int64 (445,),
        0 to 25; ``train_boxes`` and ``test_boxes``, int64 (445, 4), the face's ``x0, y0, x1, y1`` in pixels with ``x1``
        and ``y1`` exclusive; ``names``, str (26,).
    """
    truth = labels(seed)
    images = np.empty((2 * PER_SPLIT, HEIGHT, WIDTH), np.uint8)
    boxes = np.empty((2 * PER_SPLIT, 4), np.int64)
    for index, label in enumerate(truth):
        picture = make_picture(seed, index, int(label))
        images[index], boxes[index] = picture.image, picture.box
        if progress is not None:
            progress(1)
    return {
        "train_images": images[:PER_SPLIT],
        "train_labels": truth[:PER_SPLIT],
        "test_images": images[PER_SPLIT:],
        "test_labels": truth[PER_SPLIT:],
        "names": np.array(NAMES),
        "train_boxes": boxes[:PER_SPLIT],
        "test_boxes": boxes[PER_SPLIT:],
    }
