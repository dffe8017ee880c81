"""Plumbing of lesson 02: three of its drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np

from course_utils.plotting import COLOURS


def wave_chart(n: int, turns: Sequence[int]) -> plt.Figure:
    """Draw the waves of the discrete Fourier transform: real part on the left, imaginary part on the right.

    Parameters
    ----------
    n : int
        Samples of each wave.
    turns : sequence of int
        How often each wave turns over the ``n`` samples; one row each.

    Returns
    -------
    matplotlib.figure.Figure
        Dots are samples, lines the same waves between them.
    """
    fig, axes = plt.subplots(len(turns), 2, figsize=(9, 1.05 * len(turns) + 0.6), sharex=True, sharey=True)
    samples, between = np.arange(n), np.linspace(0, n - 1, 40 * n)
    for k, row in zip(turns, np.atleast_2d(axes)):
        for axis, part, colour in zip(row, (np.cos, np.sin), COLOURS):
            axis.plot(between, part(2 * np.pi * k * between / n), color="#B0B0B0", linewidth=1)
            axis.plot(samples, part(2 * np.pi * k * samples / n), "o", color=colour, markersize=5)
            axis.set(ylim=(-1.25, 1.25), yticks=(-1, 0, 1))
        row[0].set_ylabel(f"k = {k}", rotation=0, horizontalalignment="right", verticalalignment="center")
    for axis, title in zip(np.atleast_2d(axes)[0], ("real part: cosine", "imaginary part: sine")):
        axis.set_title(title)
    for axis in np.atleast_2d(axes)[-1]:
        axis.set_xlabel("sample n")
    return fig


def split_tree(n: int) -> plt.Figure:
    """Draw how the radix-2 FFT of ``n`` samples, a power of two, splits them into even and odd positions.

    Returns
    -------
    matplotlib.figure.Figure
        One row a level; boxes hold the positions that are transformed together.
    """
    if n < 2 or n & (n - 1):
        raise ValueError(f"split_tree needs a power of two, at least 2; got n={n}.")
    levels = n.bit_length()
    fig, axis = plt.subplots(figsize=(9, 0.75 * levels))
    axis.set_axis_off()
    axis.set(xlim=(-0.1, n + 2.6), ylim=(-levels + 0.35, 0.6))
    groups = [list(range(n))]
    for level in range(levels):
        left = 0
        for number, group in enumerate(groups):
            # The first group of a pair holds the even positions of the box above, the second its odd ones.
            colour = "#000000" if level == 0 else COLOURS[number % 2]
            frame = plt.Rectangle(
                (left + 0.06, -level - 0.27), len(group) - 0.12, 0.54, fill=False, edgecolor=colour, linewidth=1.8
            )
            axis.add_patch(frame)
            for place, position in enumerate(group):
                axis.text(left + place + 0.5, -level, str(position), ha="center", va="center", fontsize=12)
            left += len(group)
        size = n >> level
        transforms = f"{n // size} transform{'s' if size < n else ''} of {size}"
        axis.text(n + 0.15, -level, transforms, va="center", fontsize=11)
        groups = [half for group in groups for half in (group[::2], group[1::2])]
    return fig


def bar_rows(rows: Mapping[str, np.ndarray], marked: Sequence[Sequence[int]]) -> plt.Figure:
    """Draw signals below each other as bars, on common axes.

    Parameters
    ----------
    rows : mapping of str to array (N,)
        Title -> values; the lengths may differ.
    marked : sequence of sequence of int
        For each row, the samples that are drawn in another colour.

    Returns
    -------
    matplotlib.figure.Figure
    """
    fig, axes = plt.subplots(len(rows), 1, figsize=(9, 1.7 * len(rows) + 0.3), sharex=True, sharey=True, squeeze=False)
    for axis, (title, values), samples in zip(axes[:, 0], rows.items(), marked):
        bars = axis.bar(np.arange(len(values)), values, color=COLOURS[0])
        for sample in samples:
            bars[sample].set_color(COLOURS[3])
        axis.set(ylabel="value", title=title)
    axes[-1, 0].set_xlabel("sample n")
    return fig
