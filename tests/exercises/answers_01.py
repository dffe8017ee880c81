"""Answers to the exercises of lesson 01."""

from __future__ import annotations

from answers import Answers, Wrong

ECHO = Answers(
    right={
        "loops": """
def echo(x, delay, strength):
    y = [0.0] * (len(x) + delay)
    for n in range(len(x)):
        y[n] += x[n]
        y[n + delay] += strength * x[n]
    return y
""",
        "padding": """
def echo(x, delay, strength):
    return np.pad(x, (0, delay)) + strength * np.pad(x, (delay, 0))
""",
        "torch": """
def echo(x, delay, strength):
    x = torch.as_tensor(x, dtype=torch.float64)
    return F.pad(x, (0, delay)) + strength * F.pad(x, (delay, 0))
""",
    },
    wrong=(
        Wrong(
            "cut off",
            """
def echo(x, delay, strength):
    y = x.astype(float)
    for n in range(delay, len(x)):
        y[n] += strength * x[n - delay]
    return y
""",
            "cut off at the end",
            "cut off",
        ),
        Wrong(
            "on a ring",
            """
def echo(x, delay, strength):
    return x + strength * np.roll(x, delay)
""",
            "comes round to the start",
            "wraps around",
        ),
        Wrong(
            "echo first",
            """
def echo(x, delay, strength):
    kernel = np.zeros(delay + 1)
    kernel[0] += strength
    kernel[-1] += 1
    return np.convolve(x, kernel)
""",
            "comes before the sound",
            "flipped kernel",
        ),
        Wrong(
            "sound left out",
            """
def echo(x, delay, strength):
    kernel = np.zeros(delay + 1)
    kernel[delay] = strength
    return np.convolve(x, kernel)
""",
            "the sound is missing",
            "missing term",
        ),
        Wrong(
            "one too late",
            """
def echo(x, delay, strength):
    kernel = np.zeros(delay + 2)
    kernel[0] += 1
    kernel[delay + 1] += strength
    return np.convolve(x, kernel)
""",
            "one sample too late",
            "off by one",
        ),
        Wrong(
            "assigned at delay 0",
            """
def echo(x, delay, strength):
    kernel = np.zeros(delay + 1)
    kernel[0] = 1
    kernel[delay] = strength
    return np.convolve(x, kernel)
""",
            "They add up",
            "overwritten",
        ),
        Wrong(
            "assigned at delay 0, the sound last",
            """
def echo(x, delay, strength):
    kernel = np.zeros(delay + 1)
    kernel[delay] = strength
    kernel[0] = 1
    return np.convolve(x, kernel)
""",
            "They add up",
            "overwritten",
        ),
        Wrong(
            "integers",
            """
def echo(x, delay, strength):
    y = np.zeros(len(x) + delay, dtype=x.dtype)
    for n in range(len(x)):
        y[n] += x[n]
        y[n + delay] = y[n + delay] + strength * x[n]
    return y
""",
            "Fractions are cut off",
            "truncated to integers",
        ),
        Wrong(
            "adds to its input",
            """
def echo(x, delay, strength):
    y = np.zeros(len(x) + delay)
    y[delay:] = strength * x
    y[:len(x)] += x
    x *= 0
    return y
""",
            "changes its input x",
            "changes its input",
        ),
        Wrong(
            "kernel for echo",
            """
def echo(x, delay, strength):
    kernel = np.zeros(delay + 1)
    kernel[0] += 1
    kernel[delay] += strength
    return kernel
""",
            "wrong shape",
        ),
    ),
    equivalent={"line 3: kernel[0] += 1 -> kernel[0] = 1": "the place holds 0 before"},
)

FOLD = Answers(
    right={
        "bincount": """
def fold(y, N):
    return np.bincount(np.arange(len(y)) % N, weights=y, minlength=N)
""",
        "reshape": """
def fold(y, N):
    return np.pad(y, (0, -len(y) % N)).reshape(-1, N).sum(0)
""",
        "slices": """
def fold(y, N):
    return [sum(y[n::N]) for n in range(N)]
""",
    },
    wrong=(
        Wrong(
            "cut off",
            """
def fold(y, N):
    return np.pad(y, (0, N))[:N]
""",
            "tail is cut off",
            "cut off",
        ),
        Wrong(
            "one turn",
            """
def fold(y, N):
    ring = np.zeros(N)
    first, second = y[:N], y[N:2 * N]
    ring[:len(first)] += first
    ring[:len(second)] += second
    return ring
""",
            "several times",
            "one turn only",
        ),
        Wrong(
            "overwritten",
            """
def fold(y, N):
    ring = np.zeros(N)
    for n in range(len(y)):
        ring[n % N] = y[n]
    return ring
""",
            "have to be added",
            "overwritten",
        ),
        Wrong(
            "fancy index adds once",
            """
def fold(y, N):
    ring = np.zeros(N)
    ring[np.arange(len(y)) % N] += y
    return ring
""",
            "have to be added",
            "overwritten",
        ),
        Wrong(
            "tail at the end",
            """
def fold(y, N):
    ring = np.resize(y[:N], N).astype(float)
    tail = y[N:]
    ring[N - len(tail):] += tail
    return ring
""",
            "added to the end",
            "wrong place",
        ),
        Wrong(
            "tail reversed",
            """
def fold(y, N):
    ring = np.zeros(N)
    ring[:len(y[:N])] = y[:N]
    tail = y[N:][::-1]
    ring[:len(tail)] += tail
    return ring
""",
            "turned round",
            "wrong place",
        ),
        Wrong(
            "mean of the turns",
            """
def fold(y, N):
    return np.array([y[n::N].mean() if len(y[n::N]) else 0 for n in range(N)])
""",
            "mean where the sum",
            "mean for sum",
        ),
        Wrong(
            "adds to its input",
            """
def fold(y, N):
    for n in range(N, len(y)):
        y[n % N] += y[n]
    return np.pad(y, (0, N))[:N]
""",
            "changes its input y",
            "changes its input",
        ),
    ),
)

INPUT_SIZES = Answers(
    right={
        "search": """
def input_sizes(n_out, k, s=1, p=0, d=1):
    sizes = [n for n in range(1, 2000) if (n + 2 * p - d * (k - 1) - 1) // s + 1 == n_out]
    return sizes[0], sizes[-1]
""",
        "array": """
def input_sizes(n_out, k, s=1, p=0, d=1):
    largest = n_out * s + d * (k - 1) - 2 * p
    return np.array([max(1, largest - s + 1), largest])
""",
    },
    wrong=(
        Wrong(
            "one size",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    n = max((n_out - 1) * s + d * (k - 1) + 1 - 2 * p, 1)
    return n, n
""",
            "further pixels change nothing",
            "forgot floor",
        ),
        Wrong(
            "padding once",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * (k - 1) + 1 - p
    return max(smallest, 1), smallest + s - 1
""",
            "both sides",
            "padding on one side",
        ),
        Wrong(
            "no dilation",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + k - 2 * p
    return max(smallest, 1), smallest + s - 1
""",
            "dilation is left out",
            "forgot dilation",
        ),
        Wrong(
            "n_out steps",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = n_out * s + d * (k - 1) + 1 - 2 * p
    return max(smallest, 1), smallest + s - 1
""",
            "n_out - 1 steps",
            "off by one",
        ),
        Wrong(
            "largest too large",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * (k - 1) + 1 - 2 * p
    return max(smallest, 1), smallest + s
""",
            "one too large",
            "off by one",
        ),
        Wrong(
            "span without 1",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * (k - 1) - 2 * p
    return max(smallest, 1), smallest + s - 1
""",
            "the 1 is missing",
            "off by one",
        ),
        Wrong(
            "span d k",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * k - 2 * p
    return max(smallest, 1), smallest + s - 1
""",
            "not d k",
            "off by one",
        ),
        Wrong(
            "largest counted from 1 pixel",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = max(1, (n_out - 1) * s + d * (k - 1) + 1 - 2 * p)
    return smallest, smallest + s - 1
""",
            "also where that is below 1",
            "missing edge case",
        ),
        Wrong(
            "below one pixel",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * (k - 1) + 1 - 2 * p
    return smallest, smallest + s - 1
""",
            "at least 1 pixel",
            "missing edge case",
        ),
        Wrong(
            "floats",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * (k - 1) + 1 - 2.0 * p
    return max(smallest, 1), smallest + s - 1
""",
            "whole numbers (int)",
            "no whole number",
        ),
        Wrong(
            "formula forwards",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out + 2 * p - d * (k - 1) - 1) // s + 1
    return max(smallest, 1), smallest + s - 1
""",
            "2 of 2 values differ",
        ),
        Wrong(
            "search that cuts off towards 0",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    sizes = [n for n in range(1, 2000) if int((n + 2 * p - d * (k - 1) - 1) / s) + 1 == n_out]
    return sizes[0], sizes[-1]
""",
            "1 of 2 values differ",
        ),
        Wrong(
            "smallest only",
            """
def input_sizes(n_out, k, s=1, p=0, d=1):
    return max((n_out - 1) * s + d * (k - 1) + 1 - 2 * p, 1)
""",
            "wrong shape",
        ),
    ),
    equivalent={"line 3: max(smallest, 1) -> max(1, smallest)": "a maximum does not depend on the order"},
)

SHIFT_KERNEL = Answers(
    right={
        "rolled": """
def shift_kernel(down, right, size=5):
    kernel = torch.zeros(size, size)
    kernel[size // 2, size // 2] = 1
    return kernel.roll((-down, -right), (0, 1))
""",
        "lists": """
def shift_kernel(down, right, size=5):
    m = size // 2
    return [[int(i == m - down and j == m - right) for j in range(size)] for i in range(size)]
""",
    },
    wrong=(
        Wrong(
            "flipped",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((size, size))
    kernel[size // 2 + down, size // 2 + right] = 1
    return kernel
""",
            "moves the other way",
            "flipped kernel",
        ),
        Wrong(
            "axes swapped",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((size, size))
    kernel[size // 2 - right, size // 2 - down] = 1
    return kernel
""",
            "two axes are swapped",
            "wrong axis",
        ),
        Wrong(
            "axes swapped and flipped",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((size, size))
    kernel[size // 2 + right, size // 2 + down] = 1
    return kernel
""",
            "axes are swapped (the first",
            "wrong axis",
        ),
        Wrong(
            "from the corner",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((size, size))
    kernel[down, right] = 1
    return kernel
""",
            "middle of the kernel",
            "not centred",
        ),
        Wrong(
            "half as bright",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((size, size))
    kernel[size // 2 - down, size // 2 - right] = 0.5
    return kernel
""",
            "0.5 times",
            "forgot the scale",
        ),
        Wrong(
            "four axes",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((1, 1, size, size))
    kernel[0, 0, size // 2 - down, size // 2 - right] = 1
    return kernel
""",
            "wrong shape",
        ),
        Wrong(
            "size 5 always",
            """
def shift_kernel(down, right, size=5):
    kernel = np.zeros((5, 5))
    kernel[2 - down, 2 - right] = 1
    return kernel
""",
            "IndexError",
            "raises",
        ),
    ),
)

MAX_POOL = Answers(
    right={
        "windows": """
def max_pool(image, size):
    rows, columns = image.shape[0] // size, image.shape[1] // size
    return image[:rows * size, :columns * size].reshape(rows, size, columns, size).max((1, 3))
""",
        "torch": """
def max_pool(image, size):
    return F.max_pool2d(torch.tensor(image, dtype=torch.float64)[None, None], size)[0, 0]
""",
        "first pixel of each window": """
def max_pool(image, size):
    largest = image[::size, ::size][:image.shape[0] // size, :image.shape[1] // size].copy()
    for i in range(largest.shape[0] * size):
        for j in range(largest.shape[1] * size):
            largest[i // size, j // size] = max(largest[i // size, j // size], image[i, j])
    return largest
""",
    },
    wrong=(
        Wrong(
            "zeros, written otherwise",
            """
def max_pool(image, size):
    rows, columns = image.shape[0] // size, image.shape[1] // size
    return np.maximum(image[:rows * size, :columns * size].reshape(rows, size, columns, size).max((1, 3)), 0)
""",
            "no result is below 0",
            "wrong start value",
        ),
        Wrong(
            "first pixel of the image",
            """
def max_pool(image, size):
    largest = np.full((image.shape[0] // size, image.shape[1] // size), float(image[0, 0]))
    for i in range(largest.shape[0] * size):
        for j in range(largest.shape[1] * size):
            largest[i // size, j // size] = max(largest[i // size, j // size], image[i, j])
    return largest
""",
            "Start each window anew",
            "wrong start value",
        ),
        Wrong(
            "not low enough",
            """
def max_pool(image, size):
    largest = np.full((image.shape[0] // size, image.shape[1] // size), -999.0)
    for i in range(largest.shape[0] * size):
        for j in range(largest.shape[1] * size):
            largest[i // size, j // size] = max(largest[i // size, j // size], image[i, j])
    return largest
""",
            "not the expected one",
        ),
        Wrong(
            "average",
            """
def max_pool(image, size):
    rows, columns = image.shape[0] // size, image.shape[1] // size
    return image[:rows * size, :columns * size].reshape(rows, size, columns, size).mean((1, 3))
""",
            "mean of each window",
            "mean for maximum",
        ),
        Wrong(
            "stride 1",
            """
def max_pool(image, size):
    rows, columns = image.shape[0] - size + 1, image.shape[1] - size + 1
    return np.array([[image[i:i + size, j:j + size].max() for j in range(columns)] for i in range(rows)])
""",
            "windows overlap",
            "overlapping windows",
        ),
        Wrong(
            "absolute values",
            """
def max_pool(image, size):
    largest = np.zeros((image.shape[0] // size, image.shape[1] // size))
    for i in range(largest.shape[0] * size):
        for j in range(largest.shape[1] * size):
            largest[i // size, j // size] = max(largest[i // size, j // size], abs(image[i, j]))
    return largest
""",
            "largest absolute value",
            "wrong start value",
        ),
        Wrong(
            "border window kept",
            """
def max_pool(image, size):
    rows, columns = -(-image.shape[0] // size), -(-image.shape[1] // size)
    windows = [[image[i * size:i * size + size, j * size:j * size + size] for j in range(columns)] for i in range(rows)]
    return np.array([[window.max() for window in row] for row in windows])
""",
            "wrong shape",
        ),
    ),
    equivalent={
        "line 5: max(largest[i // size, j // size], image[i, j]) -> max(image[i, j], largest[i // size, j // size])": (
            "a maximum does not depend on the order"
        ),
    },
)

ANSWERS = {"01.1": ECHO, "01.2": FOLD, "01.3": INPUT_SIZES, "01.4": SHIFT_KERNEL, "01.5": MAX_POOL}
