import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_utils.convolution import cross_correlate_direct
from course_utils.kernel_drawings import (
    COLOURS,
    EMPTY,
    MET,
    OUTPUT,
    PADDING,
    PIXEL,
    UNUSED,
    Setting,
    _tint,
    number_grids,
    ring_figure,
    settings_figure,
    sliding_figure,
    sliding_gif,
)

A = np.array([[0, 0.5, 0, 0], [0, 0.5, 0, 0], [0, 0.5, 0.5, 0.5], [0, 0.5, 0, 0]])
B = np.array([[0, 1], [0, 1]])


def cells(axis) -> np.ndarray:
    return np.asarray(axis.images[0].get_array())


def texts(axis) -> dict[tuple[float, float], str]:
    return {text.get_position(): text.get_text() for text in axis.texts}


def test_a_setting_names_the_input_pixels_of_an_output():
    assert list(Setting(7, 3).meets(2)) == [2, 3, 4]
    assert list(Setting(7, 3, stride=2, padding=1).meets(0)) == [-1, 0, 1]
    assert list(Setting(7, 3, stride=2, padding=1, dilation=2).meets(1)) == [1, 3, 5]
    assert list(Setting(7, 1, stride=4, dilation=3).meets(1)) == [4]
    with pytest.raises(ValueError, match="spans 9 samples, the padded input only 7"):
        Setting(7, 5, dilation=2)


def test_settings_are_drawn_with_their_windows_and_what_is_never_met():
    before = plt.get_fignums()
    fig = settings_figure([Setting(6, 3, stride=2), Setting(6, 3, padding=1)], ["one", "two"], [(0, 1), (0, 0)])
    assert plt.get_fignums() == before
    first, second, first_output, second_output = fig.axes
    assert first.get_title() == "one" and first_output.get_title() == "output 2 × 2"
    np.testing.assert_array_equal(cells(first)[:3, 2:5], np.full((3, 3, 3), MET))
    np.testing.assert_array_equal(cells(first)[5], np.full((6, 3), UNUSED))
    np.testing.assert_array_equal(cells(first)[:5, :2], np.full((5, 2, 3), PIXEL))
    assert texts(first)[4, 2] == "2,2"  # the kernel's last number, in input column 4, row 2
    np.testing.assert_array_equal(cells(first_output)[0, 1], MET)
    np.testing.assert_array_equal(cells(second)[-1], np.full((8, 3), PADDING))
    assert texts(second)[-1, -1] == "0,0" and texts(second)[6, 6] == "0"
    assert len(cells(second_output)) == 6
    sizes = {round(axis.get_window_extent().width / len(cells(axis)), 6) for axis in fig.axes}
    assert len(sizes) == 1  # all pixels equally large


def test_sliding_shows_products_and_the_sums_so_far():
    fig = sliding_figure(A, B, steps=[0, 3], stride=2)
    above, last_above, below, last_below = fig.axes
    assert texts(above)[1, 0] == "0.5·1" and texts(above)[2, 2] == "0.5"
    assert texts(last_above)[2, 2] == "0.5·0" and texts(last_above)[3, 3] == "0·1"
    assert texts(below) == {(0, 0): "1"}
    np.testing.assert_array_equal(cells(below)[1, 1], EMPTY)
    assert texts(last_below) == {(0, 0): "1", (1, 0): "0", (0, 1): "1", (1, 1): "0.5"}
    np.testing.assert_array_equal(cells(last_below)[0, 0], OUTPUT)
    np.testing.assert_array_equal(cells(last_below)[1, 1], MET)


def test_sliding_with_padding_and_a_rectangular_kernel_is_the_cross_correlation():
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(-3, 4, (4, 5)), rng.integers(-3, 4, (3, 2))
    expected = cross_correlate_direct(np.pad(image, 1), kernel)
    *_, output = sliding_figure(image, kernel, steps=[expected.size - 1], padding=1).axes
    assert texts(output) == {(x, y): f"{value:g}" for (y, x), value in np.ndenumerate(expected)}
    with pytest.raises(ValueError, match="spans 5 samples, the padded input only 4"):
        sliding_figure(image, np.ones((5, 5)), steps=[0])


def test_the_animation_has_a_frame_for_each_position_runs_on_and_is_small():
    data = sliding_gif(A, B, stride=2)
    gif = Image.open(io.BytesIO(data))
    assert gif.n_frames == 4 and gif.info["loop"] == 0
    assert len(data) < 100_000
    durations, frames = [], []
    for index in range(4):
        gif.seek(index)
        durations.append(gif.info["duration"])
        frames.append(np.asarray(gif.convert("RGB")))
    assert durations == [900, 900, 900, 3000]
    assert all((one != other).any() for one, other in zip(frames, frames[1:]))
    assert data == sliding_gif(A, B, stride=2)


def test_number_grids_mark_what_is_not_zero_or_the_groups_given():
    array = np.array([[0, 2], [-1.5, 0]])
    (axis,) = number_grids([array], ["a"]).axes
    assert texts(axis) == {(0, 0): "0", (1, 0): "2", (0, 1): "-1.5", (1, 1): "0"}
    np.testing.assert_array_equal(cells(axis), np.where(array[..., None] != 0, MET, EMPTY))
    (axis,) = number_grids([array], ["a"], groups=[np.array([[0, 0], [1, 2]])]).axes
    np.testing.assert_array_equal(cells(axis)[1, 1], _tint(COLOURS[2], 0.35))
    np.testing.assert_array_equal(cells(axis)[0, 0], cells(axis)[0, 1])


def test_the_ring_gives_each_met_sample_its_weight():
    x, kernel = np.array([3, 1, 0, 2, 5]), np.array([4, 2])
    linear, circular = np.convolve(x, kernel), np.array([22, 10, 2, 8, 24])
    ring, bars = ring_figure(x, kernel, linear, circular).axes
    written = [text.get_text() for text in ring.texts]
    assert written.count("·4") == 1 and written[written.index("·4") - 1] == "x[0]"
    assert written[written.index("·2") - 1] == "x[4]"
    assert "sum\ny[0] = 22" in written
    heights = [patch.get_height() for patch in bars.patches]
    assert heights == [*linear, *circular, linear[-1]]
