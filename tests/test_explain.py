"""Grad-CAM against numbers worked out by hand, against captum and grad-cam; and its scores."""

from __future__ import annotations

import pytest
import torch
import torchvision
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM as PackageGradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from course_utils.explain import GradCAM, area_above_half, energy_in_box, find_layer, pointing_game, randomised
from course_utils.models import VGG, EfficientNet, GoogLeNet, SweepNet


def small(**options) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(**options),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(**options),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 4),
    )


IMAGES = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_a_map_worked_out_by_hand():
    # Two maps, the image and its negative; the logits are 3 x the mean of the first, and 2 x that of the second.
    convolution, linear = nn.Conv2d(1, 2, 1, bias=False), nn.Linear(2, 2, bias=False)
    convolution.weight.data = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    linear.weight.data = torch.tensor([[3.0, 0.0], [0.0, 2.0]])
    model = nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
    image = torch.tensor([[[[1.0, 2.0], [-4.0, 0.0]]]])
    cam = GradCAM(model, convolution)
    # d logit 0 / d map 0 = 3 / 4 for each of the four pixels
    torch.testing.assert_close(cam.at_layer(image, 0), 0.75 * image[:, 0])
    torch.testing.assert_close(cam(image, 0), torch.tensor([[[0.5, 1.0], [0.0, 0.0]]]))
    torch.testing.assert_close(cam.at_layer(image, 1), -0.5 * image[:, 0])
    torch.testing.assert_close(cam(image, 1), torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]))


def architectures() -> dict:
    """Return name -> (function that builds the model, function from it to the layer, image size)."""
    tv = torchvision.models
    options = {"weights": None, "num_classes": 7}
    return {
        "AlexNet": (lambda: tv.alexnet(**options), lambda m: m.features[10], 95),  # a ReLU in place comes next
        "DenseNet-121": (lambda: tv.densenet121(**options), lambda m: m.features.norm5, 64),  # and here
        "ResNet-50": (lambda: tv.resnet50(**options), lambda m: m.layer4, 64),
        "ResNet-18, inside": (lambda: tv.resnet18(**options), lambda m: m.layer3[1].bn1, 64),  # and here
        "VGG-11": (lambda: tv.vgg11_bn(**options), lambda m: m.features[-2], 64),
        "EfficientNet-B0": (lambda: tv.efficientnet_b0(**options), lambda m: m.features[-1], 64),
        "our VGG": (lambda: VGG("A", 7, image_size=32, width=8), lambda m: m.cam_layer, 32),
        "our GoogLeNet": (lambda: GoogLeNet(7, image_size=64, width=16), lambda m: m.cam_layer, 64),
        "our EfficientNet": (lambda: EfficientNet("lite0", num_classes=7), lambda m: m.head, 64),
        "our sweep network": (lambda: SweepNet("double", 3, image_size=32), lambda m: m.cam_layer, 32),
    }


def large_ones_in_thorough(name: str):
    """VGG-11 has 130 million parameters; our own VGG, of the same kind, has few."""
    return pytest.param(name, marks=pytest.mark.thorough) if name == "VGG-11" else name


@pytest.mark.parametrize("name", [large_ones_in_thorough(name) for name in architectures()])
def test_agrees_with_captum(name):
    build, layer_of, size = architectures()[name]
    torch.manual_seed(0)
    model = build().eval()
    images, index = torch.randn(2, 3, size, size), torch.tensor([1, 2])
    ours = GradCAM(model, layer_of(model)).at_layer(images, index)
    theirs = LayerGradCam(model, layer_of(model)).attribute(images, target=index)[:, 0].detach()
    assert theirs.abs().max() > 0
    torch.testing.assert_close(ours / theirs.abs().max(), theirs / theirs.abs().max(), rtol=0, atol=1e-5)


def package_maps(model, layer, images, index):
    # Its hooks keep what a later operation in place has changed: only for layers that none follows.
    with PackageGradCAM(model=model, target_layers=[layer]) as cam:
        return torch.from_numpy(cam(input_tensor=images, targets=[ClassifierOutputTarget(i) for i in index.tolist()]))


@pytest.mark.parametrize(
    "name",
    [
        large_ones_in_thorough(name)
        for name in architectures()
        if name not in ("AlexNet", "DenseNet-121", "ResNet-18, inside")
    ],
)
def test_agrees_with_the_package_grad_cam(name):
    build, layer_of, size = architectures()[name]
    torch.manual_seed(0)
    model = build().eval()
    *_, classifier = (module for module in model.modules() if isinstance(module, nn.Linear))
    classifier.weight.data *= 1e8  # the package adds 1e-7 to what it divides by, and untrained maps are that small
    images, index = torch.randn(2, 3, size, size), torch.tensor([1, 2])
    ours = GradCAM(model, layer_of(model))(images, index)
    theirs = package_maps(model, layer_of(model), images, index)
    assert theirs.shape == ours.shape
    for own, other in zip(ours, theirs):  # the package also subtracts each map's smallest value
        if own.max() > 0:
            own = (own - own.min()) / (own.max() - own.min())
        torch.testing.assert_close(own, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("number", [0, 1, 4])
def test_operations_in_place_change_nothing(inplace, number):
    model, other = small(), small(inplace=inplace)
    expected = GradCAM(model, model[number]).at_layer(IMAGES, 2)
    torch.testing.assert_close(GradCAM(other, other[number]).at_layer(IMAGES, 2), expected)


def test_a_batch_gives_the_maps_of_its_images():
    cam = GradCAM(small())
    together = cam(IMAGES, torch.tensor([0, 3, 1]))
    alone = torch.cat([cam(image[None], index) for image, index in zip(IMAGES, (0, 3, 1))])
    torch.testing.assert_close(together, alone)


def test_maps_are_scaled_to_one_in_the_images_size():
    maps = GradCAM(small())(torch.randn(5, 3, 24, 40))
    assert maps.shape == (5, 24, 40) and maps.min() >= 0
    assert all(peak == 1 or peak == 0 for peak in maps.amax((1, 2)).tolist())
    assert not maps.requires_grad


def test_default_class_is_the_predicted_one():
    model = small().eval()
    cam = GradCAM(model)
    torch.testing.assert_close(cam(IMAGES), cam(IMAGES, model(IMAGES).argmax(1)))


def test_one_logit_speaks_for_two_classes():
    model = nn.Sequential(*small()[:-1], nn.Linear(32, 1))
    cam = GradCAM(model)
    torch.testing.assert_close(cam.at_layer(IMAGES, 0), -cam.at_layer(IMAGES, 1))
    expected = (model.eval()(IMAGES) > 0).long().squeeze(1)
    torch.testing.assert_close(cam(IMAGES), cam(IMAGES, expected))


def test_a_frozen_network_has_maps_too():
    model = small()
    expected = GradCAM(model)(IMAGES, 1)
    torch.testing.assert_close(GradCAM(model.requires_grad_(False))(IMAGES, 1), expected)
    with torch.no_grad():
        torch.testing.assert_close(GradCAM(model)(IMAGES, 1), expected)


def test_the_model_is_left_as_it_was():
    model = small().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    GradCAM(model)(IMAGES, 1)
    assert model.training and model[1].training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())


@pytest.mark.parametrize("layer", [None, 0])
def test_hooks_are_removed_after_an_error(layer):
    model = small()
    cam = GradCAM(model, None if layer is None else model[layer])
    with pytest.raises(RuntimeError):
        cam(torch.randn(1, 5, 16, 16))
    assert not any(module._forward_hooks for module in model.modules())
    assert model.training


def default_layers() -> dict:
    tv = torchvision.models
    return {
        "AlexNet": (lambda: tv.alexnet(), lambda m: m.features[11]),
        "VGG-11": (lambda: tv.vgg11_bn(), lambda m: m.features[27]),
        "DenseNet-121": (lambda: tv.densenet121(), lambda m: m.features),
        "ResNet-18": (lambda: tv.resnet18(), lambda m: m.layer4),
        "ResNet-152": (lambda: tv.resnet152(), lambda m: m.layer4),
        "EfficientNet-B0": (lambda: tv.efficientnet_b0(), lambda m: m.features),
        "GoogLeNet": (lambda: tv.googlenet(aux_logits=False, init_weights=False), lambda m: m.inception5b),
        "a Sequential": (small, lambda m: m[5]),
    }


@pytest.mark.parametrize("name", default_layers())
def test_default_layer_is_the_last_before_pooling(name):
    build, expected = default_layers()[name]
    if name == "a Sequential":
        model = build()
    else:
        with torch.device("meta"):  # no weights are needed to follow shapes
            model = build()
    image = torch.empty(1, 3, 224, 224, device="cpu" if name == "a Sequential" else "meta")
    assert find_layer(model, image) is expected(model)


def test_default_layer_of_our_networks_is_the_one_they_name():
    model = VGG("A", 3, image_size=32, width=4)
    assert find_layer(model, torch.zeros(1, 3, 32, 32)) is model.cam_layer
    model = EfficientNet("lite0", num_classes=2)
    assert find_layer(model, torch.zeros(1, 3, 64, 64)) is model.head


def test_errors_say_what_was_expected():
    model = small()
    with pytest.raises(ValueError, match="is not part of this Sequential"):
        GradCAM(model, nn.Conv2d(3, 6, 3))
    with pytest.raises(ValueError, match=r"images \(N, C, H, W\), got shape \(3, 16, 16\)"):
        GradCAM(model)(IMAGES[0])
    with pytest.raises(ValueError, match=r"from 0 to 3, got 4"):
        GradCAM(model)(IMAGES, 4)
    with pytest.raises(ValueError, match="an integer or 3 integers"):
        GradCAM(model)(IMAGES, torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"feature maps \(N, channels, h, w\); Linear gives \(3, 4\)"):
        GradCAM(model, model[-1])(IMAGES)
    with pytest.raises(ValueError, match="more than one pixel"):
        GradCAM(nn.Sequential(nn.Flatten(), nn.Linear(768, 2)))(IMAGES)

    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle, self.aside = small(), nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x):
            self.aside(x)
            return self.used(x)

    model = Unused()
    with pytest.raises(ValueError, match="was not used"):
        GradCAM(model, model.idle)(IMAGES)
    with pytest.raises(ValueError, match="do not depend on"):
        GradCAM(model, model.aside)(IMAGES)


def test_scores_of_maps_worked_out_by_hand():
    maps = torch.zeros(3, 4, 6)
    maps[0, 1, 2], maps[0, 3, 5] = 3, 1
    maps[1, 0, 0], maps[1, 2, 3], maps[1, 2, 4] = 1, 0.75, 0.25
    boxes = torch.tensor([[2, 1, 4, 3], [3, 2, 5, 3], [0, 0, 6, 4]])
    torch.testing.assert_close(energy_in_box(maps, boxes), torch.tensor([0.75, 0.5, 0.0]))
    assert pointing_game(maps, boxes).tolist() == [True, False, False]
    torch.testing.assert_close(area_above_half(maps), torch.tensor([1 / 24, 2 / 24, 0.0]))
    with pytest.raises(ValueError, match="one box a map"):
        energy_in_box(maps, boxes[:2])
    with pytest.raises(ValueError, match=r"\(N, H, W\)"):
        pointing_game(maps[0], boxes)


def test_boxes_may_be_fractions_of_pixels_and_reach_outside():
    maps = torch.ones(1, 4, 4)
    assert energy_in_box(maps, torch.tensor([[-3.0, -3.0, 2.4, 9.0]])).item() == pytest.approx(0.5)
    assert energy_in_box(maps, torch.tensor([[-3.0, -3.0, 2.6, 9.0]])).item() == pytest.approx(0.75)


def test_randomised_copies_and_draws_anew():
    model = small()
    state = torch.random.get_rng_state()
    first, again, other = randomised(model, 5), randomised(model, 5), randomised(model, 1)
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    assert not torch.equal(first[0].weight, model[0].weight)
    assert first[0].weight.std().item() == pytest.approx(model[0].weight.std().item(), rel=0.3)
