"""``fft_conv``: ``torch.nn.functional.conv1d/2d/3d`` by whichever way is fastest. Taught in lesson 03.

The forward pass is :func:`~course_utils.convolution.spectral.correlate`. The backward pass needs no new algorithm,
because the two gradients of a convolution are convolutions themselves:

* with respect to the input, the output's gradient (zeros put between its samples for a stride) meets the flipped
  kernel, input and output channels exchanged;
* with respect to the kernel, the input meets the output's gradient *as the kernel*, batch and channels exchanged,
  stride and dilation exchanged. That kernel is as large as an image, so both are cut into tiles first, and the sum
  over tiles becomes part of the sum over channels.

Both are written with differentiable operations, so that gradients of gradients work.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .cost import best_plan, likely_plans, method_plan, weight_gradient_plan
from .sizes import Geometry, expand, same_padding
from .spectral import Plan, correlate

METHODS = ("auto", "direct", "fft", "overlap_save")

_DIRECT = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}

#: Number types that the FFT methods compute in, and the real type underneath. All others take the direct method:
#: a transform in half precision would lose most of its digits.
_REAL = {
    torch.float32: torch.float32,
    torch.float64: torch.float64,
    torch.complex64: torch.float32,
    torch.complex128: torch.float64,
}

#: The weight gradient cuts the input into overlapping tiles; at most this many bytes of them exist at once.
_TILED_BYTES = 64 * 2**20


def fft_conv(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    method: str = "auto",
) -> Tensor:
    """Return what ``torch.nn.functional.conv1d``, ``conv2d`` or ``conv3d`` returns; ``weight`` says which.

    Taught in lesson 03.

    Parameters
    ----------
    input : Tensor, shape (N, C, *size) or (C, *size)
        With 1, 2 or 3 spatial dimensions.
    weight : Tensor, shape (O, C / groups, *kernel)
    bias : Tensor of shape (O,), or None
    stride, dilation : int or sequence of int
    padding : int, sequence of int, "same" or "valid"
    groups : int
    method : {"auto", "direct", "fft", "overlap_save"}
        ``direct`` calls torch. ``fft`` uses one transform as large as the padded input. ``overlap_save`` cuts the input
        into tiles and picks their size. ``auto`` asks the cost model in ``course_utils.convolution.cost``; where its
        predictions are close, the first call with these shapes times the two to five likeliest ways, and later calls
        take the fastest. Where that was close, the second and the eighth call time once more. Ways differ in rounding:
        after ``torch.use_deterministic_algorithms(True)`` the model decides alone, and the same way is taken in every
        run. The model is of CPUs: on other devices ``auto`` is ``direct``, and the other two have to be asked for. Half
        precision and autocast always go the direct way.

    Returns
    -------
    Tensor, shape (N, O, *out) or (O, *out)
        Differentiable in ``input``, ``weight`` and ``bias``, any number of times.

    Raises
    ------
    ValueError
        For an unknown method.
    RuntimeError, TypeError, ValueError
        For arguments that do not fit together: torch's own error, because torch is asked.

    References
    ----------
    A. V. Oppenheim and R. W. Schafer, Discrete-Time Signal Processing, section 8.7 (overlap-save).
    M. Mathieu, M. Henaff and Y. LeCun, Fast training of convolutional networks through FFTs, ICLR 2014.

    >>> image, kernel = torch.ones(1, 1, 64, 64), torch.ones(1, 1, 31, 31)
    >>> fft_conv(image, kernel, padding="same").shape
    torch.Size([1, 1, 64, 64])
    """
    ndim = weight.dim() - 2
    if ndim not in _DIRECT or input.dim() - ndim not in (1, 2):
        ndim = min(max(input.dim() - 2, 1), 3)  # which of torch's functions to ask for the error
    geometry = None
    if method != "direct" and _suits(input, weight, bias):
        key = (
            tuple(input.shape),
            tuple(weight.shape),
            stride if isinstance(stride, int) else tuple(stride),
            padding if isinstance(padding, (int, str)) else tuple(padding),
            dilation if isinstance(dilation, int) else tuple(dilation),
            groups,
            method,
            input.device.type == "cpu",
            torch.get_num_threads(),
            input.dtype,
            torch.are_deterministic_algorithms_enabled(),
        )
        again = _doubtful and _doubtful.pop(key, None)
        if again:
            _decide_again(again, key, input, weight, bias)
        geometry, plan = _decided.get(key) or _decide(key, input, weight, bias)
    elif method not in METHODS:
        raise ValueError(_unknown(method))
    if geometry is None:  # what is wrong here, if anything is, torch will say
        return _DIRECT[ndim](input, weight, bias, stride, padding, dilation, groups)
    x = input if input.dim() == ndim + 2 else input.unsqueeze(0)
    if x.is_complex():
        y = _complex(x, weight, geometry, plan, method)
        y = y if bias is None else y + bias.view(-1, *[1] * ndim)
    else:
        y = _correlate(x, weight, bias, geometry, plan, method)
    return y if input.dim() == ndim + 2 else y.squeeze(0)


def _unknown(method: str) -> str:
    return f"method must be one of {', '.join(METHODS)}; got {method!r}."


def _suits(input: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """Return whether the FFT methods can take these tensors; shapes are looked at later."""
    if input.dtype not in _REAL or weight.dtype != input.dtype or weight.device != input.device:
        return False
    if bias is not None and (
        bias.dtype != input.dtype or bias.device != input.device or bias.shape != weight.shape[:1]
    ):
        return False
    return not torch.is_autocast_enabled(input.device.type)


#: What has been decided for which arguments: ``(geometry, plan)``, or ``(None, None)`` for the direct way.
_decided: dict[tuple, tuple[Geometry | None, Plan | None]] = {}

#: Ways are timed in turns, this often at most, twice in each: a call that follows its like finds its data in the cache.
#: Those within ``_HOPE`` of the best go on to the last, those within ``_DOUBT`` for ``_LOOKS`` turns (the first number
#: where a turn takes long): one disturbed moment makes a call of 100 microseconds look twice as long.
_TURNS, _LOOKS, _HOPE, _DOUBT = 8, (2, 3), 1.3, 3

#: The direct way is taken unless another needs less than this share of its time: it needs less memory and rounds less.
_TIE = 0.95

#: Timing stops when it has taken this many times as long as the fastest way found so far, and at least ``_ENOUGH``
#: seconds. What a first call costs beyond the others, a plan for a new transform size above all, lies within those.
_PATIENCE, _ENOUGH = 40, 0.02

#: What was timed and came out close: how often it was called, and the fastest time of each way within ``_DOUBT``. The
#: calls of these numbers time those again. Else a machine that has other work for some milliseconds, or an unlucky
#: place of the arrays in memory, would decide for good: the later call finds other things before it. A convolution
#: slower than ``_LONG`` seconds outlasts such moments, and should not be called so often.
_doubtful: dict[tuple, tuple[int, Geometry, dict[Plan | None, float]]] = {}
_AGAIN, _AGAIN_TURNS, _LONG = (2, 8), 2, 0.05


def _decide(key: tuple, x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Geometry | None, Plan | None]:
    """Return how to compute a convolution, and remember it; whatever is wrong with it is left to torch to say."""
    *shapes_and_options, method, on_cpu, threads, dtype, deterministic = key
    if method not in METHODS:
        raise ValueError(_unknown(method))
    geometry, plan, itemsize = _geometry(*shapes_and_options), None, _REAL[dtype].itemsize
    if geometry is not None and method != "auto":
        plan = method_plan(geometry, method, threads, itemsize)
    elif geometry is not None and on_cpu:
        plans = likely_plans(geometry, threads, itemsize)
        plan = plans[0]
        if len(plans) > 1 and not deterministic:
            timed = _time(dict.fromkeys(plans, math.inf), x, weight, bias, geometry, key, _TURNS)
            plan, best = _fastest(timed), min(timed.values())
            close = {way: seconds for way, seconds in timed.items() if seconds <= _DOUBT * best}
            if len(close) > 1 and best < _LONG:
                _doubtful[key] = 1, geometry, close
    if len(_decided) >= 4096:
        _decided.clear()
        _doubtful.clear()
    _decided[key] = decided = (None, None) if plan is None else (geometry, plan)
    return decided


def _decide_again(
    doubt: tuple[int, Geometry, dict[Plan | None, float]], key: tuple, x: Tensor, weight: Tensor, bias: Tensor | None
) -> None:
    """Count a call whose ways came out close, and time them again if it is one to do so."""
    calls, geometry, timed = doubt
    calls += 1
    if calls in _AGAIN:
        timed = _time(timed, x, weight, bias, geometry, key, _AGAIN_TURNS)
        plan = _fastest(timed)
        _decided[key] = (None, None) if plan is None else (geometry, plan)
    if calls < _AGAIN[-1]:
        _doubtful[key] = calls, geometry, timed


def _time(
    best: dict[Plan | None, float],
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    geometry: Geometry,
    key: tuple,
    turns: int,
) -> dict[Plan | None, float]:
    """Return the fastest time of each way, now or before; under a transform (vmap, grad), before."""
    if torch._C._functorch.peek_interpreter_stack() is not None or torch.compiler.is_compiling():
        return best
    best = dict(best)
    x, weight = x.detach(), weight.detach()
    x = x if x.dim() == weight.dim() else x.unsqueeze(0)
    bias = None if bias is None else bias.detach()
    if x.is_complex():  # three real convolutions, whichever way
        x, weight, bias = x.real, weight.real, None
    _, _, *options = key[:6]
    started = time.perf_counter()
    # In turns, because a moment in which something else has the processor should hit them all.
    for turn in range(turns):
        looks = _LOOKS[time.perf_counter() - started < _ENOUGH]
        limit = (_DOUBT if turn < looks else _HOPE) * min(best.values())
        hopeful = [plan for plan in best if best[plan] <= limit]
        if len(hopeful) == 1:
            break
        for plan in hopeful:
            for _ in range(2):
                start = time.perf_counter()
                if start - started > max(_PATIENCE * min(best.values()), _ENOUGH):
                    return best
                if plan is None:
                    _DIRECT[geometry.ndim](x, weight, bias, *options)
                else:
                    correlate(x, weight, bias, geometry, plan)
                best[plan] = min(best[plan], time.perf_counter() - start)
                if best[plan] > max(_DOUBT * min(best.values()), _ENOUGH):
                    break
    return best


def _fastest(seconds: dict[Plan | None, float]) -> Plan | None:
    fastest = min(seconds, key=seconds.get)
    return None if seconds[fastest] > _TIE * seconds.get(None, math.inf) else fastest


def _geometry(
    input_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: int | str | tuple[int, ...],
    dilation: int | tuple[int, ...],
    groups: int,
) -> Geometry | None:
    """Return the geometry, or None if something is empty or does not fit together."""
    ndim = len(weight_shape) - 2
    if len(input_shape) == ndim + 1:
        input_shape = (1, *input_shape)
    if (
        ndim not in _DIRECT
        or len(input_shape) != ndim + 2
        or not isinstance(groups, int)
        or groups < 1
        or 0 in input_shape + weight_shape
    ):
        return None
    batch, channels, *size = input_shape
    out_channels, group_channels, *kernel = weight_shape
    if channels != group_channels * groups or out_channels % groups:
        return None
    try:
        strides, dilations = expand(stride, ndim, "stride"), expand(dilation, ndim, "dilation")
        if padding == "same":
            if any(s != 1 for s in strides):
                return None
            low, high = same_padding(kernel, dilations)
        elif isinstance(padding, str):
            if padding != "valid":
                return None
            low = high = (0,) * ndim
        else:
            low = high = expand(padding, ndim, "padding")
    except (ValueError, TypeError):
        return None
    if min(strides) < 1 or min(dilations) < 1 or min(low) < 0:
        return None
    geometry = Geometry(
        batch, channels, out_channels, groups, tuple(size), tuple(kernel), strides, dilations, low, high
    )
    return geometry if min(geometry.out) >= 1 else None


def _complex(x: Tensor, weight: Tensor, geometry: Geometry, plan: Plan, method: str) -> Tensor:
    """Return a complex convolution from three real ones.

    (a + bi)(c + di) = (ac - bd) + ((a + b)(c + d) - ac - bd) i.
    """
    real = _correlate(x.real, weight.real, None, geometry, plan, method)
    imag = _correlate(x.imag, weight.imag, None, geometry, plan, method)
    both = _correlate(x.real + x.imag, weight.real + weight.imag, None, geometry, plan, method)
    return torch.complex(real - imag, both - real - imag)


def _correlate(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, plan: Plan, method: str) -> Tensor:
    needs_grad = torch.is_grad_enabled() and (
        x.requires_grad or weight.requires_grad or (bias is not None and bias.requires_grad)
    )
    if needs_grad or torch.autograd.forward_ad._current_level >= 0:
        return _Correlate.apply(x, weight, bias, geometry, plan, method)
    return correlate(x, weight, bias, geometry, plan)


class _Correlate(torch.autograd.Function):
    @staticmethod
    def forward(x, weight, bias, geometry, plan, method):
        return correlate(x, weight, bias, geometry, plan)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, _, ctx.geometry, ctx.plan, ctx.method = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        geometry, method = ctx.geometry, ctx.method
        for_x = _input_gradient(grad, x, weight, geometry, method) if ctx.needs_input_grad[0] else None
        for_weight = _weight_gradient(grad, x, weight, geometry, method) if ctx.needs_input_grad[1] else None
        for_bias = grad.sum([0, *range(2, grad.dim())]) if ctx.needs_input_grad[2] else None
        return for_x, for_weight, for_bias, None, None, None

    @staticmethod
    def jvp(ctx, x_tangent, weight_tangent, bias_tangent, *_):
        x, weight = ctx.saved_tensors
        parts = []
        if x_tangent is not None:
            parts.append(_correlate(x_tangent, weight, None, ctx.geometry, ctx.plan, ctx.method))
        if weight_tangent is not None:
            parts.append(_correlate(x, weight_tangent, None, ctx.geometry, ctx.plan, ctx.method))
        if bias_tangent is not None:
            shape = (ctx.geometry.batch, ctx.geometry.out_channels, *ctx.geometry.out)
            parts.append(bias_tangent.view(-1, *[1] * ctx.geometry.ndim).expand(shape))
        return sum(parts[1:], parts[0])


def _direct_gradient(grad: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, wanted: tuple[bool, bool]) -> Tensor:
    """Return one gradient as torch computes it."""
    extra = [high - low for low, high in zip(geometry.pad_low, geometry.pad_high)]  # "same" with an even kernel
    if any(extra):
        x = F.pad(x, [pad for more in reversed(extra) for pad in (0, more)])
    gradients = torch.ops.aten.convolution_backward(
        grad,
        x,
        weight,
        None,
        geometry.stride,
        geometry.pad_low,
        geometry.dilation,
        False,
        [0] * geometry.ndim,
        geometry.groups,
        [*wanted, False],
    )
    if wanted[1]:
        return gradients[1]
    return gradients[0][(..., *(slice(0, n) for n in geometry.size))]


def _input_gradient(grad: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, method: str) -> Tensor:
    ndim, groups = geometry.ndim, geometry.groups
    # A stride skips outputs. Their gradient is zero.
    upsampled = tuple((n - 1) * s + 1 for n, s in zip(geometry.out, geometry.stride))
    low = [span - 1 - p for span, p in zip(geometry.span, geometry.pad_low)]
    high = [n + span - 1 - lo - up for n, span, lo, up in zip(geometry.size, geometry.span, low, upsampled)]
    # Outputs that lie wholly in the padding have no say: negative padding cuts them off.
    size = tuple(up + min(lo, 0) + min(hi, 0) for up, lo, hi in zip(upsampled, low, high))
    plan = None
    if min(size) >= 1:
        mirrored = Geometry(
            geometry.batch,
            geometry.out_channels,
            geometry.in_channels,
            groups,
            size,
            geometry.kernel,
            (1,) * ndim,
            geometry.dilation,
            tuple(max(lo, 0) for lo in low),
            tuple(max(hi, 0) for hi in high),
        )
        plan = _gradient_plan(mirrored, geometry, method, grad)
    if plan is None:
        return _direct_gradient(grad, x, weight, geometry, (True, False))
    if any(s > 1 for s in geometry.stride):
        spread = grad.new_zeros((*grad.shape[:2], *upsampled))
        spread[(..., *(slice(None, None, s) for s in geometry.stride))] = grad
        grad = spread
    for i, (lo, n) in enumerate(zip(low, size)):
        grad = grad.narrow(2 + i, max(-lo, 0), n)
    o, c = geometry.out_channels // groups, geometry.in_channels // groups
    flipped = weight.flip(list(range(2, 2 + ndim))).unflatten(0, (groups, o)).transpose(1, 2)
    return _correlate(grad, flipped.reshape(groups * c, o, *geometry.kernel), None, mirrored, plan, method)


def _gradient_plan(mirrored: Geometry, geometry: Geometry, method: str, grad: Tensor) -> Plan | None:
    if method == "auto":
        return best_plan(mirrored, torch.get_num_threads(), grad.element_size(), direct=geometry)
    return method_plan(mirrored, method, torch.get_num_threads(), grad.element_size())


def _weight_gradient(grad: Tensor, x: Tensor, weight: Tensor, geometry: Geometry, method: str) -> Tensor:
    chosen = weight_gradient_plan(geometry, method, torch.get_num_threads(), grad.element_size())
    if chosen is None:
        return _direct_gradient(grad, x, weight, geometry, (False, True))
    outputs, plan = chosen  # outputs in one tile of the gradient; the plan of one tile
    tiles = [-(-n // v) for n, v in zip(geometry.out, outputs)]
    window = [(v - 1) * s + span for v, s, span in zip(outputs, geometry.stride, geometry.span)]
    tile_bytes = geometry.in_channels * math.prod(tiles) * math.prod(window) * grad.element_size()
    samples = max(1, _TILED_BYTES // tile_bytes)
    parts = [
        _tiled_weight_gradient(g, part, geometry, outputs, tiles, window, plan, method)
        for g, part in zip(grad.split(samples), x.split(samples))
    ]
    return sum(parts[1:], parts[0])


def _tiled_weight_gradient(
    grad: Tensor,
    x: Tensor,
    geometry: Geometry,
    outputs: tuple[int, ...],
    tiles: list[int],
    window: list[int],
    plan: Plan,
    method: str,
) -> Tensor:
    ndim, groups, n = geometry.ndim, geometry.groups, x.shape[0]
    c, o = geometry.in_channels // groups, geometry.out_channels // groups
    x_pads, grad_pads = [], []
    for i in reversed(range(ndim)):
        step = outputs[i] * geometry.stride[i]
        read = (tiles[i] - 1) * step + window[i]  # may end before the input does: the rest is cut off
        x_pads += [geometry.pad_low[i], read - geometry.pad_low[i] - geometry.size[i]]
        grad_pads += [0, tiles[i] * outputs[i] - geometry.out[i]]
    x = F.pad(x, x_pads)
    grad = F.pad(grad, grad_pads)
    for i in range(ndim):
        x = x.unfold(2 + i, window[i], outputs[i] * geometry.stride[i])
        grad = grad.unfold(2 + i, outputs[i], outputs[i])
    # (n, groups c, tiles, window) -> (c, groups n tiles, window); the gradient is (groups o, n tiles, outputs)
    rest = range(3, 3 + 2 * ndim)
    x = x.unflatten(1, (groups, c)).permute(2, 1, 0, *rest).reshape(c, -1, *window)
    grad = grad.transpose(0, 1).reshape(groups * o, -1, *outputs)
    tiled = Geometry(
        c,
        x.shape[1],
        groups * o,
        groups,
        tuple(window),
        tuple(outputs),
        geometry.dilation,
        geometry.stride,
        (0,) * ndim,
        (0,) * ndim,
    )
    assert x.shape[1] == groups * n * math.prod(tiles)
    return _correlate(x, grad, None, tiled, plan, method).transpose(0, 1)
