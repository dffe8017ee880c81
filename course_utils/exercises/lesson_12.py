"""Exercises and quiz of lesson 12: searching hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from course_utils.exercises.comparison import Mistake, expect_like, reject
from course_utils.exercises.exercise import Exercise, NotYet, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.values import as_array, close


def _check_momentum_at(learner: Learner, reference: Callable) -> None:
    even = np.linspace(0, 1, 5)
    cases = [
        (0.5, 0.9, 0.999),
        (even, 0.9, 0.999),
        (0.0, 0.9, 0.999),
        (1.0, 0.9, 0.999),
        (even, 0.5, 0.99),
        (np.random.default_rng(0).random((2, 3)), 0.0, 0.95),
    ]
    mistakes = [
        Mistake(
            "wrong scale",
            lambda u, low, high: low + u * (high - low),
            "The steps are even in the momentum. So nearly all positions remember fewer than 100 steps.",
        ),
        Mistake(
            "wrong scale",
            lambda u, low, high: low * (high / low) ** u,
            "The steps are even in the ratio of the momentum. Its memory, 1 / (1 - m), is what acts by ratio.",
        ),
        Mistake(
            "wrong direction",
            lambda u, low, high: reference(1 - np.asarray(u), low, high),
            "The positions run from `high` to `low`. Position 0 was to give `low`.",
        ),
        Mistake(
            "not transformed",
            lambda u, low, high: 1 / (1 - reference(u, low, high)),
            "This is the memory, 1 / (1 - m). The momentum was asked for.",
        ),
        Mistake(
            "not transformed",
            lambda u, low, high: 1 - reference(u, low, high),
            "This is 1 - m. The momentum m was asked for.",
        ),
        Mistake(
            "wrong scale",
            lambda u, low, high: 1 - 1 / (1 / (1 - low) + u * (1 / (1 - high) - 1 / (1 - low))),
            "The steps are even in the memory: 10, 257.5, 505, 752.5 and 1,000. Equal factors were asked for.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


MOMENTUM_AT = Exercise(
    id="12.1",
    title="A scale for the momentum",
    skill="You choose the scale on which a setting acts.",
    task="You want to search the momentum of SGD between 0.9 and 0.999. SGD with momentum $m$ remembers about "
    "$1/(1-m)$ steps: 10 for 0.9, 100 for 0.99, 1,000 for 0.999. Translate a position `u` between 0 and 1 into a "
    "momentum, so that equal steps of `u` multiply this memory by equal factors. Position 0.5 then gives 0.99.",
    difficulty=2,
    minutes=6,
    stub='''
def momentum_at(u: np.ndarray, low: float = 0.9, high: float = 0.999) -> np.ndarray:
    """Momentum at position u, from `low` at 0 to `high` at 1; the memory 1 / (1 - m) is spaced by ratio.

    u: a number, or an array of any shape, between 0 and 1. Returns the same shape.
    """
    ...  # your code here
''',
    hints=(
        "The lesson's formula spaces a setting by ratio. Which number is to be spaced here, and how do you get from it "
        "to m?",
        "Memory at 0: 1 / (1 - low). Memory at 1: 1 / (1 - high). By ratio in between.",
        "If the memory is M, then m = 1 - 1 / M.",
    ),
    reference="""
def momentum_at(u, low=0.9, high=0.999):
    shortest, longest = 1 / (1 - low), 1 / (1 - high)
    return 1 - 1 / (shortest * (longest / shortest) ** u)
""",
    explanation="Drawn evenly in m, 91 % of the positions would lie below 0.99, and remember fewer than 100 steps. Ask "
    "of each setting what it multiplies. 1 - m is spaced by ratio too: a ratio stays one when it is turned over.",
    check=_check_momentum_at,
)


def _check_latin_positions(learner: Learner, reference: Callable) -> None:
    def checked(count, settings, seed):
        """Positions, after all that can be wrong with a single design has been ruled out."""
        arguments = (count, settings, seed)
        got = learner(*arguments)
        example = reference(*arguments)
        design = as_array(got)

        def no(reason, name=""):
            return Rejected(NotYet(reason, name, learner.call_text(arguments), example, got))

        if got is None:
            raise no("Your function returns None. Does it end with return and the positions?", "returns None")
        if design is None:
            raise no(f"Your function returns a value of type {type(got).__name__}; expected were numbers.")
        if design.shape == (settings, count) != (count, settings):
            raise no("A row is one trial: the shape is (count, settings). Rows and columns are swapped.", "wrong axis")
        if design.shape != (count, settings):
            raise no(f"The result has the wrong shape: expected {(count, settings)}, got {design.shape}.")
        ordered, levels = np.sort(design, axis=0), (np.arange(count)[:, None] + 0.5) / count
        if close(ordered, np.broadcast_to(levels, ordered.shape), 1e-6):
            return design
        for wrong, where in (
            ((levels - 0.5 / count), "at the lower edges of the slices"),
            (levels + 0.5 / count, "at the upper edges of the slices"),
            (np.linspace(0, 1, count)[:, None], "evenly from 0 to 1, both ends included"),
        ):
            if close(ordered, np.broadcast_to(wrong, ordered.shape), 1e-6):
                raise no(f"The values lie {where}. Each was to lie in the middle of its slice.", "wrong place")
        if design.min() < 0 or design.max() > 1:
            raise no("Positions lie between 0 and 1.")
        slices = np.sort(np.minimum(design * count, count - 1).astype(int), axis=0)
        if (slices == np.arange(count)[:, None]).all():
            raise no(
                "Each slice holds one trial. But the trials do not lie in the middles of their slices.", "wrong place"
            )
        column = (slices != np.arange(count)[:, None]).any(axis=0).argmax()
        raise no(
            f"Setting {column} (counted from 0) does not have one trial in each slice: some slices hold several, and "
            "others none.",
            "drawn with replacement",
        )

    design = checked(8, 4, 0)
    for arguments in ((5, 3, 1), (1, 2, 0), (24, 1, 3), (6, 6, 4)):
        checked(*arguments)
    arguments = (8, 4, 0)
    again = as_array(learner(*arguments))
    if not close(again, design, 1e-9):
        reject(learner, arguments, "not repeatable", design, again)
    other = checked(8, 4, 1)
    if close(other, design, 1e-9):
        reject(learner, (8, 4, 1), "seed ignored", "another design than with seed 0", other)
    if (design == design[:, :1]).all() or (other == other[:, 1:2])[:, 1:].all():
        sentence = (
            "All settings go through their values in the same order: the trials lie on the diagonal, and the settings "
            "rise and fall together. Draw an order for each setting."
        )
        reject(learner, arguments, "all alike", reference(*arguments), design, sentence)

    def orders(first, last):
        """All orders of three values that 2 settings have with these seeds."""
        designs = [as_array(learner.answer(3, 2, seed)).argsort(axis=0) for seed in range(first, last)]
        return [[tuple(design[:, column].tolist()) for column in (0, 1)] for design in designs]

    pairs = learner.inside(orders)(0, 600)
    for column in (0, 1):
        if len({pair[column] for pair in pairs}) < math.factorial(3):
            sentence = f"Setting {column} (counted from 0) goes through its values in few of the possible orders."
            if len({pair[column] for pair in pairs}) == 1:
                sentence = (
                    f"Setting {column} (counted from 0) goes through its values in the same order whatever the seed. "
                    "Draw an order for each setting: else a search that is stopped early has seen one end only."
                )
            reject(learner, (3, 2, 0), "all alike", reference(3, 2, 0), learner(3, 2, 0), sentence)
    if len({tuple(pair) for pair in pairs}) < math.factorial(3) ** 2:
        sentence = "The order of one setting decides that of the other. Draw an order for each setting."
        reject(learner, (3, 2, 0), "all alike", reference(3, 2, 0), learner(3, 2, 0), sentence)


LATIN_POSITIONS = Exercise(
    id="12.2",
    title="As even as a grid, as varied as dice",
    skill="You build a design from what it has to guarantee.",
    task="A grid of 24 trials tries 3 learning rates. Dice try 24, but leave gaps and make clumps. A *Latin hypercube* "
    "has the best of both. Cut the range of each setting into `count` slices of equal width. Every slice, of every "
    "setting, gets exactly one of the `count` trials, in the middle of the slice. Which slices meet in a trial is "
    "drawn: each setting goes through its slices in a random order of its own.",
    difficulty=2,
    minutes=7,
    stub='''
def latin_positions(count: int, settings: int, seed: int) -> np.ndarray:
    """Positions of the trials of a Latin hypercube, between 0 and 1.

    count: number of trials, and of slices. Returns (count, settings), one row for each trial; the same for the same
    seed.
    """
    ...  # your code here
''',
    hints=(
        "One setting first: which `count` numbers does its column hold, in any order?",
        "The middles are (np.arange(count) + 0.5) / count. The grid of this section uses the same formula.",
        "np.random.default_rng(seed) once, and its permutation(...) for each column; np.stack(columns, axis=1).",
    ),
    reference="""
def latin_positions(count, settings, seed):
    rng = np.random.default_rng(seed)
    middles = (np.arange(count) + 0.5) / count
    return np.stack([rng.permutation(middles) for _ in range(settings)], axis=1)
""",
    explanation="Whichever setting turns out to matter, it has been tried at 24 evenly spread values. Nobody has to "
    "know beforehand which one that will be. (Draw the place within each slice too, and no two seeds try the same "
    "values.)",
    check=_check_latin_positions,
)


def _check_expected_best(learner: Learner, reference: Callable) -> None:
    def put_together(errors, trials):
        errors = np.sort(errors)
        n = len(errors)
        ways = [math.comb(n - i - 1, trials - 1) for i in range(n)]
        return sum(way * error for way, error in zip(ways, errors)) / math.comb(n, trials)

    def unsorted(errors, trials):
        left = (np.arange(len(errors), -1, -1) / len(errors)) ** trials
        return (errors * (left[:-1] - left[1:])).sum()

    def missed_alone(errors, trials, start):
        n = len(errors)
        return np.sort(errors) @ (1 - np.arange(start, start + n) / n) ** trials

    def drawn():
        """Whether the answers are near the right ones, but change when the same errors come in another order."""
        changes = False
        for errors, trials in cases:
            expected = reference(errors, trials)
            deviation = max(reference(errors**2, trials) - expected**2, 0) ** 0.5
            answers = [as_array(learner(given.copy(), trials)) for given in (errors, errors[::-1])]
            if any(answer is None or answer.size != 1 for answer in answers):
                return False
            if not all(abs(answer.item() - expected) < 0.4 * deviation + 1e-6 for answer in answers):
                return False
            changes |= abs(answers[0].item() - answers[1].item()) > 1e-9
        return changes

    rng = np.random.default_rng(1)
    cases = [
        (np.array([0.5, 0.1, 0.2]), 2),
        (rng.random(144).round(2), 24),
        (np.array([0.5, 0.1, 0.1, 0.3]), 3),
        (rng.random(6), 1),
        (np.array([0.7]), 5),
        (rng.random(5), 40),
    ]
    mistakes = [
        Mistake(
            "wrong direction",
            lambda errors, trials: -reference(-np.asarray(errors), trials),
            "This is the expected largest error. The best trial has the smallest.",
        ),
        Mistake("without replacement", put_together),
        Mistake(
            "wrong order", unsorted, "The errors are not sorted: the formula speaks of the smallest, the next, ..."
        ),
        *(
            Mistake(
                "missing term",
                lambda errors, trials, start=start: missed_alone(errors, trials, start),
                "These weights are the probabilities that all draws miss the i smallest; they do not add up to 1. That "
                "the best is exactly the next is the difference of two of them.",
            )
            for start in (0, 1)
        ),
        Mistake("off by one", lambda errors, trials: reference(errors, trials - 1), "This is one trial too few."),
        Mistake("off by one", lambda errors, trials: reference(errors, trials + 1), "This is one trial too many."),
        Mistake(
            "missing term",
            lambda errors, trials: np.mean(errors),
            "This is the mean of all trials, as a search of a single trial expects it.",
        ),
        Mistake(
            "missing term",
            lambda errors, trials: np.min(errors),
            "This is the best of all trials. A shorter search may miss it.",
        ),
        Mistake(
            "wrong place",
            lambda errors, trials: np.quantile(errors, 1 / (trials + 1)),
            "This is a quantile. It is near the answer for many trials, and no mean.",
        ),
        Mistake(
            "missing term",
            lambda errors, trials: np.minimum.accumulate(errors)[min(trials, len(errors)) - 1],
            "This is the best of the first trials, in the order in which they happen to stand. The mean over all "
            "orders was asked for.",
        ),
    ]
    try:
        expect_like(learner, reference, cases, mistakes)
    except Rejected as rejected:
        if rejected.outcome.misconception or not drawn():
            raise
        raise Rejected(replace(rejected.outcome, reason="Drawn at random. Exact was asked for.")) from None


EXPECTED_BEST = Exercise(
    id="12.3",
    title="The curve of all random searches",
    skill="You compute what a search of any length expects, from one table of trials.",
    task="Six random searches gave six curves, and their mean still jumps about. There is a way without dice. You have "
    "$n$ errors of random trials. A random search of $B$ trials draws $B$ of them, each time from all $n$, so that the "
    "same one may come twice. What is its best error on average? Sort the errors. The best one is not among the $i$ "
    "smallest if all $B$ draws miss these:\n\n"
    r"$$P(\text{all draws miss the } i \text{ smallest}) = \left(\frac{n-i}{n}\right)^B$$"
    "\n\nHow probable is it, then, that the best one is exactly the next in the order?",
    difficulty=3,
    minutes=10,
    stub='''
def expected_best(errors: np.ndarray, trials: int) -> float:
    """Mean, over all random searches, of the smallest error among `trials` draws with replacement.

    errors: (n,), in any order. trials: 1 or more; may be larger than n. Exact, without random numbers.
    """
    ...  # your code here
''',
    hints=(
        "Take errors 0.1, 0.2, 0.4 and two trials, and write down all nine pairs. How often is each error the best?",
        "5 times 0.1, 3 times 0.2, once 0.4: 9 - 4, 4 - 1, 1 - 0. Those are differences of the formula, times 9.",
        "For i = 0, 1, ..., n - 1, the i-th of the sorted errors counts with ((n - i) / n)**B - ((n - i - 1) / n)**B.",
    ),
    reference="""
def expected_best(errors, trials):
    n = len(errors)
    missed = (np.arange(n, -1, -1) / n) ** trials
    return float(np.sort(errors) @ (missed[:-1] - missed[1:]))
""",
    explanation="One table of 144 trials gives the whole curve, smooth and without another training. It still holds "
    "the luck of these 144, and of the 100 images that judged them: it is a mean over searches, not a promise for "
    "yours. The same formula with the test errors of the winners would show what the search is worth.",
    check=_check_expected_best,
)


def _check_honest_error(learner: Learner, reference: Callable) -> None:
    def error_of(choose, report):
        def wrong(right, size):
            winner = (1 - choose(right, size).mean(axis=1)).argmin()
            return 1 - report(right, size)[winner].mean()

        return wrong

    def valid(right, size):
        return right[:, :size]

    def test(right, size):
        return right[:, size:]

    def everything(right, size):
        return right

    def trials(count, images, size, seed):
        """Trials whose winner by validation, by test and by all images are three."""
        while True:
            right = np.random.default_rng(seed).random((count, images)) < 0.7
            scores = [part(right, size).mean(axis=1) for part in (valid, test, everything)]
            worst = scores[0].argmin()
            if len({*(score.argmax() for score in scores), worst}) == 4:
                return right
            seed += 100

    tie = np.array([[1, 0, 1, 0, 0, 0, 0, 1], [0, 1, 1, 0, 1, 1, 0, 1], [0, 0, 1, 1, 1, 1, 1, 1]], dtype=bool)
    cases = [
        (trials(24, 141, 40, 0), 40),
        (trials(8, 133, 32, 1), 32),
        (trials(30, 67, 15, 2), 15),
        (tie, 3),
    ]
    mistakes = [
        Mistake(
            "chosen on test data",
            error_of(everything, test),
            "The choice looks at all images, and so at those of the test. Choose by the first `size` images alone.",
        ),
        Mistake(
            "chosen on test data",
            error_of(test, test),
            "The winner is chosen by the very images that it is judged by.",
        ),
        Mistake(
            "wrong part",
            error_of(valid, valid),
            "This is the error that the winner was chosen for. It is too good: report the error on the other images.",
        ),
        Mistake(
            "missing term",
            error_of(valid, everything),
            "The images that chose the winner are counted in. Report the error on the others alone.",
        ),
        Mistake(
            "chosen on test data",
            error_of(everything, everything),
            "The same images choose the winner and judge it.",
        ),
        Mistake("wrong part", error_of(test, valid), "The two parts are exchanged: the first `size` images choose."),
        Mistake(
            "wrong direction",
            lambda right, size: 1 - right[right[:, :size].mean(axis=1).argmin(), size:].mean(),
            "This is the trial with the largest error.",
        ),
        Mistake(
            "wrong part",
            lambda right, size: right[right[:, :size].mean(axis=1).argmax(), size:].mean(),
            "This is the share of right answers. The error was asked for.",
        ),
        Mistake(
            "missing edge case",
            lambda right, size: reference(right[::-1], size),
            "If several trials have the smallest validation error, the first one counts.",
        ),
        Mistake(
            "missing term",
            lambda right, size: 1 - right[:, size:].mean(),
            "This is the mean error of all trials. The winner's was asked for.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


HONEST_ERROR = Exercise(
    id="12.4",
    title="Find the bug: a little too good",
    skill="You find where test images take part in a choice.",
    task="The first `size` images are for validation, the others for the test. This function chooses the winner of a "
    "search and reports its error on the test images. Repeated over many searches, its numbers are too good, by a "
    "point or so. Find out why, and repair it.",
    difficulty=1,
    minutes=4,
    stub='''
def honest_error(right: np.ndarray, size: int) -> float:
    """Test error of the trial with the smallest validation error; the first one, if several are equal.

    right: (trials, images) truth values, whether an answer was right. The first `size` images are for validation.
    """
    errors = 1 - right.mean(axis=1)
    winner = errors.argmin()
    return 1 - right[winner, size:].mean()
''',
    hints=(
        "The last line looks at test images only, as it should. Which images do the other two lines look at?",
        "right.mean(axis=1) is a mean over all images of a trial.",
        "The validation images of all trials are right[:, :size].",
    ),
    reference="""
def honest_error(right, size):
    errors = 1 - right[:, :size].mean(axis=1)
    winner = errors.argmin()
    return 1 - right[winner, size:].mean()
""",
    explanation="No test image was trained on, and the report is made of test images alone. Still they had a say in "
    "who wins, and the winner is the one that they like. A test set is spent by any choice that it takes part in, "
    "even if most of the vote is somebody else's.",
    check=_check_honest_error,
)

EXERCISES = (MOMENTUM_AT, LATIN_POSITIONS, EXPECTED_BEST, HONEST_ERROR)

QUIZ = (
    Question(
        "Which of these settings would you search on a log axis?",
        (
            Option(
                "The probability of a horizontal flip, 0 to 0.5",
                "It starts at 0, and a step of 0.1 acts alike anywhere.",
            ),
            Option(
                "The batch size, 8 to 512",
                "From 8 to 16 is as big a step as from 256 to 512: it acts by ratio.",
                right=True,
            ),
            Option("The angle of a random rotation, 0 to 15 degrees", "One degree more is one degree more."),
        ),
    ),
    Question(
        "Your four settings become five; the fifth does nothing. The budget stays at 24 trials. Which search suffers?",
        (
            Option(
                "The grid",
                "With two values of the new setting, half of its trials repeat the other half, and it tries fewer "
                "values of the others. Every trial of random search still brings a new value of each of the others.",
                right=True,
            ),
            Option("Random search", "Its 24 learning rates are 24 learning rates, whatever else is drawn with them."),
            Option("Both alike", "Only one of them has to divide 24 into more factors."),
        ),
    ),
    Question(
        "Best error so far: 10 %. The model expects 9.9 ± 0.01 % at position A and 12 ± 4 % at position B. Where is "
        "the expected improvement larger?",
        (
            Option("At A: its mean is the better one", "A promises 0.1 points, nearly for certain, and no more."),
            Option(
                "At B: it is uncertain enough",
                "B may well be 2 points better. With z = -0.5, the formula gives 4 · 0.352 - 2 · 0.309 = 0.8 points.",
                right=True,
            ),
            Option("At neither: B is worse, and A no better", "Anything below 10 % counts, with its probability."),
        ),
    ),
    Question(
        "The winner of 200 trials has 4.0 % validation error on 100 images, and 6.4 % test error on 450. What "
        "happened?",
        (
            Option("The network has overfitted the training images", "They did not judge it in either case."),
            Option("There is a bug in the test", "There may be. But this gap needs none."),
            Option(
                "What was to be expected",
                "The best of 200 scores on 100 images is a lucky one. The test error is what it is worth.",
                right=True,
            ),
        ),
    ),
    Question(
        "You don't like the test error, search for another day, and test the new winner on the same test images. What "
        "is its test error now?",
        (
            Option(
                "An honest number: the new network was never trained on them",
                "Neither was it on the validation images.",
            ),
            Option(
                "A validation error",
                "The images have decided whether you go on. Do it often enough, and the best of these numbers is "
                "lucky, too.",
                right=True,
            ),
            Option("Useless", "One look spoils little. But there is no way to say how little after ten."),
        ),
    ),
)
