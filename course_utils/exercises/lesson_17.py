"""Exercises and quiz of lesson 17: Grad-CAM."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_like, floors, reject
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import give_weights
from course_utils.exercises.values import as_array


def _tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + sum(shape)))


def _check_channel_weights(learner: Learner, reference: Callable) -> None:
    def gradient(maps, rest, score):
        maps = maps.detach().requires_grad_()
        return torch.autograd.grad(score(rest(maps)), maps)[0]

    def by(score, axes=(2, 3)):
        return lambda maps, rest, classes: gradient(maps, rest, lambda logits: score(logits, classes)).mean(axes)

    def own(logits, classes):
        return logits.gather(1, classes[:, None]).sum()

    def head(channels, places, classes):
        net = nn.Sequential(nn.Flatten(), nn.Linear(channels * places, 7), nn.Tanh(), nn.Linear(7, classes))
        return give_weights(net.double(), channels + classes)

    cases = [
        (_tensor(2, 3, 2, 2), head(3, 4, 4), torch.tensor([1, 3])),
        (_tensor(1, 2, 3, 1), head(2, 3, 3), torch.tensor([2])),
        (_tensor(4, 5, 1, 3), head(5, 3, 3), torch.tensor([0, 2, 2, 1])),
        (_tensor(3, 3, 3, 3), head(3, 9, 3), torch.tensor([2, 0, 1])),
    ]
    mistakes = [
        Mistake("classes of others", by(lambda logits, classes: logits[:, classes].sum())),
        Mistake(
            "classes of others",
            by(lambda logits, classes: logits[:, classes].mean(1).sum()),
            "Each image gets the mean over the classes of all images. Pick one logit out of each row.",
        ),
        Mistake(
            "classes of others",
            by(lambda logits, classes: logits[:, classes[0]].sum()),
            "All images are asked for the class of the first one.",
        ),
        Mistake(
            "classes of others",
            by(lambda logits, classes: logits.sum()),
            "All logits are added, whatever was asked for. Pick one out of each row.",
        ),
        Mistake(
            "classes of others",
            by(lambda logits, classes: logits.amax(1).sum()),
            "This asks for the class with the largest logit. Ask for the given one.",
        ),
        Mistake(
            "mean for sum",
            by(lambda logits, classes: own(logits, classes) / len(classes)),
            "The scores are averaged over the images, so the weights depend on the size of the batch. Add them up.",
        ),
        Mistake(
            "probability for logit",
            by(lambda logits, classes: own(logits.softmax(1), classes)),
        ),
        Mistake(
            "probability for logit",
            by(lambda logits, classes: own(logits.log_softmax(1), classes)),
            "This is the gradient of the logarithm of the probability. Ask for the logit.",
        ),
        Mistake(
            "wrong sign",
            by(lambda logits, classes: -own(logits.log_softmax(1), classes)),
            "This is the gradient of the loss. It falls where the logit rises. Ask for the logit.",
        ),
        Mistake(
            "sum for mean",
            lambda maps, rest, classes: reference(maps, rest, classes) * maps[0, 0].numel(),
            "The gradient is added up over the places. Its mean was asked for.",
        ),
        Mistake("wrong axis", by(own, (1,)), "This is a mean over the channels. Each channel has a weight of its own."),
        Mistake(
            "mixed over the batch",
            lambda maps, rest, classes: by(own)(maps, rest, classes).mean(0).expand(maps.shape[:2]),
            "The weights are averaged over the images. Each image has weights of its own.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


CHANNEL_WEIGHTS = Exercise(
    id="17.1",
    title="Find the bug: the questions of the others",
    skill="You ask each image of a batch for a class of its own.",
    task="These weights $\\alpha$ are right for a single image. In a batch, in which one image is asked for a tabby "
    "and one for an espresso, each image gets an answer to both questions at once. Repair it.",
    difficulty=1,
    minutes=5,
    stub='''
def channel_weights(maps: torch.Tensor, rest, classes: torch.Tensor) -> torch.Tensor:
    """Grad-CAM's weights: the mean over the places of the gradient of each image's own class.

    maps: (N, C, h, w). rest: what comes after the maps; rest(maps) are the logits, (N, K). classes: (N,) integers, one
    class for each image. Returns (N, C).
    """
    maps = maps.detach().requires_grad_()
    logits = rest(maps)
    (gradient,) = torch.autograd.grad(logits[:, classes].sum(), maps)
    return gradient.mean((2, 3))
''',
    hints=(
        "What is the shape of logits[:, classes] for two images and two classes? How many numbers should it hold?",
        "One number for each image: from row 0 the logit of classes[0], from row 1 that of classes[1].",
        "logits.gather(1, classes[:, None]) picks one logit out of each row. The grad_cam of section 3 uses it.",
    ),
    reference="""
def channel_weights(maps, rest, classes):
    maps = maps.detach().requires_grad_()
    logits = rest(maps)
    (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), maps)
    return gradient.mean((2, 3))
""",
    explanation="logits[:, classes] takes all asked columns out of every row. One image and one class hide it. The sum "
    "over the images is harmless: no image's logit depends on another image's maps.",
    check=_check_channel_weights,
)


def _check_for_and_against(learner: Learner, reference: Callable) -> None:
    def total(maps, gradient):
        return (gradient.mean((2, 3), keepdim=True) * maps).sum(1)

    def scaled(both, axes=(1, 2, 3)):
        largest = both.amax(axes, keepdim=True)
        return both / torch.where(largest > 0, largest, 1)

    def split(weighted):
        return torch.stack([weighted.relu(), (-weighted).relu()], dim=1)

    def relu_first(maps, gradient):
        weighted = gradient.mean((2, 3), keepdim=True) * maps
        return scaled(torch.stack([weighted.relu().sum(1), (-weighted).relu().sum(1)], dim=1))

    def relu_of_weights(maps, gradient):
        weights = gradient.mean((2, 3), keepdim=True)
        return scaled(
            torch.stack([(weights.relu() * maps).sum(1).relu(), ((-weights).relu() * maps).sum(1).relu()], dim=1)
        )

    def unguarded(maps, gradient):
        both = split(total(maps, gradient))
        return both / both.amax((1, 2, 3), keepdim=True)

    def floored(maps, gradient, floor):
        both = split(total(maps, gradient))
        return both / floor(both.amax((1, 2, 3), keepdim=True))

    paper = (
        torch.tensor([[[[1.0, 2], [0, 1]], [[0, 1], [3, 0]]]]).double(),
        torch.tensor([[[[4.0, 0], [2, 2]], [[-1, -1], [0, -2]]]]).double(),
    )
    cases = [
        (_tensor(3, 3, 2, 4) + 0.3, _tensor(3, 3, 2, 4, seed=1) * torch.tensor([1.0, 5, 0.2]).view(3, 1, 1, 1)),
        paper,
        (_tensor(1, 4, 2, 2, seed=3), _tensor(1, 4, 2, 2, seed=4)),
        (_tensor(2, 2, 2, 3).abs(), _tensor(2, 2, 2, 3, seed=2).abs()),
        (_tensor(2, 2, 2, 3).abs(), -_tensor(2, 2, 2, 3, seed=2).abs()),
        (_tensor(2, 3, 2, 2), torch.stack([torch.zeros(3, 2, 2).double(), _tensor(3, 2, 2)])),
        (_tensor(2, 2, 3, 2), 1e-5 * _tensor(2, 2, 3, 2, seed=5)),
    ]
    mistakes = [
        Mistake("ReLU too early", relu_first),
        Mistake(
            "ReLU too early",
            relu_of_weights,
            "Channels are sorted by the sign of their weight. Add all of them up first, then look at the sign of each "
            "place.",
        ),
        Mistake(
            "own scale for each",
            lambda *given: scaled(split(total(*given)), (2, 3)),
            "Each of the two maps has a scale of its own, so faint evidence against looks as strong as that for the "
            "class. The larger of both has to be 1.",
        ),
        Mistake(
            "one scale for all",
            lambda *given: scaled(split(total(*given)), (0, 1, 2, 3)),
            "All images share one scale. Each image has its own.",
        ),
        Mistake("zero by zero", unguarded, "Where a map is empty, 0 is divided by 0. An empty map stays 0."),
        *(
            Mistake(
                "missing edge case",
                partial(floored, floor=floor),
                "Weak evidence comes out fainter than it should: the number that you put under the fraction is larger "
                "than it. Replace a 0, and only a 0: torch.where(largest > 0, largest, 1).",
            )
            for floor in floors(range(2, 12))
        ),
        Mistake("forgot the scale", lambda *given: split(total(*given)), "The maps are not scaled."),
        Mistake(
            "wrong sign",
            lambda *given: scaled(torch.stack([total(*given).relu(), -(-total(*given)).relu()], dim=1)),
            "The map of what speaks against the class is negative. Return its size.",
        ),
        Mistake("wrong order", lambda *given: reference(*given).flip(1), "The two maps are swapped."),
        Mistake(
            "wrong axis",
            lambda maps, gradient: scaled(split((gradient.mean(1, keepdim=True) * maps).sum(1))),
            "The gradient is averaged over the channels. Average it over the places: one weight for each channel.",
        ),
        Mistake(
            "not averaged",
            lambda maps, gradient: scaled(split((gradient * maps).sum(1))),
        ),
        Mistake(
            "mixed over the batch",
            lambda maps, gradient: scaled(split((gradient.mean((0, 2, 3), keepdim=True) * maps).sum(1))),
            "The gradient is averaged over the images as well. Each image has weights of its own.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


FOR_AND_AGAINST = Exercise(
    id="17.2",
    title="For and against",
    skill="You keep the evidence that Grad-CAM throws away.",
    task="The ReLU drops the places that speak against the class. Return both: a map of what speaks for it, and a "
    "map of what speaks against it, neither with a negative number. To be comparable, the two maps of an image share "
    "a scale: the largest number of both together becomes 1.",
    difficulty=2,
    minutes=7,
    stub='''
def for_and_against(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Grad-CAM's weighted sum in two maps for each image: [:, 0] speaks for the class, [:, 1] against it.

    maps, gradient: (N, C, h, w). Returns (N, 2, h, w), scaled for each image. Maps without any evidence are 0.
    """
    ...  # your code here
''',
    hints=(
        "First the weighted sum over the channels, as in grad_cam: (N, h, w), with both signs.",
        "The ReLU of the sum speaks for the class. Of what is the ReLU the other one?",
        "torch.stack([total.relu(), (-total).relu()], dim=1). The largest number of each image is amax((1, 2, 3), "
        "keepdim=True); where it is 0, divide by 1, as finish does.",
    ),
    reference="""
def for_and_against(maps, gradient):
    weights = gradient.mean((2, 3), keepdim=True)
    total = (weights * maps).sum(1)
    both = torch.stack([total.relu(), (-total).relu()], dim=1)
    largest = both.amax((1, 2, 3), keepdim=True)
    return both / torch.where(largest > 0, largest, 1)
""",
    explanation="At each place channels for and against the class cancel before the ReLU looks. ReLU first, and both "
    "maps are bright at the same places. With one scale you see which of the two weighs more.",
    check=_check_for_and_against,
)


def _check_points_inside(learner: Learner, reference: Callable) -> None:
    def hits(
        maps, boxes, margin, *, swapped=False, width=None, centre=0.5, low=1.0, high=1.0, empty=False, closed=(0, 0)
    ):
        height, true_width = maps.shape[1:]
        place = maps.flatten(1).argmax(1)
        row, column = place // (width or true_width) + centre, place % (width or true_width) + centre
        x, y = (row, column) if swapped else (column, row)
        x0, y0, x1, y1 = boxes.unbind(1)
        m, n = low * margin, high * margin
        right, lower = (torch.le if edge else torch.lt for edge in closed)
        inside = (x0 - m <= x) & right(x, x1 + n) & (y0 - m <= y) & lower(y, y1 + n)
        return inside if empty else inside & (maps.amax((1, 2)) > 0)

    def peaks(height, width, places):
        maps = torch.rand(len(places), height, width, generator=torch.Generator().manual_seed(height)) * 0.9
        for number, place in enumerate(places):
            if place is None:
                maps[number] = 0
            else:
                maps[number][place] = 1.0 + number % 3
        return maps

    def boxes(*sides):
        return torch.tensor(sides, dtype=torch.float32)

    cases = [
        (
            peaks(6, 10, [(1, 7), (4, 2), (3, 9), (0, 0), (5, 5), (2, 4)]),
            boxes((6, 0, 9, 3), (6, 1, 9, 5), (2, 3, 5, 8), (1, 1, 5, 5), (4.6, 4.2, 7, 5.6), (4.4, 2.3, 6, 4)),
            0.0,
        ),
        (
            peaks(6, 10, [(1, 7), (4, 2), (3, 9), (0, 0), (5, 5), (2, 4), (2, 1), (3, 3), (1, 4), (4, 4)]),
            boxes(
                (2, 2, 6, 5),
                (4, 4, 8, 6),
                (2, 0, 8, 3),
                (1, 1, 4, 4),
                (6, 1, 9, 4),
                (4, 2, 5, 3),
                (3, 2, 9, 4),
                (1, 1, 2, 5),
                (3, 3, 6, 5),
                (3, 1, 6, 4),
            ),
            1.0,
        ),
        (peaks(4, 4, [None, (0, 0), None]), boxes((0, 0, 2, 2), (0, 0, 1, 1), (2, 2, 4, 4)), 0.5),
        (
            peaks(5, 3, [(2, 1), (2, 1), (2, 1), (2, 1)]),
            boxes((2, 1, 3, 4), (0, 1, 1, 4), (0, 3, 3, 4), (0, 0, 3, 2)),
            0.5,
        ),
        (peaks(3, 7, [(1, 5)]), boxes((1, 1, 3, 3)), 3.0),
    ]
    mistakes = [
        Mistake(
            "wrong axis", lambda *given: hits(*given, swapped=True), "Rows and columns are swapped: x counts columns."
        ),
        Mistake(
            "wrong axis",
            lambda maps, b, m: hits(maps, b, m, width=maps.shape[1]),
            "The place is divided by the height. In a flattened map, a row is as long as the map is wide.",
        ),
        Mistake(
            "corner for centre",
            lambda *given: hits(*given, centre=0.0),
            "A pixel lies where its centre lies, at column + 0.5 and row + 0.5. Here its upper left corner is used.",
        ),
        Mistake("missing term", lambda maps, b, m: hits(maps, b, 0.0), "The margin is left out."),
        Mistake(
            "wrong sign",
            lambda maps, b, m: hits(maps, b, -m),
            "The margin makes the box smaller. It should let near misses count.",
        ),
        Mistake(
            "padding on one side",
            lambda *given: hits(*given, low=0.0),
            "The margin is added at two sides only. The box grows at all four.",
        ),
        Mistake(
            "padding on one side",
            lambda *given: hits(*given, low=-1.0),
            "With + on all sides the box moves. It should grow: x0 - margin, and x1 + margin.",
        ),
        Mistake(
            "missing edge case",
            lambda *given: hits(*given, empty=True),
            "An empty map counts as a hit, because argmax then gives place 0. It points nowhere, and misses.",
        ),
        *(
            Mistake(
                "missing edge case",
                partial(hits, closed=closed),
                "A centre on the right or lower edge of the grown box is outside: x < x1 + margin.",
            )
            for closed in ((1, 1), (1, 0), (0, 1))
        ),
        Mistake(
            "share for a point",
            lambda maps, b, m: torch.stack([_share(values, box, m) for values, box in zip(maps, b)]),
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


def _share(values: torch.Tensor, box: torch.Tensor, margin: float) -> torch.Tensor:
    y = torch.arange(values.shape[0])[:, None] + 0.5
    x = torch.arange(values.shape[1]) + 0.5
    inside = (box[0] - margin <= x) & (x < box[2] + margin) & (box[1] - margin <= y) & (y < box[3] + margin)
    return (values * inside).sum() / values.sum().clamp(min=1e-12)


POINTS_INSIDE = Exercise(
    id="17.3",
    title="A near miss",
    skill="You score a map by where its largest value lies.",
    task="The pointing game is strict: one pixel beside the box is a miss, and on a coarse map one place is many "
    "pixels. The paper allows a margin. Write the game with one: the box grows by it at all four sides. An empty map "
    "misses.",
    difficulty=2,
    minutes=8,
    stub='''
def points_inside(maps: torch.Tensor, boxes: torch.Tensor, margin: float) -> torch.Tensor:
    """For each map: does its largest value lie inside its box, grown by the margin at all four sides?

    maps: (N, H, W), not negative. boxes: (N, 4), x0, y0, x1, y1 in pixels. The centre of the pixel in row i and column
    j is at x = j + 0.5, y = i + 0.5, and is inside if x0 <= x < x1 and y0 <= y < y1. Without a value above 0: False.
    Returns (N,) of True and False.
    """
    ...  # your code here
''',
    hints=(
        "maps.flatten(1).argmax(1) is the place in a flattened map. That of row i and column j is i * width + j.",
        "row = place // width, column = place % width. x0, y0, x1, y1 = boxes.unbind(1) are four tensors of N numbers.",
        "Join four comparisons with &, such as (x0 - margin <= x), and a fifth: maps.amax((1, 2)) > 0.",
    ),
    reference="""
def points_inside(maps, boxes, margin):
    width = maps.shape[2]
    place = maps.flatten(1).argmax(1)
    x, y = place % width + 0.5, place // width + 0.5
    x0, y0, x1, y1 = boxes.unbind(1)
    across = (x0 - margin <= x) & (x < x1 + margin)
    down = (y0 - margin <= y) & (y < y1 + margin)
    return across & down & (maps.amax((1, 2)) > 0)
""",
    explanation="Choose the margin before you look at results, the same for all networks and for the baselines: a wide "
    "one helps the spot in the middle, too.",
    check=_check_points_inside,
)


def _check_interval_of_gain(learner: Learner, reference: Callable) -> None:
    draws = 5000

    def values(count, gain, noise, seed):
        rng = np.random.default_rng(seed)
        base = rng.uniform(0.1, 0.8, count)
        return base + gain + noise * rng.normal(size=count), base

    def ends(means, level=0.95):
        return np.quantile(means, [(1 - level) / 2, (1 + level) / 2])

    def resampled(sample, rng):
        return sample[rng.integers(0, len(sample), (draws, len(sample)))].mean(1)

    def alternatives(one, other):
        """Ends that a mistake would give: the misconception's name, the ends, and the sentence."""
        rng, gain = np.random.default_rng(1), one - other
        yield "not paired", ends(resampled(one, rng) - resampled(other, rng)), ""
        yield (
            "spread of the values",
            ends(gain),
            "These are quantiles of the differences themselves: they hold 95 % of the pictures. The interval of their "
            "mean is far narrower.",
        )
        yield (
            "another level",
            ends(resampled(gain, rng), 0.9),
            "This interval holds 90 % of the means: 5 % are cut off at each end. For 95 % cut off 2.5 %.",
        )
        yield (
            "another level",
            gain.mean() + np.array([-1, 1]) * gain.std() / len(gain) ** 0.5,
            "This interval is one standard deviation wide to each side. For 95 % take the quantiles 0.025 and 0.975.",
        )
        yield "one only", ends(resampled(one, rng)), "This is the interval of the first network alone."
        shifted = ends(resampled(gain, rng)) - gain.mean()
        yield "centred", shifted, "The interval is moved to 0. It should lie around the mean difference."

    def like(got, wanted, width):
        return np.abs(np.subtract(got, wanted)).max() < 0.06 * width

    one, other = values(12, 0.1, 0.3, 5)
    uneven = one + np.eye(12)[0] * 3 - np.eye(12)[-1] * 3, other  # leaving out the first or the last picture shows
    for one, other in (values(60, 0.05, 0.06, 17), values(25, -0.1, 0.2, 3), uneven):
        given = (one, other, draws)
        expected = np.asarray(reference(one, other, 4 * draws))
        got = learner(*given)
        array = as_array(got)
        if got is None:
            reject(learner, given, "returns None", expected, None, "Your function returns None.")
        if array is None or array.shape != (3,) or array.dtype.kind == "c":
            reject(learner, given, "", expected, got, "Three numbers were expected: mean, low and high.")
        mean, low, high = array.astype(float)
        if abs(mean - expected[0]) > 1e-9:
            sentence = "The mean difference is not right: the mean of one - other over all pictures."
            if abs(mean + expected[0]) < 1e-9:
                sentence = "The sign is wrong: a gain of the first network is positive."
            elif abs(mean - expected[0]) < expected[2] - expected[1]:
                sentence = "The mean is that of drawn values. Return the mean of the measured differences."
            reject(learner, given, "", expected, array, sentence)
        if not np.isfinite(array).all():
            reject(learner, given, "", expected, array, "The result holds values that are not finite numbers.")
        width = expected[2] - expected[1]
        if low > high:
            reject(learner, given, "wrong order", expected, array, "The lower end comes first, then the upper one.")
        if like((low, high), expected[1:], width):
            continue
        if high - low < 1e-6:
            reject(learner, given, "without replacement", expected, array)
        # Of 5000 means, the one at 0.00025 is nearly the lowest, and comes out differently each time.
        at_percents = np.quantile(resampled(one - other, np.random.default_rng(1)), 0.00975)
        if abs(high - at_percents) < 0.08 * width and low < expected[1]:
            reject(learner, given, "percent", expected, array, "np.percentile counts in percent: 2.5 and 97.5.")
        for name, other_ends, sentence in alternatives(one, other):
            if like((low, high), other_ends, other_ends[1] - other_ends[0]):
                reject(learner, given, name, expected, array, sentence)
        kind = "narrow" if high - low < 0.9 * width else "wide" if high - low > 1.1 * width else "far to one side"
        sentence = f"The interval is too {kind}. (Drawn intervals differ a little. This is more.)"
        reject(learner, given, "", expected, array, sentence)
    # Ends from a formula pass for all of these: they are that near. Of a single drawn mean there is no formula.
    given = (*values(60, 0.05, 0.06, 17), 1)
    got = learner(*given)
    array = as_array(got)
    if array is None or array.shape != (3,) or not abs(array[2] - array[1]) < 1e-9:
        sentence = "With draws=1 one mean is drawn, and it is both ends. Here they differ: the interval is not that of "
        sentence += "`draws` drawn means."
        reject(learner, given, "", np.asarray(reference(*given)), got, sentence)


INTERVAL_OF_GAIN = Exercise(
    id="17.4",
    title="Picture by picture",
    skill="You give an interval for the difference of two networks.",
    task="Two networks were scored on the same pictures. How much better is the first, and how sure is that? Easy "
    "pictures are easy for both, so compare picture by picture, as the section did with the spot: return the mean "
    "difference and its 95 % bootstrap interval. Draw the pictures yourself, without `bootstrap`.",
    difficulty=1,
    minutes=5,
    stub='''
def interval_of_gain(one: np.ndarray, other: np.ndarray, draws: int = 2000) -> tuple[float, float, float]:
    """Mean of one - other, and the lower and upper end of its 95 % bootstrap interval.

    one, other: (N,) scores of two networks on the same N pictures.
    draws: how many means of N drawn pictures are taken, 1 or more.
    """
    ...  # your code here
''',
    hints=(
        "What belongs to a picture must stay together. Which N numbers do you draw from?",
        "np.random.default_rng().integers(0, N, (draws, N)) are draws times N numbers of pictures, with replacement.",
        "Index the differences with them, take means over axis 1, and np.quantile(means, [0.025, 0.975]).",
    ),
    reference="""
def interval_of_gain(one, other, draws=2000):
    gain = one - other
    drawn = gain[np.random.default_rng(0).integers(0, len(gain), (draws, len(gain)))].mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return gain.mean(), low, high
""",
    explanation="Scores vary far more from picture to picture than from network to network. The difference takes the "
    "picture out. Two separate intervals may overlap, and the difference still be sure.",
    check=_check_interval_of_gain,
)

EXERCISES = (CHANNEL_WEIGHTS, FOR_AND_AGAINST, POINTS_INSIDE, INTERVAL_OF_GAIN)

QUIZ = (
    Question(
        "You differentiate the softmax probability instead of the logit. The network is 99.99 % sure. What happens?",
        (
            Option("Nothing: softmax keeps the order", "The order of values is not their gradient."),
            Option(
                "The gradient nearly vanishes, and other classes mix in",
                "A probability near 1 can hardly grow, and it grows also where the other logits fall.",
                right=True,
            ),
            Option("The map becomes sharper", "A map is as coarse as its layer, whatever is differentiated."),
        ),
    ),
    Question(
        "A network's maps have 44 % of their energy in the box. The boxes cover 42 % of the pictures. What do you "
        "conclude?",
        (
            Option(
                "It finds the object in almost half of the pictures", "Energy is a share of a map, not of pictures."
            ),
            Option(
                "Its maps say next to nothing about the box",
                "A map that is the same everywhere would have 42 %. Compare with baselines first.",
                right=True,
            ),
            Option("It is a bad classifier", "It may well be right for reasons that its last map does not show."),
        ),
    ),
    Question(
        "You replace all weights by random ones, and the maps stay nearly as they were. What does that mean?",
        (
            Option("The network is robust", "With random weights it knows nothing, and no answer is worth anything."),
            Option(
                "The maps do not show what the network has learned",
                "What does not depend on the weights comes from the picture, such as its edges.",
                right=True,
            ),
            Option("The random weights are good ones", "They were drawn by chance."),
        ),
    ),
    Question(
        "The map is bright on a motorbike's front wheel. You cover the wheel, and the probability hardly falls. Is the "
        "map wrong?",
        (
            Option("Yes: the network did not use the wheel", "It may have used the wheel, and not have needed it."),
            Option(
                "No: the rest of the picture is enough",
                "The map says what speaks for the class. What the answer needs is another question.",
                right=True,
            ),
            Option("Yes: the map must be of another class", "Then the wheel would hardly be bright at all."),
        ),
    ),
    Question(
        "Why has Lite2 tighter maps than GoogLeNet in this lesson?",
        (
            Option(
                "Because EfficientNets look more closely", "On the same grid of 2 × 2 places, little of it is left."
            ),
            Option(
                "Partly because its last maps have 9 × 9 places, not 2 × 2",
                "Grid, image size and training differ as well. The architecture alone has not been compared.",
                right=True,
            ),
            Option("Because of chance: the intervals overlap", "They do not. The measured difference is real."),
        ),
    ),
)
