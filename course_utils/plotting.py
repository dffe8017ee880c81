"""Figures: one style, colours that colour-blind readers can tell apart, and a text alternative for each.

Every figure of the course goes through :func:`show`, which asks for two sentences: the *alt* text, which says what the
picture holds for a reader who cannot see it, and the *caption*, which says what to notice.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

# Okabe and Ito's palette, told apart with every common colour vision deficiency
# (https://jfly.uni-koeln.de/color/); black comes last, yellow is left out because it vanishes on white.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
}

SHORTEST_ALT = 20  # characters; shorter texts ("a plot") describe nothing


def use_style() -> None:
    """Switch matplotlib to the course's style. :func:`show` and the functions below rely on it being set."""
    plt.rcParams.update(STYLE)


use_style()


def show(fig: plt.Figure, *, alt: str, caption: str = "") -> None:
    """Display a figure with its text alternative and caption, and close it.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        What the figure shows, for a reader who cannot see it: at least 20 characters.
    caption : str, optional
        What to notice. Shown under the figure.

    Raises
    ------
    ValueError
        If ``alt`` is missing or too short to describe anything.
    """
    figure_html = _figure_html(*_encoded(fig), alt, caption)
    plt.close(fig)
    display({"text/html": figure_html, "text/plain": f"Figure: {alt}"}, raw=True)


def show_gif(data: bytes, *, alt: str, caption: str = "") -> None:
    """Display the bytes of an animated GIF, with a text alternative and a caption as in :func:`show`."""
    if data[:4] != b"GIF8":
        raise ValueError(f"Expected the bytes of a GIF file, got bytes that start with {data[:4]!r}.")
    figure_html = _figure_html(data, "image/gif", alt, caption)
    display({"text/html": figure_html, "text/plain": f"Animation: {alt}"}, raw=True)


def _encoded(fig: plt.Figure) -> tuple[bytes, str]:
    """Return the figure as an image file of a few ten kilobytes, and its MIME type.

    Line figures have few colours: a PNG with a palette keeps every pixel. Photographs have many: WebP needs a fifth of
    a PNG's bytes and looks the same.
    """
    from PIL import Image

    drawn = io.BytesIO()
    fig.savefig(drawn, format="png", facecolor="white")
    image = Image.open(drawn).convert("RGB")
    buffer = io.BytesIO()
    if image.getcolors(maxcolors=4096) is None:
        image.save(buffer, format="WEBP", quality=88, method=4)
        return buffer.getvalue(), "image/webp"
    palette = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue(), "image/png"


def _figure_html(data: bytes, mime: str, alt: str, caption: str) -> str:
    if not isinstance(alt, str) or len(alt.strip()) < SHORTEST_ALT:
        raise ValueError(
            f"A figure needs an alt text of at least {SHORTEST_ALT} characters that says what it shows; got {alt!r}."
        )
    encoded = base64.b64encode(data).decode("ascii")
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure style="margin: 0"><img alt="{html.escape(alt, quote=True)}" style="max-width: 100%" '
        f'src="data:{mime};base64,{encoded}">{below}</figure>'
    )


def image_grid(
    images: Sequence,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 4,
    cell: float = 2.0,
    boxes: Sequence | None = None,
    title_colours: Sequence[str] | None = None,
) -> plt.Figure:
    """Draw images side by side.

    Parameters
    ----------
    images : sequence of array, tensor or PIL.Image
        Each ``(H, W)``, ``(H, W, 3)`` or ``(3, H, W)``; ``uint8`` from 0 to 255 or floating point from 0 to 1.
    titles : sequence of str, optional
        One above each image.
    columns : int
        Images a row.
    cell : float
        Width of one image, in inches; its height follows the first image's shape.
    boxes : sequence, optional
        For each image, an array ``(n, 4)`` of ``x0, y0, x1, y1`` in pixels, drawn as frames.
    title_colours : sequence of str, optional
        One for each title.

    Returns
    -------
    matplotlib.figure.Figure
        Not yet displayed: hand it to :func:`show`.
    """
    arrays = [as_picture(image) for image in images]
    if not arrays:
        raise ValueError("image_grid got no images.")
    columns = min(columns, len(arrays))
    rows = math.ceil(len(arrays) / columns)
    height, width = arrays[0].shape[:2]
    title_space = 0.3 if titles is not None else 0.05
    fig, axes = plt.subplots(
        rows, columns, figsize=(columns * cell, rows * (cell * height / width + title_space)), squeeze=False
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (axis, array) in enumerate(zip(axes.flat, arrays)):
        axis.imshow(array, vmin=0, vmax=255 if array.dtype == np.uint8 else 1)
        if titles is not None:
            colour = title_colours[index] if title_colours is not None else "black"
            axis.set_title(titles[index], fontsize=10, fontweight="normal", color=colour)
        if boxes is not None:
            for x0, y0, x1, y1 in np.asarray(boxes[index], dtype=float).reshape(-1, 4):
                axis.add_patch(plt.Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, linewidth=2, color=COLOURS[1]))
    return fig


def as_picture(image) -> np.ndarray:
    """Return any image that :func:`image_grid` takes as an array that ``imshow`` draws: ``(H, W[, 3])``."""
    array = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"Expected an image of shape (H, W), (H, W, 3) or (3, H, W); got {array.shape}.")
    if array.dtype == np.uint8:
        return array
    return np.clip(array.astype(float), 0, 1)


def confusion_heatmap(matrix, class_names: Sequence[str], *, title: str = "") -> plt.Figure:
    """Draw a confusion matrix as a heat map with its counts.

    Parameters
    ----------
    matrix : array of int, (classes, classes)
        Row: the true class. Column: the predicted one (the convention of ``sklearn.metrics.confusion_matrix``).
    class_names : sequence of str
    """
    import seaborn as sns

    matrix = np.asarray(matrix)
    names = list(class_names)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(f"Expected a {len(names)} x {len(names)} matrix for {names}; got shape {matrix.shape}.")
    side = max(3.2, 0.33 * len(names) + 1.5)
    fig, axis = plt.subplots(figsize=(side + 0.8, side))
    small = len(names) > 12
    sns.heatmap(
        matrix,
        annot=True,
        fmt="d",
        cmap="cividis",
        cbar=not small,
        square=True,
        xticklabels=names,
        yticklabels=names,
        linewidths=0.5,
        annot_kws={"fontsize": 8 if small else 13},
        ax=axis,
    )
    axis.set(xlabel="predicted class", ylabel="true class", title=title)
    return fig


def line_chart(series: Mapping[str, Sequence[float]], *, xlabel: str, ylabel: str, title: str = "", x=None):
    """Draw one line per entry, told apart by colour, line style and a label. Returns the figure."""
    fig, axis = plt.subplots(figsize=(6, 3.6))
    styles = ("-", "--", "-.", ":")
    for index, (name, values) in enumerate(series.items()):
        steps = np.arange(1, len(values) + 1) if x is None else x
        axis.plot(steps, values, linestyle=styles[index % len(styles)], marker="o", markersize=3, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.legend()
    return fig
