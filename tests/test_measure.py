import time

import pytest
import torch

from course_utils.measure import cpu_seconds, peak_bytes


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


def test_cpu_seconds_computes_on_one_thread_and_gives_the_others_back():
    threads, seen = torch.get_num_threads(), set()
    torch.set_num_threads(2)
    try:
        cpu_seconds({"f": lambda: seen.add(torch.get_num_threads())}, rounds=1)
        assert seen == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_cpu_seconds_refuses_zero_rounds():
    with pytest.raises(ValueError, match="at least 1 round"):
        cpu_seconds({}, rounds=0)


def test_peak_counts_temporaries_that_exist_together():
    x = torch.ones(100_000)

    def two_at_a_time():
        y = x + 1  # 400 kB
        y = y + 1  # beside it another 400 kB, then the first is released
        y = y + 1
        return y.sum()

    assert 800_000 <= peak_bytes(two_at_a_time) < 810_000


def test_peak_counts_blocks_inside_an_operation():
    # One operation for its caller; within it, PyTorch lays the columns of all patches out: 100 numbers for each output.
    x, weight = torch.ones(1, 1, 64, 64, dtype=torch.float64), torch.ones(1, 1, 10, 10, dtype=torch.float64)
    outputs = 55 * 55 * 8
    assert peak_bytes(lambda: torch.nn.functional.conv2d(x, weight)) >= 100 * outputs


def test_peak_does_not_count_what_existed_before():
    x = torch.ones(1_000_000)
    assert peak_bytes(lambda: x.sum()) < 1_000


def test_peak_writes_nothing(capfd):
    peak_bytes(lambda: torch.ones(3))
    assert capfd.readouterr() == ("", "")
