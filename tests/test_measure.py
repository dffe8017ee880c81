import torch

from course_utils.measure import peak_bytes


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
