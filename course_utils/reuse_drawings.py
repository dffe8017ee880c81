"""Drawings of lesson 13: two ways to reuse a network, two loops side by side, accuracy against the number of images.

Each function returns a figure, not yet displayed: hand it to :func:`course_utils.plotting.show`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter

from course_utils.plotting import COLOURS, use_style

STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
FROZEN, TRAINED = COLOURS[5], COLOURS[1]
BOX, STEP = 0.8, 1.0  # width of a box, and the distance from one to the next


def routes_diagram(routes: Mapping[str, Sequence[tuple[str, bool]]]) -> plt.Figure:
    """Draw each route as a row of boxes, from the image to the answer; what is trained is hatched.

    Parameters
    ----------
    routes : mapping of str to sequence of (str, bool)
        Title to the boxes of its row: a text, and whether the box is trained.
    """
    use_style()
    longest = max(map(len, routes.values()))
    fig, axis = plt.subplots(figsize=(1.75 * longest, 1.35 * len(routes)))
    axis.set(xlim=(-0.45, longest - 0.5), ylim=(-len(routes) + 0.35, 0.6))
    axis.set_axis_off()
    for row, (title, boxes) in enumerate(routes.items()):
        axis.text(-BOX / 2, -row + 0.36, title, fontweight="bold", fontsize=11)
        for column, (text, trained) in enumerate(boxes):
            axis.add_patch(
                FancyBboxPatch(
                    (column * STEP - BOX / 2, -row - 0.25),
                    BOX,
                    0.5,
                    boxstyle="round,pad=0,rounding_size=0.05",
                    facecolor=TRAINED if trained else FROZEN,
                    alpha=0.35,
                    hatch="//" if trained else None,
                    edgecolor="#404040",
                )
            )
            axis.text(column * STEP, -row, text, ha="center", va="center", fontsize=10)
            if column:
                ends = ((column - 1) * STEP + BOX / 2, -row), (column * STEP - BOX / 2, -row)
                axis.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=12, color="#404040"))
    return fig


def loops_chart(losses: Mapping[str, Sequence[float]], seconds: Mapping[str, float]) -> plt.Figure:
    """Draw what loops computed, their validation loss in each epoch, beside what they cost.

    Parameters
    ----------
    losses : mapping of str to sequence of float
        Name to validation loss, one for each epoch. Later lines are thinner, so that equal ones can be seen.
    seconds : mapping of str to float
        Name to CPU seconds, drawn on a log axis.
    """
    use_style()
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), width_ratios=(1.5, 1))
    for index, (name, values) in enumerate(losses.items()):
        style = {"linewidth": 7 - 4.5 * index, "linestyle": STYLES[index][0], "color": COLOURS[index]}
        axes[0].plot(range(1, len(values) + 1), values, alpha=1 if index else 0.45, label=name, **style)
    axes[0].set(xlabel="epoch", ylabel="validation loss")
    axes[0].legend()
    bars = axes[1].barh(list(seconds), list(seconds.values()), color=COLOURS[: len(seconds)])
    axes[1].bar_label(bars, fmt="%.2g s", padding=3)
    least, most = min(seconds.values()), max(seconds.values())
    axes[1].set(xscale="log", xlabel="CPU seconds (log)", xlim=(least / 3, most * 6))
    axes[1].invert_yaxis()
    axes[1].grid(axis="y", visible=False)
    return fig


def routes_chart(accuracies: Mapping[str, Mapping[int, Sequence[float]]], *, title: str = "") -> plt.Figure:
    """Draw accuracy against the number of training images: a line for the mean, a band from the worst seed to the best.

    Parameters
    ----------
    accuracies : mapping of str to mapping of int to sequence of float
        Route to number of images to one accuracy, 0 to 1, for each seed.
    """
    use_style()
    fig, axis = plt.subplots(figsize=(7.5, 4))
    for (name, points), (style, marker), colour in zip(accuracies.items(), STYLES, COLOURS, strict=False):
        sizes = sorted(points)
        values = [np.asarray(points[size], dtype=float) for size in sizes]
        axis.fill_between(sizes, [v.min() for v in values], [v.max() for v in values], color=colour, alpha=0.18)
        axis.plot(sizes, [v.mean() for v in values], linestyle=style, marker=marker, color=colour, label=name)
    ticks = sorted({size for points in accuracies.values() for size in points})
    axis.set(xscale="log", xlabel="training images (log)", ylabel="accuracy on unseen images", title=title)
    axis.set_xticks(ticks, [str(size) for size in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.legend(loc="lower right")
    return fig
