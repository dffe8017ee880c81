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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.cats.body import Body, draw_body
from course_utils.data.cats.canvas import SIDE
from course_utils.data.cats.coat import Look, sample_look
from course_utils.data.cats.expression import Expression, sample_expression
from course_utils.data.cats.head import draw_head
from course_utils.data.cats.pose import Pose, extent
from course_utils.data.cats.scenes import BACKGROUNDS, lawn, leaves, ledge
from course_utils.data.drawing import camera, illuminate, pick, to_image

NAMES = ("angry", "happy")
SPLITS = {"train": 240, "valid": 68, "test": 36}
QUALITY = 92  # of the JPEG files
_TAG = 15  # keeps these random streams apart from the other generators'


@dataclass
class Cat:
    """One cat of a picture."""

    look: Look
    face: Expression
    pose: Pose
    body: Body


@dataclass
class Picture:
    """A finished picture and what is known about it."""

    image: Image.Image
    boxes: np.ndarray  # (cats, 4): x0, y0, x1, y1 of the heads in pixels, x1 and y1 exclusive
    heads: list[np.ndarray]  # coverage of each head, before anything was put in front of it
    cats: list[Cat]


def _arrange(rng: np.random.Generator, faces: list[Expression]) -> list[Cat]:
    """Choose coats, poses and places. What is chosen does not depend on ``faces``; that the heads fit does."""
    cats = []
    two = len(faces) == 2
    for k, face in enumerate(faces):
        look = sample_look(rng)
        share = rng.uniform(0.13, 0.21) if two else rng.uniform(0.13, 0.6)
        roll = np.radians(np.clip(rng.normal(0, 12), -32, 32))
        yaw, pitch = np.radians(np.clip(rng.normal(0, 15), -32, 32)), np.radians(np.clip(rng.normal(2, 7), -14, 16))
        place = rng.uniform(0, 1, 2)
        kind = pick(rng, ("sit", "sit", "loaf", "peek"))
        body = Body(kind, rng.normal(0, 0.06), rng.uniform(0.9, 1.2), int(rng.integers(-1, 2)))
        # The box's area is chosen and the cat scaled to it, so that flat ears do not make smaller boxes.
        pose = Pose((0.0, 0.0), 1.0, float(roll), float(yaw), float(pitch), look.tall)
        low, high = extent(look, face, pose)
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
        cats.append(Cat(look, face, pose, body))
    return sorted(cats, key=lambda cat: cat.pose.centre[1])  # the nearer one stands lower and is drawn last


def _plan(emotion: int, index: int, seed: int) -> tuple[list[Cat], np.random.Generator]:
    """Return the cats of picture ``index``, and the stream of random numbers for all that is around them.

    That stream never sees the emotion; the expressions have one of their own.
    """
    rng, mood = (np.random.default_rng([seed, _TAG, index, part]) for part in (1, 2))
    count = 2 if rng.random() < 0.18 else 1
    cats = _arrange(rng, [sample_expression(mood, emotion) for _ in range(count)])
    if count == 2:
        for cat in cats:
            cat.body.kind = "sit"
    return cats, rng


def render(emotion: int, index: int, seed: int = 0) -> Picture:
    """Return one picture; the same arguments always give the same picture, whatever else is drawn.

    Parameters
    ----------
    emotion : int
        Class id: 0 is angry, 1 is happy. With either, ``index`` stands for the same scene and the same cats.
    index : int
        The picture's number, from 0.
    seed : int
        The data set's seed, zero or more.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    if emotion not in (0, 1):
        raise ValueError(f"emotion is {emotion!r}; expected a class id, 0 for angry or 1 for happy.")
    cats, rng = _plan(emotion, index, seed)
    detail = np.random.default_rng([seed, _TAG, index, 3])  # gaze, and how single hairs fall
    light = np.array([rng.uniform(-0.75, 0.75), rng.uniform(-0.7, 0.1), 0.75])
    light = (light / np.linalg.norm(light)).tolist()
    last = cats[-1]
    feet = last.pose.centre[1] + last.pose.scale * (3.0 if last.body.kind == "sit" else 1.7)
    scenery = pick(rng, BACKGROUNDS)
    picture = np.clip(scenery(rng, float(np.clip(feet, 150, 300))), 0, 1).astype(np.float32)
    heads = []
    for cat in cats:
        if cat.body.kind != "peek":
            draw_body(picture, cat.pose, cat.look, cat.body, light)
        heads.append(draw_head(picture, cat.pose, cat.look, cat.face, light, detail))
    if cats[-1].body.kind == "peek":
        picture = ledge(rng, picture, cats[-1].pose, cats[-1].look)
    if rng.random() < 0.25:
        picture = leaves(rng, picture, scenery is lawn)
    picture = illuminate(rng, picture, exposure=0.3, tint=0.09, slope=0.35)
    picture = camera(rng, picture, blur=(0.0, 0.9), grain=0.035)
    return Picture(to_image(picture), np.array([_box(head) for head in heads]), heads, cats)


def _box(cover: np.ndarray) -> tuple[int, int, int, int]:
    """Return the bounding box x0, y0, x1, y1 (exclusive) of the pixels that are covered by half or more."""
    rows, columns = np.flatnonzero((cover >= 0.5).any(1)), np.flatnonzero((cover >= 0.5).any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _emotions(seed: int) -> dict[str, np.ndarray]:
    """Return the class ids of each split's pictures in order: half of each, shuffled."""
    rng = np.random.default_rng([seed, _TAG])
    return {split: rng.permutation(np.arange(count) % 2) for split, count in SPLITS.items()}


def _label_lines(drawn: Picture, emotion: int) -> str:
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
            drawn = render(emotion, index, seed)
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
