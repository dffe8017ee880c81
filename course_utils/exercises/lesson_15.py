"""Exercises and quiz of lesson 15: cat emotions."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_like
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_probed


def _check_box_to_yolo(learner: Learner, reference: Callable) -> None:
    def fractions(box, width, height, *, low=0.0, high=1.0):
        x0, x1 = np.clip([box[0], box[2]], low * width, high * width)
        y0, y1 = np.clip([box[1], box[3]], low * height, high * height)
        return x0, y0, x1, y1

    def yolo(x0, y0, x1, y1, width, height):
        return (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height

    def unclipped(box, width, height):
        return yolo(*box, width, height)

    def with_corner(box, width, height):
        x0, y0, x1, y1 = fractions(box, width, height)
        return x0 / width, y0 / height, (x1 - x0) / width, (y1 - y0) / height

    def corners(box, width, height):
        return tuple(np.divide(fractions(box, width, height), (width, height, width, height)))

    cases = [
        ((64.0, 88.0, 278.0, 274.0), 400, 320),
        ((-20.0, 10.0, 60.0, 90.0), 200, 100),
        ((150.0, 40.0, 260.0, 130.0), 200, 100),
        ((-5.0, -8.0, 300.0, 500.0), 240, 480),
        ((0.0, 0.0, 33.0, 21.0), 33, 21),
        ((7, 9, 8, 11), 10, 16),
    ]
    mistakes = [
        Mistake("not clipped", unclipped),
        Mistake(
            "not clipped",
            lambda box, w, h: np.clip(unclipped(box, w, h), 0, 1),
            "The four fractions are cut to 0..1, not the box. Cutting moves the centre as well: cut the sides first.",
        ),
        Mistake(
            "not clipped",
            lambda box, w, h: yolo(*fractions(box, w, h, low=-9), w, h),
            "A box may begin before the image does, too: its sides have to be 0 or more.",
        ),
        Mistake(
            "not clipped",
            lambda box, w, h: yolo(*fractions(box, w, h, high=9), w, h),
            "A box may end behind the image's edge, too.",
        ),
        Mistake("corner for centre", with_corner),
        Mistake(
            "corner for centre",
            corners,
            "These are two corners. YOLO wants centre, width and height.",
        ),
        Mistake(
            "wrong axis",
            lambda box, w, h: yolo(*fractions(box, w, h), h, w),
            "The image's width and height are swapped: x is divided by the width, y by the height.",
        ),
        Mistake(
            "wrong axis",
            lambda box, w, h: yolo(*fractions(box, w, h), w, w),
            "All numbers are divided by the width. The y's are fractions of the height.",
        ),
        Mistake(
            "wrong axis",
            lambda box, w, h: np.take(reference(box, w, h), [1, 0, 3, 2]),
            "x and y are swapped: the order is centre x, centre y, width, height.",
        ),
        Mistake(
            "wrong place",
            lambda box, w, h: np.take(reference(box, w, h), [2, 3, 0, 1]),
            "Centre and size are swapped: the order is centre x, centre y, width, height.",
        ),
        Mistake("not normalised", lambda box, w, h: yolo(*fractions(box, w, h), 1, 1)),
        Mistake(
            "half the size",
            lambda box, w, h: np.multiply(reference(box, w, h), [1, 1, 0.5, 0.5]),
        ),
        Mistake(
            "off by one",
            lambda box, w, h: yolo(*np.clip(box, 0, (w - 1, h - 1, w - 1, h - 1)), w, h),
            "The right edge of the image is at `width`, not at width - 1.",
        ),
        Mistake(
            "off by one",
            lambda box, w, h: np.add(reference(box, w, h), [0, 0, 1 / w, 1 / h]),
            "The box is a pixel too wide and too high. x1 and y1 are its edges, not its last pixels.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


BOX_TO_YOLO = Exercise(
    id="15.1",
    title="From the mouse to the label file",
    skill="You write a box in YOLO layout.",
    task="You have drawn a box around a cat, in pixels, and want the four fractions of its line in the label file. The "
    "mouse went over the edge of the image: first cut off what is outside.",
    difficulty=1,
    minutes=6,
    stub='''
def box_to_yolo(box: tuple[float, float, float, float], width: int, height: int) -> tuple[float, float, float, float]:
    """Centre x, centre y, width and height of a box, as fractions of an image of width x height pixels.

    box: x0, y0, x1, y1 in pixels; a part of it is inside the image, and what is outside is cut off.
    """
    ...  # your code here
''',
    hints=(
        "Cut the four sides to the image. Which of them has to lie between 0 and the width?",
        "The centre is the mean of two sides, the size their difference.",
        "x0, x1 = np.clip([box[0], box[2]], 0, width). Then (x0 + x1) / 2 / width and (x1 - x0) / width, and the same "
        "for y with the height.",
    ),
    reference="""
def box_to_yolo(box, width, height):
    x0, x1 = np.clip([box[0], box[2]], 0, width)
    y0, y1 = np.clip([box[1], box[3]], 0, height)
    return (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height
""",
    explanation="Cut first, then compute: where one side moves, the centre moves as well. Fractions stay right when "
    "the image is resized, and that is why the layout uses them.",
    check=_check_box_to_yolo,
)


def _check_without_looking(learner: Learner, reference: Callable) -> None:
    def constant(share, answer, test):
        with np.errstate(divide="ignore"):
            return (test == answer).mean(), -np.log(share[test]).mean()

    def shares(labels, classes):
        return np.bincount(labels, minlength=classes) / len(labels)

    def of(train, test, *, share_of_test=False, answer_of_test=False):
        classes = train.max() + 1
        share = shares(test if share_of_test else train, classes)
        return constant(share, shares(test if answer_of_test else train, classes).argmax(), test)

    def change(index, how):
        def changed(train, test):
            values = list(reference(train, test))
            values[index] = how(values[index], train, test)
            return tuple(values)

        return changed

    cases = [
        (np.repeat([0, 1, 2], [8, 4, 4]), np.array([1, 1, 1, 0, 2, 1, 0])),
        (np.repeat([1, 0], [30, 10]), np.array([0, 0, 0, 1])),
        (np.array([0, 0, 1]), np.array([1, 1])),
        (np.repeat([0, 1, 2, 3], [1, 5, 2, 4]), np.repeat([3, 1, 2], [6, 3, 1])),
        (np.array([0, 0, 0, 1, 1, 0]), np.array([0, 0, 1])),
    ]
    mistakes = [
        Mistake("fitted on test data", lambda a, b: of(a, b, share_of_test=True, answer_of_test=True)),
        Mistake(
            "fitted on test data",
            lambda a, b: of(a, b, answer_of_test=True),
            "The answer is the most frequent class of the test labels. Nobody knows these beforehand: choose it by the "
            "training labels.",
        ),
        Mistake(
            "fitted on test data",
            lambda a, b: of(a, b, share_of_test=True),
            "The probabilities are those of the test labels. Nobody knows these beforehand: count the training labels.",
        ),
        Mistake(
            "scored on training data",
            lambda a, b: of(a, a),
        ),
        Mistake(
            "scored on training data",
            change(0, lambda value, train, test: np.bincount(train).max() / len(train)),
            "The accuracy is that on the training labels. Count how many of the test labels are the answer.",
        ),
        Mistake(
            "scored on training data",
            change(1, lambda value, train, test: reference(train, train)[1]),
            "This is the mean over the training labels. Take the mean over the test labels.",
        ),
        Mistake(
            "uniform",
            change(1, lambda value, train, test: np.log(train.max() + 1)),
            "This cross-entropy is that of equal probabilities. Use the shares of the classes in the training labels.",
        ),
        Mistake(
            "another base",
            change(1, lambda value, train, test: value / np.log(2)),
            "The cross-entropy is in bits: this logarithm has base 2. Here it is the natural one, np.log.",
        ),
        Mistake(
            "another base",
            change(1, lambda value, train, test: value / np.log(10)),
            "This logarithm has base 10. Here it is the natural one, np.log.",
        ),
        Mistake("sum for mean", change(1, lambda value, train, test: value * len(test))),
        Mistake(
            "wrong sign",
            change(1, lambda value, train, test: -value),
            "The cross-entropy has the wrong sign. Logarithms of probabilities are negative; the loss is not.",
        ),
        Mistake(
            "wrong order",
            change(1, lambda value, train, test: -np.log((np.bincount(train) / len(train))[test].mean())),
            "This is the logarithm of the mean probability. Cross-entropy is the mean of the logarithms.",
        ),
        Mistake("sum for mean", change(0, lambda value, train, test: value * len(test)), "Accuracy is a share."),
        Mistake(
            "wrong order",
            lambda a, b: reference(a, b)[::-1],
            "The two numbers are swapped: first the accuracy, then the cross-entropy.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


WITHOUT_LOOKING = Exercise(
    id="15.2",
    title="Without looking",
    skill="You compute what a classifier has to beat.",
    task="Here both classes are equally frequent. In general they are not. Take a classifier that gives every image "
    "the same probabilities, the shares of the classes among the *training* labels, and that answers with the most "
    "probable class. What accuracy and what cross-entropy does it get on the test labels?",
    difficulty=2,
    minutes=6,
    stub='''
def without_looking(train_labels: np.ndarray, test_labels: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy, on the test labels, of a classifier that never looks at an image.

    train_labels: (N,) int, the classes 0 to K - 1; each occurs, and one is the most frequent. test_labels: (M,) int.
    """
    ...  # your code here
''',
    hints=(
        "np.bincount counts how often each class occurs. What do you divide by to get shares?",
        "The answer is share.argmax(), whatever the image. In how many test images is it right?",
        "The cross-entropy of one image is -np.log of the probability of its true class. share[test_labels] holds "
        "these probabilities for all test images.",
    ),
    reference="""
def without_looking(train_labels, test_labels):
    share = np.bincount(train_labels) / len(train_labels)
    accuracy = (test_labels == share.argmax()).mean()
    return accuracy, -np.log(share[test_labels]).mean()
""",
    explanation="Among 95 healthy and 5 ill, not looking is right in 95 % of the cases. Work out these two numbers "
    "before you train, from the training labels alone, and compare your network with them.",
    check=_check_without_looking,
)


class Net(nn.Module):
    """A weight and a buffer, which are the number of epochs that it has been trained for."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("running_mean", torch.zeros(1))
        self.epoch = 0


def train_epoch(net: Net) -> None:
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.add_(1)
    net.epoch += 1


train_epoch.__name__ = "adds 1 to weight and buffer"


def _check_train_and_keep_best(learner: Learner, reference: Callable) -> None:
    def course(*losses):
        def validate(net):
            return losses[net.epoch - 1] if net.epoch else 0.1

        validate.__name__ = "losses " + ", ".join(f"{loss:g}" for loss in losses)
        return Net(), train_epoch, validate, len(losses)

    def probe(answer, net, train_epoch, validate, epochs):
        net = copy.deepcopy(net)
        loss = answer(net, train_epoch, validate, epochs)
        return None if loss is None else [float(loss), net.weight.item(), net.running_mean.item()]

    def keeping(which, *, names=None, lowest=None):
        """An answer that keeps the epoch that ``which`` chooses from the losses; of the tensors ``names``, or all."""

        def answer(net, train_epoch, validate, epochs):
            losses, states = [], []
            for _ in range(epochs):
                train_epoch(net)
                losses.append(validate(net))
                states.append(copy.deepcopy(net.state_dict()))
            chosen = states[which(losses)]
            net.load_state_dict({n: t for n, t in chosen.items() if names is None or n in names}, strict=False)
            return (lowest or min)(losses)

        return answer

    def first_stop(patience):
        def which(losses):
            best = 0
            for epoch, loss in enumerate(losses):
                if loss < losses[best]:
                    best = epoch
                elif epoch - best == patience:
                    break
            return best

        return which

    def last_fall(losses):
        return max(epoch for epoch in range(len(losses)) if epoch == 0 or losses[epoch] < losses[epoch - 1])

    def stopping(patience):
        choose = first_stop(patience)
        return keeping(choose, lowest=lambda losses: losses[choose(losses)])

    def untrained(net, train_epoch, validate, epochs):
        best_loss, best = float("inf"), None
        for _ in range(epochs):
            loss = validate(net)
            if loss < best_loss:
                best_loss, best = loss, copy.deepcopy(net.state_dict())
            train_epoch(net)
        net.load_state_dict(best)
        return best_loss

    def first(losses):
        return losses.index(min(losses))

    cases = [
        course(0.9, 0.4, 0.6, 0.5),
        course(7.0, 3.0, 5.0, 3.0, 8.0),
        course(0.3, 0.2, 0.1),
        course(0.8, 0.6, *[0.7] * 10, 0.3, 0.5),
        course(0.5, 0.7),
        course(2.5),
    ]
    mistakes = [
        Mistake("no copy", keeping(lambda losses: -1)),
        Mistake(
            "no copy",
            keeping(first, names={"weight"}),
            "The parameters are those of the best epoch, the buffers (running statistics) those of the last one. Copy "
            "all of state_dict().",
        ),
        Mistake(
            "missing edge case",
            keeping(lambda losses: len(losses) - 1 - losses[::-1].index(min(losses))),
            "Of several epochs with the same loss, the first is to be kept.",
        ),
        Mistake(
            "wrong direction",
            keeping(lambda losses: losses.index(max(losses)), lowest=max),
            "This keeps the epoch of the highest loss.",
        ),
        Mistake(
            "wrong order", untrained, "The loss belongs to the weights after training. Train first, then validate."
        ),
        Mistake(
            "missing term",
            keeping(first, lowest=lambda losses: losses[-1]),
            "The weights are right. The loss that is returned is the last one, not the lowest.",
        ),
        Mistake("last for best", keeping(last_fall, lowest=lambda losses: losses[last_fall(losses)])),
        *(
            Mistake(
                "missing term",
                stopping(patience),
                "This stops when the loss has risen. All `epochs` were asked for: a later one may be better still.",
            )
            for patience in range(1, 11)
        ),
        Mistake(
            "off by one",
            keeping(lambda losses: max(first(losses) - 1, 0)),
            "These are the weights of the epoch before the best one.",
        ),
    ]
    expect_probed(learner, reference, probe, cases, mistakes)


TRAIN_AND_KEEP_BEST = Exercise(
    id="15.3",
    title="Find the bug: the best weights are the last ones",
    skill="You keep a copy of weights that training goes on changing.",
    task="A loop without files: it remembers the weights of the best epoch and loads them back at the end. Measured "
    "afterwards, the validation loss is that of the last epoch: the best weights are not back. No line raises an "
    "error. Why?",
    difficulty=2,
    minutes=5,
    stub='''
def train_and_keep_best(model: torch.nn.Module, train_epoch, validate, epochs: int) -> float:
    """Train for some epochs, and leave the model as it was after the epoch with the lowest validation loss.

    train_epoch(model): trains for one epoch, in place. validate(model): returns the validation loss, above 0. Of
    several epochs with the same loss, the first is kept. Returns the lowest loss.
    """
    best_loss = float("inf")
    for _ in range(epochs):
        train_epoch(model)
        loss = validate(model)
        if loss < best_loss:
            best_loss, best = loss, model.state_dict()
    model.load_state_dict(best)
    return best_loss
''',
    hints=(
        "Print a weight out of best right after it was stored, and again at the end.",
        "state_dict() does not copy: it holds the tensors in which the model keeps its weights.",
        "Copy each of them: {name: tensor.clone() for name, tensor in model.state_dict().items()}. Or copy all: "
        "from copy import deepcopy, and deepcopy(model.state_dict()).",
    ),
    reference="""
def train_and_keep_best(model, train_epoch, validate, epochs):
    best_loss = float("inf")
    for _ in range(epochs):
        train_epoch(model)
        loss = validate(model)
        if loss < best_loss:
            best_loss = loss
            best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(best)
    return best_loss
""",
    explanation="A name for a tensor is not a copy of it, and an optimizer writes into the tensors that are there. A "
    "checkpoint file is a copy. Loading weights back and measuring again, as above, finds this bug.",
    check=_check_train_and_keep_best,
)


def _check_wilson_bounds(learner: Learner, reference: Callable) -> None:
    def ends(middle, half):
        return middle - half, middle + half

    def normal(k, n, z):
        return ends(k / n, z * np.sqrt(k / n * (1 - k / n) / n))

    def wilson(k, n, z, *, shift=0.5, inner=0.25, divide=True, spread=None):
        p, spread = k / n, z**2 / n if spread is None else spread
        below = 1 + spread if divide else 1
        return ends((p + shift * spread) / below, z * np.sqrt(p * (1 - p) / n + inner * spread / n) / below)

    def moved(k, n, z):
        more, middle = n + z**2, (k + z**2 / 2) / (n + z**2)
        return ends(middle, z * np.sqrt(middle * (1 - middle) / more))

    cases = [(35, 36, 1.96), (36, 36, 1.96), (0, 20, 1.96), (57, 68, 2.576), (1, 1, 1.0), (500, 1000, 3.0)]
    mistakes = [
        Mistake("normal approximation", normal),
        Mistake(
            "normal approximation",
            lambda k, n, z: np.clip(normal(k, n, z), 0, 1),
            "This is the normal approximation, cut to 0..1. It uses k/n for p under the root, and for 36 of 36 it says "
            "that there is no doubt at all.",
        ),
        Mistake(
            "normal approximation",
            moved,
            "The middle is Wilson's, the width is not. Solve the equation for both ends.",
        ),
        Mistake(
            "missing term",
            lambda k, n, z: wilson(k, n, z, divide=False),
            "Both ends have to be divided by 1 + z * z / n, the factor of p * p in the equation.",
        ),
        Mistake(
            "missing term",
            lambda k, n, z: wilson(k, n, z, shift=0),
            "The middle is not moved. The factor of p in the equation is 2 k/n + z * z / n.",
        ),
        Mistake(
            "missing term",
            lambda k, n, z: wilson(k, n, z, inner=0),
            "Under the root a term is missing: z * z / (4 n * n).",
        ),
        Mistake(
            "wrong divisor",
            lambda k, n, z: wilson(k, n, z, shift=1),
            "The middle is moved twice as far as it should be.",
        ),
        Mistake(
            "rounded constant",
            lambda k, n, z: reference(k, n),
            "z is left out: 1.96 is only its default.",
        ),
        Mistake(
            "rounded constant",
            lambda k, n, z: reference(k, n, 1.959963984540054),
            "z is not used: SciPy takes 1.959964. Solve the equation with the z that is given.",
        ),
        Mistake("not squared", lambda k, n, z: reference(k, n, z**0.5), "z is not squared."),
        Mistake("not squared", lambda k, n, z: wilson(k, n, z, spread=z / n), "z is not squared."),
        Mistake("percent", lambda k, n, z: np.multiply(100, reference(k, n, z))),
        Mistake("wrong order", lambda k, n, z: reference(k, n, z)[::-1], "The lower end comes first."),
        Mistake(
            "missing term",
            lambda k, n, z: (sum(reference(k, n, z)) / 2, np.subtract(*reference(k, n, z)[::-1]) / 2),
            "These are the middle and half of the width. Return the two ends.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


WILSON_BOUNDS = Exercise(
    id="15.4",
    title="The two ends",
    skill="You derive a confidence interval instead of looking it up.",
    task="SciPy knew the interval. At its two ends the inequality above is an equality, with $z$ for 1.96: $(k/n - "
    "p)^2 = z^2\\,p\\,(1-p)/n$. Solve it for $p$.",
    difficulty=3,
    minutes=10,
    stub='''
def wilson_bounds(correct: int, samples: int, z: float = 1.96) -> tuple[float, float]:
    """Lower and upper end of Wilson's interval for an accuracy, from 0 to 1.

    correct: how many of the samples were answered correctly. z: how many standard deviations k/n may be away from p.
    """
    ...  # your code here
''',
    hints=(
        "Multiply out, and collect the powers of p. It is a quadratic equation.",
        "(1 + z * z / n) p * p - (2 k/n + z * z / n) p + (k/n) * (k/n) = 0.",
        "np.roots([a, b, c]) returns both solutions of a p * p + b p + c = 0. Or take the formula "
        "(-b ± sqrt(b * b - 4 a c)) / (2 a). The smaller one comes first.",
    ),
    reference="""
def wilson_bounds(correct, samples, z=1.96):
    share, spread = correct / samples, z**2 / samples
    middle = (share + spread / 2) / (1 + spread)
    half = z * np.sqrt(share * (1 - share) / samples + spread / (4 * samples)) / (1 + spread)
    return middle - half, middle + half
""",
    explanation="The middle lies between k/n and one half, and nearer to one half the fewer samples there are. The "
    "ends never leave 0..1, and 36 of 36 still leaves a doubt: the interval begins at 90 %.",
    check=_check_wilson_bounds,
)

EXERCISES = (BOX_TO_YOLO, WITHOUT_LOOKING, TRAIN_AND_KEEP_BEST, WILSON_BOUNDS)

QUIZ = (
    Question(
        "An image is 640 pixels wide and 320 high. Its label file says 0 0.5 0.5 0.2 0.2. What does the box look like?",
        (
            Option("A square in the middle", "In fractions it is one. Multiply: 0.2 of 640 and 0.2 of 320."),
            Option("128 pixels wide, 64 high, in the middle", "Width and height have units of their own.", right=True),
            Option("It begins in the middle", "The first two fractions are the centre of the box, not a corner."),
            Option("64 pixels wide, 128 high", "The order is width, then height."),
        ),
    ),
    Question(
        "You want to flip training images at random, as augmentation, and train the head on cached features. What has "
        "to change?",
        (
            Option(
                "Nothing: the features are flipped instead",
                "1280 means over places have no left and right. Flipping them means nothing.",
            ),
            Option(
                "Features of the flipped images have to be computed as well",
                "Each view of an image has features of its own. Cache several views, as lesson 13 does.",
                right=True,
            ),
            Option(
                "The backbone has to be unfrozen",
                "Augmentation works with frozen backbones. Only the cache has to hold more.",
            ),
        ),
    ),
    Question(
        "The test accuracy disappoints. You change the learning rate, test again, and report the better of the two. "
        "What is wrong?",
        (
            Option("Nothing, both are measurements", "You chose the larger one. A maximum is not an estimate."),
            Option(
                "The test images have now chosen, so they flatter",
                "They have become validation images. Choose on validation, and test once.",
                right=True,
            ),
            Option("The learning rate must not be changed", "It may, as long as the validation images decide."),
        ),
    ),
    Question(
        "Network A has 31 of 36 right, network B 33 of 36. What may you say?",
        (
            Option("B is better", "Two images. Each accuracy has an interval of some 20 points around it."),
            Option("They are equally good", "That has not been shown either: a real difference could hide there."),
            Option(
                "36 images cannot tell them apart",
                "The intervals overlap widely. Take more images, or compare answer by answer.",
                right=True,
            ),
        ),
    ),
    Question(
        "Suppose that the mean colours of an 8 × 8 grid had given 84 % as well. What would you look for?",
        (
            Option(
                "A hint in the pictures, such as lights or backgrounds that differ between the classes",
                "Colours cannot show an emotion. The data would give the answer away.",
                right=True,
            ),
            Option(
                "A better network",
                "As long as colours explain the accuracy, no network can show that it sees emotions.",
            ),
            Option(
                "A bug in the colours: 192 numbers cannot suffice",
                "They suffice where one class has darker pictures. Look at the data first.",
            ),
        ),
    ),
)
