import base64
import gc
import io
import re
import weakref

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch.nn import functional as F

from course_utils import explorer as module
from course_utils.explorer import ConvolutionExplorer
from course_utils.kernel_drawings import MET, MET_PADDING, PADDING, PIXEL, UNUSED


@pytest.fixture
def figures(monkeypatch):
    """Every figure that the explorer draws, the last one last."""
    drawn = []

    def input_figure(*arguments):
        drawn.append(module_input_figure(*arguments))
        return drawn[-1]

    module_input_figure = module.input_figure
    monkeypatch.setattr(module, "input_figure", input_figure)
    return drawn


def set_all(explorer: ConvolutionExplorer, k: int, s: int, p: int, d: int) -> None:
    for slider, value in zip(
        (explorer.kernel_size, explorer.stride, explorer.padding, explorer.dilation), (k, s, p, d)
    ):
        slider.value = value


def torch_sees(explorer: ConvolutionExplorer) -> tuple[np.ndarray, np.ndarray, int]:
    """What torch's gradients say: the padded pixels that the chosen output meets, those any output meets, the size."""
    k, s, p, d = (c.value for c in (explorer.kernel_size, explorer.stride, explorer.padding, explorer.dilation))
    padded = torch.zeros(1, 1, *(2 * [explorer.size + 2 * p]), requires_grad=True)
    output = F.conv2d(padded, torch.ones(1, 1, k, k), stride=s, dilation=d)[0, 0]
    (chosen,) = torch.autograd.grad(output[explorer.output], padded, retain_graph=True)
    (any_output,) = torch.autograd.grad(output.sum(), padded)
    return chosen[0, 0].numpy() != 0, any_output[0, 0].numpy() != 0, len(output)


def colours_shown(explorer: ConvolutionExplorer, figure: Figure) -> np.ndarray:
    """The colour of every cell in the picture that the browser gets, read beside the text in the cell's middle."""
    data = re.search(r"base64,([^\"]+)", explorer.picture.value)[1]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) / 255
    n, p = explorer.size, explorer.padding.value
    axis = figure.axes[0]
    colours = np.empty((n + 2 * p, n + 2 * p, 3))
    for row, column in np.ndindex(colours.shape[:2]):
        x, y = axis.transData.transform((column - p, row - p + 0.33))
        colours[row, column] = pixels[len(pixels) - 1 - round(y), round(x)]
    return colours


def assert_right(explorer: ConvolutionExplorer, figure: Figure) -> None:
    meets, used, size = torch_sees(explorer)
    inside = np.zeros_like(meets)
    p = explorer.padding.value
    inside[p : p + explorer.size, p : p + explorer.size] = True
    expected = np.where(used[..., None], PIXEL, UNUSED)
    expected[~inside] = PADDING
    expected[meets & inside], expected[meets & ~inside] = MET, MET_PADDING
    np.testing.assert_allclose(colours_shown(explorer, figure), expected, atol=0.01)
    assert f"<b>{size}</b>" in explorer.sentence.value
    assert f"<b>{size} × {size}</b> pixels" in explorer.sentence.value
    assert len(explorer.outputs.children) == size**2
    assert explorer.outputs.layout.grid_template_columns.startswith(f"repeat({size},")
    chosen = [index for index, b in enumerate(explorer.outputs.children) if b.style is explorer._chosen]
    assert chosen == [explorer.output[0] * size + explorer.output[1]]


@pytest.mark.parametrize(
    "setting",
    [(3, 1, 0, 1), (3, 2, 0, 1), (3, 4, 0, 1), (3, 1, 2, 1), (3, 1, 1, 3), (2, 2, 1, 2), (1, 4, 2, 1), (5, 3, 2, 2)],
)
def test_every_control_changes_picture_size_and_buttons_as_torch_says(figures, setting):
    explorer = ConvolutionExplorer(size=7)
    set_all(explorer, *setting)
    assert_right(explorer, figures[-1])
    last = explorer.outputs.children[-1]
    last.click()
    assert explorer.output == (explorer.setting.output_size - 1,) * 2
    assert_right(explorer, figures[-1])


def test_one_control_at_a_time_redraws(figures):
    explorer = ConvolutionExplorer()
    for slider, value in (
        (explorer.kernel_size, 2),
        (explorer.stride, 2),
        (explorer.padding, 1),
        (explorer.dilation, 2),
    ):
        drawn, before = len(figures), explorer.picture.value
        slider.value = value
        assert len(figures) == drawn + 1
        assert explorer.picture.value != before
        assert_right(explorer, figures[-1])


def test_pressing_a_button_moves_the_window_and_says_so_in_words(figures):
    explorer = ConvolutionExplorer(size=7)
    set_all(explorer, 3, 2, 1, 1)
    explorer.outputs.children[1 * 4 + 0].click()
    assert explorer.output == (1, 0)
    assert_right(explorer, figures[-1])
    alt = re.search(r'alt="([^"]+)"', explorer.picture.value)[1]
    assert "row 1, column 0 meets rows 1, 2, 3 and columns −1, 0, 1 of the input" in alt
    assert "padding 1" in alt


def test_a_chosen_output_that_is_gone_gives_way_to_the_nearest(figures):
    explorer = ConvolutionExplorer(size=7)
    explorer.choose(4, 2)
    explorer.stride.value = 2
    assert explorer.output == (2, 2)
    assert_right(explorer, figures[-1])
    explorer.stride.value = 1
    assert_right(explorer, figures[-1])


def test_an_impossible_setting_gives_a_sentence_and_the_next_possible_one_a_picture(figures, capfd):
    explorer = ConvolutionExplorer(size=7)
    set_all(explorer, 5, 1, 0, 3)
    assert explorer.setting is None
    assert "The kernel spans 13 samples, the padded input only 7." in explorer.sentence.value
    assert explorer.picture.value == ""
    assert explorer.outputs.children == ()
    assert explorer.children[-1].layout.display == "none"
    with pytest.raises(IndexError, match="no output pixel at row 0, column 0"):
        explorer.choose(0, 0)
    explorer.dilation.value = 1
    assert_right(explorer, figures[-1])
    assert explorer.children[-1].layout.display is None
    assert capfd.readouterr() == ("", "")


def test_all_settings_of_the_sliders_are_drawn_or_refused_as_torch_does():
    explorer = ConvolutionExplorer(size=7)
    explorer.choose = lambda row, column: None  # no pictures: sizes only
    for k in range(explorer.kernel_size.min, explorer.kernel_size.max + 1):
        for s, p, d in np.ndindex(4, 3, 3):
            set_all(explorer, k, s + 1, p, d + 1)
            try:
                size = F.conv2d(torch.zeros(1, 1, 7, 7), torch.zeros(1, 1, k, k), None, s + 1, p, d + 1).shape[-1]
            except RuntimeError:
                size = None
            assert (explorer.setting and explorer.setting.output_size) == size


@pytest.mark.parametrize("place", [(-1, 0), (0, 5), (5, 0)])
def test_an_output_outside_is_refused(place):
    with pytest.raises(IndexError, match=f"row {place[0]}, column {place[1]}"):
        ConvolutionExplorer(size=7).choose(*place)


def test_no_figure_stays_open(figures):
    before = plt.get_fignums()
    explorer = ConvolutionExplorer()
    for padding in (1, 2, 0, 1):
        explorer.padding.value = padding
    kept = [weakref.ref(figure) for figure in figures]
    figures.clear()
    gc.collect()
    assert len(kept) == 5
    assert [figure() for figure in kept] == [None] * 5
    assert plt.get_fignums() == before


def test_the_same_setting_gives_the_same_picture():
    first, second = ConvolutionExplorer(), ConvolutionExplorer()
    first.stride.value = 2
    first.stride.value = 1
    assert first.picture.value == second.picture.value
