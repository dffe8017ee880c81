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
    gradient,
    illuminate,
    noise,
    pick,
    shadow,
    stream,
    to_image,
)
from course_utils.data.vehicles.airplanes import airplane, airplane_pose
from course_utils.data.vehicles.foreground import birds, branch, fence, grass_blades, people
from course_utils.data.vehicles.motorbikes import motorbike, motorbike_pose
from course_utils.data.vehicles.scenes import SIZE, Scene, air_scene, road_scene, sea_scene
from course_utils.data.vehicles.scenes import shared_scene as _shared_scene
from course_utils.data.vehicles.schooners import schooner, schooner_pose

COUNTS = {"airplane": 800, "motorbike": 798, "schooner": 63}
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
    things = [grass_blades, fence, people, branch] if standing is not None else [branch, birds]
    if label == "schooner":
        things = [birds, branch, people, fence]
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
        model = airplane(rng, grounded)
        pose = airplane_pose(rng, grounded)
        scene = _shared_scene(rng) if shared else air_scene(rng, grounded)
    elif label == "motorbike":
        model = motorbike(rng)
        pose = motorbike_pose(rng)
        scene = _shared_scene(rng) if shared else road_scene(rng)
    else:
        model = schooner(rng, sails_up=rng.uniform() < 0.88)
        pose = schooner_pose(rng)
        scene = _shared_scene(rng) if shared else sea_scene(rng)
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
