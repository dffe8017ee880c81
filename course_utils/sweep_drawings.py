"""Drawings that compare many small networks: curves side by side, parameters as bars, runs of several seeds as dots.

Used in lesson 09. Each function returns a figure, not yet displayed: hand it to :func:`course_utils.plotting.show`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, PercentFormatter

from course_utils.plotting import COLOURS, use_style

if TYPE_CHECKING:
    from course_utils.training import History

QUANTITIES = ("loss", "accuracy")
YLABELS = ("cross-entropy a sample", "accuracy")
# Of training and of validation: told apart by more than the colour, which stands for the network.
STYLES = {"train": (":", ""), "valid": ("-", "o")}


def history_panels(histories: Mapping[str, Mapping[str, History]]) -> plt.Figure:
    """Draw loss and accuracy of many runs: a column for each group, a row for each quantity, one colour for each name.

    Parameters
    ----------
    histories : mapping of str to mapping of str to History
        Group (the column's title) to name (in the legend) to history. The groups have the same names.
    """
    use_style()
    columns = len(histories)
    fig, axes = plt.subplots(
        2, columns, figsize=(3.3 * columns, 5.6), sharex=True, sharey="row", squeeze=False, layout="constrained"
    )
    for column, (group, runs) in enumerate(histories.items()):
        for axis, quantity, ylabel in zip(axes[:, column], QUANTITIES, YLABELS):
            for history, colour in zip(runs.values(), COLOURS):
                epochs = np.arange(1, len(history) + 1)
                for split, (style, marker) in STYLES.items():
                    values = getattr(history, f"{split}_{quantity}")
                    axis.plot(epochs, values, style, marker=marker, markersize=4, color=colour)
            if column == 0:
                axis.set_ylabel(ylabel)
        axes[0, column].set_title(group)
        axes[1, column].set_xlabel("epoch")
        axes[1, column].xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].set_yscale("log")
    axes[0, 0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0, 0].yaxis.set_major_formatter("{x:g}")
    axes[0, 0].yaxis.set_minor_formatter(NullFormatter())
    axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    networks = [Line2D([], [], color=colour) for _, colour in zip(next(iter(histories.values())), COLOURS)]
    splits = [Line2D([], [], color="#606060", linestyle=style, marker=marker) for style, marker in STYLES.values()]
    labels = [*next(iter(histories.values())), "training", "validation"]
    fig.legend(networks + splits, labels, loc="outside lower center", ncols=len(labels))
    return fig


def parameter_bars(panels: Mapping[str, Mapping[str, tuple[int, int]]]) -> plt.Figure:
    """Draw how many parameters networks have in their convolutions and in their linear layer.

    Parameters
    ----------
    panels : mapping of str to mapping of str to (int, int)
        Title to network to its parameters in the blocks and in the linear layer. The panels have the same networks.
    """
    use_style()
    names = list(next(iter(panels.values())))
    height = 0.27 * len(names) + 1.3
    fig, axes = plt.subplots(1, len(panels), figsize=(4.6 * len(panels), height), sharey=True, squeeze=False)
    for axis, (title, networks) in zip(axes[0], panels.items()):
        blocks, linear = np.array([networks[name] for name in names]).T
        places = np.arange(len(names))
        axis.barh(places, blocks, color=COLOURS[0], label="blocks")
        axis.barh(places, linear, left=blocks, color=COLOURS[1], hatch="///", edgecolor="white", label="linear layer")
        axis.set_yticks(places, names)
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.grid(axis="y", visible=False)
        axis.set(title=title, xlabel="parameters")
    axes[0, 0].invert_yaxis()
    axes[0, -1].legend(loc="center right")
    return fig


def seed_dots(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> plt.Figure:
    """Draw shares as dots, one for each seed, with a bar at their mean: a panel each, with the same rows.

    Parameters
    ----------
    panels : mapping of str to mapping of str to sequence of float
        Title to condition (a row) to one share, 0 to 1, for each seed.
    """
    use_style()
    conditions = list(next(iter(panels.values())))
    fig, axes = plt.subplots(
        1, len(panels), figsize=(2.6 * len(panels) + 1.6, 0.5 * len(conditions) + 1.2), sharey=True, squeeze=False
    )
    for axis, (title, rows) in zip(axes[0], panels.items()):
        for row, name in enumerate(conditions):
            values = np.asarray(rows[name], dtype=float)
            axis.plot(values, np.full(len(values), row), "o", color=COLOURS[0], markersize=7, alpha=0.6)
            axis.plot(values.mean(), row, "|", color="#000000", markersize=20, markeredgewidth=2)
        axis.set_title(title)
        axis.margins(x=0.12)
        axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axis.locator_params(axis="x", nbins=5)
    axes[0, 0].set_yticks(range(len(conditions)), conditions)
    axes[0, 0].set_ylim(len(conditions) - 0.5, -0.5)
    return fig


def rate_chart(accuracies: Mapping[str, Mapping[float, float]], planned: Sequence[float]) -> plt.Figure:
    """Draw accuracy against learning rate, a line for each network; the planned rate of each is a filled dot.

    Parameters
    ----------
    accuracies : mapping of str to mapping of float to float
        Network to learning rate to accuracy, 0 to 1.
    planned : sequence of float
        The rate at which each network was to be trained, in the order of ``accuracies``.
    """
    use_style()
    fig, axis = plt.subplots(figsize=(7, 3.8))
    styles = ("-", "--", "-.", ":")
    for (name, values), style, colour, own in zip(accuracies.items(), styles, COLOURS, planned, strict=False):
        rates = sorted(values)
        axis.plot(
            rates, [values[r] for r in rates], style, marker="o", markerfacecolor="white", color=colour, label=name
        )
        axis.plot(own, values[own], "o", markersize=9, color=colour)
    axis.set(xscale="log", xlabel="learning rate", ylabel="validation accuracy")
    axis.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axis.legend()
    return fig
