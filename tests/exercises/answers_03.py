"""Answers to the exercises of lesson 03."""

from __future__ import annotations

from answers import Answers, Wrong


def correlate(inverse: str, crop: str = "[: x.shape[0] - w.shape[0] + 1, : x.shape[1] - w.shape[1] + 1]") -> str:
    return f"""
def correlate_by_fft(x, w):
    X, W = torch.fft.rfft2(x), torch.fft.rfft2(w, s=x.shape)
    y = {inverse}
    return y{crop}
"""


CORRELATE_BY_FFT = Answers(
    right={
        "conv2d": "def correlate_by_fft(x, w):\n    return F.conv2d(x[None, None], w[None, None])[0, 0]\n",
        "complex transform": """
def correlate_by_fft(x, w):
    y = torch.fft.ifft2(torch.fft.fft2(x) * torch.fft.fft2(w, s=x.shape).conj()).real
    return y[: x.shape[0] - w.shape[0] + 1, : x.shape[1] - w.shape[1] + 1]
""",
        "unfold": """
def correlate_by_fft(x, w):
    k, l = w.shape
    return (x.unfold(0, k, 1).unfold(1, l, 1) * w).sum((2, 3))
""",
    },
    wrong=(
        Wrong("unrepaired, otherwise", correlate("torch.fft.irfft2(X * W.conj())"), "even or an odd", "odd length"),
        Wrong(
            "no conjugate", correlate("torch.fft.irfft2(X * W, s=x.shape)"), "conjugate is missing", "not conjugated"
        ),
        Wrong(
            "conjugate of X", correlate("torch.fft.irfft2(X.conj() * W, s=x.shape)"), "not to the image", "conjugated"
        ),
        Wrong(
            "end kept",
            correlate("torch.fft.irfft2(X * W.conj(), s=x.shape)", "[w.shape[0] - 1 :, w.shape[1] - 1 :]"),
            "not the first",
            "wrong place",
        ),
        Wrong("not cropped", correlate("torch.fft.irfft2(X * W.conj(), s=x.shape)", ""), "wrong shape"),
        Wrong(
            "NumPy",
            """
def correlate_by_fft(x, w):
    spectrum = np.fft.rfft2(x.detach().numpy()) * np.fft.rfft2(w.detach().numpy(), x.shape).conj()
    y = torch.from_numpy(np.fft.irfft2(spectrum, x.shape))
    return y[: x.shape[0] - w.shape[0] + 1, : x.shape[1] - w.shape[1] + 1]
""",
            "no gradient gets through",
            "gradient lost",
        ),
        Wrong(
            "double precision always",
            "def correlate_by_fft(x, w):\n    return F.conv2d(x[None, None].double(), w[None, None].double())[0, 0]\n",
            "torch.float32 was expected",
            "wrong dtype",
        ),
        Wrong(
            "kernel detached",
            correlate("torch.fft.irfft2(X * W.detach().conj(), s=x.shape)"),
            "gradient with respect to the inputs is not",
        ),
    ),
)


def mix(equation: str, w: str = "W", g: str = "G") -> str:
    return f'def mix_back(G, W):\n    return torch.einsum("{equation}", {g}, {w})\n'


MIX_BACK = Answers(
    right={
        "matrix products": """
def mix_back(G, W):
    g = G.flatten(2).permute(2, 0, 1)
    w = W.flatten(2).permute(2, 0, 1)
    return (g @ w).permute(1, 2, 0).reshape(G.shape[0], W.shape[1], *G.shape[2:])
""",
        "loops": """
def mix_back(G, W):
    return torch.stack(
        [torch.stack([sum(G[n, o] * W[o, c] for o in range(len(W))) for c in range(W.shape[1])]) for n in range(len(G))]
    )
""",
        "NumPy": 'def mix_back(G, W):\n    return np.einsum("no...,oc...->nc...", G.numpy(), W.numpy())\n',
    },
    wrong=(
        Wrong("forward's conjugate", mix("no...,oc...->nc...", "W.conj()"), "true convolution", "conjugated"),
        Wrong("gradient conjugated", mix("no...,oc...->nc...", g="G.conj()"), "comes back is conjugated", "conjugated"),
        Wrong("both conjugated", mix("no...,oc...->nc...", "W.conj()", "G.conj()"), "complex conjugate", "conjugated"),
        Wrong("forward's axes", mix("nc...,oc...->no..."), "output channels are summed", "wrong axis"),
        Wrong("all channels", mix("no...,oc...->n..."), "gradient of its own", "wrong axis"),
        Wrong(
            "mean",
            "def mix_back(G, W):\n    return (G[:, :, None] * W[None]).mean(1)\n",
            "mean where the sum",
            "mean for sum",
        ),
        Wrong("not summed", "def mix_back(G, W):\n    return G[:, :, None] * W[None]\n", "wrong shape"),
        Wrong(
            "real part",
            mix("no...,oc...->nc...").replace("G, W)\n", "G, W).real\n", 2).replace("(G, W).real:", "(G, W):"),
            "values differ",
        ),
    ),
    equivalent={},
)


def difference(formula: str, step: str = "step.view(-1)[i] = h") -> str:
    return f"""
def numerical_gradient(f, x, h=1e-6):
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        step = torch.zeros_like(x)
        {step}
        gradient.view(-1)[i] = {formula}
    return gradient
"""


NUMERICAL_GRADIENT = Answers(
    right={
        "rows of the identity": """
def numerical_gradient(f, x, h=1e-6):
    steps = h * torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape)
    return torch.stack([(f(x + step) - f(x - step)) / 2 / h for step in steps]).view(x.shape)
""",
        "copies": """
def numerical_gradient(f, x, h=1e-6):
    gradient = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[place] += h
        left[place] -= h
        gradient[place] = (f(right).item() - f(left).item()) / (2 * h)
    return gradient
""",
        "in place, put back": """
def numerical_gradient(f, x, h=1e-6):
    x, gradient = x.clone(), []
    for i in range(x.numel()):
        before = x.view(-1)[i].item()
        x.view(-1)[i] = before + h
        above = f(x).item()
        x.view(-1)[i] = before - h
        gradient.append((above - f(x).item()) / (2 * h))
        x.view(-1)[i] = before
    return torch.tensor(gradient, dtype=x.dtype).view(x.shape)
""",
    },
    wrong=(
        Wrong("forward", difference("(f(x + step) - f(x)) / h"), "one side only", "one-sided difference"),
        Wrong("backward", difference("(f(x) - f(x - step)) / h"), "one side only", "one-sided difference"),
        Wrong("by h", difference("(f(x + step) - f(x - step)) / h"), "2 h apart", "wrong divisor"),
        Wrong("not divided", difference("f(x + step) - f(x - step)"), "not divided", "wrong divisor"),
        Wrong("precedence", difference("(f(x + step) - f(x - step)) / 2 * h"), "multiplies by h", "wrong divisor"),
        Wrong(
            "all entries",
            difference("(f(x + step) - f(x - step)) / (2 * h)", "step[:] = h"),
            "at the same time",
            "all at once",
        ),
        Wrong("other order", difference("(f(x - step) - f(x + step)) / (2 * h)"), "sign is wrong"),
        Wrong(
            "autograd",
            """
def numerical_gradient(f, x, h=1e-6):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]
""",
            "exact derivative",
            "not a difference",
        ),
        Wrong(
            "x moved and left there",
            """
def numerical_gradient(f, x, h=1e-6):
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        x.view(-1)[i] += h
        above = f(x)
        x.view(-1)[i] -= 2 * h
        gradient.view(-1)[i] = (above - f(x)) / (2 * h)
    return gradient
""",
            "changes its input x",
            "changes its input",
        ),
    ),
    equivalent={"line 2: torch.zeros_like -> torch.ones_like": "every entry is assigned afterwards"},
)


def blocks(put: str, size: str = "len(x) + len(h) - 1") -> str:
    return f"""
def overlap_add(x, h, length, convolve):
    y = np.zeros({size})
    for start in range(0, len(x), length):
        block = convolve(x[start:start + length], h)
        {put}
    return y
"""


OVERLAP_ADD = Answers(
    right={
        "padded blocks": """
def overlap_add(x, h, length, convolve):
    total = len(x) + len(h) - 1
    parts = [(s, convolve(x[s:s + length], h)) for s in range(0, len(x), length)]
    return sum(np.pad(part, (s, total - s - len(part))) for s, part in parts)
""",
        "sample by sample": """
def overlap_add(x, h, length, convolve):
    y = [0.0] * (len(x) + len(h) - 1)
    for n in range(len(x)):
        for k, value in enumerate(convolve(x[n:n + 1], h)):
            y[n + k] += value
    return y
""",
    },
    wrong=(
        Wrong(
            "tails dropped",
            blocks("y[start:start + length] += block[:len(x[start:start + length])]").replace(
                "y[start:start + length] +=", "y[start:start + len(x[start:start + length])] +="
            ),
            "tails of the blocks are lost",
            "dropped tails",
        ),
        Wrong(
            "tails overwritten",
            blocks("y[start:start + len(block)] = block"),
            "one overwrites the other",
            "overwritten tails",
        ),
        Wrong(
            "at once",
            "def overlap_add(x, h, length, convolve):\n    return np.convolve(x, h)\n",
            "not made block by block",
            "whole signal at once",
        ),
        Wrong(
            "at once, through convolve",
            "def overlap_add(x, h, length, convolve):\n    return convolve(x, h)\n",
            "at most 4 samples at a time",
            "raises",
        ),
        Wrong(
            "one after the other",
            """
def overlap_add(x, h, length, convolve):
    return np.concatenate([convolve(x[s:s + length], h) for s in range(0, len(x), length)])
""",
            "They have to overlap",
            "wrong place",
        ),
        Wrong(
            "cut off",
            blocks("y[start:start + len(block)] += block").replace("return y", "return y[:len(x)]"),
            "last block is cut off",
            "cut off",
        ),
        Wrong(
            "flipped kernel",
            blocks("y[start:start + len(block)] += block").replace("length], h)", "length], h[::-1])"),
            "kernel is not flipped",
            "forgot to flip",
        ),
        Wrong("no room", blocks("y[start:start + len(block)] += block", "len(x)"), "ValueError", "raises"),
    ),
)

ANSWERS = {
    "03.1": CORRELATE_BY_FFT,
    "03.2": MIX_BACK,
    "03.3": NUMERICAL_GRADIENT,
    "03.4": OVERLAP_ADD,
}
