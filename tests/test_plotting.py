import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import plotting

ALT = "A straight line that rises from zero to one."


def displayed(monkeypatch) -> list[dict]:
    shown = []
    monkeypatch.setattr(plotting, "display", lambda bundle, raw: shown.append(bundle))
    return shown


def line_figure():
    fig, axis = plt.subplots()
    axis.plot([0, 1], [0, 1])
    return fig


def test_show_carries_alt_text_and_caption_escaped_and_closes_the_figure(monkeypatch):
    shown = displayed(monkeypatch)
    before = plt.get_fignums()
    plotting.show(line_figure(), alt='A line that rises from "0" to 1 <steadily>.', caption="Note a < b.")
    html = shown[0]["text/html"]
    assert 'alt="A line that rises from &quot;0&quot; to 1 &lt;steadily&gt;."' in html
    assert "<figcaption>Note a &lt; b.</figcaption>" in html
    assert shown[0]["text/plain"].startswith("Figure: A line")
    assert plt.get_fignums() == before


@pytest.mark.parametrize("alt", ["", "   ", "a plot", None])
def test_a_figure_without_a_description_is_refused(monkeypatch, alt):
    shown = displayed(monkeypatch)
    with pytest.raises(ValueError, match="alt text of at least 20 characters"):
        plotting.show(line_figure(), alt=alt)
    assert shown == []
    plt.close("all")


def test_the_same_figure_gives_the_same_bytes(monkeypatch):
    shown = displayed(monkeypatch)
    plotting.show(line_figure(), alt=ALT)
    plotting.show(line_figure(), alt=ALT)
    assert shown[0] == shown[1]
    encoded = re.search(r"base64,([^\"]+)", shown[0]["text/html"])[1]
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).format == "PNG"


def test_photographs_are_stored_as_webp_with_their_colours(monkeypatch):
    shown = displayed(monkeypatch)
    photo = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    plotting.show(plotting.image_grid([photo], columns=1, cell=4), alt="Coloured noise, 128 by 128 pixels.")
    encoded = re.search(r"base64,([^\"]+)", shown[0]["text/html"])[1]
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert image.format == "WEBP" and image.mode == "RGB"
    assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 10_000


def test_gif_is_shown_as_such_and_other_bytes_are_refused(monkeypatch):
    shown = displayed(monkeypatch)
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, format="GIF")
    plotting.show_gif(buffer.getvalue(), alt="A black square that does not move.")
    assert "data:image/gif;base64," in shown[0]["text/html"]
    with pytest.raises(ValueError, match="bytes of a GIF"):
        plotting.show_gif(b"\x89PNG....", alt=ALT)


@pytest.mark.parametrize(
    "image, shape",
    [
        (np.zeros((5, 6), np.uint8), (5, 6)),
        (np.zeros((5, 6, 3), np.uint8), (5, 6, 3)),
        (torch.zeros(3, 5, 6), (5, 6, 3)),
        (torch.zeros(1, 5, 6), (5, 6)),
        (Image.new("RGB", (6, 5)), (5, 6, 3)),
        (torch.zeros(5, 6, requires_grad=True), (5, 6)),
    ],
)
def test_every_image_layout_becomes_height_width_channels(image, shape):
    assert plotting.as_picture(image).shape == shape


@pytest.mark.parametrize("shape", [(4,), (2, 5, 6), (1, 3, 5, 6)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="Expected an image of shape"):
        plotting.as_picture(np.zeros(shape))


def test_grid_draws_every_image_title_and_box():
    images = [np.zeros((8, 10), np.uint8)] * 5
    fig = plotting.image_grid(images, ["a", "b", "c", "d", "e"], columns=3, boxes=[[(1, 1, 4, 5)]] * 5)
    assert len(fig.axes) == 6
    assert [axis.get_title() for axis in fig.axes[:5]] == ["a", "b", "c", "d", "e"]
    assert all(len(axis.patches) == 1 for axis in fig.axes[:5])
    plt.close(fig)
    with pytest.raises(ValueError, match="no images"):
        plotting.image_grid([])


def test_confusion_heatmap_labels_its_axes_and_checks_its_shape():
    fig = plotting.confusion_heatmap([[5, 1], [2, 4]], ["angry", "happy"])
    axis = fig.axes[0]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted class", "true class")
    assert [text.get_text() for text in axis.texts] == ["5", "1", "2", "4"]
    plt.close(fig)
    with pytest.raises(ValueError, match=r"Expected a 2 x 2 matrix .* got shape \(3, 3\)"):
        plotting.confusion_heatmap(np.eye(3, dtype=int), ["angry", "happy"])


def test_colours_differ_for_the_three_common_colour_vision_deficiencies():
    # Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
    simulations = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }
    from matplotlib.colors import to_rgb
    from skimage.color import rgb2lab

    colours = np.array([to_rgb(colour) for colour in plotting.COLOURS])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    for name, matrix in simulations.items():
        seen = np.clip(linear @ np.array(matrix).T, 0, 1)
        seen = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
        lab = rgb2lab(seen[None])[0]
        distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1) + 1e9 * np.eye(len(lab))
        assert distances.min() > 9, (name, distances.min())


def test_grey_photographs_keep_every_shade(monkeypatch):
    shown = displayed(monkeypatch)
    ramp = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    plotting.show(plotting.image_grid([ramp], columns=1, cell=4), alt="A ramp from black on the left to white.")
    encoded = re.search(r"base64,([^\"]+)", shown[0]["text/html"])[1]
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L"))
    assert len(np.unique(image)) > 200
