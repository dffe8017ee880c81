"""What lesson 11 writes out is right, and its claims fail when it is not."""

from __future__ import annotations

import math

import pytest
import torch
from lesson_code import code_by_section, few_vehicles, replaced, run, run_at_full_scale
from torch import nn

from course_utils.models import googlenet
from course_utils.multiply_adds import multiply_adds

PLAIN_LIST = "[right.branch1, right.branch2, right.branch3, right.branch4]"


@pytest.fixture(scope="module")
def sections() -> dict[int, str]:
    return code_by_section("11_googlenet")


@pytest.fixture(scope="module")
def lesson(sections) -> dict:
    """The lesson's names after section 4, with a seed that it does not use."""
    code = replaced(sections[0], "seed_everything(11)", "seed_everything(77)")
    return run(code + sections[1] + sections[2] + sections[3] + sections[4])


def test_the_rows_are_the_packages(lesson):
    packaged = {name: tuple(row) for stage in googlenet.STAGES for name, row in stage.items()}
    assert lesson["ROWS"] == packaged


def test_the_written_block_is_the_packages(lesson):
    row = (3, 5, 7, 2, 4, 6)
    written, packaged = lesson["Inception"](9, *row), googlenet.Inception(9, googlenet.Branches(*row))
    written.load_state_dict(dict(zip(written.state_dict(), packaged.state_dict().values(), strict=True)))
    x = torch.randn(2, 9, 6, 5)
    assert torch.allclose(written(x), packaged(x), atol=1e-6)


def test_the_price_per_pixel_is_what_a_counter_counts(lesson):
    direct, reduced = lesson["price"](12, 4, 10, 5)
    assert direct == multiply_adds(nn.Conv2d(12, 10, 5, padding=2), (12, 1, 1))
    assert reduced == multiply_adds(nn.Sequential(nn.Conv2d(12, 4, 1), nn.Conv2d(4, 10, 5, padding=2)), (12, 1, 1))


def test_the_whole_network_agrees_with_torchvision_for_other_weights(sections, lesson):
    run(sections[5], lesson)


@pytest.mark.parametrize(
    ("section", "old", "new", "claim"),
    [
        (1, "dim=1)", "dim=2)", "add up|Sizes of tensors"),
        (1, "nn.MaxPool2d(3, stride=1, padding=1)", "nn.MaxPool2d(3, stride=2, padding=1)", "Sizes of tensors"),
        (2, "before * reduce + reduce * after * k**2", "reduce * after * k**2", "saves 90 %|saves 42 %"),
        (3, '"4e": (256, 160, 320, 32, 128, 128)', '"4e": (256, 160, 320, 32, 128, 64)', "5a does not"),
        (4, PLAIN_LIST, f"nn.ModuleList({PLAIN_LIST})", "finds no parameter"),
        (5, 'GoogLeNet(variant="torchvision")', "GoogLeNet()", "as many parameters as torchvision"),
    ],
)
def test_a_mistake_fails_a_claim(sections, lesson, section, old, new, claim):
    code = replaced(sections[section], old, new)
    with pytest.raises((AssertionError, RuntimeError), match=claim):
        run(code, lesson)


def test_four_networks_train_at_full_scale_on_a_few_images(sections, tmp_path, monkeypatch):
    """256 x 256 pixels, all channels of GoogLeNet, one epoch instead of forty, two images a class.

    Full-sized VGG is trained by the tests of lesson 10; here it has a quarter of its channels.
    """
    changes = {
        'SOURCE = "embedded"': f"SOURCE = {few_vehicles(tmp_path / 'few', 2)!r}",
        "full=40": "full=1",
        "width=by_scale(laptop=8, full=64)": "width=16",
    }
    code = "".join(sections[number] for number in (0, 1, 2, 3, 4))
    code += sections[5].partition("blocks = [")[0] + sections[6] + sections[7]
    names = run_at_full_scale(code, tmp_path, monkeypatch, changes)
    assert names["images"].shape == (6, 3, 256, 256)
    for history in names["histories"].values():
        assert len(history) == 1 and math.isfinite(history.train_loss[0]) and math.isfinite(history.valid_loss[0])
    sizes = {name: names["parameters"](network) for name, network in names["networks"].items()}
    assert sizes["11 GoogLeNet"] == names["parameters"](googlenet.GoogLeNet()) - 997 * 1025
    assert sizes["07 first CNN"] == 3 * 32 * 49 + 32 + 64 + 32 * 83 * 83 * 3 + 3
    assert sizes["09 sweep, 4 blocks"] == 31_284 + 3 * 36 * 16 * 16 + 3
    lines = names["table"]([7, 9, 10, 11]).splitlines()
    assert len(lines) == 2 + len(sizes)
