"""Convolution and the Fourier transform in NumPy, from their definitions. Taught in lessons 01, 02 and 03.

These functions are written to be read and to be trusted: any number of dimensions, real or complex, no shortcuts.
:func:`course_utils.convolution.fft_conv` is the fast one.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.fft import next_fast_len


def dft_matrix(n: int) -> np.ndarray:
    """Return the ``n`` x ``n`` matrix of the discrete Fourier transform, ``exp(-2 pi i j k / n)``.

    ``dft_matrix(n) @ x`` is the transform of ``x``. Taught in lesson 02.

    Parameters
    ----------
    n : int
        Samples, at least 1.

    Returns
    -------
    ndarray of complex128, shape (n, n)
        Row ``k`` is the wave of ``k`` turns over ``n`` samples.
    """
    if n < 1:
        raise ValueError(f"A transform needs at least 1 sample, got n={n}.")
    j = np.arange(n)
    # j k is reduced modulo n first: the angle stays small, so that it keeps its digits for large n.
    return np.exp(-2j * np.pi / n * (np.outer(j, j) % n))


def dft(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the discrete Fourier transform along one axis, straight from its sum: n**2 multiplications.

    Agrees with ``numpy.fft.fft`` to rounding. Taught in lesson 02.

    Parameters
    ----------
    x : ndarray
        Real or complex, any shape.
    axis : int
        The axis to transform.

    Returns
    -------
    ndarray of complex128, the shape of ``x``
    """
    x = np.moveaxis(np.asarray(x), axis, -1)
    return np.moveaxis(x @ dft_matrix(x.shape[-1]), -1, axis)


def convolve_direct(x: np.ndarray, kernel: np.ndarray, mode: str = "full") -> np.ndarray:
    """Return the convolution of two arrays, kernel flipped, one kernel tap at a time.

    ``y[n] = sum_k kernel[k] x[n - k]``, in any number of dimensions. Taught in lesson 01.

    Parameters
    ----------
    x, kernel : ndarray
        With the same number of dimensions.
    mode : {"full", "same", "valid", "circular"}
        ``full``: every output, N + M - 1 along each dimension. ``same``: the middle of it, the shape of ``x``.
        ``valid``: only outputs where the kernel lies wholly inside ``x``. ``circular``: indices wrap around, the shape
        of ``x``; a kernel longer than ``x`` wraps as well.

    Raises
    ------
    ValueError
        For an unknown mode, for different numbers of dimensions, for an empty array, or for ``valid`` with a kernel
        larger than ``x``.

    >>> convolve_direct(np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0]))
    array([ 1.,  1.,  1., -3.])
    """
    x, kernel = _checked(x, kernel, mode)
    circular = mode == "circular"
    shape = x.shape if circular else _full_shape(x, kernel)
    y = np.zeros(shape, dtype=np.result_type(x, kernel))
    for tap in product(*map(range, kernel.shape)):
        if circular:
            y += kernel[tap] * np.roll(x, tap, axis=tuple(range(x.ndim)))
        else:
            y[tuple(slice(k, k + n) for k, n in zip(tap, x.shape))] += kernel[tap] * x
    return y if circular else _crop(y, x, kernel, mode)


def convolve_fft(x: np.ndarray, kernel: np.ndarray, mode: str = "full") -> np.ndarray:
    """Return the same as :func:`convolve_direct`, by the convolution theorem: transform, multiply, invert.

    Linear modes pad to at least N + M - 1, so that nothing wraps around, and on to the next size whose prime factors
    are small. ``circular`` needs no padding: it is what the theorem gives. Taught in lessons 02 and 03.

    Parameters, errors: see :func:`convolve_direct`.
    """
    x, kernel = _checked(x, kernel, mode)
    axes = tuple(range(x.ndim))
    dtype = np.result_type(x, kernel, np.float32)
    is_real = not np.issubdtype(dtype, np.complexfloating)
    if mode == "circular":
        kernel = _wrap(kernel, x.shape)
        sizes = x.shape
    else:
        sizes = tuple(next_fast_len(n, real=is_real) for n in _full_shape(x, kernel))
    forward, backward = (np.fft.rfftn, np.fft.irfftn) if is_real else (np.fft.fftn, np.fft.ifftn)
    y = backward(forward(x, sizes, axes) * forward(kernel, sizes, axes), sizes, axes).astype(dtype, copy=False)
    if np.issubdtype(np.result_type(x, kernel), np.integer):
        y = np.rint(y).astype(np.result_type(x, kernel))  # integers in, integers out
    return y if mode == "circular" else _crop(y, x, kernel, mode)


def cross_correlate_direct(x: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    """Return the cross-correlation ``y[n] = sum_k kernel[k] x[n + k]``: what deep learning calls a convolution.

    Nothing is flipped and nothing is conjugated, as in ``torch.nn.Conv2d``. Taught in lesson 01.

    Parameters
    ----------
    x, kernel : ndarray
        With the same number of dimensions.
    mode : {"valid", "same", "full", "circular"}
        As in :func:`convolve_direct`, whose result with the flipped kernel this is; in ``circular``, ``y[0]`` has
        the kernel's first tap on ``x[0]``. ``same`` agrees with ``padding="same"`` of ``torch.nn.Conv2d``.
    """
    return _correlate(convolve_direct, x, kernel, mode)


def cross_correlate_fft(x: np.ndarray, kernel: np.ndarray, mode: str = "valid") -> np.ndarray:
    """Return the same as :func:`cross_correlate_direct`, by the FFT. Taught in lesson 03."""
    return _correlate(convolve_fft, x, kernel, mode)


def _correlate(convolve, x: np.ndarray, kernel: np.ndarray, mode: str) -> np.ndarray:
    x, kernel = _checked(x, kernel, mode)
    flipped = np.flip(kernel)
    if mode == "circular":
        # The flipped kernel's last tap, not its first, belongs at the origin.
        return np.roll(convolve(x, flipped, mode), tuple(1 - k for k in kernel.shape), axis=tuple(range(x.ndim)))
    if mode == "same":
        full = convolve(x, flipped, "full")
        # (k - 1) // 2 zeros before: an even kernel reaches one sample further forward, as in torch.
        starts = (k - 1 - (k - 1) // 2 for k in kernel.shape)
        return full[tuple(slice(start, start + n) for start, n in zip(starts, x.shape))]
    return convolve(x, flipped, mode)


def _checked(x: np.ndarray, kernel: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray]:
    x, kernel = np.asarray(x), np.asarray(kernel)
    if mode not in ("full", "same", "valid", "circular"):
        raise ValueError(f"mode must be 'full', 'same', 'valid' or 'circular', got {mode!r}.")
    if x.ndim != kernel.ndim or x.ndim == 0:
        raise ValueError(
            f"x and kernel need the same number of dimensions, at least 1; got {x.ndim} and {kernel.ndim}. "
            "Channels are not mixed here: convolve one channel at a time, or use fft_conv."
        )
    if not x.size or not kernel.size:
        raise ValueError(f"x and kernel must not be empty; got shapes {x.shape} and {kernel.shape}.")
    if mode == "valid" and any(k > n for k, n in zip(kernel.shape, x.shape)):
        raise ValueError(f"mode 'valid' needs a kernel no larger than x; got {kernel.shape} and {x.shape}.")
    return x, kernel


def _full_shape(x: np.ndarray, kernel: np.ndarray) -> tuple[int, ...]:
    return tuple(n + k - 1 for n, k in zip(x.shape, kernel.shape))


def _crop(y: np.ndarray, x: np.ndarray, kernel: np.ndarray, mode: str) -> np.ndarray:
    if mode == "valid":
        starts, sizes = [k - 1 for k in kernel.shape], [n - k + 1 for n, k in zip(x.shape, kernel.shape)]
    elif mode == "same":
        starts, sizes = [(k - 1) // 2 for k in kernel.shape], x.shape
    else:
        starts, sizes = [0] * x.ndim, _full_shape(x, kernel)
    return y[tuple(slice(start, start + size) for start, size in zip(starts, sizes))]


def _wrap(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return ``kernel`` as an array of ``shape``, taps beyond the end added where they wrap to."""
    wrapped = np.zeros(shape, dtype=kernel.dtype)
    places = np.ix_(*(np.arange(k) % n for k, n in zip(kernel.shape, shape)))
    np.add.at(wrapped, places, kernel)
    return wrapped
