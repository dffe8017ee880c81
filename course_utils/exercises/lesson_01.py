"""Exercises and quiz of lesson 01: convolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.exercises.comparison import Mistake, expect_like
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner


def _signal(length: int) -> np.ndarray:
    return np.random.default_rng(length).normal(size=length).round(2)


def _check_echo(learner: Learner, reference: Callable) -> None:
    def filtered(x, kernel):
        return np.convolve(x, kernel)

    def taps(delay, first, last):
        kernel = np.zeros(delay + 1)
        kernel[0] += first
        kernel[delay] += last
        return kernel

    cases = [
        (np.array([1.0, 2, 3]), 1, 0.5),
        (np.array([3, 1, 0, 2]), 2, 0.25),
        (_signal(20), 7, -0.6),
        (np.array([2.0]), 3, 0.5),
        (_signal(5), 0, 0.5),
        (_signal(6), 2, 0.0),
    ]
    mistakes = [
        Mistake("cut off", lambda x, d, s: reference(x, d, s)[: len(x)]),
        Mistake("wraps around", lambda x, d, s: x + s * np.roll(x, d)),
        Mistake(
            "flipped kernel",
            lambda x, d, s: filtered(x, taps(d, s, 1)),
            "The echo comes before the sound: the kernel's first number weighs the sound, its last one the echo.",
        ),
        Mistake(
            "missing term", lambda x, d, s: filtered(x, taps(d, 0, s)), "Only the echo is left: the sound is missing."
        ),
        Mistake("off by one", lambda x, d, s: reference(x, d + 1, s), "The echo comes one sample too late."),
        Mistake("off by one", lambda x, d, s: reference(x, d - 1, s), "The echo comes one sample too early."),
        Mistake(
            "overwritten",
            lambda x, d, s: s * x if d == 0 else reference(x, d, s),
            "With delay 0, sound and echo fall on the same place of the kernel. They add up.",
        ),
        Mistake(
            "overwritten",
            lambda x, d, s: x if d == 0 else reference(x, d, s),
            "With delay 0, sound and echo fall on the same place of the kernel. They add up.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


ECHO = Exercise(
    id="01.1",
    title="An echo",
    skill="You write an effect down as a kernel.",
    task="A sound $x$ meets a wall and comes back `delay` samples later, `strength` times as loud. Return what you "
    "hear: the sound and its echo. Find the kernel first; then `convolve` from above does the rest.",
    difficulty=1,
    minutes=5,
    stub='''
def echo(x: np.ndarray, delay: int, strength: float) -> np.ndarray:
    """The sound x, plus strength times x, delay samples later.

    x: (N,). delay: 0 or more. Returns (N + delay,), so that the echo of the last sample is heard as well.
    """
    ...  # your code here
''',
    hints=(
        "What should come out for the sound [1]? That is the kernel.",
        "The kernel has delay + 1 numbers. All but the first and the last are 0.",
        "kernel[0] weighs the sound and kernel[delay] the echo. Add to these places, so that delay = 0 works as well.",
    ),
    reference="""
def echo(x, delay, strength):
    kernel = np.zeros(delay + 1)
    kernel[0] += 1
    kernel[delay] += strength
    return np.convolve(x, kernel)
""",
    explanation="A convolution stamps the kernel onto each sample, so the kernel is what a single 1 turns into. With "
    "+= the two numbers add up at delay 0, where they share a place.",
    check=_check_echo,
)


def _check_fold(learner: Learner, reference: Callable) -> None:
    def one_turn(y, N):
        ring = np.zeros(N)
        ring[: len(y[:N])] = y[:N]
        tail = y[N : 2 * N]
        ring[: len(tail)] += tail
        return ring

    def at_the_end(y, N):
        ring = np.resize(y[:N], N).astype(float)
        tail = y[N:]
        ring[N - len(tail) :] += tail
        return ring

    def overwritten(y, N):
        ring = np.zeros(N)
        for n in range(len(y)):
            ring[n % N] = y[n]
        return ring

    def reversed_tail(y, N):
        ring = np.zeros(N)
        ring[: len(y[:N])] = y[:N]
        tail = y[N:][::-1]
        ring[: len(tail)] += tail
        return ring

    cases = [
        (_signal(10), 8),
        (np.array([3, 1, 4, 1, 5, 9, 2]), 5),
        (_signal(30), 8),
        (_signal(16), 8),
        (_signal(7), 8),
        (_signal(4), 1),
    ]
    mistakes = [
        Mistake(
            "cut off",
            lambda y, N: np.pad(y[:N], (0, max(N - len(y), 0))),
            "The tail is cut off. On a ring it comes round.",
        ),
        Mistake("one turn only", one_turn),
        Mistake("overwritten", overwritten),
        Mistake(
            "wrong place",
            at_the_end,
            "The tail is added to the end. After the last sample of the ring comes the first.",
        ),
        Mistake("wrong place", reversed_tail, "The tail is turned round. It goes on in its own order."),
        Mistake("mean for sum", lambda y, N: np.array([y[n::N].mean() for n in range(N)])),
    ]
    expect_like(learner, reference, cases, mistakes)


FOLD = Exercise(
    id="01.2",
    title="Lay it on a ring",
    skill="You turn a linear result into a circular one.",
    task="You have the result $y$ of a linear convolution, and want the one on a ring of $N$ samples. The result may "
    "be longer than $2N$; then it goes round more than once.",
    difficulty=2,
    minutes=6,
    stub='''
def fold(y: np.ndarray, N: int) -> np.ndarray:
    """Lay a linear result on a ring of N samples.

    y: (L,), shorter or longer than N. Returns (N,).
    """
    ...  # your code here
''',
    hints=(
        "Sample n of the linear result has one place on the ring. Which?",
        "Place n % N. Several samples may share it.",
        "Start from N zeros. For every n, add y[n] to place n % N.",
    ),
    reference="""
def fold(y, N):
    ring = np.zeros(N)
    for n in range(len(y)):
        ring[n % N] += y[n]
    return ring
""",
    explanation="Counting modulo N is all there is to a ring. Fold the linear result of lengths N and M, and you have "
    "the circular convolution, also for a kernel that is longer than the ring.",
    check=_check_fold,
)


def _check_input_sizes(learner: Learner, reference: Callable) -> None:
    def sizes(n_out, k, s, p, d, *, pads=2, span=None, steps=None, extra=None):
        span = d * (k - 1) + 1 if span is None else span
        smallest = (n_out - 1 if steps is None else steps) * s - pads * p + span
        return max(smallest, 1), smallest + (s - 1 if extra is None else extra)

    cases = [
        (4, 3, 3, 0, 1),
        (24, 5, 1, 0, 1),
        (1, 5, 3, 0, 1),
        (112, 7, 2, 3, 1),
        (3, 3, 3, 1, 2),
        (10, 1, 4, 0, 1),
        (5, 4, 2, 1, 3),
        (1, 3, 4, 2, 1),
    ]
    mistakes = [
        Mistake(
            "forgot floor",
            lambda n, k, s, p, d: sizes(n, k, s, p, d, extra=0),
            "Because of the floor, s - 1 further pixels change nothing: the largest size is not the smallest.",
        ),
        Mistake(
            "forgot floor",
            lambda n, k, s, p, d: sizes(n, k, s, p, d)[:1] * 2,
            "Because of the floor, s - 1 further pixels change nothing: the largest size is not the smallest.",
        ),
        Mistake("padding on one side", lambda n, k, s, p, d: sizes(n, k, s, p, d, pads=1)),
        Mistake("forgot dilation", lambda n, k, s, p, d: sizes(n, k, s, p, d, span=k)),
        Mistake("forgot stride", lambda n, k, s, p, d: sizes(n, k, 1, p, d)),
        Mistake(
            "off by one",
            lambda n, k, s, p, d: sizes(n, k, s, p, d, steps=n),
            "From the first of n_out positions to the last there are n_out - 1 steps, not n_out.",
        ),
        Mistake(
            "off by one",
            lambda n, k, s, p, d: sizes(n, k, s, p, d, extra=s),
            "The largest size is one too large: s more pixels make room for another step.",
        ),
        Mistake(
            "off by one",
            lambda n, k, s, p, d: sizes(n, k, s, p, d, span=d * (k - 1)),
            "From its first to its last tap a kernel spans d (k - 1) + 1 places: the 1 is missing.",
        ),
        Mistake(
            "off by one",
            lambda n, k, s, p, d: sizes(n, k, s, p, d, span=d * k),
            "From its first to its last tap a kernel spans d (k - 1) + 1 places, not d k.",
        ),
        Mistake(
            "missing edge case",
            lambda n, k, s, p, d: (sizes(n, k, s, p, d)[0], sizes(n, k, s, p, d)[0] + s - 1),
            "The smallest size is right. The largest is s - 1 more than what the formula gives, also where that is "
            "below 1 and an image has 1 pixel at least.",
        ),
        Mistake(
            "missing edge case",
            lambda n, k, s, p, d: ((n - 1) * s - 2 * p + d * (k - 1) + 1, (n - 1) * s - 2 * p + d * (k - 1) + s),
            "The formula is right, but an image has at least 1 pixel, even where wide padding would allow less.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True, everywhere=True)


INPUT_SIZES = Exercise(
    id="01.3",
    title="The size formula, backwards",
    skill="You say which input sizes give the output size that you need.",
    task="A layer should have `n_out` outputs in a row. Because of the floor, several input sizes do that. Return the "
    "smallest and the largest.",
    difficulty=2,
    minutes=8,
    stub='''
def input_sizes(n_out: int, k: int, s: int = 1, p: int = 0, d: int = 1) -> tuple[int, int]:
    """Smallest and largest input size that give n_out outputs in a row, for kernel size k, stride s, padding p and
    dilation d. An image has at least 1 pixel.
    """
    ...  # your code here
''',
    hints=(
        "Put the kernel at its last position. Where does its last tap stand?",
        "n_out positions are (n_out - 1) * s places apart, and the kernel spans d * (k - 1) + 1. The padding, 2 p "
        "places, is not part of the image.",
        "More pixels at the end change nothing until there is room for another step: up to s - 1 of them.",
    ),
    reference="""
def input_sizes(n_out, k, s=1, p=0, d=1):
    smallest = (n_out - 1) * s + d * (k - 1) + 1 - 2 * p
    return max(smallest, 1), smallest + s - 1
""",
    explanation="The smallest input is where the formula needs no rounding. The floor lets s - 1 more pixels pass "
    "unmet. With stride 1 the two sizes are the same.",
    check=_check_input_sizes,
)


def _check_shift_kernel(learner: Learner, reference: Callable) -> None:
    def one_at(row, column, size):
        kernel = np.zeros((size, size))
        kernel[row, column] = 1
        return kernel

    cases = [(1, 0, 5), (0, 2, 5), (-1, 2, 5), (2, 1, 5), (0, 0, 5), (1, -3, 7), (0, 0, 1)]
    mistakes = [
        Mistake(
            "flipped kernel",
            lambda down, right, size: one_at(size // 2 + down, size // 2 + right, size),
            "The picture moves the other way. PyTorch does not flip the kernel: the pixel that lands here has to be "
            "fetched from where it was.",
        ),
        Mistake("wrong axis", lambda down, right, size: one_at(size // 2 - right, size // 2 - down, size)),
        Mistake(
            "wrong axis",
            lambda down, right, size: one_at(size // 2 + right, size // 2 + down, size),
            "The axes are swapped (the first counts rows, downwards), and the picture moves the other way.",
        ),
        Mistake("not centred", lambda down, right, size: one_at(down, right, size)),
        Mistake("not centred", lambda down, right, size: one_at(-down, -right, size)),
    ]
    expect_like(learner, reference, cases, mistakes)


SHIFT_KERNEL = Exercise(
    id="01.4",
    title="A kernel that moves the picture",
    skill="You place the taps of a kernel so that it does what you want in PyTorch.",
    task="Write the kernel with which `F.conv2d(..., padding=size // 2)` moves a picture `down` rows downwards and "
    "`right` columns to the right. Negative numbers move it up and to the left.",
    difficulty=2,
    minutes=6,
    stub='''
def shift_kernel(down: int, right: int, size: int = 5) -> np.ndarray:
    """Kernel that moves a picture down rows and right columns, by at most size // 2 each.

    size is odd. Returns (size, size).
    """
    ...  # your code here
''',
    hints=(
        "A single 1, and zeros else. In the middle of the kernel, the 1 leaves the picture where it is.",
        "Picture moved 1 row down: the output in row i is the input of row i - 1. Which tap meets row i - 1?",
        "F.conv2d does not flip. The tap above the middle meets the row above.",
    ),
    reference="""
def shift_kernel(down, right, size=5):
    kernel = np.zeros((size, size))
    kernel[size // 2 - down, size // 2 - right] = 1
    return kernel
""",
    explanation="y[i, j] = x[i - down, j - right], and a cross-correlation reads y[i, j] from x[i + a, j + b]. So the "
    "tap stands at displacement (-down, -right) from the middle. A true convolution would take (down, right).",
    check=_check_shift_kernel,
)


def _check_max_pool(learner: Learner, reference: Callable) -> None:
    def windows(image, size):
        rows, columns = image.shape[0] // size, image.shape[1] // size
        return image[: rows * size, : columns * size].reshape(rows, size, columns, size)

    def overlapping(image, size):
        return np.lib.stride_tricks.sliding_window_view(image, (size, size)).max((2, 3))

    image = np.random.default_rng(5).normal(size=(6, 8)).round(2)
    cases = [
        (np.array([[2, 0, 0, 3], [3, 1, 5, 1], [2, 0, 0, 2], [3, 1, 1, 1]]), 2),
        (image, 2),
        (-np.abs(image) - 1, 2),
        (image[:5, :7], 2),
        (image - 3, 3),
        (image, 1),
        (np.full((2, 2), -1e30), 2),
    ]
    mistakes = [
        Mistake("wrong start value", lambda image, size: np.maximum(reference(image, size), 0)),
        Mistake(
            "wrong start value",
            lambda image, size: np.maximum(reference(image, size), image[0, 0]),
            "The first pixel of the image takes part in every window. Start each window anew.",
        ),
        Mistake("mean for maximum", lambda image, size: windows(image, size).mean((1, 3))),
        Mistake("overlapping windows", overlapping),
        Mistake(
            "wrong start value",
            lambda image, size: np.abs(windows(image, size)).max((1, 3)),
            "This is the largest absolute value. The largest number of -3 and -1 is -1.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


MAX_POOL = Exercise(
    id="01.5",
    title="Find the bug: max pooling",
    skill="You find a start value that takes part in the result.",
    task="This max pooling is right for photographs. In a network it sees negative numbers as well, and then it is "
    "wrong. Find an image on which it fails, and repair it.",
    difficulty=1,
    minutes=4,
    stub='''
def max_pool(image: np.ndarray, size: int) -> np.ndarray:
    """Largest number of each window of size x size pixels; the windows lie side by side.

    image: (H, W). Returns (H // size, W // size).
    """
    largest = np.zeros((image.shape[0] // size, image.shape[1] // size))
    for i in range(largest.shape[0] * size):
        for j in range(largest.shape[1] * size):
            largest[i // size, j // size] = max(largest[i // size, j // size], image[i, j])
    return largest
''',
    hints=(
        "Try it on np.array([[-1, -2], [-3, -4]]).",
        "Every window starts from 0. Which number is larger than all that are -1 or less?",
        "Start from a number that loses against every other: np.full(shape, -np.inf).",
    ),
    reference="""
def max_pool(image, size):
    largest = np.full((image.shape[0] // size, image.shape[1] // size), -np.inf)
    for i in range(largest.shape[0] * size):
        for j in range(largest.shape[1] * size):
            largest[i // size, j // size] = max(largest[i // size, j // size], image[i, j])
    return largest
""",
    explanation="A running maximum starts from minus infinity, as a running sum starts from 0. After a layer with "
    "negative outputs the zeros would have cut all of them off, without any error message.",
    check=_check_max_pool,
)

EXERCISES = (ECHO, FOLD, INPUT_SIZES, SHIFT_KERNEL, MAX_POOL)

QUIZ = (
    Question(
        "A textbook defines its edge kernel for true convolution. You use it in F.conv2d as it is, and it is "
        "antisymmetric, as the Sobel kernels are. What do you get?",
        (
            Option("The same edges", "A flip changes the sign of a Sobel kernel, so something does change."),
            Option(
                "The same edges with the other sign",
                "F.conv2d does not flip, the textbook does, and flipping this kernel changes its sign.",
                right=True,
            ),
            Option(
                "The picture turned by 180°",
                "Only the kernel is turned. Each output still lies where its window lies.",
            ),
            Option("An error", "F.conv2d takes any numbers; it cannot know what they were meant for."),
        ),
    ),
    Question(
        "How many outputs in a row does a 3 × 3 kernel with stride 2 and no padding give on 8 pixels?",
        (
            Option("3", "(8 - 3) // 2 + 1 = 3. The last pixel is never met.", right=True),
            Option("3.5", "Half a step cannot be taken: the formula rounds down."),
            Option("4", "That would be half of 8; it needs padding 1."),
            Option("2", "5 // 2 = 2 counts the steps. Add the position that the kernel started from."),
        ),
    ),
    Question(
        "You double height and width of the images. How many parameters does a convolution from 16 to 32 channels "
        "have now?",
        (
            Option("Four times as many", "That holds for a layer that connects every pixel to every other."),
            Option("Twice as many", "Neither height nor width occurs in the number of weights."),
            Option(
                "As many as before",
                "Out · in · k · k weights and out biases: the kernels slide over however many pixels there are.",
                right=True,
            ),
        ),
    ),
    Question(
        "Two layers with 3 × 3 kernels and stride 1, one on the other. How wide is the receptive field?",
        (
            Option("3 pixels", "That is the first layer. The second sees three of its outputs, side by side."),
            Option("5 pixels", "1 + 2 + 2: with stride 1 each layer adds k - 1.", right=True),
            Option("6 pixels", "The windows of neighbouring outputs overlap, so the fields do not simply add up."),
            Option("9 pixels", "3 · 3 would need a stride of 3 in the first layer."),
        ),
    ),
    Question(
        "Which of these cannot be written as a convolution?",
        (
            Option("Average pooling", "It is one: the kernel is all ¼ for 2 × 2, the stride 2."),
            Option("Moving the picture by a pixel", "It is one: the kernel holds a single 1, beside the middle."),
            Option(
                "Max pooling",
                "A convolution is linear: a sum of images gives the sum of the results. A maximum is not.",
                right=True,
            ),
            Option("Sharpening", "It is one: 5 in the middle, -1 at the four sides."),
        ),
    ),
)
