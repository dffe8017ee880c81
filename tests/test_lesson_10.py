"""What lesson 10 writes out is right, and its claims fail when it is not; training is shortened."""

from __future__ import annotations

import math

import pytest
import torch
from lesson_code import code_by_section, few_vehicles, replaced, run, run_at_full_scale
from torch import nn

from course_utils.models import VGG
from course_utils.models.vgg import CHANNELS, CONFIGURATIONS
from course_utils.multiply_adds import multiply_adds


@pytest.fixture(scope="module")
def sections() -> dict[int, str]:
    return code_by_section("10_vgg")


@pytest.fixture(scope="module")
def start(sections) -> dict:
    """The lesson's names after section 1, with a seed that it does not use."""
    return run(replaced(sections[0], "seed_everything(10)", "seed_everything(77)") + sections[1])


@pytest.fixture(scope="module")
def counted(sections, start) -> dict:
    """The lesson's names after section 2."""
    return run(sections[2], start)


def test_the_table_and_the_network_are_the_packages(start):
    assert (start["CONFIGURATIONS"], start["CHANNELS"]) == (CONFIGURATIONS, CHANNELS)
    with torch.device("meta"):
        written, packaged = start["vgg"]("C", classes=7), VGG("C", num_classes=7)
    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Linear, nn.Dropout)
    order = [[type(m) for m in net.modules() if isinstance(m, kinds)] for net in (written, packaged)]
    assert order[0] == order[1]


def test_the_written_counter_agrees_with_the_package_for_each_configuration(counted):
    for name, (written, packaged) in counted["pairs"].items():
        total = multiply_adds(packaged, (3, 224, 224))
        assert sum(counted["count_multiply_adds"](written).values()) == total, name


def test_ways_and_receptive_field_agree_for_any_stack(sections, counted):
    names = run(sections[4], counted)
    ways = names["ways"]([3, 5, 1, 3], size=15)
    assert (ways > 0).any(0).sum() == 1 + 2 + 4 + 0 + 2
    assert ways.sum() == (3 * 5 * 1 * 3) ** 2  # each kernel offers k * k ways on
    assert {n: names["receptive_field"](n) for n in "BC"} == {"B": 156, "C": 156}


@pytest.mark.parametrize(
    ("section", "old", "new", "claim"),
    [
        (1, '"C": ((3, 3), (3, 3), (3, 3, 1)', '"C": ((3, 3), (3, 3), (3, 1, 3)', "agree with the package"),
        (1, "nn.Linear(4096, 4096)", "nn.Linear(4096, 4000)", "agree with the package"),
        (
            2,
            "counts[layer] = output.numel() * layer.weight[0].numel()",
            "counts[layer] = output.numel()",
            "VGG-16 needs",
        ),
        (4, "size // 2].backward()", "size // 2 - 1].backward()", "same pixels|nine ways"),
        (4, "r, s = r + s, 2 * s", "r, s = r, 2 * s", "A's last map sees 150"),
        (4, "ways([3, 3]), ", "ways([3]), ", "same pixels"),
    ],
)
def test_a_mistake_fails_a_claim(sections, start, counted, section, old, new, claim):
    code = replaced(sections[section], old, new)
    names = {1: None, 2: start, 4: counted}[section]
    with pytest.raises((AssertionError, RuntimeError), match=claim):
        run((sections[0] if section == 1 else "") + code, names)


@pytest.mark.thorough
def test_vgg_a_trains_at_full_scale_on_a_few_images(sections, tmp_path, monkeypatch):
    """256 x 256 pixels, all channels, one epoch instead of forty: two images a class, and one of the five networks."""
    changes = {
        'SOURCE = "embedded"': f"SOURCE = {few_vehicles(tmp_path / 'few', 2)!r}",
        "full=40": "full=1",
        "for name in CONFIGURATIONS:\n    small[name]": "for name in 'A':\n    small[name]",
        'for name in "ABC"': "for name in 'A'",
        '[-1] for name in "AB"]': '[-1] for name in "A"]',
        'histories |= {name: trained(name) for name in "DE"}': "",
    }
    names = run_at_full_scale(sections[0] + sections[1] + sections[2] + sections[5], tmp_path, monkeypatch, changes)
    history, network = names["histories"]["A"], names["small"]["A"]
    assert len(history) == 1 and math.isfinite(history.train_loss[0]) and math.isfinite(history.valid_loss[0])
    assert names["images"].shape == (6, 3, 256, 256)
    assert [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)] == [64, 128, *[256] * 2, *[512] * 4]
    hidden = network.classifier[0]
    assert (hidden.in_features, hidden.out_features) == (512 * 8 * 8, 4096)
    with torch.device("meta"):
        published = VGG("A", num_classes=3)
    more = 512 * (8 * 8 - 7 * 7) * 4096  # the last map is 8 x 8 and not 7 x 7
    assert names["parameters"](network) == names["parameters"](published) + more == 160_241_411
    assert "VGG-A, 256 x 256, width 64" in (tmp_path / "results" / "10.json").read_text()


def test_batch_norm_is_compared_at_full_scale_on_a_few_images(sections, tmp_path, monkeypatch):
    """256 x 256 pixels, one epoch; VGG-E with an eighth of its channels, since it is trained twice."""
    changes = {
        'SOURCE = "embedded"': f"SOURCE = {few_vehicles(tmp_path / 'few', 2)!r}",
        "full=64)": "full=8)",
        "for name in CONFIGURATIONS:\n    small[name]": "for name in ():\n    small[name]",
        'for name in "ABC"': "for name in ()",
        'histories |= {name: trained(name) for name in "DE"}': "",
        "epochs=4": "epochs=1",
    }
    code = sections[0] + sections[1] + sections[2] + sections[5].partition("right = {")[0] + sections[6]
    names = run_at_full_scale(code, tmp_path, monkeypatch, changes)
    assert names["batch"].shape == (3, 3, 256, 256)
    assert all(math.isfinite(names["last_loss"][batch_norm]) for batch_norm in (True, False))
