"""Drawings for networks of fully connected layers: gradients per layer, curves of several seeds. Lesson 05."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from course_utils.plotting import COLOURS

GREY = "#606060"
LINE_STYLES = ("-", "--", "-.", ":")


def explained_variance_chart(cumulated: Sequence[float], shares: Sequence[float]) -> plt.Figure:
    """Draw the share of the variance that the first k components explain, against k.

    Parameters
    ----------
    cumulated : sequence of float
        Entry k - 1 is the share of the first k components, 0 to 1.
    shares : sequence of float
        Shares to mark, each at the first k that reaches it.
    """
    cumulated = np.asarray(cumulated, dtype=float)
    fig, axis = plt.subplots(figsize=(7.5, 3.8))
    axis.plot(np.arange(1, len(cumulated) + 1), cumulated, color=COLOURS[0])
    for index, share in enumerate(shares):
        k = int(np.searchsorted(cumulated, share)) + 1
        axis.plot(k, cumulated[k - 1], "o", color=COLOURS[3], markersize=7)
        # Above and below in turn, because neighbours are close at the right end.
        offset = (-6, 10) if (len(shares) - index) % 2 else (4, -20)
        axis.annotate(f"{share:.10g}: {k}", (k, cumulated[k - 1]), offset, textcoords="offset points", ha="center")
    axis.set(xscale="log", ylim=(0, 1.15), xlabel="components kept, k", ylabel="share of the variance")
    return fig


def activation_chart() -> plt.Figure:
    """Draw sigmoid and ReLU on the left and their derivatives on the right."""
    z = np.linspace(-6, 6, 601)
    sigmoid = 1 / (1 + np.exp(-z))
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.3))
    for axis, curves in zip(axes, ((sigmoid, np.maximum(z, 0)), (sigmoid * (1 - sigmoid), np.where(z > 0, 1.0, 0.0)))):
        for curve, name, style, colour in zip(curves, ("sigmoid", "ReLU"), LINE_STYLES, COLOURS):
            axis.plot(z, curve, style, color=colour, label=name)
        axis.set_xlabel("z")
    axes[1].axhline(0.25, color=GREY, linewidth=1, linestyle=":")
    axes[1].annotate("¼", (5.5, 0.27), fontsize=12)
    axes[0].set(title="activation", ylabel="φ(z)", ylim=(-0.1, 2))
    axes[1].set(title="derivative", ylabel="φ′(z)", ylim=(-0.05, 1.1))
    axes[0].legend(loc="upper left")
    return fig


def gradient_chart(panels: Mapping[str, Mapping[str, np.ndarray]], *, ylabel: str) -> plt.Figure:
    """Draw a norm per layer, on a log axis: the geometric mean over networks, and a band from smallest to largest.

    Parameters
    ----------
    panels : mapping of title to mapping of name to array (networks, layers)
        Layers from the input to the output.
    ylabel : str
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(4.8 * len(panels), 3.6), squeeze=False)
    for axis, (title, kinds) in zip(axes[0], panels.items()):
        for (name, norms), style, colour in zip(kinds.items(), LINE_STYLES, COLOURS):
            norms = np.asarray(norms, dtype=float)
            layers = np.arange(1, norms.shape[1] + 1)
            axis.fill_between(layers, norms.min(0), norms.max(0), color=colour, alpha=0.2, linewidth=0)
            axis.plot(layers, np.exp(np.log(norms).mean(0)), style, color=colour, marker="o", label=name)
        axis.set(yscale="log", title=title, xlabel="linear layer (1 is next to the input)", xticks=layers)
        axis.legend(loc="lower right")
    axes[0, 0].set_ylabel(ylabel)
    return fig


def gradients_over_steps(panels: Mapping[str, np.ndarray], every: int) -> plt.Figure:
    """Draw the norm of each layer's weight gradient against the step, one panel per network, on one log scale.

    Parameters
    ----------
    panels : mapping of title to array (records, layers)
    every : int
        Steps from one record to the next; the first is step 0.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(4.6 * len(panels), 3.6), sharey=True, squeeze=False)
    for axis, (title, norms) in zip(axes[0], panels.items()):
        norms = np.asarray(norms, dtype=float)
        for layer, (values, style) in enumerate(zip(norms.T, LINE_STYLES)):
            axis.plot(every * np.arange(len(norms)), values, style, color=COLOURS[layer], label=f"layer {layer + 1}")
        axis.set(yscale="log", title=title, xlabel="step")
    axes[0, 0].set_ylabel("norm of the weights' gradient")
    axes[0, -1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def learning_curves(
    variants: Mapping[str, Sequence[Mapping[str, Sequence[float]]]], every: int, *, columns: int = 3
) -> plt.Figure:
    """Draw training and test accuracy against the step: a panel per variant, a thin line per seed, a thick mean.

    Parameters
    ----------
    variants : mapping of title to sequence of histories
        A history has the entries ``"train"`` and ``"test"``, accuracies from 0 to 1.
    every : int
        Steps from one entry to the next; the first is step 0.
    columns : int
        Panels a row.
    """
    columns = min(columns, len(variants))
    rows = -(-len(variants) // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=(3.5 * columns, 3.1 * rows), sharex=True, sharey=True, squeeze=False
    )
    for axis in axes.flat[len(variants) :]:
        axis.set_axis_off()
    for axis, (title, histories) in zip(axes.flat, variants.items()):
        for part, style, colour in zip(("train", "test"), LINE_STYLES, COLOURS):
            curves = np.array([history[part] for history in histories])
            steps = every * np.arange(curves.shape[1])
            axis.plot(steps, curves.T, style, color=colour, linewidth=0.8, alpha=0.5)
            axis.plot(steps, curves.mean(0), style, color=colour, linewidth=2.6, label=part)
        axis.set(title=title, ylim=(-0.02, 1.05))
        axis.yaxis.set_major_formatter(PercentFormatter(1))
    for axis in axes[-1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy")
    axes[0, 0].legend(loc="upper left")
    return fig


def seeds_chart(variants: Mapping[str, Sequence[float]], *, xlabel: str = "test accuracy") -> plt.Figure:
    """Draw a row per variant: a dot for each seed's accuracy, and a bar at their mean with its value.

    Parameters
    ----------
    variants : mapping of name to sequence of float
        Accuracies from 0 to 1.
    """
    fig, axis = plt.subplots(figsize=(8.5, 0.48 * len(variants) + 1.0))
    for row, values in enumerate(variants.values()):
        mean = np.mean(values)
        axis.barh(row, mean, height=0.6, color=COLOURS[0], alpha=0.25)
        axis.plot(values, np.full(len(values), row), "o", color=COLOURS[0], markersize=6, alpha=0.8)
        axis.annotate(f"{mean:.0%}", (max(max(values), mean), row), (8, 0), textcoords="offset points", va="center")
    axis.set(xlabel=xlabel, xlim=(0, 1), ylim=(len(variants) - 0.5, -0.5))
    axis.set_yticks(range(len(variants)), list(variants), fontsize=11)
    axis.xaxis.set_major_formatter(PercentFormatter(1))
    axis.grid(axis="y", visible=False)
    return fig
