"""GoogLeNet against torchvision: same weights in, same outputs, gradients and buffers."""

import pytest
import torch
import torchvision
from parity import assert_close, randomise_batch_norms
from torch import nn

from course_utils.models import GoogLeNet
from course_utils.models.googlenet import STAGES, Branches, Inception

PAPER = 7_005_832  # parameters with batch norm: 7,280 more than the 6,998,552 of the published network
TORCHVISION = 6_624_904


def count(model):
    return sum(p.numel() for p in model.parameters())


def on_meta(**options):
    with torch.device("meta"):
        return GoogLeNet(**options)


def torchvision_googlenet(**options):
    return torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False, **options)


def results(model, images):
    """Logits, gradients of the images and of all parameters, of one pass."""
    x = images.clone().requires_grad_()
    torch.manual_seed(7)  # the same dropout
    logits = model(x)
    return [logits.detach(), *torch.autograd.grad(logits.square().mean(), [x, *model.parameters()])]


# --- the table ---


def test_channels_of_the_nine_blocks():
    rows = {name: row for stage in STAGES for name, row in stage.items()}
    assert list(rows) == ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    # The paper's column "output size", and each row's sum.
    assert [row.out_channels for row in rows.values()] == [256, 480, 512, 512, 512, 528, 832, 832, 1024]


def test_parameter_counts():
    assert count(on_meta()) == PAPER
    assert count(on_meta(batch_norm=False)) == 6_998_552
    assert count(on_meta(variant="torchvision")) == TORCHVISION


def test_block_parameters_agree_with_the_papers_table():
    thousands = {"3a": 159, "3b": 380, "4a": 364, "4b": 437, "4c": 463, "4d": 580, "4e": 840, "5a": 1072, "5b": 1388}
    model = on_meta(batch_norm=False)
    counts = {
        name: count(block) / 1024
        for stage in model.stages
        for name, block in stage.named_children()
        if name in thousands
    }
    assert counts == pytest.approx(thousands, rel=0.08)
    # Two of the paper's nine numbers do not follow from the row's own channels.
    far = [name for name in counts if abs(counts[name] / thousands[name] - 1) > 0.02]
    assert far == ["4c", "5a"]


def test_tensors_equal_torchvision_in_order_and_shape():
    ours = on_meta(variant="torchvision")
    with torch.device("meta"):
        theirs = torchvision_googlenet()
    assert count(theirs) == TORCHVISION
    assert [t.shape for t in ours.state_dict().values()] == [t.shape for t in theirs.state_dict().values()]
    assert ours.dropout.p == theirs.dropout.p == 0.2
    assert on_meta().dropout.p == 0.4


def test_the_paper_has_5x5_kernels_where_torchvision_has_3x3():
    kernels = {}
    for variant in ("paper", "torchvision"):
        blocks = [m for m in on_meta(variant=variant).modules() if isinstance(m, Inception)]
        kernels[variant] = {block.branch3[1].conv.kernel_size for block in blocks}
    assert kernels == {"paper": {(5, 5)}, "torchvision": {(3, 3)}}


@torch.no_grad()
def test_map_sizes_as_in_the_papers_table():
    model = on_meta()
    sizes = []
    parts = [*model.stem, *(block for stage in model.stages for block in stage)]
    hooks = [part.register_forward_hook(lambda m, i, out: sizes.append((out.shape[1], out.shape[2]))) for part in parts]
    model(torch.zeros(1, 3, 224, 224, device="meta"))
    for hook in hooks:
        hook.remove()
    stem = [(64, 112), (64, 56), (64, 56), (192, 56), (192, 28)]
    third = [(256, 28), (480, 28), (480, 14)]
    fourth = [(512, 14), (512, 14), (512, 14), (528, 14), (832, 14), (832, 7)]
    assert sizes == stem + third + fourth + [(832, 7), (1024, 7)]


# --- parity with torchvision ---


@pytest.mark.parametrize("size", [(64, 64), (97, 50)])
def test_parity_with_torchvision(size):
    torch.manual_seed(0)
    theirs = torchvision_googlenet(num_classes=10)
    randomise_batch_norms(theirs)
    ours = on_meta(num_classes=10, variant="torchvision").to_empty(device="cpu")
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.randn(3, 3, *size, dtype=torch.float64)
    for training in (False, True):
        pair = [results(model.double().train(training), images) for model in (ours, theirs)]
        names = ["outputs", "gradient of the input", *(f"gradient of {n}" for n, _ in ours.named_parameters())]
        for what, mine, other in zip(names, *pair, strict=True):
            assert_close(mine, other, 1e-9, what)
        for (what, mine), other in zip(ours.named_buffers(), theirs.buffers(), strict=True):
            assert_close(mine.double(), other.double(), 1e-9, what, floor=1e-9)


def test_the_papers_block_is_torchvisions_with_the_kernel_exchanged():
    torch.manual_seed(0)
    theirs = torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False, num_classes=2).inception3a
    theirs.branch3[1].conv = nn.Conv2d(16, 32, 5, padding=2, bias=False)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5
    ours = Inception(192, STAGES[0]["3a"])
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.randn(2, 192, 7, 9)
    for mine, other in zip(results(ours.train(), x), results(theirs.train(), x), strict=True):
        assert_close(mine, other, 1e-5, "tensor")


# --- laptop scale ---


def test_width_scales_every_channel():
    model = GoogLeNet(num_classes=3, image_size=64, width=16)
    blocks = [m for m in model.modules() if isinstance(m, Inception)]
    assert [block.out_channels for block in blocks] == [64, 120, 128, 128, 128, 132, 208, 208, 256]
    assert blocks[0].branch3[0].conv.out_channels == 4
    assert (model.image_size, model.num_features) == (64, 256)
    assert GoogLeNet(num_classes=3, width=10)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)  # channels that do not divide


@torch.no_grad()
@pytest.mark.parametrize("variant", ["paper", "torchvision"])
@pytest.mark.parametrize("height, width", [(32, 32), (64, 64), (65, 33), (224, 100)])
def test_features_pooled_and_forward_belong_together(variant, height, width):
    torch.manual_seed(0)
    model = GoogLeNet(num_classes=4, width=8, variant=variant).eval()
    x = torch.randn(2, 3, height, width)
    seen = []
    with model.cam_layer.register_forward_hook(lambda m, i, out: seen.append(out)):
        maps = model.features(x)
    assert torch.equal(seen[0], maps)
    assert maps.shape[:2] == (2, model.num_features)
    assert torch.allclose(model.pooled(x), maps.mean(dim=(2, 3)))
    assert torch.allclose(model(x), model.classifier(model.pooled(x)))


@torch.no_grad()
def test_each_branch_owns_its_channels_of_the_output():
    torch.manual_seed(0)
    block = Inception(5, Branches(2, 3, 4, 2, 3, 1)).eval()
    x = torch.randn(1, 5, 6, 6)
    parts = block(x).split([2, 4, 3, 1], dim=1)
    branches = (block.branch1, block.branch2, block.branch3, block.branch4)
    assert block.out_channels == 10
    assert all(torch.equal(part, branch(x)) for part, branch in zip(parts, branches))


@torch.no_grad()
def test_later_layers_do_not_change_what_a_hook_saw():
    model = GoogLeNet(num_classes=3, width=8).eval()
    seen = []
    layers = [m for m in model.modules() if not list(m.children())]
    hooks = [m.register_forward_hook(lambda m, i, out: seen.append((out, out.clone()))) for m in layers]
    model(torch.randn(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    assert len(seen) == len(layers)
    assert all(torch.equal(now, then) for now, then in seen)


def test_without_batch_norm_there_are_biases_and_two_response_norms():
    model = on_meta(batch_norm=False)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    assert all(m.bias is not None for m in model.modules() if isinstance(m, nn.Conv2d))
    norms = [(i, m.size) for i, m in enumerate(model.stem) if isinstance(m, nn.LocalResponseNorm)]
    assert norms == [(2, 5), (5, 5)]


# --- errors ---


@pytest.mark.parametrize("variant", ["", "Paper", "v1", None])
def test_unknown_variants_are_listed(variant):
    with pytest.raises(ValueError, match=r"Unknown GoogLeNet variant .*paper, torchvision"):
        GoogLeNet(variant=variant)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_classes": -1}, "num_classes must be a positive integer, got -1"),
        ({"width": 3}, "width must be an integer of at least 4, got 3"),
        ({"image_size": "64"}, "image_size must be an integer of at least 32, got '64'"),
    ],
)
def test_wrong_sizes_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        GoogLeNet(**options)


@pytest.mark.parametrize(
    "x, message",
    [
        (torch.zeros(3, 64, 64), r"GoogLeNet expected images of shape \(N, 3, H, W\), got \(3, 64, 64\).*x\[None\]"),
        (torch.zeros(2, 1, 64, 64), r"\(N, 3, H, W\), got \(2, 1, 64, 64\)"),
        (torch.zeros(2, 3, 64, 64, dtype=torch.int64), "floating-point images, got torch.int64"),
        (torch.zeros(2, 3, 16, 64), "at least 32 x 32 pixels, got 16 x 64"),
    ],
)
def test_wrong_images_are_named(x, message):
    with pytest.raises(ValueError, match=message):
        GoogLeNet(num_classes=3, width=8)(x)
