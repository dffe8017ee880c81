"""Sizes: how large a convolution's output is, how many parameters it has, and where its zeros go.

Taught in lesson 01. Everything here is plain integer arithmetic; no tensor is touched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace


def conv_output_size(
    size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> int | tuple[int, ...]:
    """Return the number of outputs of a convolution or pooling layer along each dimension.

    ``floor((size + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1``, the formula in the documentation of
    ``torch.nn.Conv2d``. Taught in lesson 01.

    Parameters
    ----------
    size, kernel_size : int or sequence of int
        Samples along each dimension. With integers only, the result is an integer; a sequence in any argument makes
        it a tuple, and integers then stand for all dimensions.
    stride, padding, dilation : int or sequence of int
        As in ``torch.nn.Conv2d``; ``padding`` counts the zeros on *each* side.

    Raises
    ------
    ValueError
        If the padded input is smaller than the dilated kernel, if a value is out of range, or if two sequences have
        different lengths.

    >>> conv_output_size(28, kernel_size=5)
    24
    >>> conv_output_size((170, 130), kernel_size=7, stride=2, padding=3)
    (85, 65)
    """
    given = {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    lengths = {len(value) for value in given.values() if isinstance(value, Sequence)}
    if len(lengths) > 1:
        raise ValueError(f"The sequences must have one length, one entry a dimension; got {given}.")
    n = lengths.pop() if lengths else None
    columns = [value if isinstance(value, Sequence) else (value,) * (n or 1) for value in given.values()]
    outputs = tuple(_output_size(*column) for column in zip(*columns))
    return outputs[0] if n is None else outputs


def _output_size(size: int, kernel_size: int, stride: int, padding: int, dilation: int) -> int:
    if min(size, padding) < 0 or min(kernel_size, stride, dilation) < 1:
        raise ValueError(
            "kernel_size, stride and dilation must be at least 1, size and padding at least 0; got "
            f"kernel_size={kernel_size}, stride={stride}, dilation={dilation}, size={size}, padding={padding}."
        )
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if room < 0:
        raise ValueError(
            f"The kernel spans {dilation * (kernel_size - 1) + 1} samples, the padded input only {size + 2 * padding}. "
            "Use a smaller kernel or dilation, or more padding."
        )
    return room // stride + 1


def conv_parameters(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], bias: bool = True, groups: int = 1
) -> int:
    """Return the number of trainable numbers in a convolution layer. Taught in lesson 01.

    Parameters
    ----------
    in_channels, out_channels : int
        Both must be multiples of ``groups``.
    kernel_size : int or sequence of int
        An integer means a *square* kernel, as in ``Conv2d``: 3 is 3 x 3. For 1-D or 3-D give ``(3,)``, ``(3, 3, 3)``.
    bias : bool
        One more parameter for each output channel.
    groups : int
        Each output channel sees ``in_channels / groups`` input channels.

    Raises
    ------
    ValueError
        If the channels are not multiples of ``groups``.

    >>> conv_parameters(1, 6, 3)
    60
    """
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels ({in_channels}) and out_channels ({out_channels}) must be multiples of groups ({groups})."
        )
    taps = math.prod(kernel_size) if isinstance(kernel_size, Sequence) else kernel_size**2
    return out_channels * (in_channels // groups) * taps + (out_channels if bias else 0)


@dataclass(frozen=True)
class Geometry:
    """The shape of one convolution: everything that decides its cost, nothing that decides its values.

    ``size``, ``kernel``, ``stride``, ``dilation``, ``pad_low``, ``pad_high`` and ``out`` hold one integer for each
    spatial dimension. ``pad_low`` and ``pad_high`` are the zeros before and after; they are never negative.
    """

    batch: int
    in_channels: int
    out_channels: int
    groups: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pad_low: tuple[int, ...]
    pad_high: tuple[int, ...]

    @property
    def ndim(self) -> int:
        return len(self.size)

    @property
    def span(self) -> tuple[int, ...]:
        """Samples from a kernel's first tap to its last, both counted."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation))

    @property
    def out(self) -> tuple[int, ...]:
        padded = (n + lo + hi for n, lo, hi in zip(self.size, self.pad_low, self.pad_high))
        return tuple((n - span) // s + 1 for n, span, s in zip(padded, self.span, self.stride))

    @property
    def flops(self) -> int:
        """Multiplications and additions of the sum as it is written, those with padded zeros included."""
        pairs = self.batch * self.out_channels * (self.in_channels // self.groups)
        return 2 * pairs * math.prod(self.kernel) * math.prod(self.out)

    def one_group(self) -> Geometry:
        """Return the geometry of one of the ``groups`` independent convolutions."""
        channels = {"in_channels": self.in_channels // self.groups, "out_channels": self.out_channels // self.groups}
        return replace(self, groups=1, **channels)


def expand(value: int | Sequence[int], ndim: int, name: str) -> tuple[int, ...]:
    """Return ``value`` as one integer for each of ``ndim`` dimensions.

    Raises
    ------
    ValueError
        If a sequence has neither one entry nor ``ndim`` entries.
    """
    if isinstance(value, int):
        return (value,) * ndim
    values = tuple(int(v) for v in value)
    if len(values) == 1:
        return values * ndim
    if len(values) != ndim:
        raise ValueError(f"{name} must be an integer or {ndim} integers, got {value!r}.")
    return values


def same_padding(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the zeros before and after that keep the size at stride 1; of an odd total, one more comes after."""
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
