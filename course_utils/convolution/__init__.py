"""Convolution and its fast ways, from the definition to :func:`fft_conv`. Taught in lessons 01, 02 and 03."""

from .functional import METHODS, fft_conv
from .modules import FFTConv1d, FFTConv2d, FFTConv3d
from .numpy_reference import (
    convolve_direct,
    convolve_fft,
    cross_correlate_direct,
    cross_correlate_fft,
    dft,
    dft_matrix,
)
from .sizes import Geometry, conv_output_size, conv_parameters

__all__ = [
    "METHODS",
    "FFTConv1d",
    "FFTConv2d",
    "FFTConv3d",
    "Geometry",
    "conv_output_size",
    "conv_parameters",
    "convolve_direct",
    "convolve_fft",
    "cross_correlate_direct",
    "cross_correlate_fft",
    "dft",
    "dft_matrix",
    "fft_conv",
]
