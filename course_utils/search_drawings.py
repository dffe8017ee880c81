"""Drawings for searches over settings: where they look, what they find, what their model believes. Lesson 12."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from course_utils.plotting import COLOURS

GREY = "#606060"
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")


def designs_chart(designs: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, xlabel: str, ylabel: str):
    """Draw where searches try two settings, and along each axis which values of it they try.

    Parameters
    ----------
    designs : mapping of name to (x, y)
        One panel each; the x axis is logarithmic.
    """
    fig, axes = plt.subplots(
        1, len(designs), figsize=(4.6 * len(designs), 4.0), squeeze=False, sharex=True, sharey=True
    )
    for axis, (name, (x, y)), colour in zip(axes[0], designs.items(), COLOURS):
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        axis.plot(x, y, "o", color=colour, markersize=7, alpha=0.75)
        axis.plot(x, np.full(len(x), 0.02), "|", color=colour, markersize=14, transform=axis.get_xaxis_transform())
        axis.plot(np.full(len(y), 0.02), y, "_", color=colour, markersize=14, transform=axis.get_yaxis_transform())
        axis.set(title=name, xlabel=xlabel, xscale="log")
    axes[0, 0].set_ylabel(ylabel)
    return fig


def knobs_chart(
    settings: Mapping[str, Sequence[float]], scores: Sequence[float], *, ylabel: str, log: Collection[str]
) -> plt.Figure:
    """Draw the scores of many trials against each setting, with the mean of each eighth of the trials.

    Parameters
    ----------
    settings : mapping of name to sequence of float
        The value of one setting in each trial.
    scores : sequence of float
    log : collection of str
        Names of the settings whose axes are logarithmic.
    """
    scores = np.asarray(scores, dtype=float)
    fig, axes = plt.subplots(1, len(settings), figsize=(2.9 * len(settings), 3.2), sharey=True, squeeze=False)
    for axis, (name, values) in zip(axes[0], settings.items()):
        values = np.asarray(values, dtype=float)
        groups = np.array_split(np.argsort(values, kind="stable"), 8)
        axis.plot(values, scores, "o", color=COLOURS[0], markersize=3, alpha=0.4)
        middles = [np.median(values[group]) for group in groups]
        axis.plot(middles, [scores[group].mean() for group in groups], "-s", color=COLOURS[3], markersize=5)
        axis.set(xlabel=name.replace("_", " "), xscale="log" if name in log else "linear")
    axes[0, 0].set_ylabel(ylabel)
    return fig


def belief_and_improvement(
    steps: Sequence[Mapping],
    grid: Sequence[float],
    truth: tuple[Sequence[float], Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
) -> plt.Figure:
    """Draw some steps of Bayesian optimisation in one dimension: above the belief, below the expected improvement.

    Parameters
    ----------
    steps : sequence of mapping
        Each with ``x``, ``y`` (what was measured so far), ``mean``, ``deviation`` and ``improvement`` (on the grid).
    grid : sequence of float
        Positions at which the model was asked; positive, drawn on a log axis.
    truth : (x, y)
        What a sweep over the whole axis measures. The search has not seen it.
    """
    grid = np.asarray(grid, dtype=float)
    fig, axes = plt.subplots(
        2, len(steps), figsize=(3.7 * len(steps), 4.8), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1.2)
    )
    for step, above, below in zip(steps, axes[0], axes[1]):
        mean, deviation = np.asarray(step["mean"]), np.asarray(step["deviation"])
        _belief(above, grid, mean, deviation, "mean of the belief")
        above.plot(*truth, ".", color=GREY, markersize=5, label="a sweep, not shown to the search")
        above.plot(step["x"], step["y"], "o", color=COLOURS[3], markersize=7, label="measured so far")
        next_one = grid[int(np.argmax(step["improvement"]))]
        below.fill_between(grid, 0, step["improvement"], color=COLOURS[2], alpha=0.5, linewidth=0)
        for axis in (above, below):
            axis.axvline(next_one, color=COLOURS[2], linestyle="--", linewidth=1.3)
        above.set(title=f"after {len(step['x'])} trials", xscale="log")
        below.set_xlabel(xlabel)
    axes[0, 0].set_ylabel(ylabel)
    axes[1, 0].set_ylabel("expected\nimprovement")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return fig


def best_so_far_chart(panels: Mapping[str, Mapping[str, np.ndarray]], *, ylabel: str) -> plt.Figure:
    """Draw what each kind of search has reached after each trial: mean and range of its repetitions.

    Parameters
    ----------
    panels : mapping of title to mapping of name to array (repetitions, trials)
        Errors in percent, drawn on a log axis.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(5.0 * len(panels), 3.9), sharey=True, squeeze=False)
    for axis, (title, searches) in zip(axes[0], panels.items()):
        for (name, curves), style, colour in zip(searches.items(), LINE_STYLES, COLOURS):
            curves = np.asarray(curves, dtype=float)
            trials = np.arange(1, curves.shape[1] + 1)
            axis.fill_between(trials, curves.min(0), curves.max(0), color=colour, alpha=0.12, linewidth=0)
            axis.plot(trials, curves.mean(0), style, color=colour, label=f"{name} ({len(curves)} searches)")
        axis.set(title=title, xlabel="trials", yscale="log")
        axis.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
        axis.minorticks_off()
    axes[0, 0].set_ylabel(ylabel)
    axes[0, 0].legend()
    return fig


def belief_slices(
    slices: Mapping[str, Mapping[str, Sequence[float]]], *, ylabel: str, log: Collection[str]
) -> plt.Figure:
    """Draw a search model's prediction along one setting at a time, beside what fresh trials measure there.

    Parameters
    ----------
    slices : mapping of name to mapping
        With ``x``, ``mean``, ``deviation`` (the prediction), ``measured_x``, ``measured_y`` and ``centre``, the value
        at which the other slices are cut.
    log : collection of str
        Names of the settings whose axes are logarithmic.
    """
    fig, axes = plt.subplots(1, len(slices), figsize=(2.9 * len(slices), 3.6), sharey=True, squeeze=False)
    for axis, (name, cut) in zip(axes[0], slices.items()):
        x, mean, deviation = (np.asarray(cut[key], dtype=float) for key in ("x", "mean", "deviation"))
        _belief(axis, x, mean, deviation, "predicted")
        axis.plot(
            cut["measured_x"], cut["measured_y"], "o", color=COLOURS[3], markersize=4.5, label="measured afterwards"
        )
        axis.axvline(cut["centre"], color=GREY, linestyle=":", linewidth=1.5, label="where the other cuts cross")
        axis.set(xlabel=name.replace("_", " "), xscale="log" if name in log else "linear")
    axes[0, 0].set_ylabel(ylabel)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(handles))
    return fig


def optimism_chart(
    panels: Mapping[str, tuple[Sequence[int], Mapping[str, Sequence[float]]]], *, ylabel: str
) -> plt.Figure:
    """Draw a winner's two errors against the number of trials it was chosen from, and shade the gap between them.

    Parameters
    ----------
    panels : mapping of title to (budgets, lines)
        ``lines`` maps two names to errors at the budgets, which are drawn on a log axis.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(5.0 * len(panels), 3.8), sharey=True, squeeze=False)
    for axis, (title, (budgets, lines)) in zip(axes[0], panels.items()):
        for (name, errors), style, marker, colour in zip(lines.items(), LINE_STYLES, MARKERS, (COLOURS[0], COLOURS[3])):
            axis.plot(budgets, errors, style, color=colour, marker=marker, markersize=5, label=name)
        axis.fill_between(budgets, *lines.values(), color=COLOURS[1], alpha=0.2, linewidth=0)
        axis.set(title=title, xscale="log", xlabel="trials that the winner was chosen from")
        axis.set_xticks(budgets, [str(budget) for budget in budgets])
        axis.minorticks_off()
    axes[0, 0].set_ylabel(ylabel)
    axes[0, -1].legend()
    return fig


def _belief(axis, x: np.ndarray, mean: np.ndarray, deviation: np.ndarray, label: str) -> None:
    """Draw a prediction with a band of two deviations on either side."""
    low, high = mean - 2 * deviation, mean + 2 * deviation
    axis.fill_between(x, low, high, color=COLOURS[0], alpha=0.18, linewidth=0, label="±2 deviations")
    axis.plot(x, mean, color=COLOURS[0], label=label)
