"""Cross-correlation of real tensors by overlap-save: cut into tiles, transform, multiply, invert, put together.

Taught in lesson 03. This module computes; it decides nothing and records no gradient. A :class:`Plan` (made in
``cost.py``) says how long the transforms are and whether they are FFTs or matrix products, and a
:class:`~course_utils.convolution.sizes.Geometry` says what is to be computed.

Overlap-save: a transform of ``length`` samples gives a *circular* correlation. Of its outputs, those whose kernel did
not wrap around are right, ``length - span + 1`` of them for a kernel that spans ``span`` samples. So the input is cut
into tiles that overlap by ``span - 1``, the right outputs of each are kept, and side by side they are the result. One
tile that holds everything is the plain FFT convolution.

Memory: tiles and output channels are worked through in portions of about ``PORTION`` bytes. That bounds the memory,
and it is faster too: a portion stays in the processor's cache, and memory that malloc has just taken back is handed
out again, where a large new block costs a page fault for every 4096 bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from .dft_matrices import INPUT, KERNEL, analyse, synthesise
from .sizes import Geometry

#: Bytes of spectrum in one portion of tiles or of output channels.
PORTION = 4 * 2**20

#: What the FFT engine's two channel products cost for each frequency, in elementwise complex multiplications: moving
#: one number when spectra are reordered into matrices, and starting one matrix product.
REORDER, START = 2, 300

#: A transform of at most this many samples is started as seldom as possible.
SMALL_TRANSFORM = 2**13

#: Samples that the FFT engine inverts in one call.
INVERSE_POINTS = 2**19


@dataclass(frozen=True)
class Plan:
    """How to compute one convolution in the frequency domain.

    ``engine`` is ``"fft"`` or ``"matrix"``; ``length``, ``outputs`` and ``tiles`` hold, for each dimension, the
    transform's length, the outputs that one tile yields, and the number of tiles.
    """

    engine: str
    length: tuple[int, ...]
    outputs: tuple[int, ...]
    tiles: tuple[int, ...]

    @property
    def frequencies(self) -> int:
        """Complex coefficients of one tile; the last dimension keeps half of them, the rest are their conjugates."""
        return math.prod(self.length[:-1]) * (self.length[-1] // 2 + 1)

    @property
    def numbers(self) -> int:
        """Real numbers stored for each tile's spectrum: three planes for the matrix engine, two for the FFT."""
        return self.frequencies * (3 if self.engine == "matrix" else 2)


def single_tile_length(geometry: Geometry, i: int) -> int:
    """Return the shortest transform that needs no second tile along dimension ``i``.

    The zeros before the input and those after it may be the same zeros: a circle has only one gap.
    """
    used = used_size(geometry, i)
    last = (geometry.out[i] - 1) * geometry.stride[i]
    zeros_after = last + geometry.span[i] - geometry.pad_low[i] - used
    return max(used + max(geometry.pad_low[i], zeros_after), geometry.span[i], last + 1)


def used_size(geometry: Geometry, i: int) -> int:
    """Return how many input samples along dimension ``i`` any output reads; a stride may leave some at the end."""
    reach = (geometry.out[i] - 1) * geometry.stride[i] + geometry.span[i] - geometry.pad_low[i]
    return min(geometry.size[i], max(reach, 1))


def make_plan(geometry: Geometry, engine: str, length: tuple[int, ...]) -> Plan:
    """Return the plan that covers the output with as few tiles of ``length`` as possible.

    Raises
    ------
    ValueError
        If the kernel spans more than a tile.
    """
    lengths, outputs, tiles = [], [], []
    for i, n in enumerate(length):
        if n < geometry.span[i]:
            raise ValueError(f"A transform of {n} samples cannot hold a kernel that spans {geometry.span[i]}.")
        count = -(-geometry.out[i] // ((n - geometry.span[i]) // geometry.stride[i] + 1))
        single = single_tile_length(geometry, i)
        if n >= single or count == 1:
            n, count = max(n, single), 1
        lengths.append(n)
        tiles.append(count)
        outputs.append(-(-geometry.out[i] // count))  # share the outputs out evenly
    return Plan(engine, tuple(lengths), tuple(outputs), tuple(tiles))


def correlate(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, plan: Plan) -> Tensor:
    """Return what ``torch.nn.functional.conv1d/2d/3d`` returns, for real tensors.

    Parameters
    ----------
    x : Tensor, shape (N, C, *size)
    weight : Tensor, shape (O, C / groups, *kernel)
    bias : Tensor of shape (O,), or None
    geometry : Geometry
        Of exactly these tensors.
    plan : Plan
        Made for this geometry.

    Returns
    -------
    Tensor, shape (N, O, *out)
    """
    plain = _plain_layout(geometry, plan, x.element_size())
    if plain is not None:
        return _correlate_plainly(x, weight, bias, plain)
    y = x.new_empty((geometry.batch, geometry.out_channels, *geometry.out))
    c, o = geometry.in_channels // geometry.groups, geometry.out_channels // geometry.groups
    # Groups with one input channel need no matrix product, so that several of them go through together.
    together = max(1, PORTION // (plan.numbers * max(c, o) * x.element_size())) if c == 1 else 1
    for g in range(0, geometry.groups, together):
        count = min(together, geometry.groups - g)
        inputs, outputs = slice(g * c, (g + count) * c), slice(g * o, (g + count) * o)
        part = replace(geometry, in_channels=count * c, out_channels=count * o, groups=count)
        part_bias = None if bias is None else bias[outputs]
        _correlate_groups(x[:, inputs], weight[outputs], part_bias, y[:, outputs], part, plan)
    return y


@dataclass(frozen=True)
class PlainLayout:
    """Where a convolution in one tile puts things; worked out once, for small images take no longer than this."""

    narrowed: tuple[tuple[int, int], ...]
    padding: list[int]
    kernel_padding: list[int]
    spread: tuple[slice, ...] | None
    together: bool
    length: tuple[int, ...]
    dims: tuple[int, ...]
    wanted: tuple | None
    geometry: Geometry


@lru_cache(maxsize=1024)
def _plain_layout(geometry: Geometry, plan: Plan, itemsize: int) -> PlainLayout | None:
    """Return the layout if a single FFT tile, one group and elementwise products will do, in one portion."""
    if plan.engine != "fft" or geometry.groups > 1 or any(t > 1 for t in plan.tiles):
        return None
    images, kernels = geometry.batch * geometry.in_channels, geometry.out_channels * geometry.in_channels
    spectra = max(images, kernels) + geometry.batch * geometry.out_channels
    if multiplies_matrices(geometry, geometry.batch) or spectra * plan.numbers * itemsize > 2 * PORTION:
        return None
    ndim, length = geometry.ndim, plan.length
    used = [used_size(geometry, i) for i in range(ndim)]
    small = math.prod(length) <= SMALL_TRANSFORM
    return PlainLayout(
        narrowed=tuple((2 + i, used[i]) for i in range(ndim) if used[i] < geometry.size[i]),
        padding=[
            p for i in reversed(range(ndim)) for p in (geometry.pad_low[i], length[i] - geometry.pad_low[i] - used[i])
        ],
        kernel_padding=[p for i in reversed(range(ndim)) for p in (0, length[i] - geometry.span[i])],
        spread=None if geometry.dilation == (1,) * ndim else tuple(slice(None, None, d) for d in geometry.dilation),
        together=small and images == kernels == 1,
        length=length,
        dims=tuple(range(-ndim, 0)),
        wanted=(..., *(slice(0, (v - 1) * s + 1, s) for v, s in zip(geometry.out, geometry.stride))) if small else None,
        geometry=geometry,
    )


def _correlate_plainly(x: Tensor, weight: Tensor, bias: Tensor | None, plain: PlainLayout) -> Tensor:
    """Transform, multiply, invert: the FFT convolution without tiles, portions and their overhead."""
    geometry = plain.geometry
    for dim, used in plain.narrowed:
        x = x.narrow(dim, 0, used)
    if plain.spread is not None:
        spread = weight.new_zeros((*weight.shape[:2], *geometry.span))
        spread[(..., *plain.spread)] = weight
        weight = spread
    x = torch.nn.functional.pad(x, plain.padding)
    weight = torch.nn.functional.pad(weight, plain.kernel_padding)
    if plain.together:  # starting a small transform costs more than computing it
        spectra = torch.fft.rfftn(torch.cat((x, weight)), dim=plain.dims)
        spectrum, kernel = spectra[:1], spectra[1:]
    else:
        spectrum, kernel = torch.fft.rfftn(x, dim=plain.dims), torch.fft.rfftn(weight, dim=plain.dims)
    # The conjugate turns convolution into cross-correlation.
    kernel.conj_physical_()
    product = spectrum[:, :1] * kernel[:, 0]
    for i in range(1, geometry.in_channels):
        product.addcmul_(spectrum[:, i : i + 1], kernel[:, i])
    if plain.wanted is None:
        y = _inverse(product, plain.length, geometry.out, geometry.stride)
    else:
        y = torch.fft.irfftn(product, s=plain.length, dim=plain.dims)[plain.wanted]
    return y.contiguous() if bias is None else (y + bias.view(-1, *[1] * geometry.ndim)).contiguous()


def _correlate_groups(
    x: Tensor, weight: Tensor, bias: Tensor | None, y: Tensor, geometry: Geometry, plan: Plan
) -> None:
    """Fill ``y``; the groups are one, or have one input channel each."""
    portions = list(_tile_portions(geometry, plan, x.element_size()))
    blocks = list(_channel_blocks(geometry, plan, x.element_size()))
    rows = max(p.samples * p.tiles for p in portions) * math.prod(plan.tiles[1:])
    engine = (MatrixEngine if plan.engine == "matrix" else FFTEngine)(geometry, plan, rows)

    def finish(portion: Portion, block: slice, spectrum: Tensor, kernel: Tensor) -> None:
        product = engine.multiply(spectrum, kernel, last=block is blocks[-1])
        outputs = engine.invert(product, portion)
        _place(outputs, y[portion.batch, block], bias if bias is None else bias[block], portion, plan)

    def input_spectrum(portion: Portion) -> Tensor:
        return engine.transform_input(_windows(x, geometry, plan, portion), portion)

    # Every portion meets every block. The smaller family of spectra is kept, the other is made one at a time.
    if geometry.batch * math.prod(plan.tiles) * geometry.in_channels < weight.shape[0] * weight.shape[1]:
        kept = [input_spectrum(portion) for portion in portions]
        for block in blocks:
            kernel = engine.transform_kernel(weight[block])
            for portion, spectrum in zip(portions, kept):
                finish(portion, block, spectrum, kernel)
    else:
        kept = [engine.transform_kernel(weight[block]) for block in blocks]
        for portion in portions:
            spectrum = input_spectrum(portion)
            for block, kernel in zip(blocks, kept):
                finish(portion, block, spectrum, kernel)


@dataclass(frozen=True)
class Portion:
    """Some samples of the batch, and some tiles along the first dimension (all tiles along the others)."""

    first_sample: int
    samples: int
    first_tile: int
    tiles: int

    @property
    def batch(self) -> slice:
        return slice(self.first_sample, self.first_sample + self.samples)


def _tile_portions(geometry: Geometry, plan: Plan, itemsize: int) -> Iterator[Portion]:
    channels = max(geometry.in_channels, min(geometry.out_channels, 8))
    row = plan.numbers * channels * itemsize * math.prod(plan.tiles[1:])
    tiles = plan.tiles[0]
    fitting = max(1, PORTION // row)  # rows of tiles in a portion
    samples = min(geometry.batch, max(1, fitting // tiles))
    tiles_each = tiles if fitting >= tiles else -(-tiles // -(-tiles // fitting))
    for sample in range(0, geometry.batch, samples):
        for tile in range(0, tiles, tiles_each):
            yield Portion(sample, min(samples, geometry.batch - sample), tile, min(tiles_each, tiles - tile))


def _channel_blocks(geometry: Geometry, plan: Plan, itemsize: int) -> Iterator[slice]:
    if geometry.groups > 1:
        yield slice(0, geometry.out_channels)
        return
    # At least 8 channels in a matrix product, or the product is slow.
    fitting = max(8, PORTION // (plan.numbers * geometry.in_channels * itemsize))
    count = -(-geometry.out_channels // fitting)
    each = -(-geometry.out_channels // count)
    for channel in range(0, geometry.out_channels, each):
        yield slice(channel, min(channel + each, geometry.out_channels))


def _windows(x: Tensor, geometry: Geometry, plan: Plan, portion: Portion) -> Tensor:
    """Return the tiles of a portion, overlaps repeated as views where nothing has to be padded.

    Returns
    -------
    Tensor, shape (samples, C, *tiles, *window)
        Along a dimension with a single tile, the window is the input as it is, for the engine to place.
    """
    x = x[portion.batch]
    pads = [0, 0] * geometry.ndim
    for i in range(geometry.ndim):
        if plan.tiles[i] == 1:
            x = x.narrow(2 + i, 0, used_size(geometry, i))
            continue
        first, count = (portion.first_tile, portion.tiles) if i == 0 else (0, plan.tiles[i])
        step, length = plan.outputs[i] * geometry.stride[i], window_length(geometry, plan, i)
        start = first * step - geometry.pad_low[i]
        total = (count - 1) * step + length
        low = min(max(-start, 0), total)
        inside = min(max(start, 0), geometry.size[i])
        stop = max(inside, min(start + total, geometry.size[i]))
        x = x.narrow(2 + i, inside, stop - inside)
        pads[-2 * i - 2], pads[-2 * i - 1] = low, total - low - (stop - inside)
    if any(pads):
        x = torch.nn.functional.pad(x, pads)
    for i in range(geometry.ndim):
        step = plan.outputs[i] * geometry.stride[i]
        x = x.unfold(2 + i, x.shape[2 + i] if plan.tiles[i] == 1 else window_length(geometry, plan, i), step)
    return x


def window_length(geometry: Geometry, plan: Plan, i: int) -> int:
    """Return the samples that one of several tiles reads: a whole transform for the FFT, no more than needed else."""
    if plan.engine == "fft":
        return plan.length[i]
    return (plan.outputs[i] - 1) * geometry.stride[i] + geometry.span[i]


def _place(outputs: Tensor, y: Tensor, bias: Tensor | None, portion: Portion, plan: Plan) -> None:
    """Write ``outputs``, shape (samples, O, *tiles, *outputs of a tile), to their place in ``y``; add the bias."""
    ndim = len(plan.tiles)
    # Along each dimension: whole tiles, and what the last one has beyond the end is cut off.
    options = []
    for i in range(ndim):
        each, size = plan.outputs[i], y.shape[2 + i]
        first, count = (portion.first_tile, portion.tiles) if i == 0 else (0, plan.tiles[i])
        whole = min(count, size // each - first)
        rest = min(size - (first + whole) * each, each) if whole < count else 0
        options.append(
            [(first * each, 0, whole, each)] * (whole > 0) + [((first + whole) * each, whole, 1, rest)] * (rest > 0)
        )
    pieces: list[tuple] = [()]
    for option in options:
        pieces = [piece + (choice,) for piece in pieces for choice in option]
    order = [0, 1] + [axis for i in range(ndim) for axis in (2 + i, 2 + ndim + i)]
    if bias is not None:
        bias = bias.view(1, -1, *[1] * (2 * ndim))
    for piece in pieces:
        source, target = outputs, y
        for i, (start, tile, tiles, each) in enumerate(piece):
            source = source.narrow(2 + i, tile, tiles).narrow(2 + ndim + i, 0, each)
            target = target.narrow(2 + 2 * i, start, tiles * each).unflatten(2 + 2 * i, (tiles, each))
        source = source.permute(order)
        if bias is None:
            target.copy_(source)
        else:
            torch.add(source, bias, out=target)


class MatrixEngine:
    """Transforms as matrix products; spectra are three real planes, (3 frequencies, tiles and samples, channels)."""

    def __init__(self, geometry: Geometry, plan: Plan, rows: int):
        self.geometry, self.plan = geometry, plan

    def transform_input(self, windows: Tensor, portion: Portion) -> Tensor:
        ndim = self.geometry.ndim
        first = tuple(lo if t == 1 else 0 for lo, t in zip(self.geometry.pad_low, self.plan.tiles))
        n, c = windows.shape[:2]
        window = windows.shape[2 + ndim :]
        # (n, c, tiles, window) -> (window but its last dimension, tiles n c, last dimension)
        order = [*range(2 + ndim, 1 + 2 * ndim), *range(2, 2 + ndim), 0, 1, 1 + 2 * ndim]
        tiles = math.prod(windows.shape[: 2 + ndim])
        samples = windows.permute(order).reshape(*window[:-1], tiles, window[-1])
        spectrum = analyse(samples, self.plan.length, first, (1,) * ndim, INPUT)
        return spectrum.view(spectrum.shape[0], -1, c)

    def transform_kernel(self, weight: Tensor) -> Tensor:
        o, c, *kernel = weight.shape
        ndim = len(kernel)
        samples = weight.permute(*range(2, 1 + ndim), 0, 1, 1 + ndim).reshape(*kernel[:-1], o * c, kernel[-1])
        spectrum = analyse(samples, self.plan.length, (0,) * ndim, self.geometry.dilation, KERNEL)
        return spectrum.view(-1, o, c)

    def multiply(self, spectrum: Tensor, kernel: Tensor, last: bool) -> Tensor:
        if kernel.shape[2] > 1:
            return torch.bmm(spectrum, kernel.transpose(1, 2))
        # One input channel to a group: (p, rows, groups, 1) times (p, 1, groups, outputs of a group).
        groups = spectrum.shape[2]
        product = spectrum.unsqueeze(-1) * kernel.view(kernel.shape[0], 1, groups, -1)
        return product.flatten(2)

    def invert(self, product: Tensor, portion: Portion) -> Tensor:
        plan, ndim = self.plan, self.geometry.ndim
        o = product.shape[2]
        samples = synthesise(product.flatten(1), plan.length, plan.outputs, self.geometry.stride)
        samples = samples.view(*plan.outputs[:-1], portion.tiles, *plan.tiles[1:], portion.samples, o, plan.outputs[-1])
        # (outputs but the last, tiles, n, o, last) -> (n, o, tiles, outputs)
        tiles = range(ndim - 1, 2 * ndim - 1)
        return samples.permute(2 * ndim - 1, 2 * ndim, *tiles, *range(ndim - 1), 2 * ndim + 1)


def multiplies_matrices(geometry: Geometry, rows: int) -> bool:
    """Return whether the FFT engine reorders spectra of ``rows`` tiles for its channel product."""
    c, o = geometry.in_channels // geometry.groups, geometry.out_channels // geometry.groups
    return c > 1 and rows * c * o > REORDER * (rows * c + c * o + rows * o) + START


def _inverse(spectra: Tensor, length: tuple[int, ...], outputs: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Return the wanted samples of the inverse transform. What is discarded is dropped after each dimension."""
    ndim = len(length)
    wanted = [slice(0, (v - 1) * s + 1, s) for v, s in zip(outputs, stride)]
    for i in range(ndim - 1):
        spectra = torch.fft.ifft(spectra, dim=i - ndim)[(..., wanted[i], *[slice(None)] * (ndim - 1 - i))]
    return torch.fft.irfft(spectra, n=length[-1])[..., wanted[-1]]


class FFTEngine:
    """Transforms by ``torch.fft``; spectra are complex.

    For the channel product as a batched matrix product they are reordered to (frequencies, tiles and samples,
    channels). With few channels or few tiles that does not pay, and they are multiplied as the FFT leaves them.
    """

    def __init__(self, geometry: Geometry, plan: Plan, rows: int):
        self.geometry, self.plan = geometry, plan
        self.dims = tuple(range(-geometry.ndim, 0))
        self.as_matrices = multiplies_matrices(geometry, rows)

    def _forward(self, samples: Tensor) -> Tensor:
        """Return the spectra of (a, b, *length) as (frequencies, a, b), or as (a, b, frequencies)."""
        a, b = samples.shape[:2]
        spectrum = torch.fft.rfftn(samples.flatten(0, 1), dim=self.dims)
        return self._reorder(spectrum.view(a * b, -1), (a, b))

    def _reorder(self, spectrum: Tensor, shape: tuple[int, int]) -> Tensor:
        return spectrum.t().contiguous().view(-1, *shape) if self.as_matrices else spectrum.view(*shape, -1)

    def transform_input(self, windows: Tensor, portion: Portion) -> Tensor:
        geometry, plan, ndim = self.geometry, self.plan, self.geometry.ndim
        pads = []
        for i in reversed(range(ndim)):
            low = geometry.pad_low[i] if plan.tiles[i] == 1 else 0
            pads += [low, plan.length[i] - low - windows.shape[2 + ndim + i]]
        n, c = windows.shape[:2]
        samples = windows.permute(*range(2, 2 + ndim), 0, 1, *range(2 + ndim, 2 + 2 * ndim))
        if any(pads):
            samples = torch.nn.functional.pad(samples, pads)
        return self._forward(samples.reshape(-1, c, *plan.length))

    def transform_kernel(self, weight: Tensor) -> Tensor:
        padded = weight.new_zeros((*weight.shape[:2], *self.plan.length))
        taps = tuple(slice(0, span, d) for span, d in zip(self.geometry.span, self.geometry.dilation))
        padded[(..., *taps)] = weight
        # The conjugate turns convolution into cross-correlation.
        return self._forward(padded).conj_physical_()

    def multiply(self, spectrum: Tensor, kernel: Tensor, last: bool) -> Tensor:
        """Return the product; ``last`` says that nobody needs the spectrum any more."""
        if self.as_matrices:
            product = torch.bmm(spectrum, kernel.transpose(1, 2))  # (frequencies, rows, outputs)
            rows, outputs = product.shape[1:]
            return product.flatten(1).t().contiguous().view(rows, outputs, -1)
        c = kernel.shape[1]
        if c == 1 and last and kernel.shape[0] == spectrum.shape[1]:
            return spectrum.mul_(kernel.view(spectrum.shape[1:]))
        if c == 1:  # (rows, groups, 1, frequencies) times (groups, outputs of a group, frequencies)
            groups = spectrum.shape[1]
            product = spectrum.unsqueeze(2) * kernel.view(groups, -1, kernel.shape[-1])
            return product.flatten(1, 2)
        product = spectrum[:, :1] * kernel[:, 0]
        for i in range(1, c):
            product.addcmul_(spectrum[:, i : i + 1], kernel[:, i])
        return product

    def invert(self, product: Tensor, portion: Portion) -> Tensor:
        plan, ndim = self.plan, self.geometry.ndim
        o = product.shape[1]
        spectra = product.view(-1, *plan.length[:-1], plan.length[-1] // 2 + 1)
        # Parts that stay in the cache, transposed copies included.
        parts = [
            _inverse(part, plan.length, plan.outputs, self.geometry.stride)
            for part in spectra.split(max(1, INVERSE_POINTS // math.prod(plan.length)))
        ]
        samples = parts[0] if len(parts) == 1 else torch.cat(parts)
        samples = samples.view(portion.tiles, *plan.tiles[1:], portion.samples, o, *plan.outputs)
        return samples.permute(ndim, ndim + 1, *range(ndim), *range(ndim + 2, 2 * ndim + 2))
