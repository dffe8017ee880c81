"""Lesson 09's twelve networks: channels written out, parameters by formula and by torch."""

import pytest
import torch
from torch import nn

from course_utils.models import SweepNet
from course_utils.models.sweep import GROWTH, channel_sequence

CHANNELS = {
    "add": [16, 29, 42, 55],
    "double": [6, 12, 24, 36],
    "triple": [9, 27, 81, 94],
}
# At 64 x 64 pixels and 3 classes, by the number of blocks.
PARAMETERS = {
    "add": [50_403, 35_210, 51_578, 104_069],
    "double": [18_903, 11_523, 14_187, 33_015],
    "triple": [28_353, 27_597, 77_331, 256_923],
}
TWELVE = [(rule, blocks) for rule in CHANNELS for blocks in (1, 2, 3, 4)]


@pytest.mark.parametrize("rule, blocks", TWELVE)
def test_channels_and_parameters(rule, blocks):
    model = SweepNet(rule, blocks)
    assert channel_sequence(rule, blocks) == model.channels == CHANNELS[rule][:blocks]
    assert [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)] == model.channels

    formula, before = 0, 3
    for after in CHANNELS[rule][:blocks]:
        formula += after * before * 5 * 5 + after  # convolution
        formula += 2 * after  # batch norm
        before = after
    side = 64 // 2**blocks
    formula += before * side * side * 3 + 3
    by_torch = sum(p.numel() for p in model.parameters())
    assert by_torch == formula == PARAMETERS[rule][blocks - 1]


def test_there_are_three_rules_and_twelve_networks():
    assert list(GROWTH) == list(CHANNELS)
    assert len(TWELVE) == 12


def test_the_rules_change_pace_where_they_should():
    double, triple = GROWTH["double"], GROWTH["triple"]
    assert (double(19), double(20), double(21)) == (38, 30, 31)
    assert (triple(49), triple(50), triple(81)) == (147, 58, 94)


def test_a_block_is_conv_relu_norm_pool():
    model = SweepNet("add", 2, image_size=20, num_classes=4)
    assert [[type(m) for m in stage] for stage in model.stages] == [
        [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.MaxPool2d]
    ] * 2
    conv = model.stages[0][0]
    assert (conv.kernel_size, conv.padding, conv.stride) == ((5, 5), (2, 2), (1, 1))


@torch.no_grad()
@pytest.mark.parametrize("image_size, side", [(64, 8), (100, 12), (9, 1)])
def test_features_pooled_and_forward_belong_together(image_size, side):
    torch.manual_seed(0)
    model = SweepNet("double", 3, image_size=image_size, num_classes=2).eval()
    x = torch.randn(2, 3, image_size, image_size)
    seen = []
    with model.cam_layer.register_forward_hook(lambda m, i, out: seen.append(out)):
        maps = model.features(x)
    assert torch.equal(nn.functional.max_pool2d(seen[0], 2), maps)
    assert maps.shape == (2, 24, side, side)
    assert model.num_features == 24 * side * side
    assert torch.equal(model.pooled(x), maps.flatten(1))
    assert torch.equal(model(x), model.classifier(model.pooled(x)))


@pytest.mark.parametrize("rule", ["", "Add", "c+13", None])
def test_unknown_rules_are_listed(rule):
    with pytest.raises(ValueError, match="Unknown growth rule .*add, double, triple"):
        SweepNet(rule, 2)


@pytest.mark.parametrize(
    "blocks, options, message",
    [
        (0, {}, "blocks must be a positive integer, got 0"),
        (5, {}, "blocks must be from 1 to 4, got 5"),
        (3, {"image_size": 7}, "image_size must be an integer of at least 8, got 7"),
        (1, {"num_classes": 0}, "num_classes must be a positive integer, got 0"),
    ],
)
def test_wrong_sizes_are_named(blocks, options, message):
    with pytest.raises(ValueError, match=message):
        SweepNet("add", blocks, **options)


@pytest.mark.parametrize(
    "x, message",
    [
        (torch.zeros(3, 64, 64), r"SweepNet expected images of shape \(N, 3, H, W\), got \(3, 64, 64\).*x\[None\]"),
        (torch.zeros(1, 3, 64, 32), "built for images of 64 x 64 pixels, got 64 x 32"),
        (torch.zeros(1, 3, 2, 2), "at least 4 x 4 pixels, got 2 x 2"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "floating-point images, got torch.uint8"),
    ],
)
def test_wrong_images_are_named(x, message):
    with pytest.raises(ValueError, match=message):
        SweepNet("add", 2)(x)
