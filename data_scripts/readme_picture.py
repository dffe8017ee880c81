"""Draws ``notebooks/course.jpg``, the picture of the README, from the course's own data.

Run ``python -m data_scripts.readme_picture`` after the drawings have changed.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy import fft, ndimage

from course_utils.course_map import PARTS
from course_utils.data import load_cats, load_faces, load_photos, load_vehicles
from course_utils.plotting import COLOURS, use_style

SIDE = 480  # pixels of a panel
TARGET = Path(__file__).resolve().parents[1] / "notebooks" / "course.jpg"


def edges_and_spectrum() -> np.ndarray:
    """The photograph of Chelsea: edges above, the logarithm of its spectrum below."""
    grey = load_photos()["chelsea"].mean(2)
    edges = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    spectrum = np.log1p(np.abs(fft.fftshift(fft.fft2(grey * np.outer(np.hanning(300), np.hanning(451))))))
    halves = []
    for values in (edges, spectrum):
        scaled = np.clip(values / np.quantile(values, 0.995), 0, 1)
        halves.append(_resized(np.uint8(255 * scaled), SIDE, SIDE // 2))
    return np.concatenate(halves)


def mosaic(pictures: list[np.ndarray], columns: int, height: int) -> np.ndarray:
    """``pictures`` in rows of ``columns``, together ``SIDE`` wide; each ``height`` pixels high."""
    tiles = [_resized(picture, SIDE // columns, height) for picture in pictures]
    return np.concatenate([np.concatenate(tiles[i : i + columns], 1) for i in range(0, len(tiles), columns)])


def _resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    image = Image.fromarray(picture)
    scale = max(width / image.width, height / image.height)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, top, left + width, top + height)))


def main() -> None:
    """Draw the picture and write it."""
    use_style()
    faces, vehicles, cats = load_faces(), load_vehicles(), load_cats()
    people = [faces.train_images[np.flatnonzero(faces.train_labels == person)[2]] for person in range(12)]
    machines = [np.asarray(vehicles[index][0]) for index in (4, 806, 1604, 812, 1612, 9, 1620, 15, 820)]
    happy = np.flatnonzero(np.array(cats.test.targets) == cats.test.class_names.index("happy"))
    cat = [np.asarray(cats.test[index][0]) for index in happy[:4]]
    panels = (
        edges_and_spectrum(),
        mosaic(people, 4, SIDE // 3),
        mosaic(machines, 3, SIDE // 3),
        mosaic(cat, 2, SIDE // 2),
    )
    fig, axes = plt.subplots(1, 4, figsize=(12.8, 3.6))
    for axis, panel, colour, part, name in zip(axes, panels, COLOURS, ("I", "II", "III", "IV"), PARTS):
        axis.imshow(panel, cmap="gray")
        axis.set_title(f"{part}. {name}", fontsize=11)
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        for spine in axis.spines.values():
            spine.set(visible=True, edgecolor=colour, linewidth=3)
    fig.savefig(TARGET, dpi=100, pil_kwargs={"quality": 88})
    plt.close(fig)


if __name__ == "__main__":
    main()
