"""The cost model: how long each way to compute a convolution will take, predicted from its shape alone.

Taught in lesson 03, where it is drawn against measurements. The model counts work and multiplies by a time per unit:

    direct     calls + multiplications of the sum + outputs
    frequency  calls + transforms (of input tiles, of kernels, of products) + channel products + bytes moved

Transforms are counted as the flops of the matrix product, or for an FFT as points times (a + b log2 points). The times
per unit, in :data:`TIMES`, were fitted to measurements in float32 on one core of a 2023 server processor (AVX-512).
Another machine is faster or slower, but what ``auto`` needs are their *ratios*, and most of those travel well.

The model is right within a factor of 1.4 for the transforms, and within 2 for most direct convolutions; but the library
behind those changes its algorithm at certain sizes, where its time jumps by up to 50 times. Without AVX-512 (as with
``ONEDNN_MAX_CPU_ISA=AVX2``) it has no fast code for one channel and kernels of 11 pixels or more, and takes some 20
times as long as predicted. So the model makes a short list (:func:`likely_plans`), and ``fft_conv`` times what is on
it, once for each shape. Gradients follow the model alone (:func:`best_plan`).
"""

from __future__ import annotations

import math
from functools import lru_cache
from types import MappingProxyType

from .sizes import Geometry, expand, same_padding
from .spectral import Plan, make_plan, multiplies_matrices, single_tile_length, used_size, window_length

#: Seconds per unit on one thread.
TIMES = MappingProxyType(
    {
        "call": 12e-6,  # one tensor operation, however small
        "direct flop": 8e-12,
        "direct output": 0.8e-9,
        "matrix flop": 9e-12,  # transforms as matrix products
        "product flop": 4.5e-12,  # the channel product
        "start": 0.012e-6,  # one matrix of a batched product
        "fft point": 0.03e-9,
        "fft point log": 0.1e-9,
        "multiply": 1.3e-9,  # one complex multiplication of the elementwise channel product
        "reorder": 4e-9,  # one complex number moved from frequencies innermost to channels innermost
        "byte": 0.09e-9,
    }
)

#: Tensor operations in a frequency-domain convolution with one portion of tiles.
CALLS = 14

#: A direct convolution that is predicted to take less than this share of these operations is not worth a comparison.
SURE = 1 / 3

#: The direct method works on vectors of this many output channels; fewer leave the rest of the vector idle.
VECTOR = 16

#: Matrix transforms are not considered beyond this length: their cost grows with its square, an FFT's does not.
LONGEST_MATRIX = 96

#: With this many threads, the work is done so many times as fast (1 + (threads - 1) * THREAD_GAIN).
THREAD_GAIN = 0.8

#: Predictions this far apart settle the question; closer ones are timed. Libraries change their algorithm at sizes that
#: no count of operations knows: a direct convolution can be this many times slower or faster than its neighbours.
DECIDED = 8

#: The plans that are timed, besides the direct method: at most so many, and predicted at most so much slower than the
#: best of them.
TRIALS, PROMISING = 4, 1.5

#: torch's direct method writes out every patch of a one-channel image. It is not tried if that takes more bytes.
PATCH_BYTES = 256 * 2**20

Work = dict[str, float]


def predicted_seconds(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] | str = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    *,
    threads: int = 1,
    itemsize: int = 4,
) -> dict[str, float]:
    """Return the predicted seconds of each method of :func:`course_utils.convolution.fft_conv`. Taught in lesson 03.

    Parameters
    ----------
    input_shape : tuple of int
        (N, C, *size).
    weight_shape : tuple of int
        (O, C / groups, *kernel).
    stride, padding, dilation, groups
        As in ``fft_conv``.
    threads : int
        Processor cores at work.
    itemsize : int
        Bytes of a number: 4 for float32, 8 for float64.

    Returns
    -------
    dict of str to float
        For ``"direct"``, ``"fft"`` and ``"overlap_save"``.

    >>> seconds = predicted_seconds((1, 1, 512, 512), (1, 1, 31, 31))
    >>> seconds["direct"] > 5 * seconds["overlap_save"]
    True
    """
    ndim = len(weight_shape) - 2
    kernel, dilation = tuple(weight_shape[2:]), expand(dilation, ndim, "dilation")
    if padding == "same":
        low, high = same_padding(kernel, dilation)
    else:
        low = high = expand(0 if padding == "valid" else padding, ndim, "padding")
    geometry = Geometry(
        batch=input_shape[0],
        in_channels=input_shape[1],
        out_channels=weight_shape[0],
        groups=groups,
        size=tuple(input_shape[2:]),
        kernel=kernel,
        stride=expand(stride, ndim, "stride"),
        dilation=dilation,
        pad_low=low,
        pad_high=high,
    )
    plans = {name: method_plan(geometry, name, threads, itemsize) for name in ("fft", "overlap_save")}
    return {
        "direct": direct_seconds(geometry, threads, itemsize),
        **{name: plan_seconds(geometry, plan, threads, itemsize) for name, plan in plans.items()},
    }


def method_plan(geometry: Geometry, method: str, threads: int = 1, itemsize: int = 4) -> Plan:
    """Return the plan of method ``"fft"`` (one tile) or ``"overlap_save"`` (the cheapest of many)."""
    if method == "fft":
        lengths = (fast_length(single_tile_length(geometry, i)) for i in range(geometry.ndim))
        return make_plan(geometry, "fft", tuple(lengths))
    return min(_candidates(geometry), key=lambda plan: plan_seconds(geometry, plan, threads, itemsize))


def best_plan(geometry: Geometry, threads: int = 1, itemsize: int = 4, direct: Geometry | None = None) -> Plan | None:
    """Return the cheapest plan of all, or None if the direct method is predicted to be faster.

    Parameters
    ----------
    direct : Geometry, optional
        What the direct method would compute, if not the same: a gradient costs it what the forward pass costs.
    """
    limit = direct_seconds(direct or geometry, threads, itemsize)
    if limit < CALLS * TIMES["call"]:
        return None
    plans = [method_plan(geometry, name, threads, itemsize) for name in ("fft", "overlap_save")]
    seconds, plan = min(((plan_seconds(geometry, p, threads, itemsize), p) for p in plans), key=lambda pair: pair[0])
    return plan if seconds < limit else None


def likely_plans(geometry: Geometry, threads: int = 1, itemsize: int = 4) -> list[Plan | None]:
    """Return what may turn out to be fastest, most promising first; None stands for the direct method.

    One entry means that the model is sure. More than one are for ``fft_conv`` to time.
    """
    direct = direct_seconds(geometry, threads, itemsize)
    if direct < SURE * CALLS * TIMES["call"]:
        return [None]
    plans = dict.fromkeys([method_plan(geometry, "fft"), *_candidates(geometry)])
    ranked = sorted((plan_seconds(geometry, plan, threads, itemsize), i, plan) for i, plan in enumerate(plans))
    best = ranked[0][0]
    if best > DECIDED * direct:
        return [None]
    likely = [plan for seconds, _, plan in ranked[:TRIALS] if seconds < PROMISING * best]
    if direct > DECIDED * best or (direct > best and _patch_bytes(geometry, itemsize) > PATCH_BYTES):
        return likely
    return [None, *likely] if direct < best else [likely[0], None, *likely[1:]]


def _patch_bytes(geometry: Geometry, itemsize: int) -> int:
    if geometry.in_channels > geometry.groups:
        return 0
    return itemsize * math.prod(geometry.out) * math.prod(geometry.kernel)


def weight_gradient_plan(
    geometry: Geometry, method: str, threads: int = 1, itemsize: int = 4
) -> tuple[tuple[int, ...], Plan] | None:
    """Return how to compute the kernel's gradient, or None for the direct way.

    Returns
    -------
    outputs : tuple of int
        The samples of the output's gradient in one tile.
    plan : Plan
        For the convolution of one tile, :func:`tiled_weight_geometry`.
    """
    options = {}
    if method != "fft":
        for length in (16, 24, 32, 48, 64, 96, 128, 192, 256):
            outputs = tuple(
                min(n, max(1, (length - span) // s + 1))
                for n, span, s in zip(geometry.out, geometry.span, geometry.stride)
            )
            options[outputs] = None
    if method != "overlap_save" or not options:
        options[geometry.out] = None
    choices = []
    for outputs in options:
        tiled = tiled_weight_geometry(geometry, outputs)
        plans = [make_plan(tiled, "fft", tuple(map(fast_length, tiled.size)))]
        if max(tiled.size) <= LONGEST_MATRIX and method != "fft":
            plans.append(make_plan(tiled, "matrix", tuple(n + n % 2 for n in tiled.size)))
        copied = 2 * itemsize * tiled.batch * tiled.in_channels * math.prod(tiled.size) * TIMES["byte"]
        for plan in plans:
            seconds = plan_seconds(tiled, plan, threads, itemsize) + copied / _speed(threads)
            choices.append((seconds, outputs, plan))
    seconds, outputs, plan = min(choices, key=lambda choice: choice[0])
    if method == "auto" and direct_seconds(geometry, threads, itemsize) <= seconds:
        return None
    return outputs, plan


def tiled_weight_geometry(geometry: Geometry, outputs: tuple[int, ...]) -> Geometry:
    """Return the convolution that gives the kernel's gradient: batch and channels exchanged, tiles as channels."""
    tiles = math.prod(-(-n // v) for n, v in zip(geometry.out, outputs))
    window = tuple((v - 1) * s + span for v, s, span in zip(outputs, geometry.stride, geometry.span))
    return Geometry(
        batch=geometry.in_channels // geometry.groups,
        in_channels=geometry.groups * geometry.batch * tiles,
        out_channels=geometry.out_channels,
        groups=geometry.groups,
        size=window,
        kernel=outputs,
        stride=geometry.dilation,
        dilation=geometry.stride,
        pad_low=(0,) * geometry.ndim,
        pad_high=(0,) * geometry.ndim,
    )


@lru_cache(maxsize=4096)
def fast_length(n: int) -> int:
    """Return the next even length from ``n`` on whose prime factors are 2, 3, 5 and 7."""
    n += n % 2
    while True:
        rest = n
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 2


#: Lengths that tiles are tried with.
MATRIX_LENGTHS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, LONGEST_MATRIX)
FFT_LENGTHS = (32, 64, 96, 128, 160, 192, 256, 320, 512, 1024, 2048, 4096, 8192, 16384)


def _candidates(geometry: Geometry) -> list[Plan]:
    """Return the plans worth comparing: tiles as square as they can be, with each engine."""
    plans = {}
    for engine, aims in (("matrix", MATRIX_LENGTHS), ("fft", FFT_LENGTHS)):
        for aim in aims:
            lengths = [_length(geometry, i, engine, aim) for i in range(geometry.ndim)]
            if None not in lengths:
                plans[make_plan(geometry, engine, tuple(lengths))] = None
    return list(plans)


def _length(geometry: Geometry, i: int, engine: str, aim: int) -> int | None:
    """Return a transform length of about ``aim`` for dimension ``i``; None if the kernel does not allow it."""
    span, stride, out = geometry.span[i], geometry.stride[i], geometry.out[i]
    single = single_tile_length(geometry, i)
    if engine == "fft":
        longest = FFT_LENGTHS[-1]
        return fast_length(single) if aim >= single or aim == longest else aim if aim >= 1.2 * span else None
    if aim >= single or single <= aim * 1.25 <= LONGEST_MATRIX:
        return single + single % 2
    if aim < span:
        return None
    # The same number of tiles may do with shorter ones.
    tiles = -(-out // ((aim - span) // stride + 1))
    window = (-(-out // tiles) - 1) * stride + span
    return window + window % 2


def _speed(threads: int) -> float:
    return 1 + (threads - 1) * THREAD_GAIN


def direct_work(geometry: Geometry) -> Work:
    """Return the units of work of ``torch.nn.functional.conv*``."""
    o = geometry.out_channels // geometry.groups
    padded_channels = -(-o // VECTOR) * VECTOR / o if geometry.in_channels > geometry.groups or o > 1 else VECTOR
    return {
        "call": 1,
        "direct flop": geometry.flops * padded_channels,
        "direct output": geometry.batch * geometry.out_channels * math.prod(geometry.out),
    }


def plan_work(geometry: Geometry, plan: Plan) -> Work:
    """Return the units of work of a frequency-domain convolution."""
    rows = geometry.batch * math.prod(plan.tiles)
    c, o = geometry.in_channels, geometry.out_channels
    kernels = geometry.in_channels // geometry.groups * o
    pairs = rows * kernels  # channel products: (tile, input channel, output channel)
    window = [used_size(geometry, i) if t == 1 else window_length(geometry, plan, i) for i, t in enumerate(plan.tiles)]
    groups = 1 if geometry.in_channels == geometry.groups else geometry.groups
    outputs = 2 * geometry.batch * o * math.prod(geometry.out)
    work: Work = {"call": CALLS * groups}
    if plan.engine == "matrix":
        into, back = plan.length, _analysis_flops
        work["matrix flop"] = (
            rows * c * back(into, window)
            + kernels * back(into, geometry.kernel)
            + rows * o * _synthesis_flops(into, plan.outputs)
        )
        work["product flop"] = 6 * plan.frequencies * pairs
        work["start"] = 3 * plan.frequencies * groups
        numbers = 2 * rows * c * math.prod(window) + outputs + 2 * plan.numbers * (rows * c + kernels + rows * o)
    else:
        points = math.prod(plan.length) * (rows * c + kernels + 2 * rows * o)  # an inverse takes twice as long
        work["fft point"] = points
        work["fft point log"] = points * math.log2(math.prod(plan.length))
        if multiplies_matrices(geometry, rows):
            work["start"] = plan.frequencies * groups
            work["product flop"] = 8 * plan.frequencies * pairs
            work["reorder"] = plan.frequencies * (rows * c + kernels + rows * o)
        else:
            work["multiply"] = plan.frequencies * pairs
        numbers = outputs + 2 * math.prod(plan.length) * (rows * c + kernels)
    work["byte"] = 4 * numbers
    return work


def _analysis_flops(length: tuple[int, ...], counts: tuple[int, ...] | list[int]) -> int:
    half = length[-1] // 2 + 1
    ndim = len(length)
    flops = math.prod(counts) * 2 * half * (3 if ndim == 1 else 2)
    columns = half
    for i in reversed(range(ndim - 1)):
        flops += math.prod(counts[: i + 1]) * 2 * 2 * columns * length[i] * (2 if i else 3)
        columns *= length[i]
    return flops


def _synthesis_flops(length: tuple[int, ...], counts: tuple[int, ...]) -> int:
    half = length[-1] // 2 + 1
    flops, planes, rows = 0, 3, 1
    for i in range(len(length) - 1):
        flops += rows * 2 * counts[i] * planes * length[i] * 2 * half * math.prod(length[i + 1 : -1])
        planes, rows = 2, rows * counts[i]
    return flops + rows * planes * half * 2 * counts[-1]


def _seconds(work: Work, threads: int, itemsize: int) -> float:
    calls = work["call"] * TIMES["call"]
    rest = sum(amount * TIMES[unit] for unit, amount in work.items()) - calls
    return calls + rest * itemsize / 4 / _speed(threads)


@lru_cache(maxsize=4096)
def direct_seconds(geometry: Geometry, threads: int = 1, itemsize: int = 4) -> float:
    """Return the predicted seconds of the direct method."""
    return _seconds(direct_work(geometry), threads, itemsize)


def plan_seconds(geometry: Geometry, plan: Plan, threads: int = 1, itemsize: int = 4) -> float:
    """Return the predicted seconds of a frequency-domain convolution."""
    return _seconds(plan_work(geometry, plan), threads, itemsize)
