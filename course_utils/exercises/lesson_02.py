"""Exercises and quiz of lesson 02: the Fourier transform and the convolution theorem."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_utils.exercises.comparison import Mistake, expect_like
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner


def _signal(length: int) -> np.ndarray:
    return np.random.default_rng(length).normal(size=length).round(2)


def _check_read_wave(learner: Learner, reference: Callable) -> None:
    def wave(N, turns, height, phase, mean):
        return mean + height * np.cos(2 * np.pi * turns * np.arange(N) / N + phase)

    def read(x, *, share=2.0, part=np.abs, index=None):
        X = np.fft.fft(x)
        k = int(reference(x)[0])
        return (k if index is None else index(k, len(x))), share * part(X[k]) / len(x)

    cases = [
        (wave(16, 3, 2.0, 0.7, 0.5),),
        (wave(64, 10, 0.5, -1.6, -4.0),),
        (wave(15, 7, 1.5, 2.0, 1.0),),
        (wave(8, 1, 3.0, -0.5, 0.0),),
        (wave(12, 5, 0.25, 3.0, 20.0),),
    ]
    mistakes = [
        Mistake("half the wave", lambda x: read(x, share=1.0)),
        Mistake("mirror image", lambda x: read(x, index=lambda k, N: N - k)),
        Mistake("mean taken for a wave", lambda x: (0, abs(np.mean(x)))),
        Mistake("mean taken for a wave", lambda x: (0, 2 * abs(np.mean(x)))),
        Mistake(
            "off by one",
            lambda x: read(x, index=lambda k, N: k - 1),
            "The number of turns is one too small: positions in X[1:] start at 0, where the turns start at 1.",
        ),
        Mistake(
            "forgot the scale", lambda x: read(x, share=2.0 * len(x)), "Divide by N: the DFT is a sum over N samples."
        ),
        Mistake(
            "forgot the scale",
            lambda x: read(x, share=1.0 * len(x)),
            "The DFT sums over N samples, and half of the wave stands at N - k.",
        ),
        Mistake(
            "forgot the magnitude",
            lambda x: read(x, part=np.real),
            "The real part depends on where the wave starts. How strong it is, the magnitude says.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


READ_WAVE = Exercise(
    id="02.1",
    title="Read a spectrum",
    skill="You read the frequency and the height of a wave off the DFT of a signal.",
    task="A signal is a constant plus one cosine wave, which starts anywhere. How many turns does the wave make, and "
    "how high is it?",
    difficulty=2,
    minutes=7,
    stub='''
def read_wave(x: np.ndarray) -> tuple[int, float]:
    """Turns k and height a of the wave in x[n] = c + a cos(2 pi k n / N + phase).

    x: (N,) real, with 0 < k < N / 2 and a > 0. Returns (k, a).
    """
    ...  # your code here
''',
    hints=(
        "Look at the magnitudes of np.fft.fft(x). Which entries are not zero?",
        "Entry 0 is the constant. The wave stands at k and once more at N - k: search from 1 to below N / 2.",
        "Each of the two entries has magnitude N a / 2.",
    ),
    reference="""
def read_wave(x):
    magnitude = np.abs(np.fft.fft(x))
    k = 1 + magnitude[1 : (len(x) + 1) // 2].argmax()
    return k, 2 * magnitude[k] / len(x)
""",
    explanation="A real wave is half a wave of k turns and half a wave of -k turns, and the DFT multiplies each by N. "
    "The magnitude does not depend on where the wave starts.",
    check=_check_read_wave,
)


def _check_slowest_waves(learner: Learner, reference: Callable) -> None:
    def cut(x, first, last):
        spectrum = np.fft.fft(x)
        spectrum[first:last] = 0
        return np.fft.ifft(spectrum)

    def removed(x, K):
        return x - reference(x, K)

    cases = [(_signal(16), 3), (_signal(15), 2), (_signal(16), 0), (_signal(16), 7), (_signal(15), 7), (_signal(9), 1)]
    mistakes = [
        Mistake("forgot the mirror image", lambda x, K: cut(x, K + 1, None).real),
        Mistake(
            "forgot the mirror image",
            lambda x, K: 2 * cut(x, K + 1, None).real,
            "Doubling makes up for the waves that are missing at N - k, but it doubles the mean as well.",
        ),
        Mistake(
            "off by one",
            lambda x, K: cut(x, K, len(x) - K + 1).real,
            "Waves of K turns stay: the first to go is K + 1.",
        ),
        Mistake(
            "off by one",
            lambda x, K: cut(x, K + 1, len(x) - K + 1).real,
            "The wave of -K turns, at N - K, has to stay.",
        ),
        Mistake(
            "off by one",
            lambda x, K: cut(x, K + 1, len(x) - K - 1).real,
            "The wave at N - K - 1 makes K + 1 turns: it has to go.",
        ),
        Mistake("wrong part", removed, "The slow waves are removed. They were to be kept."),
        Mistake(
            "forgot the magnitude",
            lambda x, K: np.abs(reference(x, K)),
            "np.abs turns negative samples round. Of a complex number whose imaginary part is 0, take the real part.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


SLOWEST_WAVES = Exercise(
    id="02.2",
    title="Find the bug: the slowest waves",
    skill="You treat both halves of a real signal's spectrum alike.",
    task="This function should keep the waves of up to $K$ turns. On the row of a photograph the result looks "
    "plausible, but it has lost half of its contrast. Find out why, and repair it.",
    difficulty=2,
    minutes=6,
    stub='''
def slowest_waves(x: np.ndarray, K: int) -> np.ndarray:
    """The signal x without its waves of more than K turns.

    x: (N,) real. K: from 0 to below N / 2. Returns (N,) real.
    """
    spectrum = np.fft.fft(x)
    spectrum[K + 1 :] = 0
    return np.fft.ifft(spectrum).real
''',
    hints=(
        "Try a cosine of 1 turn with K = 1. It should come out as it is. By how much is it too small?",
        "Where in the spectrum does the wave of -1 turn stand?",
        "The waves of -1 to -K turns stand at N - 1 to N - K. Set to zero only what lies between.",
    ),
    reference="""
def slowest_waves(x, K):
    spectrum = np.fft.fft(x)
    spectrum[K + 1 : len(x) - K] = 0
    return np.fft.ifft(spectrum).real
""",
    explanation="The wave of -k turns stands at N - k. Without it the result is complex, and .real hides that: of "
    "each wave half is left. Look at the imaginary part before you drop it. np.fft.rfft, which leaves that half out, "
    "avoids the trap.",
    check=_check_slowest_waves,
)


def _check_delayed(learner: Learner, reference: Callable) -> None:
    def turned(X, angle):
        return X * np.exp(1j * angle)

    def k(X):
        return np.arange(len(X))

    cases = [
        (np.fft.fft([1.0, 0, 0, 0]), 1),
        (np.fft.fft(_signal(8)), 3),
        (np.fft.fft(_signal(15)), -2),
        (np.fft.fft(_signal(15) + 1j * _signal(15)[::-1]), 4),
        (np.fft.fft(_signal(8)), 0),
        (np.fft.fft(_signal(6)), 8),
    ]
    mistakes = [
        Mistake(
            "wrong direction",
            lambda X, j: turned(X, 2 * np.pi * k(X) * j / len(X)),
            "The signal comes j samples too early: the sign of the exponent is wrong.",
        ),
        Mistake("spectrum shifted", lambda X, j: np.roll(X, j)),
        Mistake("spectrum shifted", lambda X, j: np.roll(X, -j)),
        Mistake("forgot 2 pi", lambda X, j: turned(X, -k(X) * j / len(X))),
        Mistake(
            "forgot 2 pi",
            lambda X, j: turned(X, -np.pi * k(X) * j / len(X)),
            "A whole turn is 2 pi. This is half of it.",
        ),
        Mistake(
            "forgot the scale",
            lambda X, j: turned(X, -2 * np.pi * k(X) * j),
            "These are whole turns, which change nothing. One sample is the N-th part of a turn.",
        ),
        Mistake("not transformed", lambda X, j: np.roll(np.fft.ifft(X), j)),
        Mistake(
            "wrong place",
            lambda X, j: X * np.exp(-2j * np.pi * j / len(X)),
            "Every frequency is turned alike. A wave of k turns moves on k times as fast.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


DELAYED = Exercise(
    id="02.3",
    title="A delay, seen in frequency",
    skill="You say what a shift of the signal does to its spectrum.",
    task="You have the spectrum $X$ of a signal. Return the spectrum of the same signal on its ring, delayed by $j$ "
    "samples. You need no transform for it: the proof of the theorem contains the formula.",
    difficulty=2,
    minutes=5,
    stub='''
def delayed(X: np.ndarray, j: int) -> np.ndarray:
    """Spectrum of the signal that comes j samples later, on a ring of N samples.

    X: (N,) complex. j: any whole number. Returns (N,) complex.
    """
    ...  # your code here
''',
    hints=(
        "A delay changes no magnitude. It only turns each number of the spectrum.",
        "The first line of the proof: the sum over x[(n - j) mod N] is X[k], times a factor. Which?",
        "exp(-2 pi i k j / N), with k = 0, 1, ..., N - 1: one factor for each entry.",
    ),
    reference="""
def delayed(X, j):
    k = np.arange(len(X))
    return X * np.exp(-2j * np.pi * k * j / len(X))
""",
    explanation="A shift multiplies wave k by one number of size 1. It turns faster waves by more: j samples are a "
    "larger part of their turn.",
    check=_check_delayed,
)


def _check_undo(learner: Learner, reference: Callable) -> None:
    def spectra(y, h):
        return np.fft.fft(y), np.fft.fft(h, len(y))

    def case(x, h):
        h = np.array(h, dtype=float)
        return np.fft.ifft(np.fft.fft(x) * np.fft.fft(h, len(x))).real, h

    cases = [
        case(_signal(8), [1, 0.5]),
        case(_signal(15), [1, 0.5, 0.25]),
        case(_signal(6), [3, 1, 0.5, 0.25, 0.5, 0.25]),
        case(_signal(5), [2]),
        case(_signal(9), [0, 0, 1]),
    ]
    mistakes = [
        Mistake("multiplied instead", lambda y, h: np.fft.ifft(np.prod(spectra(y, h), axis=0)).real),
        Mistake(
            "conjugated",
            lambda y, h: np.fft.ifft(spectra(y, h)[0] / spectra(y, h)[1].conj()).real,
            "The kernel's spectrum is conjugated. That would undo a cross-correlation.",
        ),
        Mistake(
            "conjugated",
            lambda y, h: np.fft.ifft(spectra(y, h)[0] * spectra(y, h)[1].conj()).real,
            "Multiplying by the conjugate undoes the phases, but not the magnitudes. Divide.",
        ),
        Mistake(
            "wrong direction",
            lambda y, h: np.fft.ifft(spectra(y, h)[1] / spectra(y, h)[0]).real,
            "This divides the kernel by the result. The unknown signal's spectrum is Y / H.",
        ),
        Mistake(
            "not transformed",
            lambda y, h: (spectra(y, h)[0] / spectra(y, h)[1]).real,
            "This is the spectrum. Transform it back.",
        ),
        Mistake(
            "forgot the magnitude",
            lambda y, h: np.abs(reference(y, h)),
            "np.abs turns negative samples round. Take the real part.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


UNDO = Exercise(
    id="02.4",
    title="Undo a convolution",
    skill="You solve for the signal where the theorem gives the spectrum of its convolution.",
    task="Somebody convolved a signal $x$ with a kernel $h$ on a ring of $N$ samples, and has only the result $y$ "
    "left. Get $x$ back.",
    difficulty=2,
    minutes=5,
    stub='''
def undo(y: np.ndarray, h: np.ndarray) -> np.ndarray:
    """The real signal x whose circular convolution with h is y.

    y: (N,) real. h: (M,) real with M <= N; no number of its spectrum on N samples is 0. Returns (N,) real.
    """
    ...  # your code here
''',
    hints=(
        "The theorem says Y = X H, for each frequency. What is X?",
        "H needs as many frequencies as Y: np.fft.fft(h, N) appends the zeros.",
        "Divide the spectra, transform back with np.fft.ifft, and take the real part.",
    ),
    reference="""
def undo(y, h):
    H = np.fft.fft(h, len(y))
    return np.fft.ifft(np.fft.fft(y) / H).real
""",
    explanation="One division for each frequency solves N equations with N unknowns. Where H is close to 0, as for a "
    "blur at high frequencies, the division blows up the noise: that is why pictures are hard to deblur.",
    check=_check_undo,
)


def _check_gain_at(learner: Learner, reference: Callable) -> None:
    def response(h, f, turn=2 * np.pi):
        return np.exp(-1j * turn * np.outer(f, np.arange(len(h)))) @ h

    f = np.array([0, 0.1, 0.25, 0.3, 0.5])
    cases = [
        (np.array([1.0, 2, 3, 1]), f),
        (np.full(5, 0.2), f),
        (np.array([1, -2, 1]), f),
        (_signal(7), np.linspace(0, 0.5, 12)),
        (np.array([-3.0]), f),
        (np.array([1.0, 0, -1]), np.array([0.25])),
    ]
    mistakes = [
        Mistake("forgot 2 pi", lambda h, f: np.abs(response(h, f, 1.0))),
        Mistake("forgot 2 pi", lambda h, f: np.abs(response(h, f, np.pi)), "A whole turn is 2 pi. This is half of it."),
        Mistake("forgot the magnitude", lambda h, f: response(h, f).real),
        Mistake("forgot the magnitude", response, "These are the complex responses. The gain is their magnitude."),
        Mistake(
            "forgot the magnitude",
            lambda h, f: np.angle(response(h, f)),
            "This is the phase. The gain is the magnitude.",
        ),
        Mistake("squared", lambda h, f: np.abs(response(h, f)) ** 2),
        Mistake("mean for sum", lambda h, f: np.abs(response(h, f)) / len(h)),
        Mistake(
            "wrong place",
            lambda h, f: np.abs([h.sum()] * len(f)),
            "This is the gain at frequency 0, everywhere.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


GAIN_AT = Exercise(
    id="02.5",
    title="The gain at any frequency",
    skill="You compute what a kernel does to a wave that fits no DFT grid.",
    task="The DFT gives a kernel's response at $k / N$ only. Compute its gain $|H(f)|$ at any frequencies, straight "
    "from the sum.",
    difficulty=2,
    minutes=5,
    stub='''
def gain_at(h: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Gain of a kernel at frequencies in cycles per sample.

    h: (M,) real. f: (F,). Returns (F,) real.
    """
    ...  # your code here
''',
    hints=(
        "One frequency first: a sum over the taps j of h[j] exp(-2 pi i f j).",
        "np.outer(f, np.arange(len(h))) holds all products of a frequency and a tap's position.",
        "The matrix of waves times h gives all responses at once. np.abs makes gains of them.",
    ),
    reference="""
def gain_at(h, f):
    waves = np.exp(-2j * np.pi * np.outer(f, np.arange(len(h))))
    return np.abs(waves @ h)
""",
    explanation="The response is a smooth function of f, and the DFT with zeros appended samples it. The gain does "
    "not depend on where you start to count the taps: that only turns the response.",
    check=_check_gain_at,
)

EXERCISES = (READ_WAVE, SLOWEST_WAVES, DELAYED, UNDO, GAIN_AT)

QUIZ = (
    Question(
        "A signal of 32 samples is 1 plus a cosine of 5 turns. How many numbers of its spectrum are not zero?",
        (
            Option("1", "That would be a constant alone, or one complex wave."),
            Option("2", "A real wave stands at two places, k and N - k."),
            Option("3", "The constant at 0, the wave at 5 and at 27.", right=True),
            Option("32", "Only a signal that is no sum of few waves, such as a single pulse, needs all of them."),
        ),
    ),
    Question(
        "You double the number of samples. About how much longer does an FFT take?",
        (
            Option("As long as before", "It has to look at every sample at least once."),
            Option("A little more than twice as long", "N log N: twice the samples, and one level more.", right=True),
            Option("Four times as long", "That is the matrix or the loops, N²."),
        ),
    ),
    Question(
        "100 samples, a kernel of 20. Which is the shortest transform with which nothing wraps around?",
        (
            Option("100", "Then the tail of 19 samples is added to the start."),
            Option("119", "The linear result has N + M - 1 samples, and needs a place for each.", right=True),
            Option("120", "That works, too, but one less is enough."),
            Option("128", "A convenient length, but not the shortest."),
        ),
    ),
    Question(
        "The numbers of a kernel add up to 0. What does it do to an evenly grey area?",
        (
            Option("It leaves it as it is", "For that, the sum has to be 1."),
            Option(
                "It makes it 0", "The sum is the gain at frequency 0, and an even area is nothing else.", right=True
            ),
            Option("It blurs it", "A blur is a low-pass: its sum is 1."),
            Option("It depends on the order of the numbers", "At frequency 0 only their sum counts."),
        ),
    ),
    Question(
        "You keep the phases of a photograph's spectrum, and take the magnitudes from another one. Which do you see?",
        (
            Option("The one that gave the magnitudes", "Magnitudes of photographs are much alike."),
            Option("The one that gave the phases", "The phases say where edges are.", right=True),
            Option("An even mixture of both", "The edges of only one of the two line up."),
        ),
    ),
)
