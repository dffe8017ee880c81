"""Plumbing of lesson 02: times that can be compared, and drawings that show what they say."""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.spectra import bar_rows, cpu_seconds, split_tree, wave_chart


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


class Clock:
    """A CPU clock that only the measured functions advance."""

    def __init__(self) -> None:
        self.now = 0.0

    def spend(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "process_time", lambda: clock.now)
    return clock


def test_cpu_seconds_returns_the_time_of_one_call(clock):
    seconds = cpu_seconds({"short": lambda: clock.spend(1e-4), "long": lambda: clock.spend(0.5)})
    assert seconds == pytest.approx({"short": 1e-4, "long": 0.5})


def test_cpu_seconds_calls_a_short_function_many_times_in_a_row(clock):
    calls = []

    def function():
        calls.append(1)
        clock.spend(1e-4)

    cpu_seconds({"f": function}, rounds=3, shortest=0.002)
    assert len(calls) == pytest.approx(2 + 3 * 20, abs=3)


def test_cpu_seconds_interleaves_the_functions_and_keeps_the_least(clock):
    order = []
    durations = iter([1, 1, 1, 1, 9, 5, 3, 2, 4, 7])  # first four: the uncounted call and the trial of each

    def function(name):
        def call():
            order.append(name)
            clock.spend(next(durations))

        return call

    assert cpu_seconds({"a": function("a"), "b": function("b")}, rounds=3) == {"a": 3, "b": 2}
    assert order[4:] == ["a", "b", "a", "b", "a", "b"]


def test_cpu_seconds_refuses_zero_rounds():
    with pytest.raises(ValueError, match="at least 1 round"):
        cpu_seconds({}, rounds=0)


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
