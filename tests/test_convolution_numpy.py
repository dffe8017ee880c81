"""The NumPy half of ``course_utils.convolution``: sizes, transforms, and convolutions from their definitions."""

from __future__ import annotations

import doctest
from itertools import product

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from torch import nn

from course_utils.convolution import (
    conv_output_size,
    conv_parameters,
    convolve_direct,
    convolve_fft,
    cross_correlate_direct,
    cross_correlate_fft,
    dft,
    dft_matrix,
    numpy_reference,
    sizes,
)

CONVOLVE = [convolve_direct, convolve_fft]
CORRELATE = [cross_correlate_direct, cross_correlate_fft]
SHAPES = [
    ((9,), (4,)),
    ((8,), (1,)),
    ((7, 10), (3, 5)),
    ((6, 5), (6, 2)),
    ((5, 6, 4), (2, 3, 3)),
    ((3, 3, 2, 4), (2, 2, 1, 3)),
]


def random(shape, dtype, rng):
    values = rng.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


@pytest.mark.parametrize("module", [sizes, numpy_reference, "functional", "modules"], ids=str)
def test_examples_in_docstrings_run(module):
    if isinstance(module, str):
        module = __import__(f"course_utils.convolution.{module.rsplit('.')[-1]}", fromlist=["_"])
    result = doctest.testmod(module, extraglobs={"torch": torch, "nn": nn})
    assert result.failed == 0 and result.attempted > 0


def test_output_size_is_what_torch_layers_return():
    for size, kernel, stride, padding, dilation in product((5, 12), (1, 3, 4), (1, 2, 3), (0, 1, 2), (1, 2)):
        if size + 2 * padding < dilation * (kernel - 1) + 1:
            continue
        layer = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
        expected = layer(torch.zeros(1, 1, size)).shape[-1]
        assert conv_output_size(size, kernel, stride, padding, dilation) == expected
    layer = nn.Conv2d(1, 1, (3, 5), (2, 1), (1, 0), (1, 2))
    assert conv_output_size((20, 30), (3, 5), (2, 1), (1, 0), (1, 2)) == tuple(layer(torch.zeros(1, 20, 30)).shape[1:])
    assert conv_output_size((20, 30), 2, 2) == (10, 15)


@pytest.mark.parametrize(
    "arguments", [(4, 5), (4, 3, 0), (4, 0), (-1, 1), (4, 3, 1, -1), (4, 3, 1, 0, 2), ((4, 4), (3, 3, 3))], ids=str
)
def test_output_size_refuses_what_has_no_output(arguments):
    with pytest.raises(ValueError, match="got|spans"):
        conv_output_size(*arguments)


def test_parameter_counts_are_those_of_torch_layers():
    for bias, groups, (channels, out, kernel) in product((True, False), (1, 2), ((2, 6, 3), (4, 8, (5, 1)))):
        layer = nn.Conv2d(channels, out, kernel, bias=bias, groups=groups)
        assert conv_parameters(channels, out, kernel, bias, groups) == sum(p.numel() for p in layer.parameters())
    assert conv_parameters(1, 6, 3) == 60
    assert conv_parameters(2, 3, (5,)) == sum(p.numel() for p in nn.Conv1d(2, 3, 5).parameters())
    with pytest.raises(ValueError, match="multiples of groups"):
        conv_parameters(3, 4, 3, groups=2)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 17, 64])
def test_dft_equals_fft(n):
    x = random((3, n, 2), np.complex128, np.random.default_rng(n))
    np.testing.assert_allclose(dft(x, axis=1), np.fft.fft(x, axis=1), atol=1e-12 * n)
    np.testing.assert_allclose(dft(x[0, :, 0].real), np.fft.fft(x[0, :, 0].real), atol=1e-12 * n)
    f = dft_matrix(n)
    np.testing.assert_allclose(f @ f.conj().T, n * np.eye(n), atol=1e-11 * n)


def test_dft_matrix_keeps_its_digits_for_long_transforms():
    n = 2003
    row = dft_matrix(n)[-1]
    np.testing.assert_allclose(row, np.exp(2j * np.pi * np.arange(n) / n), atol=1e-14)


def test_dft_needs_a_sample():
    with pytest.raises(ValueError, match="at least 1 sample"):
        dft_matrix(0)


@pytest.mark.parametrize("convolve", CONVOLVE)
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32])
def test_linear_convolution_equals_scipy(convolve, mode, shapes, dtype):
    rng = np.random.default_rng(0)
    x, kernel = (random(shape, dtype, rng) for shape in shapes)
    y = convolve(x, kernel, mode)
    assert y.dtype == dtype
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y, scipy.signal.convolve(x, kernel, mode, method="direct"), atol=tolerance)
    if x.ndim == 1 and mode != "same":  # NumPy's "same" has the longer operand's length, ours always that of x
        np.testing.assert_allclose(y, np.convolve(x, kernel, mode), atol=tolerance)


@pytest.mark.parametrize("convolve", CONVOLVE)
@pytest.mark.parametrize("shapes", [*SHAPES, ((4,), (9,)), ((3, 4), (7, 2))], ids=str)
def test_circular_convolution_equals_its_definition(convolve, shapes):
    rng = np.random.default_rng(1)
    x, kernel = (random(shape, np.float64, rng) for shape in shapes)
    expected = np.zeros_like(x)
    for n in np.ndindex(x.shape):
        for k in np.ndindex(kernel.shape):
            expected[n] += kernel[k] * x[tuple((i - j) % size for i, j, size in zip(n, k, x.shape))]
    np.testing.assert_allclose(convolve(x, kernel, "circular"), expected, atol=1e-12)


@pytest.mark.parametrize("correlate", CORRELATE)
@pytest.mark.parametrize("shapes", SHAPES[:5], ids=str)
def test_cross_correlation_equals_torch_and_scipy(correlate, shapes):
    rng = np.random.default_rng(2)
    x, kernel = (random(shape, np.float64, rng) for shape in shapes)
    conv = getattr(torch.nn.functional, f"conv{x.ndim}d")
    image, taps = torch.from_numpy(x)[None, None], torch.from_numpy(kernel)[None, None]
    for mode in ("valid", "same"):
        expected = conv(image, taps, padding=mode)[0, 0].numpy()
        np.testing.assert_allclose(correlate(x, kernel, mode), expected, atol=1e-12)
    np.testing.assert_allclose(correlate(x, kernel, "full"), scipy.signal.correlate(x, kernel, "full"), atol=1e-12)
    # SciPy's filter puts the kernel's middle, not its first tap, on the sample.
    wrapped = scipy.ndimage.correlate(x, kernel, mode="wrap", origin=[-(k // 2) for k in kernel.shape])
    np.testing.assert_allclose(correlate(x, kernel, "circular"), wrapped, atol=1e-12)


@pytest.mark.parametrize("convolve", [*CONVOLVE, *CORRELATE])
def test_integers_stay_exact(convolve):
    x, kernel = np.arange(12).reshape(3, 4), np.array([[1, -2], [3, 4]])
    y = convolve(x, kernel, "full")
    expected = scipy.signal.convolve(x, kernel if convolve in CONVOLVE else kernel[::-1, ::-1], method="direct")
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("convolve", [*CONVOLVE, *CORRELATE])
@pytest.mark.parametrize(
    ("x", "kernel", "mode", "message"),
    [
        (np.ones(4), np.ones(2), "wrap", "mode must be"),
        (np.ones((4, 4)), np.ones(2), "full", "same number of dimensions"),
        (np.float64(1), np.float64(1), "full", "at least 1"),
        (np.ones(0), np.ones(2), "full", "must not be empty"),
        (np.ones((4, 2)), np.ones((2, 3)), "valid", "no larger than x"),
    ],
)
def test_bad_inputs_are_named(convolve, x, kernel, mode, message):
    with pytest.raises(ValueError, match=message):
        convolve(x, kernel, mode)
