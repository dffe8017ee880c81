"""Drawings for classifiers of faces: people side by side, weights as images, a legible confusion matrix. Lesson 04."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from course_utils.data import faces as drawn
from course_utils.data.loaders import Faces
from course_utils.plotting import COLOURS


def film_negatives(faces: Faces, source: object = "embedded") -> tuple[np.ndarray, np.ndarray]:
    """Return which pictures of ``load_faces(source)`` are film negatives, as the camera that drew them knows.

    Parameters
    ----------
    faces : Faces
        What ``load_faces(source)`` returned.
    source : str or path
        Photographs, from ``"real"`` or a folder, count as positives, all of them.

    Returns
    -------
    train, test : numpy.ndarray
        bool, one for each picture.
    """
    train, test = len(faces.train_labels), len(faces.test_labels)
    if source != "embedded":
        return np.zeros(train, bool), np.zeros(test, bool)
    # The generator draws the circumstances of picture i from a stream of its own, so they can be drawn again.
    streams = (np.random.default_rng([0, drawn._SHOT, index]) for index in range(train + test))
    flags = np.array([drawn.draw_shot(stream, 0.0).negative for stream in streams])
    return flags[:train], flags[train:]


def run_chart(
    steps: Sequence[int],
    losses: Mapping[str, Sequence[float]],
    errors: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    mark: int | None = None,
    levels: Mapping[str, float] | None = None,
) -> plt.Figure:
    """Draw the loss on the left and the error on the right, against the step.

    Parameters
    ----------
    steps : sequence of int
    losses : mapping of name to sequence
        Cross-entropy in nats.
    errors : mapping of name to sequence
        Share of wrong answers, 0 to 1; drawn in per cent.
    mark : int, optional
        A step to mark with a dotted line.
    levels : mapping of name to float, optional
        Losses to mark with a thin line, for comparison.
    """
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.5))
    for axis, curves, factor in zip(axes, (losses, errors), (1, 100)):
        for (name, values), style, colour in zip(curves.items(), ("-", "--", "-.", ":"), COLOURS):
            drawn_values = factor * np.asarray(values, dtype=float)
            axis.plot(steps, drawn_values, linestyle=style, color=colour, marker="o", markersize=3, label=name)
        if mark is not None:
            axis.axvline(mark, color="#606060", linestyle=":", linewidth=1.5, label=f"step {mark}")
        axis.set(xlabel="step", ylim=(0, None))
    for name, level in (levels or {}).items():
        low = level < 0.15 * axes[0].get_ylim()[1]  # no room for words below the line
        axes[0].axhline(level, color="#606060", linewidth=1)
        axes[0].annotate(
            name,
            (1, level),
            (-2, 3 if low else -4),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="bottom" if low else "top",
            fontsize=10,
            color="#404040",
        )
    axes[0].set(ylabel="cross-entropy (nats)", title=title)
    axes[1].set(ylabel="error (% of the images)", ylim=(0, 103))
    axes[1].legend(loc="best")
    return fig


def weight_images(
    rows: Mapping[str, np.ndarray], names: Sequence[str], shape: tuple[int, int] = (drawn.HEIGHT, drawn.WIDTH)
) -> plt.Figure:
    """Draw vectors with one number per pixel as images: one row per entry, one column per class.

    Orange is negative, white is zero, purple is positive. Each image has its own scale, from its 99.5th percentile.

    Parameters
    ----------
    rows : mapping of name to array (classes, pixels)
        The first ``len(names)`` classes of each are drawn.
    names : sequence of str
        Titles of the columns.
    shape : tuple of int
        Height and width in pixels.
    """
    fig, axes = plt.subplots(
        len(rows), len(names), figsize=(1.25 * len(names) + 1.3, 1.66 * len(rows) + 0.3), squeeze=False
    )
    for (label, vectors), line in zip(rows.items(), axes):
        for vector, axis in zip(np.asarray(vectors), line):
            limit = max(np.quantile(np.abs(vector), 0.995), 1e-12)
            axis.imshow(vector.reshape(shape), cmap="PuOr", vmin=-limit, vmax=limit)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", labelpad=8, fontsize=11)
    for axis, name in zip(axes[0], names):
        axis.set_title(name, fontsize=11, fontweight="normal")
    return fig


def neighbours_first(matrix) -> np.ndarray:
    """Return an order of the classes in which those that are taken for one another stand side by side.

    Average linkage on the symmetric confusion counts, with the leaves in optimal order (Bar-Joseph et al. 2001).

    Parameters
    ----------
    matrix : array of int, (classes, classes)
        Rows are true classes, columns predicted ones.
    """
    matrix = np.asarray(matrix, dtype=float)
    confused = matrix + matrix.T
    distance = confused.max() + 1 - confused
    np.fill_diagonal(distance, 0)
    return leaves_list(linkage(squareform(distance), "average", optimal_ordering=True))


def confusion_chart(matrix, names: Sequence[str], *, order: Sequence[int] | None = None, title: str = "") -> plt.Figure:
    """Draw a confusion matrix of many classes so that it can be read: right answers blue, wrong ones orange, 0 blank.

    The right margin gives the right answers of each row and its sum.

    Parameters
    ----------
    matrix : array of int, (classes, classes)
        Row: the true class. Column: the predicted one.
    names : sequence of str
    order : sequence of int, optional
        The classes from top to bottom and from left to right; by default as they come.
    """
    matrix, n = np.asarray(matrix), len(names)
    if matrix.shape != (n, n):
        raise ValueError(f"Expected a {n} x {n} matrix for {n} names; got shape {matrix.shape}.")
    order = np.arange(n) if order is None else np.asarray(order)
    if sorted(order.tolist()) != list(range(n)):
        raise ValueError(f"Expected an order that holds each of 0 to {n - 1} once; got {order.tolist()}.")
    counts = matrix[np.ix_(order, order)]
    share = np.clip(counts / max(counts.sum(1).max(), 1), 0, 1) ** 0.6
    tint = np.where(np.eye(n, dtype=bool), 0, 1)
    base = np.array([[0, 114, 178], [230, 120, 0]])[tint] / 255
    fig, axis = plt.subplots(figsize=(0.34 * n + 1.6, 0.34 * n + 1.2))
    axis.imshow(1 - share[..., None] * (1 - base))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = row == column and share[row, column] > 0.6
            axis.text(
                column, row, str(count), ha="center", va="center", fontsize=12, color="white" if dark else "black"
            )
    labels = [names[k] for k in order]
    axis.set_xticks(range(n), labels, rotation=90, fontsize=12)
    axis.set_yticks(range(n), labels, fontsize=12)
    axis.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axis.grid(False)
    axis.grid(which="minor", color="#D9D9D9", linewidth=0.6)
    axis.tick_params(which="both", length=0)
    axis.tick_params(which="major", labeltop=True)
    for row in range(n):
        axis.text(n - 0.2, row, f"{counts[row, row]}/{counts[row].sum()}", va="center", fontsize=11)
    axis.set(xlabel="predicted person", ylabel="true person", title=title)
    axis.spines[:].set_visible(False)
    return fig
