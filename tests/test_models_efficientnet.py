"""EfficientNet against torchvision (B0-B7) and timm (Lite): same weights in, same outputs, gradients and buffers."""

import math

import pytest
import skimage.data
import timm
import torch
import torchvision
from parity import assert_close, randomise_batch_norms
from torch import nn

from course_utils.models import EfficientNet, load_pretrained
from course_utils.models.efficientnet import (
    ALPHA,
    BETA,
    GAMMA,
    VARIANTS,
    SamePadConv2d,
    StochasticDepth,
    compound_scaling,
    scale_channels,
    scale_layers,
)

B_VARIANTS = [name for name, spec in VARIANTS.items() if not spec.lite]
LITE_VARIANTS = [name for name, spec in VARIANTS.items() if spec.lite]
PARAMETERS = {
    "b0": 5_288_548,
    "b1": 7_794_184,
    "b2": 9_109_994,
    "b3": 12_233_232,
    "b4": 19_341_616,
    "b5": 30_389_784,
    "b6": 43_040_704,
    "b7": 66_347_960,
}


def torchvision_model(variant, **options):
    return torchvision.models.get_model(f"efficientnet_{variant}", **options)


def assert_parity(ours, theirs, images, tolerance, *, compare_buffers):
    """One forward and backward pass through both; outputs, all gradients and, if asked, buffers must agree."""
    results = []
    for model in (ours, theirs):
        model.zero_grad()
        x = images.clone().requires_grad_()
        torch.manual_seed(7)  # the same dropout and stochastic depth
        logits = model(x)
        logits.square().mean().backward()
        results.append((logits.detach(), x.grad))
    assert_close(results[0][0], results[1][0], tolerance, "outputs")
    assert_close(results[0][1], results[1][1], tolerance, "gradient of the input")
    # A bias that only the next batch norm sees has gradient zero, and rounding decides which zero: hence a floor.
    floor = 1e-6 * max(p.grad.abs().max().item() for p in theirs.parameters())
    for (name, ours_p), (_, theirs_p) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert_close(ours_p.grad, theirs_p.grad, tolerance, f"gradient of {name}", floor)
    if compare_buffers:
        for (name, ours_b), (_, theirs_b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
            if not name.endswith("num_batches_tracked"):
                assert_close(ours_b, theirs_b, tolerance, name)


# --- the tables and the scaling rule ---


@pytest.mark.parametrize("variant, count", list(PARAMETERS.items()))
def test_parameters_and_drop_rates_equal_torchvision(variant, count):
    with torch.device("meta"):
        ours, theirs = EfficientNet(variant), torchvision_model(variant)
    assert sum(p.numel() for p in ours.parameters()) == count
    assert [p.shape for p in ours.parameters()] == [p.shape for p in theirs.parameters()]
    assert [b.shape for b in ours.buffers()] == [b.shape for b in theirs.buffers()]
    assert ours.dropout.p == theirs.classifier[0].p
    rates = [m.p for m in ours.modules() if isinstance(m, StochasticDepth)]
    assert rates == [m.p for m in theirs.modules() if isinstance(m, torchvision.ops.StochasticDepth)]


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_published_sizes_and_widths(variant):
    size, width = {
        "b0": (224, 1280),
        "b1": (240, 1280),
        "b2": (260, 1408),
        "b3": (300, 1536),
        "b4": (380, 1792),
        "b5": (456, 2048),
        "b6": (528, 2304),
        "b7": (600, 2560),
        "lite0": (224, 1280),
        "lite1": (240, 1280),
        "lite2": (260, 1280),
    }[variant]
    with torch.device("meta"):
        model = EfficientNet(variant, num_classes=5)
    assert (model.image_size, model.num_features) == (size, width)
    assert model.classifier.weight.shape == (5, width)
    assert len(model.stages) == 7


def test_channels_are_multiples_of_8_and_never_far_below():
    assert [scale_channels(c, 1.4) for c in (16, 24, 40, 80, 112, 192, 320)] == [24, 32, 56, 112, 160, 272, 448]
    assert scale_channels(2, 1.0) == 8
    assert scale_channels(11, 1.0) == 16  # 8 would be more than 10 % too few
    assert [scale_layers(n, 2.2) for n in (1, 2, 3, 4)] == [3, 5, 7, 9]


def test_compound_scaling_doubles_the_cost_and_leads_to_the_published_variants():
    assert compound_scaling(0) == (1, 1, 1)
    assert compound_scaling(1) == (ALPHA, BETA, GAMMA)
    depth, width, resolution = compound_scaling(3)
    assert 1.9**3 < depth * width**2 * resolution**2 < 2.1**3
    for phi, variant in zip((0, 0.5, 1, 2, 3.5, 4.8, 6, 7), B_VARIANTS):
        spec = VARIANTS[variant]
        published = (spec.depth, spec.width, spec.image_size / 224)
        assert compound_scaling(phi) == pytest.approx(published, rel=0.16), variant


# --- parity with torchvision ---


@pytest.mark.parametrize("variant", ["b0", "b5"])
def test_parity_with_torchvision(variant):
    torch.manual_seed(0)
    theirs = torchvision_model(variant, num_classes=10)
    randomise_batch_norms(theirs)
    with torch.device("meta"):
        ours = EfficientNet(variant, num_classes=10)
    ours.to_empty(device="cpu").load_by_order(theirs.state_dict())
    images = torch.randn(2, 3, 48, 48, dtype=torch.float64)
    for training in (False, True):
        for model in (ours, theirs):
            model.double().train(training)
        assert_parity(ours, theirs, images, 1e-9, compare_buffers=training)


def test_initial_weights_equal_torchvision():
    torch.manual_seed(4)
    ours = EfficientNet("b0", num_classes=3)
    torch.manual_seed(4)
    theirs = torchvision_model("b0", num_classes=3)
    for ours_p, theirs_p in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(ours_p, theirs_p)


# --- parity of Lite with timm ---


@pytest.fixture(scope="module")
def lite():
    """Per Lite variant: our network with the packaged weights, timm's with the same, chelsea preprocessed."""
    networks = {}
    for variant in LITE_VARIANTS:
        ours, preprocess = load_pretrained(f"efficientnet_{variant}")
        with torch.device("meta"):
            theirs = timm.create_model(f"tf_efficientnet_{variant}", pretrained=False)
        theirs.to_empty(device="cpu")
        state = dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True))
        theirs.load_state_dict(state)
        networks[variant] = ours, theirs.eval(), preprocess(skimage.data.chelsea())[None]
    return networks


@pytest.mark.parametrize("variant", LITE_VARIANTS)
def test_lite_agrees_with_timm_on_a_photograph(lite, variant):
    ours, theirs, image = lite[variant]
    assert_parity(ours, theirs, image, 1e-4, compare_buffers=False)
    with torch.no_grad():
        assert torch.allclose(ours(image).softmax(1), theirs(image).softmax(1), atol=1e-6)


def test_lite_agrees_with_timm_in_training(lite):
    ours, theirs, image = lite["lite0"]
    states = [{k: v.clone() for k, v in model.state_dict().items()} for model in (ours, theirs)]
    rates = {m: m.p for m in ours.modules() if isinstance(m, StochasticDepth | nn.Dropout)}
    try:
        for module in rates:
            module.p = 0.0  # timm's default
        for model in (ours, theirs):
            model.double().train()
        images = nn.functional.interpolate(image, size=(75, 90)).double()  # odd sizes: "SAME" padding matters most
        assert_parity(ours, theirs, torch.cat([images, images.flip(3)]), 1e-9, compare_buffers=True)
    finally:
        for module, p in rates.items():
            module.p = p
        for model, state in zip((ours, theirs), states):
            model.float().eval().load_state_dict(state)


def test_same_padding_puts_the_odd_pixel_right_and_below():
    conv = SamePadConv2d(1, 1, kernel_size=3, stride=2, bias=False)
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, 1, 1] = 1.0  # returns the pixel under the kernel's centre
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert conv(x)[0, 0].tolist() == [[5, 7], [13, 15]]
    assert conv(x[..., :3, :3])[0, 0].tolist() == [[0, 2], [8, 10]]
    for height, width in ((1, 1), (5, 8), (8, 5)):
        assert conv(torch.zeros(1, 1, height, width)).shape[2:] == (math.ceil(height / 2), math.ceil(width / 2))


def test_stochastic_depth_drops_whole_samples_and_keeps_the_mean():
    torch.manual_seed(0)
    layer = StochasticDepth(0.25)
    out = layer(torch.ones(4000, 2, 3, 3))
    per_sample = out.flatten(1)
    assert (per_sample == per_sample[:, :1]).all()
    assert per_sample[:, 0].unique().tolist() == pytest.approx([0, 1 / 0.75])
    assert out.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(layer.eval()(out), out)


# --- what a lesson uses ---


@pytest.fixture(scope="module")
def b0():
    torch.manual_seed(0)
    return EfficientNet("b0", num_classes=4).eval()


@pytest.mark.parametrize("height, width", [(64, 64), (65, 33), (1, 1), (100, 31)])
@torch.no_grad()
def test_features_pooled_and_forward_belong_together(b0, height, width):
    x = torch.randn(2, 3, height, width)
    maps = b0.features(x)
    assert maps.shape == (2, b0.num_features, math.ceil(height / 32), math.ceil(width / 32))
    assert torch.allclose(b0.pooled(x), maps.mean(dim=(2, 3)))
    assert torch.allclose(b0(x), b0.classifier(b0.pooled(x)))


@torch.no_grad()
def test_a_hook_on_each_part_sees_its_output(b0):
    shapes = []
    parts = [b0.stem, *b0.stages, b0.head]
    hooks = [
        part.register_forward_hook(lambda m, i, out: shapes.append((out.shape[1], out.shape[2]))) for part in parts
    ]
    b0(torch.zeros(1, 3, 224, 224))
    for hook in hooks:
        hook.remove()
    assert shapes == [
        (32, 112),
        (16, 112),
        (24, 56),
        (40, 28),
        (80, 14),
        (112, 14),
        (192, 7),
        (320, 7),
        (1280, 7),
    ]


@torch.no_grad()
def test_later_layers_do_not_change_what_a_hook_saw(b0):
    seen = []
    modules = [m for m in b0.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(lambda m, i, out: seen.append((out, out.clone()))) for m in modules]
    b0(torch.randn(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(modules) - 7  # stochastic depth does not run in the 7 blocks without a residual
    assert all(torch.equal(now, then) for now, then in seen)


# --- freezing ---


def test_b5_has_the_promised_counts_when_frozen():
    with torch.device("meta"):
        model = EfficientNet("b5", num_classes=2).freeze_backbone()
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    total = sum(p.numel() for p in model.parameters())
    assert (total, trainable, total - trainable) == (28_344_882, 4_098, 28_340_784)
    assert all(p.requires_grad for p in model.classifier.parameters())


def test_a_frozen_backbone_stands_still_in_training():
    torch.manual_seed(0)
    model = EfficientNet("lite0", num_classes=2)
    randomise_batch_norms(model)
    model.train()
    assert model.freeze_backbone() is model
    assert model.training and model.classifier.training and model.dropout.training
    model.eval()
    model.train()  # as each epoch of a training loop does
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.randn(4, 3, 48, 48)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    features = model.pooled(images)
    nn.functional.cross_entropy(model(images), torch.tensor([0, 1, 0, 1])).backward()
    optimizer.step()

    after = model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}
    assert torch.equal(features, model.eval().pooled(images))  # cached features are exact


def test_unfreezing_the_end_lets_only_the_end_move():
    torch.manual_seed(0)
    model = EfficientNet("lite0", num_classes=2).freeze_backbone()
    model.stages[-1].requires_grad_(True)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model(torch.randn(4, 3, 48, 48))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(before[name], value)}
    assert changed
    assert all(name.startswith("stages.6.") for name in changed)
    assert model.stages[-1][0].training and not model.stages[-2][0].training and not model.head.training


def test_an_unfrozen_network_trains_all_of_it():
    model = EfficientNet("lite0", num_classes=2).train()
    assert all(module.training for module in model.modules())
    assert not any(module.training for module in model.eval().modules())


# --- errors ---


@pytest.mark.parametrize("variant", ["B0", "b8", "efficientnet_b0", "", 0, None])
def test_unknown_variants_are_listed(variant):
    with pytest.raises(ValueError, match=r"Unknown EfficientNet variant .*b0, b1, .*lite2"):
        EfficientNet(variant)


@pytest.mark.parametrize("num_classes", [0, -1, 2.0, "2", True, None])
def test_num_classes_must_be_a_positive_integer(num_classes):
    with pytest.raises(ValueError, match="num_classes must be a positive integer"):
        EfficientNet("b0", num_classes=num_classes)


@pytest.mark.parametrize(
    "x, message",
    [
        (torch.zeros(3, 64, 64), r"expected images of shape \(N, 3, H, W\), got \(3, 64, 64\).*x\[None\]"),
        (torch.zeros(2, 1, 64, 64), r"\(N, 3, H, W\), got \(2, 1, 64, 64\)"),
        (torch.zeros(2, 64, 64, 3), r"\(N, 3, H, W\), got \(2, 64, 64, 3\)"),
        (torch.zeros(2, 3, 64, 64, dtype=torch.uint8), "floating-point images, got torch.uint8"),
    ],
)
def test_wrong_images_are_named(b0, x, message):
    with pytest.raises(ValueError, match=message):
        b0(x)


def test_a_state_dict_of_another_network_is_refused(b0):
    before = {name: value.clone() for name, value in b0.state_dict().items()}
    with torch.device("meta"):
        others = [EfficientNet("b0", num_classes=1000), EfficientNet("lite0", num_classes=4), EfficientNet("b1", 4)]
    messages = [
        r"expected classifier.weight of shape \(4, 1280\).*classifier.weight of shape \(1000, 1280\)",
        "has 311 tensors .* has 247",
        "has 311 tensors .* has 439",
    ]
    for other, message in zip(others, messages):
        with pytest.raises(ValueError, match=message):
            b0.load_by_order(other.state_dict())

    swapped = dict(b0.state_dict())
    swapped["stem.bn.weight"], swapped["stem.bn.bias"] = swapped["stem.bn.bias"] + 1, swapped["stem.bn.weight"]
    items = list(swapped.items())
    items[1], items[2] = items[2], items[1]  # same shapes, other roles
    with pytest.raises(ValueError, match=r"expected stem.bn.weight .* has stem.bn.bias"):
        b0.load_by_order(dict(items))
    assert all(torch.equal(before[name], value) for name, value in b0.state_dict().items())


def test_multipliers_of_ones_own_build_a_network_between_the_named_ones():
    with torch.device("meta"):
        named, same = EfficientNet("b1"), EfficientNet(VARIANTS["b1"])
        wider = EfficientNet(VARIANTS["b1"]._replace(width=1.5))
    shapes = [tuple(tensor.shape) for tensor in same.state_dict().values()]
    assert shapes == [tuple(tensor.shape) for tensor in named.state_dict().values()]
    assert wider.num_features == 1920 and len(wider.state_dict()) == len(shapes)
    with pytest.raises(ValueError, match="of width 1.5 and depth 1.1 expected stem.conv.weight"):
        wider.load_by_order(named.state_dict())
