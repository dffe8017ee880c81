"""``FFTConv1d``, ``FFTConv2d`` and ``FFTConv3d``: drop-in replacements for ``torch.nn.Conv*``. Taught in lesson 03.

They *are* the torch modules, with another way to compute: same parameters, same initial values, same ``state_dict``.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .functional import METHODS, fft_conv


class _FFTConvMixin:
    """What the three modules add to torch's: a ``method``, and :func:`fft_conv` in the place of torch's function."""

    def __init__(self, *args, method: str = "auto", **kwargs):
        if method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
        super().__init__(*args, **kwargs)
        self.method = method

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        return fft_conv(input, weight, bias, self.stride, padding, self.dilation, self.groups, method=self.method)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, method={self.method}"


class FFTConv1d(_FFTConvMixin, nn.Conv1d):
    """``torch.nn.Conv1d`` computed by :func:`fft_conv`; same arguments, and ``method``."""


class FFTConv2d(_FFTConvMixin, nn.Conv2d):
    """``torch.nn.Conv2d`` computed by :func:`fft_conv`; same arguments, and ``method``.

    >>> layer = FFTConv2d(3, 8, kernel_size=31, padding="same", method="overlap_save")
    >>> layer.load_state_dict(nn.Conv2d(3, 8, kernel_size=31).state_dict())
    <All keys matched successfully>
    """


class FFTConv3d(_FFTConvMixin, nn.Conv3d):
    """``torch.nn.Conv3d`` computed by :func:`fft_conv`; same arguments, and ``method``."""
