"""Exercises and quiz of lesson 09: how deep, how wide?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from course_utils.exercises.comparison import Mistake, expect_like, reject
from course_utils.exercises.exercise import Exercise, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_probed


def _check_recall_and_precision(learner: Learner, reference: Callable) -> None:
    def divided(counts, truths, answers, empty=0.0):
        right = np.diag(counts)
        return np.array(
            [np.where(by > 0, right / np.where(by > 0, by, 1), empty) for by in (truths(counts), answers(counts))]
        )

    def rows(counts):
        return counts.sum(1)

    def columns(counts):
        return counts.sum(0)

    def total(counts):
        return np.full(len(counts), counts.sum())

    def one_against_rest(counts):
        right = counts.sum() - counts.sum(0) - counts.sum(1) + 2 * np.diag(counts)
        return np.array([right / counts.sum()] * 2)

    cases = [
        (np.array([[50, 8, 2], [6, 60, 0], [5, 1, 2]]),),
        (np.array([[7, 0], [3, 0]]),),
        (np.array([[4, 1, 0], [0, 0, 0], [2, 3, 6]]),),
        (np.array([[9, 0, 0, 3], [1, 5, 0, 0], [2, 0, 0, 0], [0, 4, 0, 8]]),),
        (np.array([[12]]),),
        (np.array([[1, 0, 0], [0, 2, 0], [0, 0, 3]]),),
    ]
    mistakes = [
        Mistake(
            "wrong axis",
            lambda counts: divided(counts, columns, rows),
            "Recall and precision are exchanged: a row holds the images of one class, a column those with one answer.",
        ),
        Mistake(
            "missing edge case",
            lambda counts: divided(counts, rows, columns, np.nan),
            "A class without images, or an answer that was never given, leads to 0 / 0. It should count as 0.",
        ),
        Mistake(
            "missing edge case",
            lambda counts: divided(counts, rows, columns, 1.0),
            "A class without images, or an answer that was never given, counts as 1 here. It should count as 0.",
        ),
        Mistake(
            "wrong divisor",
            lambda counts: divided(counts, total, total),
            "This divides by all images. Divide by those of the class, and by those that got the answer.",
        ),
        Mistake(
            "wrong divisor",
            one_against_rest,
            "This is an accuracy of each class against the rest. It counts the images of other classes, and is high "
            "for a class that is rare and never found.",
        ),
        Mistake("wrong part", lambda counts: divided(counts, rows, rows), "Both rows are the recall."),
        Mistake("wrong part", lambda counts: divided(counts, columns, columns), "Both rows are the precision."),
        Mistake(
            "wrong part",
            lambda counts: 1 - divided(counts, rows, columns),
            "These are the shares that are wrong. Those that are right were asked for.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


RECALL_AND_PRECISION = Exercise(
    id="09.1",
    title="What an accuracy hides",
    skill="You read recall and precision of every class off a confusion matrix.",
    task="A confusion matrix (lesson 04) holds all that there is to know about right and wrong answers: a row for "
    "each true class, a column for each answer. Compute both shares of all classes from it.",
    difficulty=1,
    minutes=6,
    stub='''
def recall_and_precision(counts: np.ndarray) -> np.ndarray:
    """Recall and precision of each class.

    counts: (K, K) whole numbers. counts[i, j] images of class i were given the answer j. Returns (2, K): the recalls,
    and below them the precisions. A class without images has recall 0, one that was never answered precision 0.
    """
    ...  # your code here
''',
    hints=(
        "Where in the matrix are the right answers? np.diag(counts) takes them out.",
        "How many images has class i? The sum of row i. How often was the answer j given? The sum of column j.",
        "Where a sum is 0, the right answers are 0 as well: divide by np.maximum(sum, 1).",
    ),
    reference="""
def recall_and_precision(counts):
    right = np.diag(counts)
    images, answers = counts.sum(axis=1), counts.sum(axis=0)
    return np.stack([right / np.maximum(images, 1), right / np.maximum(answers, 1)])
""",
    explanation="The same right answers, divided by two different sums. Any class can get recall 1, by always being "
    "answered; its precision then is its share of the images. Look at both.",
    check=_check_recall_and_precision,
)


def _check_channel_statistics(learner: Learner, reference: Callable) -> None:
    def images(*shape, seed, low=0.0, high=1.0):
        drawn = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
        tint = torch.linspace(1, 0.4, shape[1])[:, None, None]
        return (low + (high - low) * drawn) * tint

    def joined(batches):
        return torch.cat([batch.double().transpose(0, 1).flatten(1) for batch in batches], 1)

    def weights(batches, of):
        counted = torch.tensor([float(of(batch)) for batch in batches], dtype=torch.float64)
        return (counted / counted.sum())[:, None]

    def pixels(batch):
        return batch[:, 0].numel()

    def moment(batches, of, power):
        shares = weights(batches, of)
        return (shares * torch.stack([(b.double() ** power).mean((0, 2, 3)) for b in batches])).sum(0)

    def within(batches, of, power):
        """Mean of the batches' deviations (power 1), or the root of the mean of their variances (power 2)."""
        spreads = torch.stack([b.double().std((0, 2, 3), correction=0) ** power for b in batches])
        return (weights(batches, of) * spreads).sum(0) ** (1 / power)

    def one(batch):
        return 1

    def mean(batches):
        return joined(batches).mean(1)

    dark, bright = {"high": 0.4}, {"low": 0.5}
    cases = [
        ([images(4, 3, 5, 5, seed=0, **dark), images(4, 3, 5, 5, seed=1, **bright)],),
        ([images(4, 3, 5, 6, seed=2, **dark), images(3, 3, 5, 6, seed=3), images(1, 3, 5, 6, seed=4, **bright)],),
        ([images(2, 3, 4, 4, seed=5, **bright), images(2, 3, 9, 7, seed=6, **dark)],),
        ([images(3, 1, 4, 5, seed=7), images(2, 1, 4, 5, seed=8, **dark)],),
        ([images(5, 4, 3, 3, seed=9)],),
        ([images(1, 3, 1, 2, seed=10, **dark), images(1, 3, 1, 3, seed=11, **bright)],),
    ]
    spread_sentence = (
        "The mean is right, the deviation is not: each batch's deviation is taken around the batch's own mean, so that "
        "a dark batch and a bright one do not differ."
    )
    mistakes = [
        Mistake(
            "mean of means",
            lambda b: (moment(b, one, 1), within(b, one, 1)),
            "Every batch counts alike here. Every pixel should: a batch may have fewer, and a mean of deviations is "
            "no deviation.",
        ),
        Mistake(
            "mean of means",
            lambda b: (moment(b, one, 1), within(b, one, 2)),
            "Every batch counts alike here. Every pixel should: a batch may have fewer. And what differs between the "
            "batches is left out of the deviation.",
        ),
        *(
            Mistake(
                "mean of means",
                lambda b, power=power: (moment(b, len, 1), within(b, len, power)),
                "Every image counts alike here. Images may differ in size, and every pixel should count alike. And "
                "what differs between the batches is left out of the deviation.",
            )
            for power in (1, 2)
        ),
        Mistake("mean of deviations", lambda b: (mean(b), within(b, one, 1)), spread_sentence),
        Mistake("mean of deviations", lambda b: (mean(b), within(b, pixels, 1)), spread_sentence),
        Mistake("mean of deviations", lambda b: (mean(b), within(b, len, 1)), spread_sentence),
        Mistake("mean of deviations", lambda b: (mean(b), within(b, pixels, 2)), spread_sentence),
        Mistake("mean of deviations", lambda b: (mean(b), within(b, len, 2)), spread_sentence),
        Mistake("mean of deviations", lambda b: (mean(b), within(b, one, 2)), spread_sentence),
        Mistake(
            "mean of deviations",
            lambda b: (mean(b), torch.stack([x.double().mean((0, 2, 3)) for x in b]).std(0, correction=0)),
            "This is the deviation of the batches' means. The pixels of a batch differ among themselves as well.",
        ),
        Mistake(
            "mean of means",
            lambda b: (moment(b, one, 1), (moment(b, one, 2) - moment(b, one, 1) ** 2).sqrt()),
            "Every batch counts alike here. A batch of fewer pixels should count less.",
        ),
        Mistake(
            "mean of means",
            lambda b: (moment(b, len, 1), (moment(b, len, 2) - moment(b, len, 1) ** 2).sqrt()),
            "Every image counts alike here. Images may differ in size, and every pixel should count alike.",
        ),
        Mistake(
            "wrong divisor",
            lambda b: (
                mean(b) / len(mean(b)),
                ((joined(b) ** 2).mean(1) / len(mean(b)) - (mean(b) / len(mean(b))) ** 2).sqrt(),
            ),
            "The numbers of all channels are counted. A channel has N H W of them.",
        ),
        Mistake(
            "squared",
            lambda b: (mean(b), joined(b).var(1, correction=0)),
            "This is the variance. The standard deviation is its square root.",
        ),
        Mistake("unbiased variance", lambda b: (mean(b), joined(b).std(1))),
        Mistake(
            "missing term",
            lambda b: (mean(b), (joined(b) ** 2).mean(1).sqrt()),
            "The mean of the squares is not the variance yet: subtract the square of the mean.",
        ),
        Mistake(
            "one for all",
            lambda b: (joined(b).mean().expand(len(joined(b))), joined(b).std(correction=0).expand(len(joined(b)))),
            "One number serves all channels. Each channel has its own.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, tolerance=1e-5)


CHANNEL_STATISTICS = Exercise(
    id="09.2",
    title="Find the bug: statistics in batches",
    skill="You compute a mean and a standard deviation of images that do not fit into memory together.",
    task="Photographs of full size are seen one batch at a time. This function takes the mean of the batches' means, "
    "and the mean of their deviations. On one batch it is right. On a dark batch and a bright one, it is wrong. "
    "Repair it, so that *every pixel counts alike*. What has to be summed up, so that both come out at the end? "
    "Expand the square in the formula of this section: $\\sigma^2 = \\overline{x^2} - \\bar x^2$.",
    difficulty=2,
    minutes=8,
    stub='''
def channel_statistics(batches) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of each channel, over all pixels of all batches.

    batches: a list of tensors (n, C, H, W) with numbers from 0 to 1. n, H and W may differ from batch to batch.
    Returns two tensors (C,). The standard deviation divides by the number of pixels (correction=0).
    """
    means, deviations = [], []
    for batch in batches:
        means.append(batch.mean((0, 2, 3)))
        deviations.append(batch.std((0, 2, 3), correction=0))
    return torch.stack(means).mean(0), torch.stack(deviations).mean(0)
''',
    hints=(
        "Sums can be added up over batches, means and deviations cannot. Which sums do you need?",
        "For each channel: the number of pixels, the sum of the pixels, and the sum of their squares.",
        "batch.sum((0, 2, 3)), (batch**2).sum((0, 2, 3)) and batch[:, 0].numel(). In double precision, little is lost "
        "when the two large numbers are subtracted.",
    ),
    reference="""
def channel_statistics(batches):
    pixels, total, squares = 0, 0.0, 0.0
    for batch in batches:
        pixels += batch[:, 0].numel()
        total += batch.double().sum((0, 2, 3))
        squares += (batch.double() ** 2).sum((0, 2, 3))
    mean = total / pixels
    return mean, (squares / pixels - mean**2).sqrt()
""",
    explanation="What differs between the batches is part of the spread. A mean of deviations leaves it out, and so "
    "comes out too small, most of all when the images are sorted. Sums of pixels and of squares keep it.",
    check=_check_channel_statistics,
)


def _check_pixels_seen(learner: Learner, reference: Callable) -> None:
    def walk(
        layers,
        grow=lambda kernel, step: (kernel - 1) * step,
        start=1,
        *,
        multiply=lambda step, stride: step * stride,
        early=False,
    ):
        size, step = start, 1
        for kernel, stride in layers:
            after = multiply(step, stride)
            size += grow(kernel, after if early else step)
            step = after
        return size

    cases = [
        ([(2, 2), (3, 1)],),
        ([(5, 1), (2, 2)],),
        ([(5, 1), (2, 2), (5, 1), (2, 2)],),
        ([(3, 1), (3, 1), (3, 1), (3, 1)],),
        ([(7, 2), (3, 2), (3, 1), (3, 2), (1, 1)],),
        ([(4, 4), (2, 3), (3, 1)],),
        ([(1, 2), (3, 1)],),
        ([(6, 1)],),
        ([],),
    ]
    mistakes = [
        Mistake(
            "forgot stride",
            lambda layers: walk(layers, lambda kernel, step: kernel - 1),
            "The strides are left out: behind a stride of 2, neighbours are two pixels apart.",
        ),
        Mistake(
            "stride too early",
            lambda layers: walk(layers, early=True),
            "A layer's own stride does not widen what it sees. It acts on the layers behind it.",
        ),
        Mistake(
            "off by one",
            lambda layers: walk(layers, lambda kernel, step: kernel * step),
            "A kernel of k adds k - 1 steps: its first place is seen already.",
        ),
        Mistake(
            "off by one", lambda layers: walk(layers, start=0), "Without a layer, one pixel is seen: begin with 1."
        ),
        Mistake(
            "wrong direction",
            lambda layers: walk(layers[::-1]),
            "The layers are taken from the last to the first. The steps grow from the first to the last.",
        ),
        Mistake(
            "steps added",
            lambda layers: walk(layers, multiply=lambda step, stride: step + stride - 1),
            "Strides multiply: behind two strides of 2, neighbours are 4 pixels apart, not 3.",
        ),
        Mistake(
            "steps added",
            lambda layers: walk(layers, multiply=lambda step, stride: step + stride),
            "Strides are added here. They multiply.",
        ),
        Mistake(
            "one layer only",
            lambda layers: layers[-1][0] if layers else 1,
            "This is the last kernel alone. It sees outputs of the layers before it, which see more than one pixel.",
        ),
        Mistake(
            "forgot stride",
            lambda layers: walk(layers, multiply=lambda step, stride: stride),
            "Only the stride of the layer right before counts here. All strides before a layer multiply.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True)


PIXELS_SEEN = Exercise(
    id="09.3",
    title="How far does it see?",
    skill="You derive the receptive field of any stack of layers.",
    task="The formula above holds for one kind of block. Find the rule behind it: a layer sees its kernel's places, "
    "which are a *step* apart. How many pixels is a step, behind layers with strides? Convolutions and pools count "
    "alike: both have a kernel and a stride.",
    difficulty=2,
    minutes=7,
    stub='''
def pixels_seen(layers: list[tuple[int, int]]) -> int:
    """How many pixels across one number of the last layer depends on.

    layers: (kernel size, stride) of each layer, from the first to the last. Without a layer, it is 1 pixel.
    """
    ...  # your code here
''',
    hints=(
        "A convolution of 5 and stride 1 sees 5 pixels. A pool of 2 behind it sees two of its outputs: 6 pixels.",
        "Walk through the layers with two numbers: how much is seen, and how far apart two neighbours are in pixels.",
        "Each layer adds (kernel - 1) * step to what is seen. After that, step is multiplied by the layer's stride.",
    ),
    reference="""
def pixels_seen(layers):
    size, step = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size
""",
    explanation="Kernels add, strides multiply. This is why a few pools see a whole vehicle, while convolutions of "
    "stride 1 alone would need dozens of layers.",
    check=_check_pixels_seen,
)


def _check_sampler_weights(learner: Learner, reference: Callable) -> None:
    def chances(answer, labels, wanted):
        weights = answer(labels, wanted)
        if weights is None:
            return None
        weights = torch.as_tensor(weights)
        whole, weights = not weights.is_floating_point(), weights.double()
        if answer is learner.answer and not weights.any():
            sentence = "All weights are 0, so that no image could be drawn."
            if whole:
                sentence += " These are whole numbers: fractions are cut off. Use real numbers."
            name = "truncated to integers" if whole else ""
            reject(learner, (labels, wanted), name, reference(labels, wanted), weights, sentence)
        return weights / weights.abs().sum()

    def count(labels, wanted):
        return labels.bincount(minlength=len(wanted))

    cases = [
        (torch.tensor([0, 0, 0, 1, 1, 1, 1, 2]), torch.tensor([0.25, 0.25, 0.5])),
        (torch.tensor([1, 0, 1, 1, 1, 0, 1, 1, 1, 1]), torch.tensor([0.5, 0.5])),
        (torch.tensor([2, 0, 2, 2, 0, 3]), torch.tensor([0.3, 0.0, 0.3, 0.4])),
        (torch.tensor([1, 1, 0, 1, 0]), torch.tensor([0.9, 0.1, 0.0])),
        (torch.tensor([0, 1, 1, 1, 2, 2]), torch.tensor([0.2, 0.8, 0.0])),
    ]
    mistakes = [
        Mistake(
            "missing term",
            lambda labels, wanted: wanted[labels],
            "The counts are left out. A class of ten images is then drawn ten times as often as its share says.",
        ),
        Mistake(
            "missing term",
            lambda labels, wanted: 1 / count(labels, wanted)[labels],
            "The wanted shares are left out: this draws each class alike.",
        ),
        Mistake(
            "multiplied instead",
            lambda labels, wanted: wanted[labels] * count(labels, wanted)[labels],
            "Multiplying by the count makes frequent classes more frequent still. Divide by it.",
        ),
        Mistake(
            "one per class",
            lambda labels, wanted: wanted / count(labels, wanted).clamp(min=1),
            "These are weights of classes. The sampler takes one for each image: index them with the labels.",
        ),
        Mistake(
            "wrong scale",
            lambda labels, wanted: wanted[labels] * (1 - count(labels, wanted) / len(labels))[labels],
            "One minus share does not undo how many images a class has. Divide by their number.",
        ),
        Mistake(
            "wrong part",
            lambda labels, wanted: count(labels, wanted)[labels] / len(labels),
            "These are the shares that the classes have.",
        ),
    ]
    try:
        expect_probed(learner, reference, chances, cases, mistakes, tolerance=1e-5)
    except Rejected as rejected:
        outcome = rejected.outcome
        if isinstance(outcome.got, torch.Tensor) and outcome.got.any():
            outcome = replace(outcome, given=f"{outcome.given}, divided by their sum")
        raise Rejected(outcome) from None


SAMPLER_WEIGHTS = Exercise(
    id="09.4",
    title="Drawn as you wish",
    skill="You set the share of every class in the batches.",
    task="One over count makes all classes alike. You want something in between: say, 40 % airplanes, 40 % "
    "motorbikes and 20 % schooners. The formula above tells which shares come of given weights. Turn it round: which "
    "weight has to go with each *image*?",
    difficulty=2,
    minutes=6,
    stub='''
def sampler_weights(labels: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """A weight for each image: drawn with them, class k is expected to have the share wanted[k].

    labels: (N,) whole numbers from 0 to K - 1. wanted: (K,), adds up to 1, and is 0 for a class without images. The
    last class may have none: bincount(minlength=K) counts it all the same.
    Returns (N,) real numbers, for WeightedRandomSampler. A common factor does not matter.
    """
    ...  # your code here
''',
    hints=(
        "The n images of class k share wanted[k] among them. How much is left for each?",
        "Count the images of each class: labels.bincount(minlength=len(wanted)), since the last one may have none.",
        "Divide the wanted shares by the counts, and index the result with labels.",
    ),
    reference="""
def sampler_weights(labels, wanted):
    counts = labels.bincount(minlength=len(wanted))
    return (wanted / counts)[labels]
""",
    explanation="One over count is the case in which all wanted shares are equal. What the images of a class share is "
    "0 / 0 for a class without any, but nobody asks for it: no label points there.",
    check=_check_sampler_weights,
)

EXERCISES = (RECALL_AND_PRECISION, CHANNEL_STATISTICS, PIXELS_SEEN, SAMPLER_WEIGHTS)

QUIZ = (
    Question(
        "At 256 × 256 pixels, a network with two blocks has fewer parameters than one with a single block. How can "
        "that be?",
        (
            Option("The second block reuses the kernels of the first", "Each block has kernels of its own."),
            Option(
                "The second pool leaves a quarter of the places to the linear layer",
                "There most parameters are, one for each place, channel and class. The second block costs far fewer.",
                right=True,
            ),
            Option("Batch norm removes parameters", "It adds two for each channel."),
        ),
    ),
    Question(
        "Four blocks at a learning rate of 10⁻² reach 84 %, one block at 10⁻⁴ reaches 83 %. What follows about depth?",
        (
            Option("Depth hardly matters", "With another rate for each, the difference may be another one. It was."),
            Option(
                "Deep networks need large rates",
                "Two runs cannot show that. Here both depths were best at the same rate, 10⁻³.",
            ),
            Option(
                "Nothing yet: two things have changed at once",
                "Compare each depth at a rate that suits it, or change one thing at a time.",
                right=True,
            ),
        ),
    ),
    Question(
        "A detector for schooners has recall 81 % and precision 19 %. It sounds the alarm ten times. How many of "
        "the ten are schooners, roughly?",
        (
            Option("8", "Of all schooners it finds 81 %. That says nothing about its other alarms."),
            Option("2", "Precision is the share of right ones among the answers.", right=True),
            Option(
                "It depends on how rare schooners are",
                "Precision was measured at their rarity, so that it is in there already. For other images it changes.",
            ),
        ),
    ),
    Question(
        "You give the rare class a weight of 12 in the loss. What can you expect?",
        (
            Option(
                "More of its images are found, and more images of other classes are taken for it",
                "The network names the rare class more often: rightly and wrongly.",
                right=True,
            ),
            Option("A higher accuracy", "The frequent classes make up the accuracy, and they lose."),
            Option(
                "The network learns better features of it",
                "That is not to be counted on: the images are the same. Only their say has changed.",
            ),
            Option(
                "The same as from 12 times as many images of it",
                "Twelve copies teach what one image teaches. New images would show what it has not seen.",
            ),
        ),
    ),
    Question(
        "Which images give the mean and the deviation that the validation images are normalised with?",
        (
            Option("The validation images", "They stand for images that you do not have yet, perhaps only one."),
            Option("All images together", "Then what is measured on the validation images has seen them before."),
            Option(
                "The training images",
                "All images go through the same formula, and its numbers were learned with the rest.",
                right=True,
            ),
        ),
    ),
)
