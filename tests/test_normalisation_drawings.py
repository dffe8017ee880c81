from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.normalisation_drawings import (
    batch_size_chart,
    histogram_grid,
    shared_statistics,
    train_and_test_chart,
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_batch_norm_frames_a_column_and_layer_norm_a_row():
    batch, layer = shared_statistics(samples=6, features=8).axes
    assert [axis.get_title() for axis in (batch, layer)] == ["batch norm", "layer norm"]
    assert (batch.patches[-1].get_width(), batch.patches[-1].get_height()) == (1, 6)
    assert (layer.patches[-1].get_width(), layer.patches[-1].get_height()) == (8, 1)


def test_histograms_count_every_value_and_say_the_spread():
    values = {"one": [np.array([-9.0, 0.1, 0.1, 9.0]), np.zeros(3)], "two": [np.ones((2, 2)), np.ones(2)]}
    fig = histogram_grid(values, [["a", "b"], ["c", "d"]], xlabel="volts")
    assert [axis.patches[0].get_data().values.sum() for axis in fig.axes] == pytest.approx([100] * 4)
    assert fig.axes[0].patches[0].get_data().values[[0, -1]] == pytest.approx([25, 25])  # beyond the reach
    titles = [axis.get_title() for axis in fig.axes]
    assert titles == ["hidden layer 1\nσ = 6.36, a", "hidden layer 2\nσ = 0.00, b", "σ = 0.00, c", "σ = 0.00, d"]
    assert fig.axes[2].get_ylabel().startswith("two") and fig.axes[2].get_xlabel() == "volts"


def test_seeds_are_dots_and_the_mean_is_a_bar():
    axis = train_and_test_chart({"plain": ([1.0, 1.0], [0.5, 0.6]), "better": ([0.9, 0.9], [0.7, 0.8])}).axes[0]
    train, train_mean, test, test_mean = axis.lines[4:8]
    assert list(test.get_xdata()) == [70, 80] and list(test_mean.get_xdata()) == [75, 75]
    assert list(train.get_xdata()) == [90, 90] and list(train_mean.get_xdata()) == [90, 90]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["plain", "better"]


def test_batch_sizes_are_spaced_by_powers_of_two_with_the_mean_of_the_seeds_as_a_line():
    axis = batch_size_chart({"one": [[1, 3], [4, 4]]}, [2, 8], ylabel="volts", level=("chance", 0.5)).axes[0]
    mean, *seeds, level = axis.lines
    assert list(mean.get_ydata()) == [2, 4] and [list(line.get_ydata()) for line in seeds] == [[1, 4], [3, 4]]
    assert list(level.get_ydata()) == [0.5, 0.5] and axis.texts[0].get_text() == "chance"
    assert axis.get_xscale() == "log" and [tick.get_text() for tick in axis.get_xticklabels()] == ["2", "8"]
    assert axis.get_ylim()[0] <= 0 and axis.get_ylabel() == "volts"
