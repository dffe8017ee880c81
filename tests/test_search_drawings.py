"""The drawings of lesson 12 show the numbers they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.search_drawings import (
    belief_and_improvement,
    belief_slices,
    best_so_far_chart,
    designs_chart,
    knobs_chart,
    optimism_chart,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def line(axis, label):
    return next(entry for entry in axis.get_lines() if entry.get_label() == label)


def test_designs_are_drawn_as_points_and_as_marks_on_both_axes():
    x, y = [0.001, 0.01, 0.1], [0.0, 0.3, 0.6]
    fig = designs_chart({"grid": (x, y), "random": (x[::-1], y)}, xlabel="rate", ylabel="dropout")
    assert [axis.get_title() for axis in fig.axes] == ["grid", "random"]
    points, below, beside = fig.axes[0].get_lines()
    assert points.get_xydata().tolist() == [list(pair) for pair in zip(x, y)]
    assert below.get_xdata().tolist() == x and beside.get_ydata().tolist() == y
    assert fig.axes[0].get_xscale() == "log"


def test_knobs_show_the_mean_of_each_eighth():
    values = np.arange(1.0, 17.0)[::-1]
    fig = knobs_chart({"width": values, "dropout": values - 1}, 10 * values, ylabel="error", log=["width"])
    trials, means = fig.axes[0].get_lines()
    assert len(trials.get_xdata()) == 16
    np.testing.assert_allclose(means.get_xdata(), np.arange(1.5, 16, 2))
    np.testing.assert_allclose(means.get_ydata(), 10 * np.arange(1.5, 16, 2))
    assert [axis.get_xscale() for axis in fig.axes] == ["log", "linear"]


def test_the_next_trial_is_marked_where_the_improvement_is_largest():
    grid = np.array([0.01, 0.1, 1.0])
    step = {"x": [0.1], "y": [5.0], "mean": [4.0, 5.0, 6.0], "deviation": [1.0, 0.0, 2.0], "improvement": [0.1, 0, 0.7]}
    fig = belief_and_improvement([step, step], grid, (grid, [4, 5, 6]), xlabel="rate", ylabel="error")
    assert len(fig.axes) == 4
    assert fig.axes[0].get_title() == "after 1 trials"
    for axis in (fig.axes[0], fig.axes[2]):
        assert axis.get_lines()[-1].get_xdata()[0] == 1.0
    band = fig.axes[0].collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (2.0, 10.0)


def test_best_so_far_draws_the_mean_and_counts_the_searches():
    curves = np.array([[9.0, 5.0, 5.0], [7.0, 7.0, 1.0]])
    fig = best_so_far_chart({"seen": {"random": curves}, "worth": {"random": curves + 1}}, ylabel="error")
    mean = line(fig.axes[0], "random (2 searches)")
    assert mean.get_xydata().tolist() == [[1, 8], [2, 6], [3, 3]]
    band = fig.axes[1].collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (2.0, 10.0)


def test_slices_show_prediction_measurements_and_where_they_are_cut():
    cut = {"x": [0.0, 0.5, 1.0], "mean": [1.0, 2.0, 3.0], "deviation": [0.5] * 3, "centre": 0.25}
    cut |= {"measured_x": [0.1, 0.9], "measured_y": [1.1, 2.8]}
    fig = belief_slices({"dropout": cut}, ylabel="error", log=[])
    (axis,) = fig.axes
    assert line(axis, "measured afterwards").get_xydata().tolist() == [[0.1, 1.1], [0.9, 2.8]]
    assert axis.get_lines()[-1].get_xdata() == [0.25, 0.25]
    band = axis.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.0, 4.0)


def test_optimism_is_the_area_between_the_two_errors():
    lines = {"validation error": [6.0, 5.0], "audit error": [6.0, 6.5]}
    fig = optimism_chart({"real": ([1, 24], lines)}, ylabel="error")
    (axis,) = fig.axes
    assert line(axis, "audit error").get_xydata().tolist() == [[1, 6.0], [24, 6.5]]
    corners = {tuple(vertex) for vertex in axis.collections[0].get_paths()[0].vertices}
    assert {(24.0, 5.0), (24.0, 6.5)} <= corners
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "24"]
