"""Drawings of lesson 17: maps over pictures as a grid and as an animation, scores with intervals, small tables."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from course_utils.plotting import COLOURS, as_picture

HEAT = "inferno"  # grows in brightness from end to end, so that it can be read without colours
STRENGTH = 0.75  # how much of a pixel the heat takes over where the map is 1


def heat(picture, cam) -> np.ndarray:
    """Lay a map over a picture: the stronger the map, the less is left of the picture.

    Parameters
    ----------
    picture : array, tensor or PIL.Image
        Any image that :func:`course_utils.plotting.as_picture` takes.
    cam : array or tensor, shape (H, W)
        From 0 to 1, in the picture's size.

    Returns
    -------
    numpy.ndarray
        (H, W, 3), from 0 to 1. The picture is drawn in grey, and stays so where the map is 0.

    Raises
    ------
    ValueError
        If the map has another size than the picture.
    """
    pixels, cam = as_picture(picture), np.clip(np.asarray(cam, dtype=float), 0, 1)
    if pixels.dtype == np.uint8:
        pixels = pixels / 255
    if cam.shape != pixels.shape[:2]:
        raise ValueError(f"The map has shape {cam.shape}, the picture {pixels.shape[:2]}; make the map as large.")
    grey = pixels.mean(2) if pixels.ndim == 3 else pixels
    share = STRENGTH * cam[..., None] ** 0.5
    return (1 - share) * grey[..., None] + share * plt.get_cmap(HEAT)(cam)[..., :3]


def cam_grid(
    pictures: Sequence,
    maps: Mapping[str, np.ndarray],
    *,
    boxes: Sequence | None = None,
    titles: Sequence[str] | None = None,
    cell: float = 1.5,
) -> plt.Figure:
    """Draw pictures in a first row, and below them a row of maps over the pictures for each network.

    Parameters
    ----------
    pictures : sequence of images
        The columns.
    maps : mapping of str to array (len(pictures), H, W)
        The rows below the first: name -> maps from 0 to 1.
    boxes : sequence of (x0, y0, x1, y1), optional
        In pixels, one a picture; drawn into every row.
    titles : sequence of str, optional
        One a picture, above its column.
    cell : float
        Width of a picture in inches.
    """
    height, width = as_picture(pictures[0]).shape[:2]
    size = (cell * len(pictures) + 1.4, (cell * height / width + 0.06) * (len(maps) + 1) + 0.3)
    fig, axes = plt.subplots(len(maps) + 1, len(pictures), figsize=size, squeeze=False, layout="compressed")
    rows = {"picture": [as_picture(picture) for picture in pictures]}
    rows |= {name: [heat(picture, cam) for picture, cam in zip(pictures, cams)] for name, cams in maps.items()}
    for row, (name, drawn) in zip(axes, rows.items()):
        for column, (axis, image) in enumerate(zip(row, drawn)):
            axis.imshow(image)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if boxes is not None:
                _frame(axis, boxes[column])
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
    for axis, title in zip(axes[0], titles or []):
        axis.set_title(title, fontsize=10, fontweight="normal")
    return fig


def cam_gif(
    pictures: Sequence,
    maps: Mapping[str, np.ndarray],
    *,
    boxes: Sequence | None = None,
    titles: Sequence[str] | None = None,
    seconds: float = 1.2,
) -> bytes:
    """Animate :func:`cam_grid`: a frame for each picture, with the picture and all networks' maps side by side.

    Parameters
    ----------
    pictures, maps, boxes, titles
        As for :func:`cam_grid`.
    seconds : float
        How long each frame stays.

    Returns
    -------
    bytes
        Of a GIF file that runs for ever; for :func:`course_utils.plotting.show_gif` or a file.
    """
    frames = []
    for number, picture in enumerate(pictures):
        drawn = {"picture": as_picture(picture)} | {name: heat(picture, cams[number]) for name, cams in maps.items()}
        fig, axes = plt.subplots(1, len(drawn), figsize=(1.6 * len(drawn), 2.1), squeeze=False)
        for axis, (name, image) in zip(axes[0], drawn.items()):
            axis.imshow(image)
            axis.set_axis_off()
            axis.set_title(name, fontsize=8.5, fontweight="normal")
            if boxes is not None:
                _frame(axis, boxes[number])
        if titles is not None:
            fig.suptitle(titles[number], fontsize=11)
        frames.append(_pixels(fig).quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format="GIF", save_all=True, append_images=frames[1:], duration=round(1000 * seconds), loop=0
    )
    return buffer.getvalue()


def score_chart(
    scores: Mapping[str, Mapping[str, tuple[float, float, float]]], *, chance: Mapping[str, float] | None = None
) -> plt.Figure:
    """Draw measured shares as dots with their intervals: a panel for each measure, a row for each network.

    Parameters
    ----------
    scores : mapping
        network -> measure -> (value, low, high), from 0 to 1. Every network has the same measures.
    chance : mapping of str to float, optional
        measure -> where a dashed line is drawn.
    """
    measures = list(next(iter(scores.values())))
    fig, axes = plt.subplots(
        1, len(measures), figsize=(3.4 * len(measures) + 1, 0.4 * len(scores) + 1.2), sharey=True, squeeze=False
    )
    for axis, measure in zip(axes[0], measures):
        for row, measured in enumerate(scores.values()):
            value, low, high = measured[measure]
            axis.plot([low, high], [row, row], color=COLOURS[0], linewidth=5, alpha=0.4)
            axis.plot(value, row, "o", color=COLOURS[0], markersize=7)
        if measure in (chance or {}):
            axis.axvline(chance[measure], color="black", linestyle="--", linewidth=1)
        axis.set(title=measure, xlim=(-0.03, 1.03), xlabel="share")
        axis.xaxis.set_major_formatter("{x:.1f}")
    axes[0, 0].set_yticks(range(len(scores)), list(scores))
    axes[0, 0].set_ylim(len(scores) - 0.5, -0.5)
    return fig


def number_maps(maps: Mapping[str, np.ndarray]) -> plt.Figure:
    """Draw small maps of numbers side by side, each number in its cell; orange is positive, purple negative."""
    fig, axes = plt.subplots(1, len(maps), figsize=(1.75 * len(maps), 2.1), squeeze=False)
    largest = max(np.abs(np.asarray(numbers)).max() for numbers in maps.values())
    for axis, (title, numbers) in zip(axes[0], maps.items()):
        numbers = np.asarray(numbers)
        image = axis.imshow(numbers, cmap="PuOr_r", vmin=-1.3 * largest, vmax=1.3 * largest)
        for (row, column), number in np.ndenumerate(numbers):
            shown = f"{number:g}".replace("-", "−")
            dark = np.dot(image.to_rgba(number)[:3], (0.2126, 0.7152, 0.0722)) < 0.35
            colour = "white" if dark else "black"
            axis.text(column, row, shown, ha="center", va="center", fontsize=14, color=colour)
        axis.set_title(title, fontsize=11, fontweight="normal")
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
    return fig


def _frame(axis: plt.Axes, box) -> None:
    x0, y0, x1, y1 = (float(side) for side in box)
    axis.add_patch(plt.Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, linewidth=1.5, color=COLOURS[5]))


def _pixels(fig: plt.Figure) -> Image.Image:
    """Return a figure as an image, and close it."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=90, facecolor="white")
    plt.close(fig)
    return Image.open(buffer).convert("RGB")
