"""Drawings of lessons 10 and 11: tables of layers, an inception block, costs, curves side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from course_utils.plotting import COLOURS
from course_utils.results import wilson


def configuration_chart(configurations: Mapping[str, Sequence[Sequence[int]]], channels: Sequence[int]) -> plt.Figure:
    """Draw networks as columns of layers: a box for each convolution, a black bar for each max pool.

    Parameters
    ----------
    configurations : mapping of str to sequences of int
        name -> stages -> kernel sizes, as in :data:`course_utils.models.vgg.CONFIGURATIONS`.
    channels : sequence of int
        Of all convolutions in a stage; one colour for each stage.
    """
    fig, axis = plt.subplots(figsize=(8, 6))
    axis.set_axis_off()
    for column, (name, stages) in enumerate(configurations.items()):
        axis.text(column, 0.2, name, ha="center", fontsize=14, fontweight="bold")
        row = 0.0
        for stage, kernels in enumerate(stages):
            for kernel in kernels:
                style = {"facecolor": COLOURS[stage], "alpha": 0.25 if kernel > 1 else 0.75}
                axis.add_patch(plt.Rectangle((column - 0.42, row - 0.8), 0.84, 0.74, **style))
                axis.text(column, row - 0.45, f"{kernel} × {kernel}, {channels[stage]}", ha="center", va="center")
                row -= 0.85
            axis.add_patch(plt.Rectangle((column - 0.42, row - 0.12), 0.84, 0.14, color="black"))
            row -= 0.25
    depth = max(sum(map(len, stages)) * 0.85 + len(stages) * 0.25 for stages in configurations.values())
    axis.set(xlim=(-0.6, len(configurations) - 0.4), ylim=(-depth - 0.2, 0.9))
    return fig


def count_maps(maps: Mapping[str, np.ndarray]) -> plt.Figure:
    """Draw small square maps of whole numbers side by side, each number in its cell; zeros stay empty."""
    fig, axes = plt.subplots(1, len(maps), figsize=(3.4 * len(maps), 3.7))
    for axis, (title, numbers) in zip(np.atleast_1d(axes), maps.items()):
        axis.imshow(np.sqrt(numbers), cmap="Blues", vmax=1.4 * np.sqrt(numbers.max()))
        for (row, column), number in np.ndenumerate(numbers):
            if number:
                axis.text(column, row, f"{number:.0f}", ha="center", va="center", fontsize=9)
        axis.set(title=title, xlabel="column of the input (pixels)", ylabel="row of the input (pixels)")
        axis.grid(False)
    return fig


def share_bars(rows: Mapping[str, Mapping[str, float]]) -> plt.Figure:
    """Draw a bar for each row, divided into the shares of its parts; parts of the same name have the same colour."""
    fig, axis = plt.subplots(figsize=(9, 0.7 * len(rows) + 1.3))
    parts = list(next(iter(rows.values())))
    for part, name in enumerate(parts):
        shares = [row[name] / sum(row.values()) for row in rows.values()]
        lefts = [sum(row[earlier] for earlier in parts[:part]) / sum(row.values()) for row in rows.values()]
        bars = axis.barh(list(rows), shares, left=lefts, label=name, color=COLOURS[part], edgecolor="white")
        labels = [f"{share:.0%}" if share > 0.04 else "" for share in shares]
        axis.bar_label(bars, labels, label_type="center", color="white", fontweight="bold")
    axis.invert_yaxis()
    axis.set(xlim=(0, 1), xlabel="share of the network's total")
    axis.xaxis.set_major_formatter("{x:.0%}")
    axis.grid(False)
    fig.legend(loc="outside lower center", ncols=len(parts))
    return fig


def history_grid(histories: Mapping[str, object]) -> plt.Figure:
    """Draw loss (above) and accuracy (below) of both splits, one column for each network.

    Parameters
    ----------
    histories : mapping of str to History
        What :func:`course_utils.training.fit` returned, by the network's name.
    """
    fig, axes = plt.subplots(
        2, len(histories), figsize=(2.3 * len(histories) + 0.8, 4.6), sharex=True, sharey="row", squeeze=False
    )
    for column, (name, history) in enumerate(histories.items()):
        epochs = range(1, len(history.train_loss) + 1)
        for axis, quantity in zip(axes[:, column], ("loss", "accuracy")):
            axis.plot(epochs, getattr(history, f"train_{quantity}"), "-", label="train")
            axis.plot(epochs, getattr(history, f"valid_{quantity}"), "--", label="validation")
        axes[0, column].set(title=name, yscale="log")
        axes[1, column].set(xlabel="epoch")
    axes[0, 0].set(ylabel="cross-entropy a sample")
    axes[1, 0].set(ylabel="accuracy")
    axes[0, 0].legend()
    return fig


def interval_chart(counts: Mapping[str, tuple[int, int]]) -> plt.Figure:
    """Draw accuracies as dots with their 95 % confidence intervals (Wilson).

    Parameters
    ----------
    counts : mapping of str to (int, int)
        name -> right answers, images asked.
    """
    fig, axis = plt.subplots(figsize=(8, 0.42 * len(counts) + 1.1))
    for row, (correct, samples) in enumerate(counts.values()):
        low, high = wilson(correct, samples)
        axis.plot([100 * low, 100 * high], [row, row], color=COLOURS[0], linewidth=5, alpha=0.4)
        axis.plot(100 * correct / samples, row, "o", color=COLOURS[0], markersize=8)
    axis.set_yticks(range(len(counts)), list(counts))
    axis.invert_yaxis()
    axis.set(xlabel="validation accuracy (%)", ylim=(len(counts) - 0.5, -0.5))
    return fig


def inception_diagram(in_channels: int, channels: Sequence[int]) -> plt.Figure:
    """Draw an inception block: four branches from the input below to the joined output above.

    Parameters
    ----------
    in_channels : int
    channels : sequence of six int
        In the order of the paper's columns; see :class:`course_utils.models.googlenet.Branches`.
    """
    one, three_reduce, three, five_reduce, five, pool = channels
    branches = (
        (None, ("1 × 1", one)),
        (("1 × 1", three_reduce), ("3 × 3", three)),
        (("1 × 1", five_reduce), ("5 × 5", five)),
        (("3 × 3 max pool", in_channels), ("1 × 1", pool)),
    )
    fig, axis = plt.subplots(figsize=(9, 4))
    axis.set(xlim=(-0.1, 4.1), ylim=(-0.2, 4.2))
    axis.set_axis_off()

    def box(x: float, y: float, width: float, text: str, colour: str) -> None:
        shape = "round,pad=0,rounding_size=0.06"
        axis.add_patch(FancyBboxPatch((x - width / 2, y), width, 0.6, boxstyle=shape, facecolor=colour, alpha=0.25))
        axis.text(x, y + 0.3, text, ha="center", va="center")

    def arrow(x: float, start: float, end: float) -> None:
        axis.add_patch(FancyArrowPatch((x, start), (x, end), arrowstyle="-|>", mutation_scale=14, color="black"))

    box(2, 0, 3.9, f"input: {in_channels} channels", COLOURS[6])
    for number, (first, second) in enumerate(branches):
        x = number + 0.5
        if first is None:
            arrow(x, 0.6, 2.3)
        else:
            arrow(x, 0.6, 1.15)
            box(x, 1.15, 0.86, f"{first[0]}\n{first[1]} channels", COLOURS[number])
            arrow(x, 1.75, 2.3)
        box(x, 2.3, 0.86, f"{second[0]}\n{second[1]} channels", COLOURS[number])
        arrow(x, 2.9, 3.45)
    total = one + three + five + pool
    box(2, 3.45, 3.9, f"output: {one} + {three} + {five} + {pool} = {total} channels", COLOURS[6])
    return fig


def paired_bars(names: Sequence[str], series: Mapping[str, Sequence[float]], *, xlabel: str, ylabel: str) -> plt.Figure:
    """Draw bars side by side for each name, one for each series."""
    fig, axis = plt.subplots(figsize=(9, 3.4))
    width = 0.8 / len(series)
    for number, (label, values) in enumerate(series.items()):
        places = np.arange(len(names)) + (number - (len(series) - 1) / 2) * width
        axis.bar(places, values, width, label=label, color=COLOURS[number])
    axis.set_xticks(range(len(names)), names)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    axis.legend()
    return fig
