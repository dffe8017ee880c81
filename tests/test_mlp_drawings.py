from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.mlp_drawings import (
    activation_chart,
    explained_variance_chart,
    gradient_chart,
    gradients_over_steps,
    learning_curves,
    seeds_chart,
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_shares_are_marked_at_the_first_component_that_reaches_them():
    axis = explained_variance_chart([0.5, 0.8, 0.95, 1.0], (0.5, 0.9)).axes[0]
    assert [line.get_xdata()[0] for line in axis.lines[1:]] == [1, 3]
    assert [text.get_text() for text in axis.texts] == ["0.5: 1", "0.9: 3"]


def test_the_derivatives_are_those_of_the_activations():
    left, right = activation_chart().axes
    for axis_line, slope_line in zip(left.lines, right.lines):
        z, value = axis_line.get_data()
        numeric, inside = np.gradient(value, z), abs(z) > 0.03  # ReLU has a kink at 0
        np.testing.assert_allclose(slope_line.get_ydata()[inside], numeric[inside], atol=5e-3)
    assert max(right.lines[0].get_ydata()) == pytest.approx(0.25)


def test_norms_of_networks_are_joined_by_their_geometric_mean():
    axis = gradient_chart({"a": {"ReLU": np.array([[1.0, 10.0], [100.0, 10.0]])}}, ylabel="norm").axes[0]
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [10, 10])
    band = axis.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1, 100)
    assert axis.get_yscale() == "log" and axis.get_title() == "a" and axis.get_ylabel() == "norm"


def test_gradients_have_a_line_for_each_layer_from_step_0():
    first, second = gradients_over_steps({"x": np.ones((3, 4)), "y": np.full((3, 4), 2.0)}, every=8).axes
    assert len(first.lines) == 4 and list(first.lines[0].get_xdata()) == [0, 8, 16]
    assert [text.get_text() for text in second.get_legend().get_texts()] == [f"layer {i}" for i in (1, 2, 3, 4)]


def test_curves_show_each_seed_and_the_mean():
    histories = [{"train": [0.0, 1.0], "test": [0.0, 0.4]}, {"train": [0.0, 0.5], "test": [0.0, 0.6]}]
    fig = learning_curves({"one": histories, "two": histories, "three": histories, "four": histories}, every=4)
    axis = fig.axes[0]
    assert [line.get_ydata()[-1] for line in axis.lines] == pytest.approx([1.0, 0.5, 0.75, 0.4, 0.6, 0.5])
    assert list(axis.lines[0].get_xdata()) == [0, 4]
    assert [a.get_title() for a in fig.axes if a.axison] == ["one", "two", "three", "four"]


def test_each_seed_is_a_dot_and_the_bar_ends_at_the_mean():
    axis = seeds_chart({"a": [0.2, 0.4], "b": [0.5]}).axes[0]
    assert [patch.get_width() for patch in axis.patches] == pytest.approx([0.3, 0.5])
    assert list(axis.lines[0].get_xdata()) == [0.2, 0.4]
    assert [text.get_text() for text in axis.texts] == ["30%", "50%"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
