"""Drawings of lessons 10 and 11: they show the numbers that they were given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import network_drawings as drawings
from course_utils.models.vgg import CHANNELS, CONFIGURATIONS
from course_utils.training import History


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_box_for_each_convolution_and_a_bar_for_each_pool():
    axis = drawings.configuration_chart(CONFIGURATIONS, CHANNELS).axes[0]
    convolutions = sum(len(kernels) for stages in CONFIGURATIONS.values() for kernels in stages)
    assert len(axis.patches) == convolutions + 5 * 5
    assert texts(axis).count("1 × 1, 512") == 2 and texts(axis).count("1 × 1, 256") == 1
    assert {"A", "B", "C", "D", "E"} <= set(texts(axis))


def test_count_maps_write_each_number_but_zero():
    fig = drawings.count_maps({"left": np.array([[0, 2], [3, 4]]), "right": np.eye(3)})
    assert [texts(axis) for axis in fig.axes] == [["2", "3", "4"], ["1", "1", "1"]]
    assert [axis.get_title() for axis in fig.axes] == ["left", "right"]


def test_share_bars_are_shares():
    fig = drawings.share_bars({"x": {"a": 1, "b": 3}, "y": {"a": 8, "b": 0}})
    bars = fig.axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.25, 1.0, 0.75, 0.0]
    assert [bar.get_x() for bar in bars] == [0, 0, 0.25, 1.0]
    assert sorted(filter(None, texts(fig.axes[0]))) == ["100%", "25%", "75%"]


def test_history_grid_draws_four_curves_a_network():
    history = History([2.0, 1.0], [0.4, 0.6], [2.5, 1.5], [0.3, 0.5], seconds=[1, 1])
    fig = drawings.history_grid({"one": history, "two": history})
    loss, accuracy = fig.axes[0], fig.axes[2]
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[0.4, 0.6], [0.3, 0.5]]
    assert [axis.get_title() for axis in fig.axes[:2]] == ["one", "two"]


def test_interval_chart_draws_wilsons_interval():
    axis = drawings.interval_chart({"a": (57, 68)}).axes[0]
    assert list(axis.lines[0].get_xdata()) == pytest.approx([73.3, 90.7], abs=0.05)
    assert axis.lines[1].get_xdata()[0] == pytest.approx(100 * 57 / 68)


def test_inception_diagram_adds_up_the_branches():
    written = texts(drawings.inception_diagram(192, (64, 96, 128, 16, 32, 32)).axes[0])
    assert "output: 64 + 128 + 32 + 32 = 256 channels" in written
    assert "5 × 5\n32 channels" in written and "3 × 3 max pool\n192 channels" in written
    assert len(written) == 2 + 7


def test_paired_bars():
    axis = drawings.paired_bars(["p", "q"], {"u": [1, 2], "v": [3, 4]}, xlabel="x", ylabel="y").axes[0]
    assert [bar.get_height() for bar in axis.patches] == [1, 2, 3, 4]
    assert len({round(bar.get_x(), 6) for bar in axis.patches}) == 4
