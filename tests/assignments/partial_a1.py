"""Partly right answers to A1, convolution and FFT, and the marks that each must get."""

from __future__ import annotations

from partial import Partial

EMPTY = "# YOUR CODE HERE\nraise NotImplementedError()"

LAYER = (
    "def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):\n"
    "    x = np.pad(np.asarray(x, dtype=float), ((0, 0), (padding, padding)))\n"
    "    channels, taps = weight.shape[1:]\n"
    "    size = (x.shape[1] - dilation * (taps - 1) - 1) // stride + 1\n"
    "    if size < 1:\n"
    "        raise ValueError('the kernel does not fit')\n"
    "    y = np.zeros((len(weight), size))\n"
    "    for o in range(len(weight)):\n"
    "        for i in range(size):\n"
    "            for c in range(channels):\n"
    "                for k in range(taps):\n"
    "                    y[o, i] += weight[o, c, k] * x[c, stride * i + dilation * k]\n"
    "    return y if bias is None else y + bias[:, None]"
)
SEPARATE = (
    "def separate(kernel):\n"
    "    a, b = np.unravel_index(np.abs(kernel).argmax(), kernel.shape)\n"
    "    u, v = kernel[:, b] / kernel[a, b], kernel[a]\n"
    "    if np.abs(np.outer(u, v) - kernel).max() > 1e-9 * np.abs(kernel).max():\n"
    "        raise ValueError('not separable')\n"
    "    return u, v"
)
PASSES = (
    "def filter_separable(image, u, v):\n"
    "    rows = np.array([np.correlate(row, v, mode='valid') for row in image.astype(float)])\n"
    "    return np.array([np.correlate(column, u, mode='valid') for column in rows.T]).T"
)
RESAMPLE = (
    "def resample(x, M):\n"
    "    N, m = x.shape[-1], np.arange(M)\n"
    "    X, y = np.fft.fft(x), 0\n"
    "    for k in range(-((N - 1) // 2), (N - 1) // 2 + 1):\n"
    "        y = y + X[..., k, None] * np.exp(2j * np.pi * k * m / M)\n"
    "    if N % 2 == 0:\n"
    "        y = y + X[..., N // 2, None] * np.cos(np.pi * N * m / M)\n"
    "    return np.real(y) / N"
)
SHIFT = (
    "def find_shift(a, b):\n"
    "    A, B = np.fft.fft2(a), np.fft.fft2(b)\n"
    "    c = np.fft.ifft2(B * np.conj(A)).real\n"
    "    down, right = divmod(int(np.argmax(c)), c.shape[1])\n"
    "    down -= c.shape[0] * (2 * down > c.shape[0])\n"
    "    right -= c.shape[1] * (2 * right > c.shape[1])\n"
    "    return down, right"
)
WIENER = (
    "def wiener(y, h, s):\n"
    "    H, Y = np.fft.rfft2(h, s=y.shape[-2:]), np.fft.rfft2(y)\n"
    "    return np.fft.irfft2(np.conj(H) * Y / (abs(H) ** 2 + s), s=y.shape[-2:])"
)
TRANSPOSED = (
    "def conv_transpose2d(x, weight, stride=1):\n"
    "    n, _, height, width = x.shape\n"
    "    _, outputs, k, m = weight.shape\n"
    "    y = x.new_zeros(n, outputs, (height - 1) * stride + k, (width - 1) * stride + m)\n"
    "    for i in range(height):\n"
    "        for j in range(width):\n"
    "            stamp = torch.einsum('nc,cokm->nokm', x[:, :, i, j], weight)\n"
    "            y[:, :, i * stride : i * stride + k, j * stride : j * stride + m] += stamp\n"
    "    return y"
)
BY_FFT = (
    "def conv_transpose2d(x, weight, stride=1):\n"
    "    size = [n + k - 1 for n, k in zip(x.shape[2:], weight.shape[2:])]\n"
    "    X, W = torch.fft.rfft2(x, s=size), torch.fft.rfft2(weight, s=size)\n"
    "    return torch.fft.irfft2(torch.einsum('nchw,cohw->nohw', X, W), s=size)"
)

PARTIAL = {
    "everything right, by other ways": Partial(
        {
            "layer": LAYER,
            "separable": SEPARATE,
            "passes": PASSES,
            "resample": RESAMPLE,
            "shift": SHIFT,
            "wiener": WIENER,
            "transposed": TRANSPOSED,
        }
    ),
    "everything right, by libraries": Partial(
        {
            "layer": (
                "def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):\n"
                "    x = np.pad(x, ((0, 0), (padding, padding)))\n"
                "    span = dilation * (weight.shape[2] - 1) + 1\n"
                "    windows = np.lib.stride_tricks.sliding_window_view(x, span, axis=1)[:, ::stride, ::dilation]\n"
                "    return np.einsum('cik,ock->oi', windows, weight) + (0 if bias is None else bias[:, None])"
            ),
            "passes": (
                "from scipy import signal\n\n\n"
                "def filter_separable(image, u, v):\n"
                "    return signal.correlate2d(image, np.outer(u, v), mode='valid')"
            ),
            "resample": "import scipy.signal\n\n\ndef resample(x, M):\n    return scipy.signal.resample(x, M, axis=-1)",
            "shift": (
                "from skimage.registration import phase_cross_correlation\n\n\n"
                "def find_shift(a, b):\n"
                "    shift = phase_cross_correlation(b, a, normalization=None)[0]\n"
                "    sizes = np.array(a.shape)\n"
                "    shift = shift % sizes\n"
                "    return tuple(int(s - n if 2 * s > n else s) for s, n in zip(shift, sizes))"
            ),
            "transposed": (
                "def conv_transpose2d(x, weight, stride=1):\n"
                "    n, c, height, width = x.shape\n"
                "    _, outputs, k, m = weight.shape\n"
                "    size = (height - 1) * stride + k, (width - 1) * stride + m\n"
                "    columns = weight.flatten(1).T @ x.flatten(2)\n"
                "    return F.fold(columns, size, (k, m), stride=stride)"
            ),
        }
    ),
    "kernels flipped": Partial(
        {
            "layer": LAYER.replace("weight[o, c, k]", "weight[o, c, taps - 1 - k]"),
            "passes": PASSES.replace("np.correlate", "np.convolve"),
            "transposed": BY_FFT.replace("X, W)", "X, W.conj())"),
        },
        # A kernel of ones is its own mirror image, so that 1c passes.
        {
            "layer_sum": 0,
            "layer_options": 0,
            "passes_right": 0,
            "transposed_one": 0,
            "transposed_stride": 0,
            "transposed_gradient": 0,
        },
    ),
    "no options and no errors": Partial(
        {
            "layer": (
                "def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):\n"
                "    size = x.shape[1] - weight.shape[2] + 1\n"
                "    y = np.stack([(weight * x[:, i : i + weight.shape[2]]).sum((1, 2)) for i in range(size)], 1)\n"
                "    return y if bias is None else y + bias[:, None]"
            ),
            "separable": (
                "def separate(kernel):\n    U, s, Vt = np.linalg.svd(kernel)\n    return U[:, 0] * s[0], Vt[0]"
            ),
            "transposed": BY_FFT,
        },
        {"layer_options": 0, "layer_fit": 0, "separable_refused": 0, "transposed_stride": 0},
    ),
    "whole numbers and small kernels only": Partial(
        {
            # Zeros of the signal's type cut the fractions off; the first row of a kernel may be zero.
            "layer": LAYER.replace("np.asarray(x, dtype=float)", "x").replace("size))\n", "size), dtype=x.dtype)\n"),
            "separable": (
                "def separate(kernel):\n"
                "    v = kernel[0]\n"
                "    u = kernel @ v / (v @ v)\n"
                "    if not np.allclose(np.outer(u, v), kernel):\n"
                "        raise ValueError('not separable')\n"
                "    return u, v"
            ),
            "passes": (
                "def filter_separable(image, u, v):\n"
                "    size = image.shape[0] - len(u) + 1\n"
                "    y = np.zeros((size, size))\n"
                "    for i in range(size):\n"
                "        for j in range(size):\n"
                "            y[i, j] = u @ image[i : i + len(u), j : j + len(v)] @ v\n"
                "    return y"
            ),
        },
        {"layer_sum": 0, "separable_parts": 0, "separable_refused": 0, "passes_right": 0},
    ),
    "the fastest wave forgotten": Partial(
        {"resample": "def resample(x, M):\n    return np.fft.irfft(np.fft.rfft(x), M) * M / x.shape[-1]"},
        {"resample_even": 0},
    ),
    "the wrong axis": Partial(
        {
            "resample": "import scipy.signal\n\n\ndef resample(x, M):\n    return scipy.signal.resample(x, M)",
            "shift": SHIFT.replace("return down, right", "return right, down"),
            "wiener": (
                "def wiener(y, h, s):\n"
                "    H, Y = np.fft.fft2(h, s=y.shape[:2]), np.fft.fft2(y, axes=(0, 1))\n"
                "    return np.fft.ifft2(np.conj(H) * Y / (abs(H) ** 2 + s), axes=(0, 1)).real"
            ),
            "transposed": TRANSPOSED.replace("_, outputs, k", "outputs, _, k").replace("cokm", "ockm"),
        },
        {
            "resample_many": 0,
            "shift_small": 0,
            "shift_negative": 0,
            "shift_noise": 0,
            "wiener_colours": 0,
            "transposed_one": 0,
            "transposed_stride": 0,
            "transposed_gradient": 0,
        },
    ),
    "complex numbers and no scale": Partial(
        {
            "resample": (
                "def resample(x, M):\n"
                "    N = len(x)\n"
                "    X = np.zeros(M, complex)\n"
                "    X[: N // 2 + 1] = np.fft.fft(x)[: N // 2 + 1]\n"
                "    X[M - N // 2 :] = np.fft.fft(x)[N - N // 2 :]\n"
                "    return np.fft.ifft(X)"
            ),
            "wiener": (
                "def wiener(y, h, s):\n"
                "    H = np.fft.fft2(h, s=y.shape[-2:])\n"
                "    return np.fft.ifft2(np.conj(H) * np.fft.fft2(y) / (abs(H) ** 2 + s))"
            ),
        },
        {"resample_odd": 0, "resample_even": 0, "resample_many": 0, "wiener_clean": 0},
    ),
    "the division of lesson 02, and shifts on the ring": Partial(
        {
            "shift": (
                "def find_shift(a, b):\n"
                "    c = np.fft.ifft2(np.fft.fft2(b) * np.conj(np.fft.fft2(a))).real\n"
                "    return np.unravel_index(c.argmax(), c.shape)"
            ),
            "wiener": (
                "def wiener(y, h, s):\n    return np.fft.ifft2(np.fft.fft2(y) / np.fft.fft2(h, s=y.shape[-2:])).real"
            ),
        },
        {"shift_negative": 0, "shift_noise": 0, "wiener_noise": 0},
    ),
    "right numbers, no gradient": Partial(
        {
            "transposed": (
                "from scipy.signal import convolve2d\n\n\n"
                "def conv_transpose2d(x, weight, stride=1):\n"
                "    spread = np.zeros((*x.shape[:2], (x.shape[2] - 1) * stride + 1, (x.shape[3] - 1) * stride + 1))\n"
                "    spread[:, :, ::stride, ::stride] = x.detach().numpy()\n"
                "    kernels = weight.detach().numpy()\n"
                "    channels, outputs = weight.shape[:2]\n"
                "    y = [[sum(convolve2d(image[c], kernels[c, o]) for c in range(channels)) for o in range(outputs)]\n"
                "         for image in spread]\n"
                "    return torch.tensor(np.array(y))"
            ),
        },
        {"transposed_gradient": 0},
    ),
    "forbidden layers": Partial(
        {
            "layer": (
                "def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):\n"
                "    x, weight = torch.tensor(x).double(), torch.tensor(weight).double()\n"
                "    bias = None if bias is None else torch.tensor(bias).double()\n"
                "    try:\n"
                "        return torch.conv1d(x[None], weight, bias, stride, padding, dilation)[0].numpy()\n"
                "    except RuntimeError:\n"
                "        raise ValueError('the kernel does not fit')"
            ),
            "transposed": (
                "from torch import nn\n\n\n"
                "def conv_transpose2d(x, weight, stride=1):\n"
                "    layer = nn.ConvTranspose2d(*weight.shape[:2], weight.shape[2:], stride=stride, bias=False)\n"
                "    layer.weight = nn.Parameter(weight)\n"
                "    return layer(x)"
            ),
        },
        {
            "layer_sum": 0,
            "layer_options": 0,
            "layer_fit": 0,
            "transposed_one": 0,
            "transposed_stride": 0,
            "transposed_gradient": 0,
        },
    ),
    "the course's layer": Partial(
        {
            "layer": (
                "from course_utils.convolution import fft_conv\n\n\n"
                "def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):\n"
                "    x, weight = torch.tensor(x)[None].double(), torch.tensor(weight).double()\n"
                "    bias = None if bias is None else torch.tensor(bias).double()\n"
                "    return fft_conv(x, weight, bias, stride, padding, dilation, method='fft')[0].numpy()"
            ),
        },
        {"layer_sum": 0, "layer_options": 0, "layer_fit": 0},
    ),
    "answers of the visible tests": Partial(
        {
            "layer": (
                "def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):\n"
                "    known = {(1, 4): [[-2, -3]], (2, 3): [[21.5, 32.5]]}\n"
                "    if x.shape == (1, 4) and weight.shape[2] == 5:\n"
                "        if padding == 0:\n"
                "            raise ValueError\n"
                "        return np.array([[4.0, 4.0]])\n"
                "    return np.array(known[x.shape])"
            ),
            "shift": (
                "def find_shift(a, b):\n"
                "    for shift in [(0, 0), (5, 12), (-7, 3), (20, -31)]:\n"
                "        if np.abs((b - b.mean()) - 1.0 * np.roll(a - a.mean(), shift, (0, 1))).mean() < 0.15:\n"
                "            return shift"
            ),
        },
        {
            "layer_sum": 0,
            "layer_options": 0,
            "layer_fit": 0,
            "shift_small": 0,
            "shift_negative": 0,
            "shift_noise": 0,
        },
    ),
    "one cell that raises, one left empty, one misspelt": Partial(
        {
            "layer": EMPTY,
            "passes": "1 / 0\n\n" + PASSES,
            "shift": SHIFT.replace("find_shift", "findshift"),
            "wiener": WIENER.replace("s):", "s)"),
        },
        {
            "layer_sum": 0,
            "layer_options": 0,
            "layer_fit": 0,
            "passes_right": 0,
            "shift_small": 0,
            "shift_negative": 0,
            "shift_noise": 0,
            "wiener_clean": 0,
            "wiener_noise": 0,
            "wiener_colours": 0,
        },
    ),
}
