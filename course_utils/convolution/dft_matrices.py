"""The Fourier transform of small tiles as matrix products. Taught in lesson 03, on top of lesson 02's DFT matrix.

For a tile of 8 to 64 samples, a matrix product with the DFT matrix does several times more arithmetic than an FFT, and
still takes less time: matrix products run near the processor's peak. Three things come for free.

* Padding, dilation and stride are a choice of the matrix's columns and rows. A dilated kernel is a matrix with every
  d-th column, and outputs that nobody asked for (they wrap around, or the stride skips them) are never computed.
* The order of the result. The channel product wants one small matrix for each frequency, with the channels innermost;
  an FFT leaves the frequencies innermost, and putting that right costs another pass over memory.
* Complex arithmetic without complex numbers. With three real numbers for each input coefficient, (a + b, a, b) for
  a + bi, and (c, d - c, c + d) for a kernel coefficient c + di, three real products give the complex one:

      k1 = (a + b) c,   k2 = a (d - c),   k3 = b (c + d),   (a + bi)(c + di) = (k1 - k3) + (k1 + k2) i.

  This is Gauss's trick; the matrices below produce and consume these three *planes*, so it costs no extra pass.

A d-dimensional real transform goes one dimension at a time. The last dimension comes first and turns real numbers into
length // 2 + 1 complex ones (the rest are conjugates of these); the others turn complex numbers into complex numbers.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

#: What a transform's last step writes: real and imaginary parts, or the three planes of an input or of a kernel.
COMPLEX, INPUT, KERNEL = "complex", "input", "kernel"

Like = tuple[torch.device, torch.dtype]


def _angles(length: int, frequencies: int, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of ``2 pi f p / length``, shapes (frequencies, positions), in double precision."""
    turns = torch.arange(frequencies)[:, None] * positions % length  # integers: no digit is lost for large positions
    angle = turns.double() * (2 * math.pi / length)
    return torch.cos(angle), torch.sin(angle)


def _planes(real: Tensor, imag: Tensor, kind: str) -> Tensor:
    if kind == INPUT:
        return torch.stack([real + imag, real, imag])
    if kind == KERNEL:
        return torch.stack([real, imag - real, real + imag])
    return torch.stack([real, imag])


@lru_cache(maxsize=512)
def real_analysis(length: int, count: int, first: int, step: int, sign: int, kind: str, like: Like) -> Tensor:
    """Return the matrix from ``count`` real samples to their half spectrum.

    Parameters
    ----------
    length : int
        The transform's length; frequencies are 0 to ``length // 2``.
    count, first, step : int
        Sample ``i`` sits at position ``first + i step``, modulo ``length``.
    sign : int
        -1 for the spectrum of an input, +1 for its conjugate, which a kernel needs: cross-correlation does not flip.
    kind : {"complex", "input", "kernel"}
        See the module's top.
    like : (torch.device, torch.dtype)
        What to make it of.

    Returns
    -------
    Tensor, shape (planes * frequencies, count)
    """
    cos, sin = _angles(length, length // 2 + 1, first + step * torch.arange(count))
    return _planes(cos, sign * sin, kind).reshape(-1, count).to(*like)


@lru_cache(maxsize=512)
def complex_analysis(length: int, count: int, first: int, step: int, sign: int, kind: str, like: Like) -> Tensor:
    """Return the matrix from ``count`` complex samples to their spectrum, real and imaginary parts alternating.

    Parameters: see :func:`real_analysis`.

    Returns
    -------
    Tensor, shape (planes * length, count * 2)
    """
    cos, sin = _angles(length, length, first + step * torch.arange(count))
    sin = sign * sin
    real = torch.stack([cos, -sin], dim=-1)  # (cos + i sin)(a + bi), real part, as factors of a and b
    imag = torch.stack([sin, cos], dim=-1)
    return _planes(real, imag, kind).reshape(-1, 2 * count).to(*like)


def _from_planes(of_real: Tensor, of_imag: Tensor, planes: int, dim: int) -> Tensor:
    """Return factors of the planes, given factors of the real and of the imaginary part."""
    if planes == 3:  # real = k1 - k3, imag = k1 + k2
        return torch.stack([of_real + of_imag, of_imag, -of_real], dim=dim)
    return torch.stack([of_real, of_imag], dim=dim)


@lru_cache(maxsize=512)
def complex_synthesis(length: int, count: int, step: int, planes: int, like: Like) -> Tensor:
    """Return the matrix from a spectrum's planes to complex samples ``0, step, 2 step, ...``, all others left out.

    Returns
    -------
    Tensor, shape (count * 2, planes * length)
        Real and imaginary parts of the samples alternate.
    """
    cos, sin = _angles(length, length, step * torch.arange(count))
    cos, sin = cos.T / length, sin.T / length
    real = _from_planes(cos, -sin, planes, dim=1)
    imag = _from_planes(sin, cos, planes, dim=1)
    return torch.stack([real, imag], dim=1).reshape(2 * count, planes * length).to(*like)


@lru_cache(maxsize=512)
def real_synthesis(length: int, count: int, step: int, planes: int, like: Like) -> Tensor:
    """Return the matrix from a half spectrum's planes to real samples ``0, step, 2 step, ...``.

    Returns
    -------
    Tensor, shape (planes * (length // 2 + 1), count)
    """
    cos, sin = _angles(length, length // 2 + 1, step * torch.arange(count))
    # Every frequency stands for its conjugate too, except 0 and, for an even length, the highest.
    twice = torch.full((length // 2 + 1, 1), 2.0, dtype=torch.float64)
    twice[0] = 1
    if length % 2 == 0:
        twice[-1] = 1
    matrix = _from_planes(cos * twice / length, -sin * twice / length, planes, dim=0)
    return matrix.reshape(-1, count).to(*like)


def analyse(
    samples: Tensor, lengths: tuple[int, ...], first: tuple[int, ...], step: tuple[int, ...], kind: str
) -> Tensor:
    """Transform a batch of tiles.

    Parameters
    ----------
    samples : Tensor, shape (n_1, ..., n_{d-1}, m, n_d)
        ``m`` tiles of ``n_1 x ... x n_d`` real samples; the last dimension and the tiles are the wrong way round on
        purpose, so that the tiles end up innermost.
    lengths, first, step : tuple of int
        Transform length, position of sample 0, and distance of samples along each dimension.
    kind : {"input", "kernel"}

    Returns
    -------
    Tensor, shape (3 * frequencies, m)
        The three planes of each frequency; ``frequencies = lengths[0] * ... * (lengths[-1] // 2 + 1)``.
    """
    *counts, m, last = samples.shape
    like = (samples.device, samples.dtype)
    sign = -1 if kind == INPUT else 1
    ndim = len(lengths)

    def matrix(make, i: int, count: int) -> Tensor:
        wanted = COMPLEX if i else kind  # the first dimension is transformed last
        return make(lengths[i], count, first[i], step[i], sign, wanted, like)

    along_last = matrix(real_analysis, ndim - 1, last)
    if ndim == 1:
        return along_last @ samples.T
    rows = math.prod(counts)
    spectrum = torch.bmm(along_last.expand(rows, -1, -1), samples.reshape(rows, m, last).transpose(1, 2))
    columns = (lengths[-1] // 2 + 1) * m
    for i in reversed(range(ndim - 1)):
        rows = math.prod(counts[:i])
        spectrum = spectrum.view(rows, 2 * counts[i], columns)
        along = matrix(complex_analysis, i, counts[i])
        spectrum = torch.bmm(along.expand(rows, -1, -1), spectrum) if i else along @ spectrum[0]
        columns *= lengths[i]
    return spectrum.view(-1, m)


def synthesise(spectrum: Tensor, lengths: tuple[int, ...], counts: tuple[int, ...], step: tuple[int, ...]) -> Tensor:
    """Invert a batch of products, computing only the samples ``0, step, ..., (count - 1) step`` along each dimension.

    Parameters
    ----------
    spectrum : Tensor, shape (3 * frequencies, m)
        The planes k1, k2, k3.
    lengths, counts, step : tuple of int

    Returns
    -------
    Tensor, shape (count_1, ..., count_{d-1}, m, count_d)
    """
    m = spectrum.shape[-1]
    like = (spectrum.device, spectrum.dtype)
    planes, rows = 3, 1
    for i in range(len(lengths) - 1):
        along = complex_synthesis(lengths[i], counts[i], step[i], planes, like)
        spectrum = spectrum.view(rows, planes * lengths[i], -1)
        spectrum = torch.bmm(along.expand(rows, -1, -1), spectrum) if rows > 1 else along @ spectrum[0]
        planes, rows = 2, rows * counts[i]
    along = real_synthesis(lengths[-1], counts[-1], step[-1], planes, like)
    spectrum = spectrum.view(rows, along.shape[0], m).transpose(1, 2)
    samples = torch.bmm(spectrum, along.expand(rows, -1, -1))
    return samples.view(*counts[:-1], m, counts[-1])
