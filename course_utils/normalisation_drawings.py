"""Drawings of what dropout and normalisation do: shared statistics, histograms, accuracies of several seeds.

Used in lesson 06. Each function returns a figure, not yet displayed: hand it to :func:`course_utils.plotting.show`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from course_utils.plotting import COLOURS, use_style


def shared_statistics(samples: int = 6, features: int = 8) -> plt.Figure:
    """Draw a batch as a table twice, with the numbers framed that share a mean: a column, and a row."""
    use_style()
    fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.2))
    column, row = features // 3, samples // 3
    frames = (("batch norm", column, 0, 1, samples, COLOURS[0]), ("layer norm", 0, row, features, 1, COLOURS[3]))
    for axis, (title, left, top, width, height, colour) in zip(axes, frames):
        axis.pcolormesh(np.zeros((samples, features)), cmap="Greys", edgecolors="#B0B0B0", linewidth=0.8)
        axis.add_patch(Rectangle((left, top), width, height, facecolor=colour, edgecolor=colour, alpha=0.45))
        axis.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=3))
        axis.set(title=title, xlabel="feature", ylabel="image of the batch", aspect="equal", ylim=(samples, 0))
        axis.set_xticks(np.arange(features) + 0.5, [str(number) for number in range(features)])
        axis.set_yticks(np.arange(samples) + 0.5, [str(number) for number in range(samples)])
        axis.grid(False)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    return fig


def histogram_grid(
    values: Mapping[str, Sequence], notes: Sequence[Sequence[str]], *, reach: float = 3.5, xlabel: str = "value"
) -> plt.Figure:
    """Draw histograms with their standard deviation: a row for each entry of ``values``, a column for each layer.

    Parameters
    ----------
    values : mapping of str to a sequence of arrays
        Any shape; one array per layer, the same number of layers in each row.
    notes : rows of str
        One more line for each histogram.
    reach : float
        All axes go from ``-reach`` to ``reach``; what lies beyond is counted in the outermost bin.
    """
    use_style()
    layers = len(next(iter(values.values())))
    fig, axes = plt.subplots(
        len(values), layers, figsize=(3.1 * layers, 1.9 * len(values) + 0.5), sharex=True, squeeze=False
    )
    bins = np.linspace(-reach, reach, 57)
    for row, ((name, arrays), colour) in enumerate(zip(values.items(), COLOURS)):
        for column, array in enumerate(arrays):
            axis, numbers = axes[row, column], np.asarray(array, dtype=float).ravel()
            counts, _ = np.histogram(np.clip(numbers, -reach, reach), bins)
            axis.stairs(100 * counts / numbers.size, bins, fill=True, color=colour)
            heading = f"hidden layer {column + 1}\n" if row == 0 else ""
            axis.set_title(f"{heading}σ = {numbers.std():.2f}, {notes[row][column]}", fontsize=10, fontweight="normal")
            if row == len(values) - 1:
                axis.set_xlabel(xlabel)
        axes[row, 0].set_ylabel(f"{name}\n% of values")
    return fig


def train_and_test_chart(results: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> plt.Figure:
    """Draw train and test accuracy of several variants: a dot per seed, a bar at the mean.

    Parameters
    ----------
    results : mapping of str to two sequences of float
        Train and test accuracy from 0 to 1, one of each per seed.
    """
    use_style()
    fig, axis = plt.subplots(figsize=(7.5, 0.62 * len(results) + 1.2))
    for row, scores in enumerate(results.values()):
        for name, numbers, colour, marker, shift in zip(
            ("train", "test"), scores, (COLOURS[1], COLOURS[0]), "so", (-0.16, 0.16)
        ):
            percent = 100 * np.asarray(numbers)
            height, label = row + shift, name if row == 0 else None
            axis.plot(
                percent, np.full(len(percent), height), marker, color=colour, alpha=0.75, markersize=6, label=label
            )
            axis.plot([percent.mean()] * 2, [height - 0.15, height + 0.15], color="black", linewidth=2.5)
    axis.plot([], [], color="black", linewidth=2.5, label="mean")
    axis.set_yticks(range(len(results)), list(results), fontsize=11)
    axis.set(xlabel="accuracy (%)", xlim=(0, 102), ylim=(len(results) - 0.4, -0.6))
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return fig


def batch_size_chart(
    series: Mapping[str, Sequence], sizes: Sequence[int], *, ylabel: str, level: tuple[str, float] | None = None
) -> plt.Figure:
    """Draw quantities against the batch size, on a log axis: a dot per seed, a line through the means.

    Parameters
    ----------
    series : mapping of str to array, (sizes, seeds)
    sizes : sequence of int
        Images in a batch.
    ylabel : str
    level : tuple of str and float, optional
        Name and height of a dotted line.
    """
    use_style()
    fig, axis = plt.subplots(figsize=(6.5, 3.6))
    for (name, values), colour, style in zip(series.items(), COLOURS, ("-", "--", "-.")):
        values = np.asarray(values, dtype=float)
        axis.plot(sizes, values.mean(1), style, color=colour, label=name)
        axis.plot(sizes, values, "o", color=colour, alpha=0.6, markersize=5)
    if level is not None:
        axis.axhline(level[1], color="#606060", linestyle=":", linewidth=1.5)
        axis.annotate(level[0], (sizes[-1], level[1]), (0, 4), textcoords="offset points", ha="right", fontsize=10)
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.set(xlabel="images in a batch", ylabel=ylabel, ylim=(min(0, axis.get_ylim()[0]), None))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig
