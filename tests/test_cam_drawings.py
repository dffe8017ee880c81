"""Drawings of lesson 17: they show the maps and numbers that they were given."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import cam_drawings as drawings


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


PICTURE = np.full((6, 8, 3), 90, np.uint8)


def test_heat_leaves_the_picture_grey_where_the_map_is_zero():
    colours = np.zeros((6, 8, 3), np.uint8)
    colours[..., 0] = 255
    assert np.allclose(drawings.heat(colours, np.zeros((6, 8))), 1 / 3)


def test_heat_grows_with_the_map_and_takes_any_kind_of_picture():
    cam = torch.zeros(6, 8)
    cam[2, 3], cam[2, 4] = 1, 0.3
    drawn = drawings.heat(PICTURE, cam)
    strength = np.abs(drawn - 90 / 255).sum(2)
    assert strength[2, 3] > strength[2, 4] > 0 and (strength > 0).sum() == 2
    assert drawn.min() >= 0 and drawn.max() <= 1
    for same in (torch.from_numpy(PICTURE).permute(2, 0, 1), torch.full((3, 6, 8), 90 / 255), Image.fromarray(PICTURE)):
        assert np.allclose(drawings.heat(same, cam), drawn)


def test_heat_wants_a_map_of_the_pictures_size():
    with pytest.raises(ValueError, match=r"shape \(8, 6\), the picture \(6, 8\)"):
        drawings.heat(PICTURE, np.zeros((8, 6)))


def test_the_grid_has_the_pictures_on_top_and_a_row_for_each_network():
    maps = {"one": np.zeros((3, 6, 8)), "two": np.ones((3, 6, 8))}
    boxes = torch.tensor([[0, 0, 8, 6], [1, 2, 4, 5], [2, 2, 3, 3]])
    fig = drawings.cam_grid([PICTURE] * 3, maps, boxes=boxes, titles=["a", "b", "c"])
    rows = np.array(fig.axes).reshape(3, 3)
    assert [row[0].get_ylabel() for row in rows] == ["picture", "one", "two"]
    assert [axis.get_title() for axis in rows[0]] == ["a", "b", "c"]
    for row in rows:
        frame = row[1].patches[0]
        assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0.5, 1.5), 3, 3)
    assert np.array_equal(rows[0, 0].images[0].get_array(), PICTURE)
    assert np.allclose(rows[2, 2].images[0].get_array(), drawings.heat(PICTURE, np.ones((6, 8))))


def test_the_animation_has_a_frame_for_each_picture():
    pictures = [np.full((6, 8, 3), value, np.uint8) for value in (0, 120, 240)]
    data = drawings.cam_gif(pictures, {"net": np.zeros((3, 6, 8))}, boxes=[(1, 1, 4, 4)] * 3, seconds=0.5)
    with Image.open(io.BytesIO(data)) as gif:
        assert (gif.format, gif.n_frames, gif.info["loop"]) == ("GIF", 3, 0)
        brightness = []
        for number in range(3):
            gif.seek(number)
            assert gif.info["duration"] == 500
            brightness.append(np.asarray(gif.convert("L"), dtype=float).mean())
    assert brightness[0] < brightness[1] < brightness[2]
    assert not plt.get_fignums()


def test_the_score_chart_draws_values_intervals_and_chance():
    scores = {"a": {"energy": (0.5, 0.4, 0.7), "hits": (0.1, 0.0, 0.2)}}
    scores["b"] = {"energy": (0.9, 0.8, 1.0), "hits": (0.3, 0.2, 0.4)}
    energy, hits = drawings.score_chart(scores, chance={"energy": 0.25}).axes
    assert (energy.get_title(), hits.get_title()) == ("energy", "hits")
    assert [label.get_text() for label in energy.get_yticklabels()] == ["a", "b"]
    lines = [list(line.get_xdata()) for line in energy.lines]
    assert lines == [[0.4, 0.7], [0.5], [0.8, 1.0], [0.9], [0.25, 0.25]]
    assert len(hits.lines) == 4
    assert energy.get_ylim()[0] > energy.get_ylim()[1]  # the first network is on top


def test_number_maps_write_each_number():
    fig = drawings.number_maps({"A": torch.tensor([[1.0, -3.0], [0.5, 0.0]]), "B": np.eye(2)})
    assert [[text.get_text() for text in axis.texts] for axis in fig.axes] == [
        ["1", "−3", "0.5", "0"],
        ["1", "0", "0", "1"],
    ]
    assert [axis.get_title() for axis in fig.axes] == ["A", "B"]
    assert [text.get_color() for text in fig.axes[0].texts] == ["black", "white", "black", "black"]
    first, second = (axis.images[0].get_clim() for axis in fig.axes)
    assert first == second and first[0] == -first[1]  # zero has the same colour in all
