"""Exercises and quiz of lesson 04: a linear classifier."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from course_utils.exercises.comparison import Mistake, expect_dtype, expect_gradient, expect_like
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner


def _drawn(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def _labels(count: int, classes: int) -> torch.Tensor:
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(count))


def _check_share_right(learner: Learner, reference: Callable) -> None:
    def share(right):
        return right.double().mean()

    def labels(logits, wrong):
        y = logits.argmax(1)
        y[:wrong] = (y[:wrong] + 1) % logits.shape[1]
        return y

    wide, square, one = _drawn(7, 3), _drawn(4, 4), _drawn(1, 5)
    cases = [
        (square, labels(square, 2)),
        (wide, labels(wide, 2)),
        (wide, labels(wide, 2)[:, None]),
        (square, labels(square, 1)[:, None]),
        (one, labels(one, 0)[:, None]),
        (one, labels(one, 0)),
        (wide, labels(wide, 0)[:, None]),
    ]
    mistakes = [
        Mistake("broadcast", lambda z, y: share(z.argmax(1) == y)),
        Mistake("broadcast", lambda z, y: share(z.argmax(1)[:, None] == y)),
        Mistake(
            "wrong axis",
            lambda z, y: share(z.argmax(0) == y.flatten()),
            "argmax(0) looks for the best image of each class. The best class of each image is argmax(1).",
        ),
        Mistake("sum for mean", lambda z, y: len(z) * reference(z, y), "This is a number of images, not a share."),
        Mistake("wrong part", lambda z, y: 1 - reference(z, y), "This is the share of wrong answers, the error."),
    ]
    expect_like(learner, reference, cases, mistakes)


SHARE_RIGHT = Exercise(
    id="04.1",
    title="Find the bug: every answer against every label",
    skill="You notice when shapes that differ are broadcast in silence.",
    task="This function gives the accuracy, and it is right for labels of shape `(N,)`. Somebody reads the labels from "
    "a table, as a column of shape `(N, 1)`. No error is raised, and the accuracy falls to that of guessing, even "
    "for a classifier that is always right. Look at the shape of what is averaged, and repair the function so that "
    "it takes both.",
    difficulty=1,
    minutes=4,
    stub='''
def share_right(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Share of images whose highest logit is that of the true class.

    logits: (N, K). y: (N,) or (N, 1), long. Returns one number from 0 to 1.
    """
    right = logits.argmax(1) == y
    return right.double().mean()
''',
    hints=(
        "argmax(1) gives for each image the place of its highest logit. Print right.shape for labels of either shape.",
        "A row of N against a column of N is compared as a table of (N, N).",
        "Give both the shape (N,): y.flatten() does this to a column, and leaves a row as it is.",
    ),
    reference="""
def share_right(logits, y):
    right = logits.argmax(1) == y.flatten()
    return right.double().mean()
""",
    explanation="Broadcasting stretches axes of size 1, and sets axes that are missing in front. So (N,) and (N, 1) "
    "meet as (N, N). Test the shapes of whatever you compare or subtract: a loss can be spoiled in the same way.",
    check=_check_share_right,
)


def _check_smoothed(learner: Learner, reference: Callable) -> None:
    def cost(log_p, y, eps, *, true=None, others=None):
        classes = log_p.shape[1]
        others = eps / classes if others is None else others
        true = 1 - eps + eps / classes if true is None else true
        target = torch.full_like(log_p, others)
        target[torch.arange(len(y)), y] = true
        return -(target * log_p).sum(1).mean()

    def log_sum_exp(z, largest):
        return largest + (z - largest).exp().sum(1, keepdim=True).log()

    levels = torch.tensor([[1000.0], [-1000], [0], [3]], dtype=torch.float64)
    far = torch.tensor([[0.0, -2000, 5], [900, 0, 1]], dtype=torch.float64)
    cases = [
        (_drawn(5, 4), _labels(5, 4), 0.1),
        (_drawn(1, 3), torch.tensor([2]), 0.3),
        (_drawn(6, 6), _labels(6, 6), 0.0),
        (_drawn(3, 5) + 1000, _labels(3, 5), 0.2),
        (_drawn(4, 3) + levels, _labels(4, 3), 0.1),
        (far, torch.tensor([2, 0]), 0.1),
        (far, torch.tensor([1, 0]), 0.0),
        (_drawn(2, 7), _labels(2, 7), 1.0),
    ]
    mistakes = [
        Mistake("softmax twice", lambda z, y, eps: cost(z.softmax(1).log_softmax(1), y, eps)),
        Mistake("overflow", lambda z, y, eps: cost((z.exp() / z.exp().sum(1, keepdim=True)).log(), y, eps)),
        Mistake("overflow", lambda z, y, eps: cost(z - log_sum_exp(z, 0 * z[:, :1]), y, eps)),
        Mistake(
            "overflow",
            lambda z, y, eps: cost(z.softmax(1).log(), y, eps),
            "A tiny probability becomes 0, and its logarithm minus infinity. Compute the logarithm itself: the logit "
            "minus the log-sum-exp.",
        ),
        Mistake(
            "overflow",
            lambda z, y, eps: cost(z - log_sum_exp(z, z.max()), y, eps),
            "The largest logit of all images is taken out. An image whose logits are far below it underflows: each "
            "image has a largest logit of its own.",
        ),
        Mistake("sum for mean", lambda z, y, eps: len(z) * reference(z, y, eps)),
        Mistake(
            "mean for sum",
            lambda z, y, eps: reference(z, y, eps) / z.shape[1],
            "The mean is taken over the classes as well. Sum over the classes; the mean is over the images.",
        ),
        Mistake(
            "wrong axis",
            lambda z, y, eps: cost(z.log_softmax(0), y, eps),
            "The softmax is taken over the images. The probabilities of one image sum to 1.",
        ),
        Mistake(
            "wrong divisor",
            lambda z, y, eps: cost(z.log_softmax(1), y, eps, true=1 - eps, others=eps / (z.shape[1] - 1)),
            "eps is shared out among the K - 1 other classes. All K get a share of it, the true one included.",
        ),
        Mistake(
            "missing term",
            lambda z, y, eps: cost(z.log_softmax(1), y, eps, true=1 - eps),
            "The true class gets 1 - eps alone. Its own share of eps, eps / K, is missing.",
        ),
        Mistake(
            "missing term",
            lambda z, y, eps: cost(z.log_softmax(1), y, eps, true=1 + eps / z.shape[1]),
            "The targets sum to 1 + eps. The true class gives away what is shared out: 1 - eps is left to it.",
        ),
        Mistake("missing term", lambda z, y, eps: reference(z, y, 0.0), "eps has no effect."),
        Mistake(
            "wrong part",
            lambda z, y, eps: reference(z, y, 1 - eps),
            "The two parts are exchanged: the true class keeps 1 - eps, and eps is shared out.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    expect_gradient(learner, reference, [cases[0], cases[4], cases[5]])
    single = [(_drawn(3, 4).float(), _labels(3, 4), 0.1)]
    expect_dtype(learner, single, [torch.float32])


SMOOTHED = Exercise(
    id="04.2",
    title="Labels that leave a doubt",
    skill="You write a loss from logits that neither overflows nor takes a second softmax.",
    task="A label says: this person, with certainty. *Label smoothing*, with which many large networks are trained, "
    "leaves a doubt $\\varepsilon$: the true class keeps $1 - \\varepsilon$, and $\\varepsilon$ is shared out evenly "
    "among all $K$ classes, the true one included. With these targets $t$ the loss of an image is "
    "$-\\sum_k t_k \\ln p_k$. Return the mean over the images. Logits may be in the thousands, of either sign.",
    difficulty=2,
    minutes=10,
    stub='''
def smoothed_cross_entropy(z: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
    """Mean cross-entropy of logits z with smoothed labels.

    z: (N, K) floating point. y: (N,) long. eps: from 0 to 1. Returns one number of z's dtype; its gradient reaches z.
    """
    ...  # your code here
''',
    hints=(
        "You need ln p for all K classes, not only for the true one. Section 5 has it: the logit minus the "
        "log-sum-exp.",
        "The largest logit of each image: z.amax(1, keepdim=True). Take it out of z before the exponential.",
        "The targets: (1 - eps) * F.one_hot(y, K) + eps / K. Multiply by ln p, sum over classes, mean over images, "
        "and change the sign.",
    ),
    reference="""
def smoothed_cross_entropy(z, y, eps):
    z = z - z.amax(1, keepdim=True)
    log_p = z - z.exp().sum(1, keepdim=True).log()
    target = (1 - eps) * F.one_hot(y, z.shape[1]) + eps / z.shape[1]
    return -(target * log_p).sum(1).mean()
""",
    explanation="Work with the logarithm of the probabilities from the beginning. A probability can become 0; its "
    "logarithm, the logit minus the log-sum-exp, cannot become infinite. In PyTorch it is F.log_softmax, and the whole "
    "loss F.cross_entropy(z, y, label_smoothing=eps).",
    check=_check_smoothed,
)


def _check_descend(learner: Learner, reference: Callable) -> None:
    def walk(w, rates, step):
        path, velocity = [w], torch.zeros_like(w)
        for rate in rates:
            change, velocity = step(path[-1], velocity, rate)
            path.append(path[-1] - change)
        return torch.stack(path)

    def into_velocity(slope, w, rates, beta):
        def step(w, velocity, rate):
            velocity = beta * velocity + rate * slope(w)
            return velocity, velocity

        return walk(w, rates, step)

    def averaged(slope, w, rates, beta):
        def step(w, velocity, rate):
            velocity = beta * velocity + (1 - beta) * slope(w)
            return rate * velocity, velocity

        return walk(w, rates, step)

    def late(slope, w, rates, beta):
        return walk(w, rates, lambda w, velocity, rate: (rate * velocity, beta * velocity + slope(w)))

    def no_memory(slope, w, rates, beta):
        return reference(slope, w, rates, 0.0)

    def from_the_start(slope, w, rates, beta):
        fixed = slope(w)
        return reference(lambda _: fixed, w, rates, beta)

    def bent(w):
        return w**3 + 2 * w - 1

    def flat(w):
        return torch.ones_like(w)

    cases = [
        (bent, torch.tensor([1.0, -0.5], dtype=torch.float64), [0.1, 0.1, 0.1], 0.9),
        (flat, _drawn(2), [0.5, 0.5, 0.05, 0.0], 0.5),
        (bent, _drawn(2, 3), [0.2, 0.1, 0.05, 0.1], 0.8),
        (bent, _drawn(3), [0.1, 0.2], 0.0),
        (bent, _drawn(4), [], 0.9),
        (flat, _drawn(1), [0.1], 0.9),
    ]
    mistakes = [
        Mistake(
            "rate in the velocity",
            into_velocity,
        ),
        Mistake("averaged velocity", averaged),
        Mistake("missing term", no_memory, "The velocity forgets the steps before: beta times the old one is missing."),
        Mistake(
            "off by one",
            late,
            "The step is taken with the old velocity. Add the gradient to the velocity first, then step.",
        ),
        Mistake(
            "gradient of the start", from_the_start, "Every step has the gradient of the start. Ask for it anew at w."
        ),
        Mistake(
            "wrong direction",
            lambda slope, w, rates, beta: reference(lambda at: -slope(at), w, rates, beta),
            "This walks uphill. Steps go against the gradient.",
        ),
        Mistake(
            "off by one",
            lambda *arguments: reference(*arguments)[1:],
            "The start is missing: the path has one place more than there are steps.",
        ),
        Mistake(
            "overwritten",
            lambda *arguments: reference(*arguments)[-1:].expand(len(arguments[2]) + 1, *arguments[1].shape),
            "All places of the path are the last one: the list holds one tensor many times, and w -= ... changes that "
            "tensor. Write w = w - ..., which makes a new one.",
        ),
        Mistake(
            "wrong part", lambda *arguments: reference(*arguments)[-1], "This is the last place. Return the whole path."
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


DESCEND = Exercise(
    id="04.3",
    title="A path down the hill",
    skill="You write gradient descent with momentum for any function, with a rate that changes.",
    task="Learning rates are often lowered during training. Walk downhill with momentum, with one rate for each step, "
    "and keep every place that you come by. The velocity is that of section 7: it gathers gradients, and the rate "
    "multiplies it when the step is taken.",
    difficulty=2,
    minutes=8,
    stub='''
def descend(slope, w: torch.Tensor, rates: list[float], beta: float = 0.9) -> torch.Tensor:
    """All places on the way down from w, in steps with momentum beta.

    slope: slope(w) is the gradient at w, of w's shape. w: any shape; it must not be changed. rates: one for each step.
    Returns (len(rates) + 1, *w.shape), the start first.
    """
    ...  # your code here
''',
    hints=(
        "Two numbers change from step to step: the place w and the velocity, which starts as zeros like w.",
        "In each step: velocity = beta * velocity + slope(w), then w = w - rate * velocity.",
        "Begin with a list that holds w, append each new place, and return torch.stack of the list. w -= ... would "
        "change the tensor that is in the list already.",
    ),
    reference="""
def descend(slope, w, rates, beta=0.9):
    path, velocity = [w], torch.zeros_like(w)
    for rate in rates:
        velocity = beta * velocity + slope(w)
        w = w - rate * velocity
        path.append(w)
    return torch.stack(path)
""",
    explanation="With a constant rate it makes no difference whether the rate goes into the velocity or multiplies it. "
    "When the rate falls, it does: PyTorch multiplies at the step, so a lower rate acts at once on the whole velocity.",
    check=_check_descend,
)


def _check_standardise(learner: Learner, reference: Callable) -> None:
    def scaled(images, mean, deviation):
        deviation = deviation.clone()
        deviation[deviation == 0] = 1
        return (images - mean) / deviation

    def pixels(count, features, constant=()):
        grey = (_drawn(count, features) * 40 + 120 + 10 * torch.arange(features)).round()
        for place, value in constant:
            grey[:, place] = value
        return grey

    train = pixels(9, 5)
    black = pixels(6, 4, [(1, 0), (3, 255)])
    faint = torch.rand((6, 4), dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    cases = [
        (pixels(4, 3), pixels(4, 3)),
        (pixels(4, 3), pixels(2, 3) + 30),
        (train, pixels(4, 5) + 30),
        (train, train),
        (train, pixels(1, 5)),
        (black, black),
        (black, pixels(3, 4)),
        (pixels(5, 5), pixels(5, 5).flip(0) * 0.5),
        (faint, faint[:3] * 2 - 1),
    ]
    tiny = (
        "missing edge case",
        "Where the deviation is 0, this divides by the tiny number. Divide by 1 there.",
    )
    mistakes = [
        Mistake(
            "fitted on test data",
            lambda t, x: scaled(x, x.mean(0), x.std(0)),
            "Mean and deviation are those of the images themselves. Take the training images' for all images.",
        ),
        Mistake(
            "fitted on test data",
            lambda t, x: scaled(x, torch.cat([t, x]).mean(0), torch.cat([t, x]).std(0)),
            "The images took part in mean and deviation. Both come from the training images alone.",
        ),
        Mistake("fitted on test data", lambda t, x: scaled(x, x.mean(0), t.std(0)), "The mean is that of the images."),
        Mistake(
            "fitted on test data", lambda t, x: scaled(x, t.mean(0), x.std(0)), "The deviation is that of the images."
        ),
        Mistake(
            "missing edge case",
            lambda t, x: (x - t.mean(0)) / t.std(0),
            "A pixel that is the same in all training images has deviation 0. Divide it by 1 instead.",
        ),
        Mistake(
            "missing edge case",
            lambda t, x: scaled(x, t.mean(0), t.std(0)) * (t.std(0) > 0),
            "A pixel without spread in training is set to 0. Only leave out the division: subtract its mean.",
        ),
        Mistake(
            "missing edge case",
            lambda t, x: torch.where(t.std(0) > 0, (x - t.mean(0)) / t.std(0), x),
            "A pixel without spread in training is left as it is. Subtract its mean, as of any other pixel.",
        ),
        Mistake(
            "wrong axis",
            lambda t, x: scaled(x, t.mean(1, keepdim=True), t.std(1, keepdim=True)),
            "Mean and deviation are taken over the pixels of an image. Take them over the images, for each pixel.",
        ),
        Mistake(
            "wrong axis",
            lambda t, x: scaled(x, x.mean(1, keepdim=True), x.std(1, keepdim=True)),
            "Each image gets a mean and a deviation of its own. Take them over the training images, for each pixel.",
        ),
        Mistake(
            "one for all",
            lambda t, x: (x - t.mean()) / t.std(),
            "One mean and one deviation serve all pixels. Each pixel has its own: mean over axis 0.",
        ),
        Mistake("squared", lambda t, x: scaled(x, t.mean(0), t.var(0)), "Divided by the variance. Take its root."),
        Mistake("missing term", lambda t, x: x - t.mean(0), "The spread is still there: divide by the deviation."),
        Mistake("missing term", lambda t, x: scaled(x, 0, t.std(0)), "The mean is not subtracted."),
        Mistake("biased variance", lambda t, x: scaled(x, t.mean(0), t.std(0, correction=0))),
        Mistake(
            "missing edge case",
            lambda t, x: scaled(x, t.mean(0), t.std(0).clamp(min=1)),
            "Every deviation below 1 becomes 1. Only one of exactly 0 is to be replaced.",
        ),
    ]
    for small in (10.0**-power for power in range(3, 17)):
        added = partial(lambda small, t, x: (x - t.mean(0)) / (t.std(0) + small), small)
        clamped = partial(lambda small, t, x: (x - t.mean(0)) / t.std(0).clamp(min=small), small)
        mistakes += [Mistake(tiny[0], added, tiny[1]), Mistake(tiny[0], clamped, tiny[1])]
    expect_like(learner, reference, cases, mistakes)
    expect_dtype(learner, [(train.float(), train.float())], [torch.float32])


STANDARDISE = Exercise(
    id="04.4",
    title="Standardise whatever comes",
    skill="You fit on the training images, and apply to any others.",
    task="Standardise `images` with the training images' mean and deviation of each pixel. `images` may be the "
    "training images, the test images, or a single photo that somebody sends in later. One more thing: a pixel in "
    "the corner may be black in *all* training images. Its deviation is 0. Such a pixel is only shifted, and divided "
    "by 1.",
    difficulty=2,
    minutes=6,
    stub='''
def standardise(train: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Standardise images pixel by pixel, as the training images say.

    train: (N, D), N at least 2. images: (M, D), M at least 1. The deviation is that of train.std(0), divided by N - 1.
    Returns (M, D).
    """
    ...  # your code here
''',
    hints=(
        "Mean and deviation have shape (D,), and neither depends on images.",
        "What is 0 / 0? Look at the deviation before you divide.",
        "deviation[deviation == 0] = 1 replaces the zeros.",
    ),
    reference="""
def standardise(train, images):
    mean, deviation = train.mean(0), train.std(0)
    deviation[deviation == 0] = 1
    return (images - mean) / deviation
""",
    explanation="A single image has no deviation of its own, and test images should have no say. So a fit always "
    "belongs to the training data, and is kept with the classifier.",
    check=_check_standardise,
)

EXERCISES = (SHARE_RIGHT, SMOOTHED, DESCEND, STANDARDISE)

QUIZ = (
    Question(
        "Among 26 classes, the training loss falls from 3.26 to 2.4 and stays there. The training accuracy keeps "
        "rising. Which line do you look for?",
        (
            Option("A learning rate that is too large", "Then the loss would jump or rise, and the accuracy with it."),
            Option(
                "A softmax before the cross-entropy",
                "Probabilities taken for logits cannot cost less than 2.32, not even when every answer is right.",
                right=True,
            ),
            Option("Labels that are shuffled", "A linear classifier learns these by heart: the loss falls to 0."),
            Option("Pixels that are not standardised", "That makes the logits jump by hundreds, and the loss too."),
        ),
    ),
    Question(
        "A classifier has 574,626 parameters and gets all of its 445 training images right. What does that say about "
        "its answers to new images?",
        (
            Option("They are mostly right", "With shuffled names it got all training images right as well."),
            Option(
                "Nothing", "It could have learned any labels by heart. Only images it has not seen tell.", right=True
            ),
            Option(
                "They are mostly wrong", "Learning by heart does not exclude it: positives alone reached over 70 %."
            ),
        ),
    ),
    Question(
        "In a confusion matrix with true people in rows, one column is full from top to bottom. What happened?",
        (
            Option("One person is never recognised", "That would be a row with nothing on the diagonal."),
            Option(
                "One name is given to nearly everybody", "A column collects all images that got its name.", right=True
            ),
            Option("Two people are confused with each other", "That would be two entries, mirrored at the diagonal."),
        ),
    ),
    Question(
        "You add 50 to all logits of an image, and double those of another one. Whose probabilities change?",
        (
            Option("Those of both", "A constant cancels: only differences of logits count."),
            Option("Only the first one's", "A constant cancels in the softmax."),
            Option(
                "Only the second one's",
                "Doubled differences make the answer more certain, unless all logits are equal.",
                right=True,
            ),
            Option("Neither's", "Doubling doubles the differences, and these are what counts."),
        ),
    ),
)
