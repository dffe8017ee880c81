"""Dropout, batch norm and layer norm against torch's: outputs, gradients, buffers, modes, awkward inputs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from course_utils import layers

# name: name of the class, arguments, shape of the input
CASES = {
    "batch norm, (N, C)": ("BatchNorm1d", {"num_features": 4}, (6, 4)),
    "batch norm, two samples": ("BatchNorm1d", {"num_features": 4}, (2, 4)),
    "batch norm, (N, C, L)": ("BatchNorm1d", {"num_features": 4}, (3, 4, 5)),
    "batch norm, one sample of length 5": ("BatchNorm1d", {"num_features": 4}, (1, 4, 5)),
    "batch norm, eps and momentum": ("BatchNorm1d", {"num_features": 4, "eps": 0.1, "momentum": 0.3}, (6, 4)),
    "batch norm 2d": ("BatchNorm2d", {"num_features": 4}, (3, 4, 5, 2)),
    "layer norm, one axis": ("LayerNorm", {"normalized_shape": 4}, (6, 4)),
    "layer norm, one sample": ("LayerNorm", {"normalized_shape": 4}, (1, 4)),
    "layer norm, two of four axes": ("LayerNorm", {"normalized_shape": (5, 2)}, (3, 4, 5, 2)),
    "layer norm, eps": ("LayerNorm", {"normalized_shape": [4], "eps": 0.1}, (6, 4)),
}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def fresh(name: str, dtype: torch.dtype = torch.float64, seed: int = 0):
    """Return ours and torch's with the same random weights, and a function that draws inputs."""
    kind, arguments, shape = CASES[name]
    ours, theirs = (getattr(library, kind)(**arguments).to(dtype) for library in (layers, nn))
    generator = torch.Generator().manual_seed(seed)
    state = {
        key: torch.rand(value.shape, generator=generator) + 0.5 if value.is_floating_point() else value
        for key, value in theirs.state_dict().items()
    }
    ours.load_state_dict(state)
    theirs.load_state_dict(state)
    return ours, theirs, lambda: 3 * torch.randn(shape, generator=generator, dtype=dtype) + 2


def run(module: nn.Module, x: torch.Tensor, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the output, and the gradients of its weighted sum by input and parameters."""
    x = x.detach().requires_grad_()
    module.zero_grad()
    y = module(x)
    (y * weights).sum().backward()
    gradients = {f"gradient of {key}": parameter.grad.clone() for key, parameter in module.named_parameters()}
    return {"output": y.detach(), "gradient of the input": x.grad} | gradients


def assert_same(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        difference = (ours[key] - value).abs().max()
        assert difference <= TOLERANCE[dtype] * (1 + value.abs().max()), (key, difference)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_outputs_gradients_and_buffers_over_training_steps_and_then_eval(name, dtype):
    ours, theirs, draw = fresh(name, dtype)
    for _ in range(5):
        x = draw()
        weights = draw()
        assert_same(run(ours, x, weights), run(theirs, x, weights), dtype)
        with torch.no_grad():
            for parameter in (*ours.parameters(), *theirs.parameters()):
                parameter -= 0.05 * parameter.grad
        assert_same(ours.state_dict(), theirs.state_dict(), dtype)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    ours.eval(), theirs.eval()
    x = draw()[:1]  # a batch of one is fine in eval mode
    assert_same(run(ours, x, x), run(theirs, x, x), dtype)
    assert_same(ours.state_dict(), before, dtype)


@pytest.mark.parametrize("name", CASES)
def test_input_that_is_not_contiguous(name):
    ours, theirs, draw = fresh(name)
    x = draw()
    strided = torch.empty_like(x.repeat_interleave(2, -1))[..., ::2].copy_(x)
    reversed_axes = x.permute(*reversed(range(x.ndim))).contiguous().permute(*reversed(range(x.ndim)))
    for view in (strided, reversed_axes):
        assert view.numel() < 3 or view.stride() != x.stride() or 1 in x.shape
        assert_same(run(ours, view, x), run(theirs, view, x), torch.float64)
        torch.testing.assert_close(ours(view), ours(x))


@pytest.mark.parametrize("name", CASES)
def test_state_dicts_fit_both_ways(name):
    ours, theirs, _ = fresh(name, torch.float32)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for one, other in ((ours, theirs), (theirs, ours)):
        one.load_state_dict(other.state_dict())
    for key, value in theirs.state_dict().items():
        assert ours.state_dict()[key].dtype == value.dtype and ours.state_dict()[key].shape == value.shape


@pytest.mark.parametrize("name", CASES)
def test_autograd_goes_through_the_statistics(name):
    ours, _, draw = fresh(name)
    assert torch.autograd.gradcheck(ours, draw().requires_grad_(), rtol=1e-4)


def test_batch_norm_gives_each_channel_mean_0_and_variance_1():
    x = 5 * torch.randn(64, 3, 4, 4, dtype=torch.float64) + 7
    y = layers.BatchNorm2d(3).double()(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(y.var((0, 2, 3), correction=0), torch.ones(3).double(), rtol=0, atol=1e-5)


def test_layer_norm_gives_each_sample_mean_0_and_variance_1_and_knows_no_other_sample():
    x = 5 * torch.randn(6, 50, dtype=torch.float64) + 7
    layer = layers.LayerNorm(50).double()
    y = layer(x)
    torch.testing.assert_close(y.mean(1), torch.zeros(6).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(y.var(1, correction=0), torch.ones(6).double(), rtol=0, atol=1e-5)
    torch.testing.assert_close(layer(x[2:3]), y[2:3])
    torch.testing.assert_close(layer.eval()(x), y)


def test_the_running_variance_is_unbiased_and_the_batch_is_divided_by_the_biased_one():
    layer = layers.BatchNorm1d(1)
    y = layer(torch.tensor([[0.0], [2.0]]))  # mean 1, biased variance 1, unbiased variance 2
    torch.testing.assert_close(y, torch.tensor([[-1.0], [1.0]]), rtol=0, atol=1e-5)
    torch.testing.assert_close(layer.running_mean, torch.tensor([0.9 * 0 + 0.1 * 1]))
    torch.testing.assert_close(layer.running_var, torch.tensor([0.9 * 1 + 0.1 * 2]))
    assert layer.num_batches_tracked == 1 and layer.num_batches_tracked.dtype == torch.int64


def test_buffers_are_saved_and_moved_but_not_trained():
    layer = layers.BatchNorm1d(3)
    assert {key for key, _ in layer.named_buffers()} == {"running_mean", "running_var", "num_batches_tracked"}
    assert {key for key, _ in layer.named_parameters()} == {"weight", "bias"}
    held = layer.running_mean
    layer(torch.randn(8, 3))
    assert held is layer.running_mean and held.abs().sum() > 0 and not held.requires_grad
    layer.to("meta")
    assert {buffer.device.type for buffer in layer.buffers()} == {"meta"}


def test_one_value_per_channel_raises_torchs_error_while_training_and_changes_nothing():
    ours, theirs = layers.BatchNorm1d(3), nn.BatchNorm1d(3)
    with pytest.raises(ValueError) as expected:
        theirs(torch.ones(1, 3))
    with pytest.raises(ValueError) as raised:
        ours(torch.ones(1, 3))
    assert str(raised.value).startswith(str(expected.value)) and "batch of 2 or more" in str(raised.value)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layers.BatchNorm2d(3)(torch.ones(1, 3, 1, 1))
    assert ours.num_batches_tracked == 0 and ours.running_mean.abs().sum() == 0


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (layers.BatchNorm1d(3), (2, 3, 4, 5), r"Expected \(N, C\) or \(N, C, L\) with C = 3; got shape \(2, 3, 4, 5\)"),
        (layers.BatchNorm1d(3), (3,), "got shape"),
        (layers.BatchNorm1d(3), (2, 4), "with C = 3; got shape"),
        (layers.BatchNorm2d(3), (2, 3, 4), r"Expected \(N, C, H, W\)"),
        (layers.LayerNorm(3), (2, 4), r"Expected \(\.\.\., 3\); got shape \(2, 4\)"),
        (layers.LayerNorm((4, 3)), (3,), r"Expected \(\.\.\., 4, 3\)"),
    ],
)
def test_other_shapes_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(torch.ones(shape))


@pytest.mark.parametrize("p", [0.0, 0.35, 0.8, 1.0])
@pytest.mark.parametrize("transposed", [False, True])
def test_dropout_has_torchs_mask_scale_and_gradient(p, transposed):
    x = torch.randn(30, 40).T if transposed else torch.randn(40, 30)
    results = []
    for module in (layers.Dropout(p), nn.Dropout(p)):
        torch.manual_seed(5)
        results.append(run(module, x, x.flip(0)))
    for key, value in results[1].items():
        torch.testing.assert_close(results[0][key], value, rtol=0, atol=0)


def test_dropout_keeps_the_mean_and_zeroes_a_share_p():
    torch.manual_seed(0)
    y = layers.Dropout(0.35)(torch.ones(200_000))
    assert abs((y == 0).double().mean() - 0.35) < 0.005  # 4.7 standard deviations
    torch.testing.assert_close(y[y != 0].unique(), torch.tensor([1 / 0.65]))
    assert abs(y.double().mean() - 1) < 0.01


def test_dropout_draws_a_new_mask_each_time_and_its_gradient_has_the_mask_of_the_output():
    layer, x = layers.Dropout(0.5), torch.ones(100, requires_grad=True)
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second)
    first.sum().backward()
    torch.testing.assert_close(x.grad, first.detach())


def test_dropout_returns_its_input_in_eval_mode():
    x = torch.randn(5)
    assert layers.Dropout(0.9).eval()(x) is x


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_dropout_needs_a_probability(p):
    with pytest.raises(ValueError, match="from 0 to 1"):
        layers.Dropout(p)
