"""The drawings of lesson 13 show the numbers that they are given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from course_utils.reuse_drawings import loops_chart, routes_chart, routes_diagram


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_route_is_a_row_of_boxes_and_what_is_trained_is_hatched():
    axis = routes_diagram({"one": [("image", False), ("head", True)], "two": [("image", False)]}).axes[0]
    boxes = [patch for patch in axis.patches if isinstance(patch, FancyBboxPatch)]
    arrows = [patch for patch in axis.patches if isinstance(patch, FancyArrowPatch)]
    assert [box.get_hatch() for box in boxes] == [None, "//", None] and len(arrows) == 1
    assert [text.get_text() for text in axis.texts] == ["one", "image", "head", "two", "image"]
    low, high = axis.get_xlim()
    assert all(low <= box.get_x() and box.get_x() + box.get_width() <= high for box in boxes)


def test_loops_are_drawn_over_each_other_and_their_cost_beside_them():
    loss, cost = loops_chart({"slow": [3.0, 2.0, 1.0], "cached": [3.0, 2.0, 1.5]}, {"slow": 20.0, "cached": 0.5}).axes
    slow, cached = loss.lines
    assert list(slow.get_xdata()) == [1, 2, 3] and list(cached.get_ydata()) == [3.0, 2.0, 1.5]
    assert slow.get_linewidth() > cached.get_linewidth() and slow.get_color() != cached.get_color()
    assert [bar.get_width() for bar in cost.patches] == [20.0, 0.5] and cost.get_xscale() == "log"
    assert {text.get_text() for text in cost.texts} == {"20 s", "0.5 s"}


def test_a_route_is_its_mean_and_the_band_its_range():
    axis = routes_chart({"head": {40: [0.9, 1.0], 10: [0.5, 0.7, 0.9]}, "scratch": {10: [0.5]}}).axes[0]
    head, scratch = axis.lines
    assert list(head.get_xdata()) == [10, 40] and list(head.get_ydata()) == pytest.approx([0.7, 0.95])
    assert head.get_linestyle() != scratch.get_linestyle() and head.get_marker() != scratch.get_marker()
    corners = axis.collections[0].get_paths()[0].vertices
    assert {round(float(y), 6) for x, y in corners if x == 10} == {0.5, 0.9}
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["10", "40"]
