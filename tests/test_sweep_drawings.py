from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.plotting import COLOURS
from course_utils.sweep_drawings import history_panels, parameter_bars, rate_chart, seed_dots
from course_utils.training import History


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def history(start: float) -> History:
    return History([start, start / 2], [0.5, 0.6], [start + 1, start + 2], [0.4, 0.45], [1e-3, 1e-3], [1.0, 1.0])


def test_histories_are_a_column_for_each_group_and_a_colour_for_each_name():
    runs = {"shallow": history(1.0), "deep": history(3.0)}
    fig = history_panels({"slow": runs, "fast": runs})
    loss, other_loss, accuracy, _ = fig.axes
    assert [axis.get_title() for axis in fig.axes] == ["slow", "fast", "", ""]
    train, valid, deep_train, deep_valid = loss.lines
    assert list(train.get_xdata()) == [1, 2] and list(train.get_ydata()) == [1.0, 0.5]
    assert list(valid.get_ydata()) == [2.0, 3.0] and list(deep_valid.get_ydata()) == [4.0, 5.0]
    assert train.get_color() == valid.get_color() != deep_train.get_color()
    assert train.get_linestyle() != valid.get_linestyle()
    assert list(accuracy.lines[1].get_ydata()) == [0.4, 0.45]
    assert loss.get_ylim() == other_loss.get_ylim() and loss.get_yscale() == "log"
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["shallow", "deep", "training", "validation"]


def test_bars_stack_the_linear_layer_on_the_blocks():
    fig = parameter_bars({"small": {"a": (10, 5), "b": (20, 7)}, "large": {"a": (10, 50), "b": (20, 70)}})
    small, large = fig.axes
    assert [bar.get_width() for bar in large.patches] == [10, 20, 50, 70]
    assert [bar.get_x() for bar in large.patches] == [0, 0, 10, 20]
    assert [label.get_text() for label in small.get_yticklabels()] == ["a", "b"]
    assert small.get_ylim()[0] > small.get_ylim()[1]  # the first network is at the top


def test_seeds_are_dots_and_their_mean_is_a_bar():
    fig = seed_dots(
        {"recall": {"plain": [0.1, 0.3], "weighted": [0.6, 0.8]}, "accuracy": {"plain": [0.9], "weighted": [0.8]}}
    )
    recall, accuracy = fig.axes
    dots, mean, _, weighted_mean = recall.lines
    assert list(dots.get_xdata()) == [0.1, 0.3] and list(mean.get_xdata()) == [pytest.approx(0.2)]
    assert list(weighted_mean.get_xdata()) == [pytest.approx(0.7)] and list(weighted_mean.get_ydata()) == [1]
    assert [label.get_text() for label in recall.get_yticklabels()] == ["plain", "weighted"]
    assert accuracy.get_title() == "accuracy"


def test_rates_are_sorted_and_the_planned_one_is_filled():
    axis = rate_chart({"deep": {1e-2: 0.5, 1e-4: 0.7}, "shallow": {1e-4: 0.6, 1e-2: 0.4}}, [1e-2, 1e-4]).axes[0]
    deep, deep_planned, _, shallow_planned = axis.lines
    assert np.allclose(deep.get_xdata(), [1e-4, 1e-2]) and list(deep.get_ydata()) == [0.7, 0.5]
    assert (deep_planned.get_xdata()[0], deep_planned.get_ydata()[0]) == (1e-2, 0.5)
    assert (shallow_planned.get_xdata()[0], shallow_planned.get_ydata()[0]) == (1e-4, 0.6)
    assert (deep.get_markerfacecolor(), deep_planned.get_markerfacecolor()) == ("white", COLOURS[0])
    assert axis.get_xscale() == "log"
