"""Exercises and quiz of lesson 03: tensor convolution with the FFT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from course_utils.exercises.comparison import Mistake, expect_dtype, expect_gradient, expect_like, reject
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner


def _tensor(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape)))


def _check_correlate_by_fft(learner: Learner, reference: Callable) -> None:
    def inverted(x, w, product=lambda X, W: X * W.conj(), **options):
        y = torch.fft.irfft2(product(torch.fft.rfft2(x), torch.fft.rfft2(w, s=x.shape)), **({"s": x.shape} | options))
        return y[: x.shape[0] - w.shape[0] + 1, : x.shape[1] - w.shape[1] + 1]

    def end_kept(x, w):
        y = torch.fft.irfft2(torch.fft.rfft2(x) * torch.fft.rfft2(w, s=x.shape).conj(), s=x.shape)
        return y[w.shape[0] - 1 :, w.shape[1] - 1 :]

    cases = [
        (_tensor(8, 9), _tensor(3, 3)),
        (_tensor(8, 10), _tensor(3, 3)),
        (_tensor(7, 7), _tensor(2, 4)),
        (_tensor(5, 5), _tensor(5, 5)),
        (_tensor(6, 7), _tensor(1, 1)),
    ]
    mistakes = [
        Mistake("odd length", lambda x, w: inverted(x, w, s=None)),
        Mistake(
            "odd length",
            lambda x, w: inverted(F.pad(x, (0, 1)), w, s=x.shape),
            "The spectra have other lengths than the result.",
        ),
        Mistake("not conjugated", lambda x, w: inverted(x, w, lambda X, W: X * W)),
        Mistake(
            "conjugated",
            lambda x, w: inverted(x, w, lambda X, W: X.conj() * W),
            "The conjugate belongs to the kernel's spectrum, not to the image's.",
        ),
        Mistake(
            "wrong place",
            end_kept,
            "Of a circular cross-correlation the last k - 1 rows and columns are spoiled, not the first.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    expect_gradient(learner, reference, cases[:2])
    single = [(_tensor(6, 7, dtype=torch.float32), _tensor(2, 2, dtype=torch.float32))]
    expect_dtype(learner, single, [torch.float32])


CORRELATE_BY_FFT = Exercise(
    id="03.1",
    title="Find the bug: it works for even widths",
    skill="You invert a real transform without losing the length of the signal.",
    task="This cross-correlation passes every test with images of 8 × 8, 64 × 64 and 224 × 224. On an image of 8 × 9 "
    "it is wrong. Find out which of the three steps fails, and repair it.",
    difficulty=2,
    minutes=6,
    stub='''
def correlate_by_fft(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Valid cross-correlation of an image with a kernel.

    x: (H, W). w: (k, l), not larger than x. Returns (H - k + 1, W - l + 1). Gradients reach x and w.
    """
    spectrum = torch.fft.rfft2(x) * torch.fft.rfft2(w, s=x.shape).conj()
    y = torch.fft.irfft2(spectrum)
    return y[: x.shape[0] - w.shape[0] + 1, : x.shape[1] - w.shape[1] + 1]
''',
    hints=(
        "Look at the shape of y for an image of 8 x 9.",
        "rfft keeps W // 2 + 1 frequencies. That is 5 for W = 8, and for W = 9.",
        "irfft2 takes the even length unless it is told: torch.fft.irfft2(spectrum, s=x.shape).",
    ),
    reference="""
def correlate_by_fft(x, w):
    spectrum = torch.fft.rfft2(x) * torch.fft.rfft2(w, s=x.shape).conj()
    y = torch.fft.irfft2(spectrum, s=x.shape)
    return y[: x.shape[0] - w.shape[0] + 1, : x.shape[1] - w.shape[1] + 1]
""",
    explanation="Half a spectrum has the same number of frequencies for W = 8 and W = 9, so the inverse cannot know. "
    "Always hand the length to an inverse real transform, and test with odd sizes.",
    check=_check_correlate_by_fft,
)


def _check_mix_back(learner: Learner, reference: Callable) -> None:
    def mixed(equation):
        return lambda G, W: torch.einsum(equation, G, W)

    def spectrum(*shape):
        return torch.complex(_tensor(*shape), _tensor(1, *shape)[0])

    cases = [
        (spectrum(2, 3, 4, 2), spectrum(3, 3, 4, 2)),
        (spectrum(2, 4, 5, 3), spectrum(4, 3, 5, 3)),
        (spectrum(1, 2, 6), spectrum(2, 5, 6)),
        (spectrum(3, 1, 2, 3, 2), spectrum(1, 2, 2, 3, 2)),
    ]
    mistakes = [
        Mistake(
            "conjugated",
            lambda G, W: reference(G, W.conj()),
            "The kernel's spectrum is conjugated. That was the way forward; the way back is a true convolution.",
        ),
        Mistake(
            "conjugated",
            lambda G, W: reference(G.conj(), W),
            "The spectrum that comes back is conjugated. Leave it as it is.",
        ),
        Mistake(
            "wrong axis",
            mixed("nc...,oc...->no..."),
            "This sums over the second channel axis of W, the input channels. On the way back the output channels are "
            "summed.",
        ),
        Mistake("mean for sum", lambda G, W: reference(G, W) / G.shape[1]),
        Mistake(
            "wrong axis",
            mixed("no...,oc...->n..."),
            "The input channels are summed as well. Each of them has a gradient of its own.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


MIX_BACK = Exercise(
    id="03.2",
    title="The way back",
    skill="You write the gradient of channel mixing as another channel mixing.",
    task="Autograd goes back through the layer. What does it compute? Lesson 01, section 11: the gradient of the "
    "input is the *true* convolution of what comes back with the kernel, and every input channel collects it from all "
    "output channels. You get the spectra $G$ of what comes back, and $W$ of the kernels. Return the spectra of the "
    "input's gradient.",
    difficulty=2,
    minutes=7,
    stub='''
def mix_back(G: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    """Spectra of the gradient of the input: for each frequency, the sum over the output channels of true convolutions.

    G: (N, O, ...) complex. W: (O, C, ...) complex. The dots are any number of frequency axes. Returns (N, C, ...).
    """
    ...  # your code here
''',
    hints=(
        "A cross-correlation multiplies by the conjugate of W. What does a true convolution multiply by?",
        "Which letter is in both inputs of the einsum, and not in its output? It is summed.",
        'The forward mixing was "nc...,oc...->no...". Now o is summed and c stays.',
    ),
    reference="""
def mix_back(G, W):
    return torch.einsum("no...,oc...->nc...", G, W)
""",
    explanation="Forward, a matrix product for each frequency with the conjugate of W; back, one with W, transposed. "
    "So the backward pass costs as much as the forward pass, once for the input and once for the weight.",
    check=_check_mix_back,
)


def _check_numerical_gradient(learner: Learner, reference: Callable) -> None:
    def one_side(f, x, h, sign=1):
        def entry(i):
            step = torch.zeros_like(x)
            step.view(-1)[i] = sign * h
            return sign * (f(x + step) - f(x)) / h

        return torch.stack([entry(i) for i in range(x.numel())]).view(x.shape)

    def exact(f, x, h):
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(f(leaf), leaf)[0]

    def cubes(x):
        return (x**3).sum()

    def mixed(x):
        return (x[0] * x[1].sin()).sum() + x.prod()

    cases = [
        (cubes, _tensor(3), 0.1),
        (mixed, _tensor(2, 3), 0.2),
        (cubes, _tensor(1, 2, 2), 0.01),
        (cubes, _tensor(1), 0.5),
    ]
    mistakes = [
        Mistake("one-sided difference", one_side),
        Mistake("one-sided difference", lambda f, x, h: one_side(f, x, h, -1)),
        Mistake("wrong divisor", lambda f, x, h: 2 * reference(f, x, h)),
        Mistake(
            "wrong divisor",
            lambda f, x, h: 2 * h * reference(f, x, h),
            "The difference is not divided by the distance of the two points, 2 h.",
        ),
        Mistake(
            "wrong divisor",
            lambda f, x, h: h * h * reference(f, x, h),
            "/ 2 * h divides by 2 and multiplies by h. Write / (2 * h).",
        ),
        Mistake("all at once", lambda f, x, h: torch.full_like(x, ((f(x + h) - f(x - h)) / (2 * h)).item())),
        Mistake("not a difference", exact),
    ]
    expect_like(learner, reference, cases, mistakes)


NUMERICAL_GRADIENT = Exercise(
    id="03.3",
    title="A gradient without autograd",
    skill="You check a gradient by finite differences.",
    task="`gradcheck` compares with *central differences*: move one entry of $x$ by $h$ to either side, and divide "
    "the change of $f$ by the distance of the two points. Do this for each entry.",
    difficulty=2,
    minutes=8,
    stub='''
def numerical_gradient(f, x: torch.Tensor, h: float = 1e-6) -> torch.Tensor:
    """Central differences of f at x, one entry at a time.

    f: takes a tensor of x's shape, returns a tensor with one number. x: any shape, double precision. Returns x's shape.
    """
    ...  # your code here
''',
    hints=(
        "Two calls of f for each entry: with the entry h larger, and with it h smaller.",
        "Make a tensor of zeros like x with h at one place. Add it to x, and subtract it. So x itself stays as it is.",
        "tensor.view(-1) shows a tensor of any shape as a list; view(-1)[i] = h writes into it. Divide by (2 * h).",
    ),
    reference="""
def numerical_gradient(f, x, h=1e-6):
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        step = torch.zeros_like(x)
        step.view(-1)[i] = h
        gradient.view(-1)[i] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient
""",
    explanation="The error of the central difference shrinks with h squared, that of a one-sided one only with h. Two "
    "calls for each entry make it far too slow to train with, and right for a test.",
    check=_check_numerical_gradient,
)


def _check_overlap_add(learner: Learner, reference: Callable) -> None:
    sizes: list[int] = []

    def limited(length):
        def convolve(block, h):
            sizes.append(len(block))
            if len(block) > length:
                raise ValueError(f"convolve takes at most {length} samples at a time, got {len(block)}")
            return np.convolve(block, h)

        return convolve

    def put_together(x, h, length, *, add=True, tails=True):
        y = np.zeros(len(x) + len(h) - 1)
        for start in range(0, len(x), length):
            block = np.convolve(x[start : start + length], h)
            block = block if tails else block[: len(x[start : start + length])]
            y[start : start + len(block)] = block + (y[start : start + len(block)] if add else 0)
        return y

    def signal(length):
        return np.random.default_rng(length).normal(size=length).round(2)

    settings = [(12, 3, 4), (13, 3, 5), (20, 9, 4), (6, 2, 10), (7, 1, 3), (9, 4, 1)]
    cases = [(signal(n), signal(k), length, limited(length)) for n, k, length in settings]
    mistakes = [
        Mistake("dropped tails", lambda x, h, length, _: put_together(x, h, length, tails=False)),
        Mistake("overwritten tails", lambda x, h, length, _: put_together(x, h, length, add=False)),
        Mistake(
            "cut off",
            lambda x, h, length, _: np.convolve(x, h)[: len(x)],
            "The tail of the last block is cut off: a linear convolution has len(x) + len(h) - 1 samples.",
        ),
        Mistake(
            "forgot to flip",
            lambda x, h, length, _: np.convolve(x, h[::-1]),
        ),
        Mistake(
            "wrong place",
            lambda x, h, length, _: np.concatenate(
                [np.convolve(x[s : s + length], h) for s in range(0, len(x), length)]
            ),
            "The blocks stand one after the other. They have to overlap: block number b starts at sample b * length.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    arguments = cases[0]
    sizes.clear()
    learner(*arguments)
    if sum(sizes) < len(arguments[0]):
        sentence = "The result is right, but it was not made block by block: call convolve for each block of x."
        reject(learner, arguments, "whole signal at once", "3 calls of convolve", f"{len(sizes)} calls", sentence)


OVERLAP_ADD = Exercise(
    id="03.4",
    title="Overlap-add",
    skill="You convolve a signal that is too long for one transform.",
    task="Overlap-save discards outputs. Its sister, *overlap-add*, discards nothing: cut $x$ into blocks that do not "
    "overlap, convolve each, and add up the results, which do overlap. Each block's result is $k - 1$ samples longer "
    "than the block. You are given a function `convolve(block, h)` that takes at most `length` samples at a time.",
    difficulty=3,
    minutes=10,
    stub='''
def overlap_add(x: np.ndarray, h: np.ndarray, length: int, convolve) -> np.ndarray:
    """Linear true convolution of x with h, in blocks of at most `length` samples.

    x: (N,). h: (k,). convolve(block, h): the linear convolution of one block, len(block) + k - 1 samples.
    Returns (N + k - 1,).
    """
    ...  # your code here
''',
    hints=(
        "Start from N + k - 1 zeros. Where does the result of the block x[start : start + length] belong?",
        "It begins at start, and it is k - 1 samples longer than the block. The last block may be shorter.",
        "For each start in range(0, N, length): add convolve(block, h) to y[start : start + len(result)].",
    ),
    reference="""
def overlap_add(x, h, length, convolve):
    y = np.zeros(len(x) + len(h) - 1)
    for start in range(0, len(x), length):
        block = convolve(x[start : start + length], h)
        y[start : start + len(block)] += block
    return y
""",
    explanation="A signal is the sum of its blocks, and a convolution is linear: the result is the sum of the blocks' "
    "results. Overlap-save gets by without the addition, at the price of outputs that are thrown away.",
    check=_check_overlap_add,
)

EXERCISES = (CORRELATE_BY_FFT, MIX_BACK, NUMERICAL_GRADIENT, OVERLAP_ADD)

QUIZ = (
    Question(
        "A layer does not flip its kernel. Which change in the three steps makes up for it?",
        (
            Option("Leave out the padding", "Padding decides about wrap-around, not about the flip."),
            Option(
                "Conjugate the kernel's spectrum",
                "For a real kernel that is the spectrum of its mirror image.",
                right=True,
            ),
            Option("Conjugate the product", "That would turn the whole result round."),
            Option("Take the real part at the end", "The result is real anyway, flipped or not."),
        ),
    ),
    Question(
        "For which layer does the FFT pay off most?",
        (
            Option("1 channel, 31 × 31", "Few spectra, and 961 products for each output saved.", right=True),
            Option(
                "512 to 512 channels, 3 × 3", "A quarter of a million kernels would be transformed, to save 9 products."
            ),
            Option("512 to 512 channels, 1 × 1", "With one number for a kernel there is nothing to save."),
        ),
    ),
    Question(
        "Overlap-save with tiles of 64 samples and a kernel of 9. How many right outputs does a tile give?",
        (
            Option("64", "The last ones have wrapped around."),
            Option("56", "64 - 9 + 1: the last 8 are discarded.", right=True),
            Option("55", "k - 1 = 8 outputs are spoiled, not 9."),
            Option("72", "A circular result is as long as the tile, not longer."),
        ),
    ),
    Question(
        "Your new layer agrees with nn.Conv2d on one random image of 8 × 8, outputs only. What have you shown?",
        (
            Option("That it is the same layer", "Gradients, odd sizes, strides and dtypes have not been looked at."),
            Option(
                "That it agrees for this setting",
                "Each option, odd sizes, and the gradients need a case of their own, and the test has to fail for a "
                "broken layer.",
                right=True,
            ),
            Option("Nothing at all", "A wrong formula would hardly agree on 64 random numbers."),
        ),
    ),
)
