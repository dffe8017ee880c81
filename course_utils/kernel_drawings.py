"""Drawings of a kernel on its input: which pixels meet, and what comes out of it. Used in lesson 01.

No figure here is registered with pyplot, so that none stays open, however often a control redraws it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from PIL import Image

from course_utils.convolution import conv_output_size
from course_utils.plotting import COLOURS


def _tint(colour: str, strength: float) -> tuple[float, float, float]:
    return tuple(1 - strength * (1 - np.array(to_rgb(colour))))


PIXEL = _tint(COLOURS[0], 0.22)
PADDING = (0.97, 0.97, 0.97)
MET = to_rgb(COLOURS[1])
MET_PADDING = _tint(COLOURS[1], 0.4)
UNUSED = (0.72, 0.72, 0.72)
OUTPUT = _tint(COLOURS[2], 0.3)
EMPTY = (1.0, 1.0, 1.0)
LINE = "#707070"
FRAME = COLOURS[3]

LEGEND = (
    ("input pixel", PIXEL),
    ("padding, 0", PADDING),
    ("meets the kernel", MET),
    ("padding that meets it", MET_PADDING),
    ("× never meets it", UNUSED),
    ("output pixel", OUTPUT),
)


@dataclass(frozen=True)
class Setting:
    """A square kernel on a square input; the arguments of ``torch.nn.Conv2d`` that decide which pixels meet.

    Parameters
    ----------
    size, kernel_size : int
        Pixels along one side.
    stride, padding, dilation : int
        As in :func:`course_utils.convolution.conv_output_size`.

    Raises
    ------
    ValueError
        If there is no output: the dilated kernel is larger than the padded input, or a value is out of range.
    """

    size: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def __post_init__(self) -> None:
        _ = self.output_size

    @property
    def output_size(self) -> int:
        """Output pixels along one side."""
        return conv_output_size(self.size, self.kernel_size, self.stride, self.padding, self.dilation)

    def meets(self, output: int) -> range:
        """Return the input indices along one side that the output with this index sees, one for each kernel tap.

        Indices below 0, and from ``size`` on, are padding.
        """
        start = output * self.stride - self.padding
        return range(start, start + self.dilation * (self.kernel_size - 1) + 1, self.dilation)


def input_figure(setting: Setting, output: tuple[int, int]) -> Figure:
    """Draw the padded input of one setting, with the pixels that meet for the output at ``(row, column)``."""
    side = setting.size + 2 * setting.padding
    fig, ((axis,),) = _panels([[(side, side)]], cell=0.36)
    _draw_input(axis, setting, output)
    return fig


def settings_figure(settings: Sequence[Setting], titles: Sequence[str], outputs: Sequence[tuple[int, int]]) -> Figure:
    """Draw several settings side by side, input above output, all pixels equally large.

    Parameters
    ----------
    settings : sequence of Setting
    titles : sequence of str
        One above each input.
    outputs : sequence of (int, int)
        Row and column of the output pixel whose input pixels are marked, one for each setting.

    Returns
    -------
    matplotlib.figure.Figure
        Not yet displayed: hand it to :func:`course_utils.plotting.show`.
    """
    sides = [setting.size + 2 * setting.padding for setting in settings]
    shapes = [[(n, n) for n in sides], [(setting.output_size, setting.output_size) for setting in settings]]
    fig, axes = _panels(shapes, cell=0.3, below=0.7)
    for above, below, setting, title, output in zip(*axes, settings, titles, outputs):
        _draw_input(above, setting, output)
        _draw_output(below, setting, output)
        above.set_title(title, fontsize=11)
    patches = [Patch(facecolor=colour, edgecolor=LINE, label=name) for name, colour in LEGEND]
    fig.legend(handles=patches, loc="lower center", ncols=3)
    return fig


def _draw_input(axis: Axes, setting: Setting, output: tuple[int, int]) -> None:
    """Draw the padded input; in each pixel that the output sees, the row and column of the kernel tap it meets."""
    low, high = -setting.padding, setting.size + setting.padding
    indices = np.arange(low, high)
    used = {index for n in range(setting.output_size) for index in setting.meets(n)}
    rows, columns = setting.meets(output[0]), setting.meets(output[1])
    colours = np.empty((len(indices), len(indices), 3))
    for y, row in enumerate(indices):
        for x, column in enumerate(indices):
            inside = 0 <= row < setting.size and 0 <= column < setting.size
            if row in rows and column in columns:
                colours[y, x] = MET if inside else MET_PADDING
                tap = f"{rows.index(row)},{columns.index(column)}"
                axis.text(column, row, tap, ha="center", va="center", fontsize=8)
            elif not inside:
                colours[y, x] = PADDING
                axis.text(column, row, "0", ha="center", va="center", fontsize=8, color="#606060")
            elif row in used and column in used:
                colours[y, x] = PIXEL
            else:
                colours[y, x] = UNUSED
                axis.text(column, row, "×", ha="center", va="center", fontsize=9)
    _draw_cells(axis, colours, low)
    span = rows[-1] - rows[0] + 1
    axis.add_patch(
        Rectangle(
            (columns[0] - 0.5, rows[0] - 0.5), span, span, fill=False, edgecolor=FRAME, linewidth=2.5, clip_on=False
        )
    )
    axis.set(xlabel="column", ylabel="row")


def _draw_output(axis: Axes, setting: Setting, output: tuple[int, int]) -> None:
    """Draw the output; the pixel at ``output`` is marked."""
    n = setting.output_size
    colours = np.full((n, n, 3), OUTPUT)
    colours[output] = MET
    _draw_cells(axis, colours)
    axis.set(xlabel="column", ylabel="row", title=f"output {n} × {n}")
    axis.title.set(fontsize=11, fontweight="normal")


def number_grids(
    arrays: Sequence[np.ndarray], titles: Sequence[str], groups: Sequence[np.ndarray] | None = None
) -> Figure:
    """Draw small matrices side by side, with their numbers.

    Parameters
    ----------
    arrays : sequence of ndarray, (H, W)
    titles : sequence of str
        One above each matrix.
    groups : sequence of ndarray of int, optional
        For each matrix, a number from 0 to 6 in each cell: equal numbers, equal colours. Without it, cells that are not
        0 are marked.
    """
    fig, (axes,) = _panels([[np.shape(array) for array in arrays]], cell=0.46)
    shades = np.array([_tint(colour, 0.35) for colour in COLOURS])
    for index, (axis, array, title) in enumerate(zip(axes, arrays, titles)):
        array = np.asarray(array)
        marked = np.where((array != 0)[..., None], MET, EMPTY)
        _draw_cells(axis, marked if groups is None else shades[groups[index]])
        for (y, x), value in np.ndenumerate(array):
            axis.text(x, y, f"{value:g}", ha="center", va="center", fontsize=11)
        axis.set(xlabel="column", ylabel="row")
        axis.set_title(title, fontsize=11)
    return fig


def ring_figure(x: np.ndarray, kernel: np.ndarray, linear: np.ndarray, circular: np.ndarray) -> Figure:
    """Draw a signal on a ring with the kernel at output 0, and its linear beside its circular convolution.

    Parameters
    ----------
    x : ndarray, (N,)
    kernel : ndarray, (M,)
        M at most N.
    linear : ndarray, (N + M - 1,)
    circular : ndarray, (N,)
    """
    n, tail = len(x), len(kernel) - 1
    fig = Figure(figsize=(10, 3.8), layout="constrained")
    ring, bars = fig.subplots(1, 2, width_ratios=(1, 1.5))
    for index, value in enumerate(x):
        place = np.array([np.sin(2 * np.pi * index / n), np.cos(2 * np.pi * index / n)])
        tap = -index % n  # output 0 takes x[-tap]
        met = tap < len(kernel)
        ring.plot(*place, "o", markersize=30, color=MET if met else PIXEL)
        ring.text(*place, f"{value:g}", ha="center", va="center", fontsize=13)
        ring.text(*(1.42 * place), f"x[{index}]", ha="center", va="center")
        if met:
            ring.text(*(0.6 * place), f"·{kernel[tap]:g}", ha="center", va="center")
    ring.text(0, -0.15, f"sum\ny[0] = {circular[0]:g}", ha="center", va="center", fontsize=11)
    ring.set(xlim=(-1.65, 1.65), ylim=(-1.65, 1.65), aspect="equal")
    ring.set_axis_off()
    bars.bar(np.arange(n + tail) - 0.2, linear, 0.38, label="linear")
    bars.bar(np.arange(n) + 0.2, circular, 0.38, label="circular")
    wrapped = {"bottom": linear[:tail], "hatch": "///", "fill": False, "label": "tail, wrapped around"}
    bars.bar(np.arange(tail) + 0.2, linear[n:], 0.38, **wrapped)
    bars.set(xlabel="index n", ylabel="y[n]", xticks=range(n + tail), ylim=(0, 1.25 * circular.max()))
    bars.legend(ncols=3, loc="upper center", fontsize=9)
    return fig


def sliding_figure(
    image: np.ndarray, kernel: np.ndarray, steps: Sequence[int], *, stride: int = 1, padding: int = 0
) -> Figure:
    """Draw a kernel at some of its positions: the products in its window, and the outputs found so far.

    Parameters
    ----------
    image : ndarray, (H, W)
    kernel : ndarray, (h, w)
        Not flipped: a cross-correlation, as in ``torch.nn.Conv2d``.
    steps : sequence of int
        Positions to draw, in reading order from 0; one column of the figure each.
    stride, padding : int

    Returns
    -------
    matplotlib.figure.Figure
        Not yet displayed: hand it to :func:`course_utils.plotting.show`.
    """
    padded, result = _slide(image, kernel, stride, padding)
    fig, axes = _panels([[padded.shape] * len(steps), [result.shape] * len(steps)], cell=0.5)
    for above, below, step in zip(*axes, steps):
        _draw_step(above, below, padded, kernel, result, step, stride, padding)
    return fig


def sliding_gif(image: np.ndarray, kernel: np.ndarray, *, stride: int = 1, padding: int = 0) -> bytes:
    """Return an animated GIF of the kernel at all its positions; parameters as in :func:`sliding_figure`.

    Each position stays for 0.9 s, the last one for 3 s; then it begins again.
    """
    padded, result = _slide(image, kernel, stride, padding)
    frames = []
    for step in range(result.size):
        fig, ((left, right),) = _panels([[padded.shape, result.shape]], cell=0.5)
        _draw_step(left, right, padded, kernel, result, step, stride, padding)
        buffer = io.BytesIO()
        fig.savefig(buffer, format="png", facecolor="white")
        frames.append(Image.open(buffer).convert("RGB"))
    # One palette for all frames, from the last: it holds every colour, and no pixel flickers between two shades.
    palette = frames[-1].quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    buffer = io.BytesIO()
    durations = [900] * (len(frames) - 1) + [3000]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    return buffer.getvalue()


def _slide(image: np.ndarray, kernel: np.ndarray, stride: int, padding: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the padded image, and the output of the cross-correlation."""
    image, kernel = np.asarray(image), np.asarray(kernel)
    conv_output_size(image.shape, kernel.shape, stride, padding)  # raises if there is no output
    padded = np.pad(image, padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return padded, (windows * kernel).sum((-2, -1))


def _draw_step(
    left: Axes,
    right: Axes,
    padded: np.ndarray,
    kernel: np.ndarray,
    result: np.ndarray,
    step: int,
    stride: int,
    padding: int,
) -> None:
    row, column = np.unravel_index(step, result.shape)
    (height, width), (top, start) = kernel.shape, (row * stride, column * stride)
    colours = np.full((*padded.shape, 3), PADDING)
    colours[padding : padded.shape[0] - padding, padding : padded.shape[1] - padding] = PIXEL
    colours[top : top + height, start : start + width] = MET
    _draw_cells(left, colours, -padding)
    for (y, x), value in np.ndenumerate(padded):
        met = 0 <= y - top < height and 0 <= x - start < width
        text = f"{value:g}·{_factor(kernel[y - top, x - start])}" if met else f"{value:g}"
        left.text(x - padding, y - padding, text, ha="center", va="center", fontsize=9)
    corner = (start - padding - 0.5, top - padding - 0.5)
    left.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=FRAME, linewidth=3, clip_on=False))
    left.set(xlabel="column", ylabel="row", title="input · kernel")

    colours = np.full((*result.shape, 3), EMPTY)
    colours.reshape(-1, 3)[:step] = OUTPUT
    colours[row, column] = MET
    _draw_cells(right, colours)
    for (y, x), value in np.ndenumerate(result):
        if y * result.shape[1] + x <= step:
            right.text(x, y, f"{value:g}", ha="center", va="center", fontsize=11)
    right.set(xlabel="column", ylabel="row", title="sum")


def _factor(value: float) -> str:
    return f"({value:g})" if value < 0 else f"{value:g}"


def _draw_cells(axis: Axes, colours: np.ndarray, first: int = 0) -> None:
    """Draw ``colours``, (H, W, 3), as cells with lines between them; the first row and column have index ``first``."""
    height, width = colours.shape[:2]
    low, right, bottom = first - 0.5, first + width - 0.5, first + height - 0.5
    axis.imshow(colours, extent=(low, right, bottom, low))
    axis.grid(False)
    lines = {"colors": LINE, "linewidths": 0.8, "clip_on": False}
    axis.hlines(np.arange(height + 1) + low, low, right, **lines)
    axis.vlines(np.arange(width + 1) + low, low, bottom, **lines)
    axis.set(xticks=range(first, first + width), yticks=range(first, first + height))
    axis.tick_params(length=0, labelsize=9)
    axis.spines[:].set_visible(False)


def _panels(
    shapes: Sequence[Sequence[tuple[int, int]]], *, cell: float, below: float = 0
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with an axis for each grid of cells, all cells ``cell`` inches wide, and the rows of axes.

    ``shapes`` holds rows of ``(height, width)`` in cells, ``below`` is the space under the last row in inches.
    """
    left, above, under, title = 0.68, 0.4, 0.6, 1.45  # inches, for the labels of an axis and the width of its title
    heights = [above + cell * max(height for height, _ in row) + under for row in shapes]
    widths = [left + max(title, cell * max(width for _, width in column)) for column in zip(*shapes)]
    total = (sum(widths) + 0.15, sum(heights) + below)
    fig = Figure(figsize=total, layout="none")
    axes = []
    for r, row in enumerate(shapes):
        axes.append([])
        for c, (height, width) in enumerate(row):
            x = sum(widths[:c]) + left + (widths[c] - left - cell * width) / 2
            y = total[1] - sum(heights[:r]) - above - cell * height
            place = (x / total[0], y / total[1], cell * width / total[0], cell * height / total[1])
            axes[-1].append(fig.add_axes(place))
    return fig, axes
