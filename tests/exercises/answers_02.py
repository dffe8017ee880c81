"""Answers to the exercises of lesson 02."""

from __future__ import annotations

from answers import Answers, Wrong


def read_wave(body: str) -> str:
    return f"""
def read_wave(x):
    N = len(x)
    magnitude = np.abs(np.fft.fft(x))
    k = 1 + magnitude[1:(N + 1) // 2].argmax()
    {body}
"""


READ_WAVE = Answers(
    right={
        "rfft without its mean": """
def read_wave(x):
    X = np.fft.rfft(x - x.mean())
    k = abs(X).argmax()
    return [int(k), float(abs(X[k]) * 2 / len(x))]
""",
        "inner products": """
def read_wave(x):
    N, best = len(x), (0, 0)
    for k in range(1, (N + 1) // 2):
        inner = sum(x[n] * np.exp(-2j * np.pi * k * n / N) for n in range(N))
        best = max(best, (abs(inner) * 2 / N, k))
    return best[1], best[0]
""",
    },
    wrong=(
        Wrong("half", read_wave("return k, magnitude[k] / N"), "half of its height", "half the wave"),
        Wrong("no N", read_wave("return k, 2 * magnitude[k]"), "Divide by N", "forgot the scale"),
        Wrong("neither", read_wave("return k, magnitude[k]"), "sums over N", "forgot the scale"),
        Wrong("mirror", read_wave("return N - k, 2 * magnitude[k] / N"), "mirror image", "mirror image"),
        Wrong("one too small", read_wave("return k - 1, 2 * magnitude[k] / N"), "one too small", "off by one"),
        Wrong(
            "real part",
            read_wave("return k, 2 * np.fft.fft(x)[k].real / N"),
            "where the wave starts",
            "forgot the magnitude",
        ),
        Wrong(
            "mean",
            "def read_wave(x):\n    return 0, abs(np.fft.fft(x)[0]) / len(x)\n",
            "It is no wave",
            "mean taken for a wave",
        ),
        Wrong(
            "range for height",
            read_wave("return k, (x.max() - x.min()) / 2"),
            "values differ",
        ),
        Wrong("swapped", read_wave("return 2 * magnitude[k] / N, k"), "reverse order"),
    ),
    equivalent={
        "line 3: 1:(len(x) + 1) // 2 -> 1:": "magnitudes at k and N - k are equal, and argmax takes the first",
        "line 3: 2 -> 1": "the same",
    },
)


def slowest(first: str, last: str, result: str = "np.fft.ifft(spectrum).real") -> str:
    return f"""
def slowest_waves(x, K):
    spectrum = np.fft.fft(x)
    spectrum[{first}:{last}] = 0
    return {result}
"""


SLOWEST_WAVES = Answers(
    right={
        "rfft": """
def slowest_waves(x, K):
    spectrum = np.fft.rfft(x)
    spectrum[K + 1:] = 0
    return np.fft.irfft(spectrum, len(x))
""",
        "frequencies": """
def slowest_waves(x, K):
    turns = np.abs(np.fft.fftfreq(len(x), 1 / len(x)))
    return np.fft.ifft(np.where(turns < K + 0.5, np.fft.fft(x), 0)).real
""",
        "sum of waves": """
def slowest_waves(x, K):
    N = len(x)
    X, angle = np.fft.fft(x) / N, 2 * np.pi * np.arange(N) / N
    return np.full(N, X[0].real) + sum(2 * (X[k] * np.exp(1j * k * angle)).real for k in range(1, K + 1))
""",
    },
    wrong=(
        Wrong("unrepaired, otherwise", slowest("1 + K", "len(x)"), "N - k, have to be", "forgot the mirror image"),
        Wrong(
            "doubled",
            slowest("K + 1", "len(x)", "2 * np.fft.ifft(spectrum).real"),
            "doubles the mean",
            "forgot the mirror image",
        ),
        Wrong("K goes", slowest("K", "len(x) - K + 1"), "first to go is K + 1", "off by one"),
        Wrong("-K goes", slowest("K + 1", "len(x) - K + 1"), "at N - K, has to stay", "off by one"),
        Wrong("K + 1 stays", slowest("K + 1", "len(x) - K - 1"), "N - K - 1 makes K + 1", "off by one"),
        Wrong(
            "other part",
            slowest("K + 1", "len(x) - K", "x - np.fft.ifft(spectrum).real"),
            "were to be kept",
            "wrong part",
        ),
        Wrong(
            "magnitude",
            slowest("K + 1", "len(x) - K", "abs(np.fft.ifft(spectrum))"),
            "real part",
            "forgot the magnitude",
        ),
        Wrong("complex", slowest("K + 1", "len(x) - K", "np.fft.ifft(spectrum)"), "Return the real part"),
        Wrong(
            "irfft without length",
            "def slowest_waves(x, K):\n    X = np.fft.rfft(x)\n    X[K + 1:] = 0\n    return np.fft.irfft(X)\n",
            "wrong shape",
        ),
    ),
)


def delayed(result: str) -> str:
    return f"""
def delayed(X, j):
    N = len(X)
    k = np.arange(N)
    return {result}
"""


DELAYED = Answers(
    right={
        "there and back": "def delayed(X, j):\n    return np.fft.fft(np.roll(np.fft.ifft(X), j))\n",
        "one number after the other": """
def delayed(X, j):
    N = len(X)
    return [X[k] * complex(math.cos(2 * math.pi * k * j / N), -math.sin(2 * math.pi * k * j / N)) for k in range(N)]
""",
        "signed frequencies": delayed("X * np.exp(-2j * np.pi * np.fft.fftfreq(N) * j)"),
    },
    wrong=(
        Wrong("too early", delayed("X * np.exp(2j * np.pi * k * j / N)"), "too early", "wrong direction"),
        Wrong("rolled", delayed("np.roll(X, j)"), "spectrum is moved along", "spectrum shifted"),
        Wrong("no 2 pi", delayed("X * np.exp(-1j * k * j / N)"), "factor 2 pi", "forgot 2 pi"),
        Wrong("half a turn", delayed("X * np.exp(-1j * np.pi * k * j / N)"), "half of it", "forgot 2 pi"),
        Wrong("no N", delayed("X * np.exp(-2j * np.pi * k * j)"), "N-th part", "forgot the scale"),
        Wrong("signal", delayed("np.roll(np.fft.ifft(X), j)"), "signal itself", "not transformed"),
        Wrong("no k", delayed("X * np.exp(-2j * np.pi * j / N)"), "k times as fast", "wrong place"),
        Wrong("real factor", delayed("X * np.cos(2 * np.pi * k * j / N)"), "values differ"),
    ),
)


def undo(result: str) -> str:
    return f"""
def undo(y, h):
    Y, H = np.fft.fft(y), np.fft.fft(h, len(y))
    return {result}
"""


UNDO = Answers(
    right={
        "real transforms": """
def undo(y, h):
    N = len(y)
    return np.fft.irfft(np.fft.rfft(y) / np.fft.rfft(h, N), N)
""",
        "system of equations": """
def undo(y, h):
    N = len(y)
    matrix = np.zeros((N, N))
    for n in range(N):
        for j in range(len(h)):
            matrix[n, (n - j) % N] += h[j]
    return np.linalg.solve(matrix, y)
""",
        "conjugate over power": undo("np.fft.ifft(Y * H.conj() / abs(H) ** 2).real"),
    },
    wrong=(
        Wrong("multiplied", undo("np.fft.ifft(Y * H).real"), "convolves once more", "multiplied instead"),
        Wrong("conjugate, divided", undo("np.fft.ifft(Y / H.conj()).real"), "cross-correlation", "conjugated"),
        Wrong("conjugate, multiplied", undo("np.fft.ifft(Y * H.conj()).real"), "not the magnitudes", "conjugated"),
        Wrong("upside down", undo("np.fft.ifft(H / Y).real"), "Y / H", "wrong direction"),
        Wrong("spectrum", undo("(Y / H).real"), "Transform it back", "not transformed"),
        Wrong("magnitudes", undo("abs(np.fft.ifft(Y / H))"), "Take the real part", "forgot the magnitude"),
        Wrong("complex", undo("np.fft.ifft(Y / H)"), "Return the real part"),
        Wrong(
            "no padding",
            "def undo(y, h):\n    return np.fft.ifft(np.fft.fft(y) / np.fft.fft(h)).real\n",
            "ValueError",
            "raises",
        ),
        Wrong("only magnitudes", undo("np.fft.ifft(Y / abs(H)).real"), "values differ"),
    ),
)


def gain_at(result: str) -> str:
    return f"""
def gain_at(h, f):
    j = np.arange(len(h))
    H = np.exp(-2j * np.pi * np.outer(f, j)) @ h
    return {result}
"""


GAIN_AT = Answers(
    right={
        "loops": """
def gain_at(h, f):
    return [abs(sum(h[j] * np.exp(-2j * np.pi * one * j) for j in range(len(h)))) for one in f]
""",
        "cosine and sine": """
def gain_at(h, f):
    angle = 2 * np.pi * f[:, None] * np.arange(len(h))
    return np.hypot((h * np.cos(angle)).sum(1), (h * np.sin(angle)).sum(1))
""",
        "polynomial": "def gain_at(h, f):\n    return abs(np.polyval(h, np.exp(2j * np.pi * f)))\n",
    },
    wrong=(
        Wrong("no 2 pi", gain_at("abs(np.exp(-1j * np.outer(f, j)) @ h)"), "factor 2 pi", "forgot 2 pi"),
        Wrong("pi", gain_at("abs(np.exp(-1j * np.pi * np.outer(f, j)) @ h)"), "half of it", "forgot 2 pi"),
        Wrong("real part", gain_at("H.real"), "part of a complex number", "forgot the magnitude"),
        Wrong("phase", gain_at("np.angle(H)"), "This is the phase", "forgot the magnitude"),
        Wrong("power", gain_at("abs(H) ** 2"), "the square", "squared"),
        Wrong("mean", gain_at("abs(H) / len(h)"), "mean where the sum", "mean for sum"),
        Wrong("sum of taps", gain_at("np.full(len(f), abs(h.sum()))"), "frequency 0, everywhere", "wrong place"),
        Wrong("complex", gain_at("H"), "complex responses", "forgot the magnitude"),
        Wrong("swapped", gain_at("np.outer(f, j)"), "wrong shape"),
    ),
    equivalent={
        "line 2: -2j -> 2j": "for a real kernel the other sign gives the conjugate, of the same magnitude",
        "line 2: 2j -> (-0-2j)": "the same",
    },
)

ANSWERS = {"02.1": READ_WAVE, "02.2": SLOWEST_WAVES, "02.3": DELAYED, "02.4": UNDO, "02.5": GAIN_AT}
