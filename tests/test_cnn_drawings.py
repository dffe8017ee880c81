import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from course_utils.cnn_drawings import SHEETS, epoch_curves, grouped_bars, kernel_grid, layer_diagram


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(axis) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_a_layer_diagram_names_each_tensor_and_draws_its_sheets_to_scale():
    axis = layer_diagram({"image": (1, 20, 10), "maps": (32, 10, 5), "logits": (2600,)}).axes[0]
    assert texts(axis) == ["image", "1 × 20 × 10", "maps", "32 × 10 × 5", "logits", "2,600"]
    sheets = [patch for patch in axis.patches if isinstance(patch, Rectangle)]
    assert len(sheets) == 1 + SHEETS + 1
    assert [(sheet.get_width(), sheet.get_height()) for sheet in sheets[:2]] == [(10, 20), (5, 10)]


def test_a_layer_diagram_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"'batch'.*\(8, 1, 4, 4\)"):
        layer_diagram({"batch": (8, 1, 4, 4)})
    with pytest.raises(ValueError, match="at least one image"):
        layer_diagram({"logits": (26,)})


def test_epoch_curves_count_epochs_from_one():
    fig = epoch_curves({"loss": {"train": [3, 2, 1], "test": [3, 3, 3]}, "accuracy": {"train": [0, 0.5, 1]}})
    loss, accuracy = fig.axes
    assert [line.get_label() for line in loss.lines] == ["train", "test"]
    assert loss.lines[0].get_xdata()[0] == 1 and list(loss.lines[0].get_ydata()) == [3, 2, 1]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")


def test_kernels_share_one_scale_that_is_white_at_zero():
    kernels = torch.zeros(10, 3, 3)
    kernels[4, 1, 1] = -2
    axes = [axis for axis in kernel_grid(kernels, columns=4).axes if axis.images]
    assert len(axes) == 10
    assert {axis.images[0].get_clim() for axis in axes} == {(-2, 2)}
    assert np.array_equal(axes[4].images[0].get_array(), kernels[4])
    with pytest.raises(ValueError, match="shape"):
        kernel_grid(kernels[:, None])


def test_grouped_bars_are_drawn_in_per_cent():
    axis = grouped_bars({"a": {"all": 0.5, "some": 0.25}, "b": {"all": 1.0, "some": 0.0}}, ylabel="accuracy (%)").axes[
        0
    ]
    heights = [[bar.get_height() for bar in bars] for bars in axis.containers]
    assert heights == [[50, 100], [25, 0]]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["a", "b"]
    assert axis.get_legend() is not None
