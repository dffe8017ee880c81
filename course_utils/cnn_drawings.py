"""Drawings for a first convolutional network: its layers' sizes, its curves, its kernels. Used in lesson 07."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from course_utils.plotting import COLOURS

SHEETS = 6  # channels drawn at most; the label gives their number


def layer_diagram(shapes: Mapping[str, Sequence[int]]) -> plt.Figure:
    """Draw what each layer gives as a stack of sheets, one per channel, all in one scale.

    Parameters
    ----------
    shapes : mapping of str to sequence of int
        What stands above a tensor -> its shape without the batch: (C, H, W) in pixels, or (features,), drawn as a bar
        of the images' height whatever its length.

    Raises
    ------
    ValueError
        If a shape has neither 1 nor 3 numbers, or none has 3.
    """
    for name, shape in shapes.items():
        if len(shape) not in (1, 3):
            raise ValueError(f"Expected (C, H, W) or (features,) for {name!r}; got {tuple(shape)}.")
    images = [shape for shape in shapes.values() if len(shape) == 3]
    if not images:
        raise ValueError("Expected at least one image of shape (C, H, W).")
    tallest, offset = max(shape[1] for shape in images), max(shape[1] for shape in images) / 28
    fig, axis = plt.subplots(figsize=(10, 3.1))
    left = 0.0
    for index, (name, shape) in enumerate(shapes.items()):
        colour = COLOURS[index % len(COLOURS)]
        if len(shape) == 3:
            channels, height, width = shape
            sheets = min(channels, SHEETS)
            label = f"{channels} × {height} × {width}"
        else:
            height, width, sheets, label = tallest, tallest / 20, 1, f"{shape[0]:,}"
        for sheet in reversed(range(sheets)):
            corner = (left + sheet * offset, -height / 2 + sheet * offset)
            axis.add_patch(Rectangle(corner, width, height, facecolor="white", edgecolor=colour, linewidth=1.6))
        full = max(width + (sheets - 1) * offset, tallest * 0.55)
        middle = left + (width + (sheets - 1) * offset) / 2
        axis.text(middle, tallest / 2 + SHEETS * offset + 4, name, ha="center", va="bottom", fontsize=11)
        axis.text(middle, -tallest / 2 - 6, label, ha="center", va="top", fontsize=11, color="#404040")
        left += full + tallest * 0.28
    axis.set(xlim=(-tallest * 0.2, left), ylim=(-tallest / 2 - 26, tallest / 2 + SHEETS * offset + 44))
    axis.set_aspect("equal")
    axis.set_axis_off()
    return fig


def epoch_curves(curves: Mapping[str, Mapping[str, Sequence[float]]], *, title: str = "") -> plt.Figure:
    """Draw quantities against the epoch, one panel each.

    Parameters
    ----------
    curves : mapping
        Label of the vertical axis -> name of a line -> one value an epoch.
    """
    fig, axes = plt.subplots(1, len(curves), figsize=(4.7 * len(curves), 3.4), squeeze=False)
    for axis, (label, lines) in zip(axes[0], curves.items()):
        for (name, values), style in zip(lines.items(), ("-", "--", "-.", ":")):
            axis.plot(range(1, len(values) + 1), values, linestyle=style, marker="o", markersize=4, label=name)
        axis.set(xlabel="epoch", ylabel=label, ylim=(0, None))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
    fig.suptitle(title, fontweight="bold")
    return fig


def kernel_grid(kernels, *, columns: int = 8) -> plt.Figure:
    """Draw kernels in one common scale: orange is negative, white is zero, purple is positive.

    Parameters
    ----------
    kernels : array or tensor, (K, k, k)
    columns : int
        Kernels a row.
    """
    kernels = np.asarray(kernels)
    if kernels.ndim != 3:
        raise ValueError(f"Expected kernels of shape (K, k, k); got {kernels.shape}.")
    limit = max(np.abs(kernels).max(), 1e-12)
    rows = math.ceil(len(kernels) / columns)
    fig, axes = plt.subplots(rows, columns, figsize=(1.05 * columns + 0.9, 1.12 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for number, (axis, kernel) in enumerate(zip(axes.flat, kernels)):
        picture = axis.imshow(kernel, cmap="PuOr", vmin=-limit, vmax=limit)
        axis.set_title(str(number), fontsize=10, fontweight="normal", pad=2)
    fig.colorbar(picture, ax=axes, shrink=0.8, label="weight")
    return fig


def grouped_bars(groups: Mapping[str, Mapping[str, float]], *, ylabel: str, title: str = "") -> plt.Figure:
    """Draw one group of bars per entry, with each value above its bar.

    Parameters
    ----------
    groups : mapping
        Name of a group -> name of a bar -> value from 0 to 1, drawn in per cent. All groups have the same bars.
    """
    fig, axis = plt.subplots(figsize=(7.5, 3.6))
    names = list(next(iter(groups.values())))
    width = 0.8 / len(names)
    for index, (name, colour, hatch) in enumerate(zip(names, COLOURS, ("", "//", "..", "xx"))):
        heights = [100 * bars[name] for bars in groups.values()]
        places = np.arange(len(groups)) + (index - (len(names) - 1) / 2) * width
        drawn = axis.bar(places, heights, width * 0.92, color=colour, hatch=hatch, edgecolor="white", label=name)
        axis.bar_label(drawn, fmt="%.0f", padding=2, fontsize=11)
    axis.set_xticks(range(len(groups)), list(groups))
    axis.set(ylabel=ylabel, title=title, ylim=(0, 108))
    axis.grid(axis="x", visible=False)
    axis.legend(loc="upper left", ncols=len(names))
    return fig
