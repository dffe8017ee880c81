"""VGG against torchvision: same weights in, same outputs, gradients and buffers."""

import pytest
import torch
import torchvision
from parity import assert_close
from torch import nn

from course_utils.models import VGG
from course_utils.models.vgg import CONFIGURATIONS

TORCHVISION = {"A": "vgg11", "B": "vgg13", "D": "vgg16", "E": "vgg19"}
LAYERS = {"A": 11, "B": 13, "C": 16, "D": 16, "E": 19}  # with weights, as the paper counts them
PARAMETERS = {"A": 132_868_840, "B": 133_053_736, "C": 133_647_400, "D": 138_365_992, "E": 143_678_248}
MILLIONS = {"A": 133, "B": 133, "C": 134, "D": 138, "E": 144}  # the paper's Table 2, without batch norm


def count(model):
    return sum(p.numel() for p in model.parameters())


def on_meta(configuration, **options):
    with torch.device("meta"):
        return VGG(configuration, **options)


def fill(model):
    """Give a network on the meta device memory and seeded values, which is faster than its initial weights."""
    generator = torch.Generator().manual_seed(3)
    model.to_empty(device="cpu")
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            scale = (2 / tensor[0].numel()) ** 0.5 if tensor.ndim > 1 else 0.3
            noise = torch.randn(min(tensor.numel(), 99_991), generator=generator) * scale
            repeats = -(-tensor.numel() // len(noise))
            offset = 1.0 if name.endswith("var") or (tensor.ndim == 1 and name.endswith("weight")) else 0.0
            tensor.copy_(noise.repeat(repeats)[: tensor.numel()].view(tensor.shape).clamp(-0.5, 0.5) + offset)
        else:
            tensor.zero_()
    return model


def results(model, images):
    """Logits, gradients of the images and of the parameters, of one pass, by name.

    In eval mode the two largest layers are left out: 500 MB, and no other code than in training mode.
    """
    wanted = {n: p for n, p in model.named_parameters() if model.training or p.numel() < 10_000_000}
    x = images.clone().requires_grad_()
    torch.manual_seed(7)  # the same dropout
    logits = model(x)
    gradients = torch.autograd.grad(logits.square().mean(), [x, *wanted.values()])
    return {"logits": logits.detach()} | dict(zip(["gradient of the input", *wanted], gradients))


def assert_parity(ours, theirs, images):
    mine, other = results(ours, images), results(theirs, images)
    # A bias that only the next batch norm sees has gradient zero, and rounding decides which zero: hence a floor.
    floor = 1e-4 * max(tensor.abs().max().item() for tensor in other.values() if tensor.numel() < 10_000_000)
    for what, a, b in zip(mine, mine.values(), other.values(), strict=True):
        assert_close(a, b, 1e-4, what, floor)
    for (what, a), b in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        assert_close(a.double(), b.double(), 1e-5, what, floor=1e-6)


# --- the table ---


@pytest.mark.parametrize("configuration", list(CONFIGURATIONS))
def test_layers_and_parameters_as_published(configuration):
    model = on_meta(configuration)
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in model.modules()) == LAYERS[configuration]
    assert count(model) == PARAMETERS[configuration]
    assert round(count(on_meta(configuration, batch_norm=False)) / 1e6) == MILLIONS[configuration]
    assert [tuple(m.weight.shape) for m in model.classifier if isinstance(m, nn.Linear)] == [
        (4096, 512 * 7 * 7),
        (4096, 4096),
        (1000, 4096),
    ]


def test_c_has_its_1x1_convolutions_at_the_end_of_the_last_three_stages():
    kernels = [[m.kernel_size[0] for m in stage if isinstance(m, nn.Conv2d)] for stage in on_meta("C").stages]
    assert kernels == [[3, 3], [3, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1]]


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("configuration, name", TORCHVISION.items())
def test_tensors_equal_torchvision_in_order_and_shape(configuration, name, batch_norm):
    ours = on_meta(configuration, batch_norm=batch_norm)
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name + "_bn" * batch_norm)
    assert count(ours) == count(theirs)
    assert [t.shape for t in ours.state_dict().values()] == [t.shape for t in theirs.state_dict().values()]
    assert [m.p for m in ours.modules() if isinstance(m, nn.Dropout)] == [
        m.p for m in theirs.modules() if isinstance(m, nn.Dropout)
    ]


# --- parity with torchvision ---


@pytest.mark.parametrize("configuration, name", TORCHVISION.items())
def test_parity_with_torchvision(configuration, name):
    ours = fill(on_meta(configuration))
    with torch.device("meta"):
        theirs = torchvision.models.get_model(f"{name}_bn")
    # The parameters share their memory, half a gigabyte; the buffers, which training changes, are copies.
    weights = {n: t if t.ndim > 1 else t.clone() for n, t in zip(theirs.state_dict(), ours.state_dict().values())}
    theirs.load_state_dict(weights, assign=True)
    images = torch.randn(2, 3, 40, 33, generator=torch.Generator().manual_seed(1))  # not square, not of their size
    for training in (False, True):
        assert_parity(ours.train(training), theirs.train(training), images)


def test_parity_without_batch_norm():
    ours = fill(on_meta("A", batch_norm=False, num_classes=5))
    with torch.device("meta"):
        theirs = torchvision.models.vgg11(num_classes=5)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values())), assign=True)
    images = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    assert_parity(ours.train(), theirs.train(), images)


# --- laptop scale ---


def test_width_and_image_size_scale_the_network():
    model = VGG("D", num_classes=3, image_size=64, width=16)
    channels = [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert channels == [16] * 2 + [32] * 2 + [64] * 3 + [128] * 6
    assert [tuple(m.weight.shape) for m in model.classifier if isinstance(m, nn.Linear)] == [
        (1024, 128 * 2 * 2),
        (1024, 1024),
        (3, 1024),
    ]
    assert (model.image_size, model.num_features) == (64, 512)


@torch.no_grad()
def test_features_pooled_and_forward_belong_together():
    torch.manual_seed(0)
    model = VGG("A", num_classes=4, image_size=64, width=8).eval()
    x = torch.randn(2, 3, 64, 64)
    seen = []
    with model.cam_layer.register_forward_hook(lambda m, i, out: seen.append(out)):
        maps = model.features(x)
    assert maps.shape == (2, 64, 2, 2)
    assert torch.equal(nn.functional.max_pool2d(seen[0], 2), maps)
    assert torch.equal(model.pooled(x), maps.flatten(1))
    assert torch.equal(model(x), model.classifier(model.pooled(x)))
    assert model(torch.randn(1, 3, 100, 70)).shape == (1, 4)


@torch.no_grad()
def test_the_signal_keeps_its_size_at_every_width():
    for width in (8, 64):
        torch.manual_seed(0)
        model = VGG("E", image_size=32, width=width, num_classes=1, batch_norm=False).eval()
        deviation = model.pooled(torch.randn(8, 3, 32, 32)).std().item()
        assert 0.1 < deviation < 10, width


@torch.no_grad()
def test_later_layers_do_not_change_what_a_hook_saw():
    model = VGG("A", num_classes=3, image_size=32, width=8).eval()
    seen = []
    layers = [m for m in model.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(lambda m, i, out: seen.append((out, out.clone()))) for m in layers]
    model(torch.randn(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(layers)
    assert all(torch.equal(now, then) for now, then in seen)


# --- errors ---


@pytest.mark.parametrize("configuration", ["a", "F", "vgg11", "", None, 16])
def test_unknown_configurations_are_listed(configuration):
    with pytest.raises(ValueError, match=r"Unknown VGG configuration .*A, B, C, D, E"):
        VGG(configuration)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_classes": 0}, "num_classes must be a positive integer, got 0"),
        ({"num_classes": True}, "num_classes must be a positive integer, got True"),
        ({"width": 1.5}, "width must be a positive integer, got 1.5"),
        ({"image_size": 31}, "image_size must be an integer of at least 32, got 31"),
    ],
)
def test_wrong_sizes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        VGG("A", **options)


@pytest.mark.parametrize(
    "x, message",
    [
        (torch.zeros(3, 64, 64), r"VGG expected images of shape \(N, 3, H, W\), got \(3, 64, 64\).*x\[None\]"),
        (torch.zeros(2, 64, 64, 3), r"\(N, 3, H, W\), got \(2, 64, 64, 3\)"),
        (torch.zeros(2, 3, 64, 64, dtype=torch.uint8), "floating-point images, got torch.uint8"),
        (torch.zeros(2, 3, 64, 31), "at least 32 x 32 pixels, got 64 x 31"),
    ],
)
def test_wrong_images_are_named(x, message):
    with pytest.raises(ValueError, match=message):
        VGG("A", num_classes=3, image_size=32, width=8)(x)
