"""The course as a table and as a picture: four parts, seventeen lessons, and where you are."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch

from course_utils.plotting import COLOURS, use_style


class Lesson(NamedTuple):
    """A row of the course's table. ``name`` is the notebook's file name without its ending."""

    number: int
    part: int
    name: str
    title: str


PARTS = ("Convolution and Fourier", "From pixels to perceptrons", "Convolutional networks", "Transfer learning")

LESSONS = (
    Lesson(1, 1, "01_convolution", "Convolution"),
    Lesson(2, 1, "02_fourier_transform", "The Fourier transform and the convolution theorem"),
    Lesson(3, 1, "03_fft_convolution", "Tensor convolution with the FFT"),
    Lesson(4, 2, "04_linear_classifier", "A linear classifier"),
    Lesson(5, 2, "05_mlp_and_pca", "MLPs and PCA"),
    Lesson(6, 2, "06_dropout_and_normalisation", "Dropout and normalisation"),
    Lesson(7, 3, "07_first_cnn", "A first CNN"),
    Lesson(8, 3, "08_training_pipeline", "A training pipeline you can trust"),
    Lesson(9, 3, "09_depth_and_width", "How deep, how wide?"),
    Lesson(10, 3, "10_vgg", "VGG"),
    Lesson(11, 3, "11_googlenet", "GoogLeNet"),
    Lesson(12, 3, "12_hyperparameters", "Searching hyperparameters"),
    Lesson(13, 4, "13_reusing_a_network", "Two ways to reuse a network"),
    Lesson(14, 4, "14_efficientnet", "EfficientNet"),
    Lesson(15, 4, "15_cat_emotions", "Cat emotions"),
    Lesson(16, 4, "16_inside_the_network", "Inside the network"),
    Lesson(17, 4, "17_grad_cam", "What does it look at? Grad-CAM"),
)


def course_map(here: int | None = None) -> plt.Figure:
    """Draw the four parts and their lessons; the lesson with number ``here`` is filled.

    Raises
    ------
    ValueError
        If ``here`` is the number of no lesson.
    """
    numbers = [lesson.number for lesson in LESSONS]
    if here is not None and here not in numbers:
        raise ValueError(f"There is no lesson {here}; lessons go from {numbers[0]} to {numbers[-1]}.")
    use_style()
    longest = max(sum(lesson.part == part for lesson in LESSONS) for part in range(1, 5))
    fig, axis = plt.subplots(figsize=(10.5, 0.5 * longest + 0.8))
    axis.set(xlim=(0, 4), ylim=(-longest - 0.05, 0.95))
    axis.set_axis_off()
    for part, name in enumerate(PARTS, start=1):
        left, colour = part - 1, COLOURS[part - 1]
        axis.text(left + 0.04, 0.35, f"{'I II III IV'.split()[part - 1]}. {name}", fontsize=11, fontweight="bold")
        for row, lesson in enumerate(lesson for lesson in LESSONS if lesson.part == part):
            chosen = lesson.number == here
            box = FancyBboxPatch(
                (left + 0.05, -row - 0.9),
                0.9,
                0.78,
                boxstyle="round,pad=0,rounding_size=0.04",
                linewidth=3 if chosen else 1.2,
                edgecolor=colour,
                facecolor=to_rgba(colour, 0.22) if chosen else "white",
            )
            axis.add_patch(box)
            # Bold letters are a tenth wider; the longest titles just fit as they are.
            text = {
                "verticalalignment": "center",
                **({"fontsize": 8, "fontweight": "bold"} if chosen else {"fontsize": 9}),
            }
            axis.text(left + 0.08, -row - 0.51, f"{lesson.number:02d}", **text)
            axis.text(left + 0.19, -row - 0.51, textwrap.fill(lesson.title, 26), linespacing=1.05, **text)
    return fig


def map_description(here: int | None = None) -> str:
    """Return the text alternative of :func:`course_map`."""
    parts = "; ".join(
        f"part {part}, {name}, lessons "
        f"{min(lesson.number for lesson in LESSONS if lesson.part == part)} to "
        f"{max(lesson.number for lesson in LESSONS if lesson.part == part)}"
        for part, name in enumerate(PARTS, start=1)
    )
    where = "" if here is None else f" You are in lesson {here}, {LESSONS[here - 1].title}."
    return f"Map of the course: {parts}.{where}"


def lesson_table(notebooks: Path | str = ".") -> str:
    """Return the lessons as a Markdown table; those present in the folder ``notebooks`` are links."""
    rows = ["| part | lesson |", "|---|---|"]
    for lesson in LESSONS:
        there = (Path(notebooks) / f"{lesson.name}.ipynb").is_file()
        title = f"[{lesson.title}]({lesson.name}.ipynb)" if there else lesson.title
        rows.append(f"| {PARTS[lesson.part - 1]} | {lesson.number:02d} {title} |")
    return "\n".join(rows)
