"""Drawings of lesson 02 show what they say."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.spectra import bar_rows, split_tree, wave_chart


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_wave_chart_marks_the_samples_of_each_wave():
    fig = wave_chart(8, (1, 3))
    for k, row in zip((1, 3), np.reshape(fig.axes, (2, 2))):
        waves = np.exp(2j * np.pi * k * np.arange(8) / 8)
        for axis, expected in zip(row, (waves.real, waves.imag)):
            np.testing.assert_allclose(axis.lines[1].get_ydata(), expected, atol=1e-12)


def test_split_tree_ends_in_bit_reversed_order():
    texts = [text.get_text() for text in split_tree(8).axes[0].texts]
    rows = [texts[start : start + 9] for start in range(0, 36, 9)]
    assert rows[0] == [*"01234567", "1 transform of 8"]
    assert rows[1] == [*"02461357", "2 transforms of 4"]
    assert rows[3] == [*"04261537", "8 transforms of 1"]


@pytest.mark.parametrize("n", [0, 1, 6])
def test_split_tree_refuses_what_it_cannot_halve(n):
    with pytest.raises(ValueError, match=f"power of two.*n={n}"):
        split_tree(n)


def test_bar_rows_marks_the_samples_asked_for():
    first, second = bar_rows({"a": np.ones(3), "b": np.array([1.0, 2.0, 3.0, 4.0])}, [(), (0, 2)]).axes
    assert len({bar.get_facecolor() for bar in first.patches}) == 1
    colours = [bar.get_facecolor() for bar in second.patches]
    assert colours[0] == colours[2] != colours[1] == colours[3]
    assert [bar.get_height() for bar in second.patches] == [1, 2, 3, 4]
