"""Exercises and quiz of lesson 05: MLPs and PCA."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from course_utils.exercises.comparison import Mistake, expect_like
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner


def _check_widest(learner: Learner, reference: Callable) -> None:
    def sizes(inputs, outputs, hidden, w):
        return [inputs] + [w] * hidden + [outputs]

    def parameters(sizes, bias=1):
        return sum(a * b + bias * b for a, b in zip(sizes, sizes[1:]))

    def search(count, *, strictly=False):
        def widest(inputs, outputs, hidden, budget):
            w = 0
            while count(inputs, outputs, hidden, w + 1) <= budget - strictly:
                w += 1
            return w

        return widest

    def biases_of_inputs(inputs, outputs, hidden, w):
        layers = sizes(inputs, outputs, hidden, w)
        return sum(a * b + a for a, b in zip(layers, layers[1:]))

    def ends_only(inputs, outputs, hidden, w):
        return parameters([inputs, w]) + parameters([w, outputs])

    cases = [
        (437, 26, 3, 102_125),
        (10, 3, 2, 3253),
        (10, 3, 2, 3252),
        (22_100, 26, 3, 300_000),
        (1, 1, 1, 4),
        (5, 2, 4, 7),
        (5, 20, 4, 7),
        (100, 10, 5, 100_000),
    ]
    mistakes = [
        Mistake("bias forgotten", search(lambda a, b, n, w: parameters(sizes(a, b, n, w), bias=0))),
        Mistake(
            "bias forgotten",
            search(biases_of_inputs),
            "A layer from a to b numbers has one bias for each number that it gives: b of them, not a.",
        ),
        Mistake(
            "off by one",
            search(lambda a, b, n, w: parameters(sizes(a, b, n + 1, w))),
            "One matrix too many: between n hidden layers there are n - 1 matrices.",
        ),
        Mistake(
            "off by one",
            lambda a, b, n, budget: reference(a, b, n, budget) + 1,
            "This is the first width that does not fit any more.",
        ),
        Mistake(
            "off by one",
            search(lambda a, b, n, w: parameters(sizes(a, b, n, w - 1))),
            "This is the first width that does not fit any more.",
        ),
        Mistake(
            "off by one",
            search(lambda a, b, n, w: parameters(sizes(a, b, n, w)), strictly=True),
            "A network with exactly as many parameters as the budget fits.",
        ),
        Mistake(
            "missing term",
            search(lambda a, b, n, w: parameters(sizes(a, b, n, w)[:-1])),
            "The last layer, which gives the answers, is not counted.",
        ),
        Mistake("missing term", search(ends_only), "The matrices between the hidden layers are not counted."),
        Mistake(
            "missing edge case",
            lambda *given: max(reference(*given), 1),
            "Where not even one unit fits, the answer is 0.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True, everywhere=True)


WIDEST = Exercise(
    id="05.1",
    title="What fits into the budget",
    skill="You count a network's parameters before you build it.",
    task="The plan of section 2 does not fit. Turn the question round: how wide may it be? All hidden layers have the "
    "same width $w$, and every layer has a bias. Return the largest $w$ with which the network has at most `budget` "
    "parameters.",
    difficulty=1,
    minutes=7,
    stub='''
def widest(inputs: int, outputs: int, hidden: int, budget: int) -> int:
    """Largest width of the hidden layers such that there are at most budget parameters, or 0 if no width fits.

    hidden: how many hidden layers, at least 1.
    """
    ...  # your code here
''',
    hints=(
        "Write a function that counts the parameters for a width w first. The sizes are inputs, hidden times w, "
        "outputs.",
        "[inputs] + [w] * hidden + [outputs] is the list of sizes; a layer from a to b has a * b + b parameters.",
        "No formula is needed for the rest: start at w = 0, and add 1 while w + 1 still fits.",
    ),
    reference="""
def widest(inputs, outputs, hidden, budget):
    def parameters(w):
        sizes = [inputs] + [w] * hidden + [outputs]
        return sum(a * b + b for a, b in zip(sizes, sizes[1:]))

    w = 0
    while parameters(w + 1) <= budget:
        w += 1
    return w
""",
    explanation="With many inputs the first layer takes nearly all of the budget: 10 million parameters for 22,100 "
    "pixels leave a width of some 440. With few inputs the square matrices between hidden layers decide.",
    check=_check_widest,
)


def _check_rank_for(learner: Learner, reference: Callable) -> None:
    def first(lost, error):
        return int(np.argmin(np.append(lost, 0) > error))

    def lost(x, centre=None, power=2):
        s = np.linalg.svd(x - (x.mean(0) if centre is None else centre), compute_uv=False)
        return np.cumsum((s**power)[::-1])[::-1]

    def images(count, pixels):
        rng = np.random.default_rng(count)
        return rng.normal(size=(count, pixels)) * np.geomspace(9, 0.3, pixels) + rng.normal(size=pixels) * 8

    def next_one(x, error):
        s = np.linalg.svd(x - x.mean(0), compute_uv=False)
        return first(s**2 / x.size, error)

    def relative(x, error):
        return first(lost(x) / lost(x)[0], error)

    def enough_share(x, error):
        squares = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
        return np.searchsorted(np.cumsum(squares) / squares.sum(), 1 - error) + 1

    def standardised(ddof):
        def rank(x, error):
            deviation = x.std(0, ddof=ddof)
            return first(lost(x / np.where(deviation > 0, deviation, 1)) / x.size, error)

        return rank

    def between(x, r):
        """An error that r components keep to, but not if it is divided by (N - 1) D instead of N D."""
        return lost(x)[r] / ((len(x) - 0.5) * x.shape[1])

    tall, wide, few, narrow = images(12, 6), images(5, 20), images(3, 6), images(30, 3)
    cases = [(x, error) for x in (tall, wide, few, narrow) for error in (3.0, 0.4, 0.02)]
    cases += [
        (tall, 1.2),
        (few, 4.0),
        (few, 0.9),
        (tall, 1000.0),
        (np.full((4, 5), 7.0), 1e-6),
        (images(8, 1), 0.001),
        (few, between(few, 0)),
        (few, between(few, 1)),
        (wide, between(wide, 2)),
    ]
    share = "This takes `error` for a share of the variance. It is a mean squared error."
    scaled = "The pixels are standardised first. `x` is to be rebuilt as it is."
    mistakes = [
        Mistake(
            "not centred",
            lambda x, error: first(lost(x, 0) / x.size, error),
            "The mean image is not subtracted before the decomposition.",
        ),
        Mistake(
            "wrong axis",
            lambda x, error: first(lost(x, x.mean(1, keepdims=True)) / x.size, error),
            "Each image's own mean is subtracted. Subtract the mean image, the mean over axis 0.",
        ),
        Mistake(
            "not squared",
            lambda x, error: first(lost(x, power=1) / x.size, error),
            "These are the singular values themselves. A component that is left out costs its singular value squared.",
        ),
        Mistake(
            "wrong divisor",
            lambda x, error: first(lost(x) / len(x), error),
            "The squares are divided by the number of images alone. The mean is over all pixels of all images.",
        ),
        Mistake(
            "wrong divisor",
            lambda x, error: first(lost(x) / max(len(x) - 1, 1), error),
            "Divided by N - 1, these are variances. The mean is over all pixels of all images.",
        ),
        Mistake(
            "wrong divisor",
            lambda x, error: first(lost(x), error),
            "This is a sum of squares. Divide it by the number of pixels of all images.",
        ),
        Mistake(
            "wrong divisor",
            lambda x, error: first(lost(x) / (max(len(x) - 1, 1) * x.shape[1]), error),
            "Divided by (N - 1) D. The mean is over all N D pixels.",
        ),
        Mistake("wrong divisor", relative, share),
        Mistake("wrong divisor", enough_share, share),
        Mistake("wrong scale", standardised(0), scaled),
        Mistake("wrong scale", standardised(1), scaled),
        Mistake(
            "missing term",
            next_one,
            "Only the next component is looked at. All components that are left out add to the error.",
        ),
        Mistake("off by one", lambda x, error: reference(x, error) + 1, "This is one component more than needed."),
        Mistake("off by one", lambda x, error: max(reference(x, error) - 1, 0), "This is one component too few."),
        Mistake(
            "missing edge case",
            lambda x, error: max(reference(x, error), 1),
            "If the error may be large, the mean image alone is enough: 0 components.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True, everywhere=True)


RANK_FOR = Exercise(
    id="05.2",
    title="As few components as the error allows",
    skill="You read the error of a reconstruction from the singular values.",
    task="Section 4 chose the components by a share of the variance. Choose them by the error instead: return the "
    "smallest number $r$ of components with which the images in `x` are rebuilt with a mean squared error of at most "
    "`error`. PCA is fitted on the same images, and the mean is taken over all pixels of all images. There is no need "
    "to rebuild anything: what is left out says how large the error is.",
    difficulty=2,
    minutes=9,
    stub='''
def rank_for(x: np.ndarray, error: float) -> int:
    """Smallest r such that r principal components rebuild x with a mean squared error of at most error.

    x: (N, D), not standardised. error: above 0. With r = 0, every image is rebuilt as the mean image.
    """
    ...  # your code here
''',
    hints=(
        "The squared singular values of the centred images sum to the sum of the squares of all their pixels. "
        "Pythagoras again.",
        "With r components, the squares of singular values number r, r + 1, ... (counted from 0) are lost. Divide "
        "their sum by N D.",
        "Go through r = 0, 1, 2, ... and return the first r with (s[r:] ** 2).sum() / x.size <= error.",
    ),
    reference="""
def rank_for(x, error):
    _, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    r = 0
    while (s[r:] ** 2).sum() / x.size > error:
        r += 1
    return r
""",
    explanation="The components are orthogonal, so the squares of what is kept and of what is lost add up. The number "
    "holds for the images that PCA was fitted on; new ones lose more.",
    check=_check_rank_for,
)


def _check_error_norms(learner: Learner, reference: Callable) -> None:
    def slope(z):
        return (z > 0).to(z.dtype)

    def sigmoid_slope(z):
        return z.clamp(min=0) * (1 - z.clamp(min=0))

    def errors(x, y, weights, slope=slope, bent=False, masked=True, truth=1.0, of_weights=False):
        inputs, outputs = [x], []
        for weight in weights:
            outputs.append(inputs[-1] @ weight.T)
            inputs.append(outputs[-1].clamp(min=0))
        logits = inputs[-1] if bent else outputs[-1]
        found = [(logits.softmax(1) - truth * F.one_hot(y, logits.shape[1])) / len(x)]
        if bent and masked:
            found[0] = found[0] * (logits > 0)
        for weight, z in zip(weights[:0:-1], outputs[-2::-1]):
            arriving = found[0] @ weight
            found.insert(0, arriving * (slope(z) if slope else (arriving > 0)))
        return [d.T @ h for d, h in zip(found, inputs)] if of_weights else found

    def norms(**options):
        return lambda x, y, weights: torch.stack([d.norm() for d in errors(x, y, weights, **options)])

    def drawn(seed, *shape):
        return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))

    def case(count, *sizes, zero=False):
        x = drawn(count, count, sizes[0]) * (not zero)
        weights = [drawn(n, b, a) / a**0.5 for n, (a, b) in enumerate(zip(sizes, sizes[1:]))]
        y = torch.randint(sizes[-1], (count,), generator=torch.Generator().manual_seed(count))
        return x, y, weights

    cases = [
        case(3, 2, 3, 2),
        case(6, 4, 7, 5, 3),
        case(1, 3, 6, 4),
        case(5, 4, 3),
        case(8, 6, 6, 6, 6, 6, 6),
        case(2, 3, 5, 4, zero=True),
    ]
    logits = "The logits go through ReLU as well. After the last layer there is none."
    mistakes = [
        Mistake("slope left out", norms(slope=torch.ones_like)),
        Mistake(
            "wrong slope",
            norms(slope=sigmoid_slope),
            "h (1 - h) is the slope of the sigmoid. ReLU's is 1 where z is above 0, and 0 elsewhere.",
        ),
        Mistake(
            "wrong slope",
            norms(slope=lambda z: (z >= 0).to(z.dtype)),
            "At z = 0 exactly, the slope of ReLU counts as 0.",
        ),
        Mistake(
            "wrong slope", norms(slope=lambda z: z.clamp(min=0)), "The error is multiplied by h itself, not by a slope."
        ),
        Mistake(
            "wrong slope",
            norms(slope=None),
            "The sign of the error decides here. What lets it pass is the sign of z, on the way up.",
        ),
        Mistake(
            "sum for mean",
            lambda x, y, weights: len(x) * reference(x, y, weights),
            "The loss is the mean over the images, so its gradient is divided by N.",
        ),
        Mistake(
            "missing term",
            norms(truth=0.0),
            "The one-hot labels are not subtracted: the error of the logits is softmax minus one-hot.",
        ),
        Mistake("wrong part", norms(bent=True), logits),
        Mistake("wrong part", norms(bent=True, masked=False), logits),
        Mistake(
            "wrong part",
            norms(of_weights=True),
            "These are the norms of the weights' gradients. Asked for are those of the layers' outputs.",
        ),
        Mistake(
            "squared",
            lambda x, y, weights: reference(x, y, weights) ** 2,
            "A norm is the root of the sum of the squares. The root is missing.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


ERROR_NORMS = Exercise(
    id="05.3",
    title="The way back through ReLU",
    skill="You carry the error of an answer back through any number of layers.",
    task="In section 7, `retain_grad` collected the errors $\\delta_l$. Compute them yourself, for a network of ReLU: "
    "up through the layers, then back down, as in section 5. With $h_0 = x$, layer $l$ gives $z_l = h_{l-1} W_l^T$ "
    "without a bias, $h_l$ is the ReLU of $z_l$, and the last $z$ are the logits. Return the norms of all $\\delta_l$, "
    "the gradients of the mean cross-entropy with respect to $z_l$.",
    difficulty=3,
    minutes=12,
    stub='''
def error_norms(x: torch.Tensor, y: torch.Tensor, weights: list[torch.Tensor]) -> torch.Tensor:
    """Norm of the loss's gradient with respect to each layer's z, from the first layer to the last.

    x: (N, n). y: (N,) long. weights: one matrix for each layer, (outputs, inputs). At z = 0 the slope of ReLU is 0.
    Returns one number for each layer.
    """
    ...  # your code here
''',
    hints=(
        "On the way up, keep every z in a list. z.clamp(min=0) is the ReLU.",
        "The last error is (softmax - one-hot) / N. One layer further down it is multiplied by that layer's matrix: "
        "delta @ W, and then by the slope of the ReLU: (z > 0).",
        "Go from the last layer down to layer 1. To get from layer l + 1 to layer l you need the matrix of layer "
        "l + 1 and the z of layer l. Put each new norm in front of the others: norms.insert(0, delta.norm()).",
    ),
    reference="""
def error_norms(x, y, weights):
    h, zs = x, []
    for W in weights:
        zs.append(h @ W.T)
        h = zs[-1].clamp(min=0)
    delta = (zs[-1].softmax(1) - F.one_hot(y, zs[-1].shape[1])) / len(x)
    norms = [delta.norm()]
    for l in range(len(weights) - 1, 0, -1):
        delta = delta @ weights[l] * (zs[l - 1] > 0)
        norms.insert(0, delta.norm())
    return torch.stack(norms)
""",
    explanation="One product and one mask for each layer: this loop is what backward() runs. The matrix of a layer "
    "and the z of the layer below it belong together, which is the place where most slips happen.",
    check=_check_error_norms,
)


def _check_rebuild(learner: Learner, reference: Callable) -> None:
    def rebuilt(train, images, r, *, taken=None, added=None, fitted=None, centre=None):
        """With the mean that is taken off the images, added in the end, and taken off what the SVD sees."""
        mean = train.mean(0)
        fitted = train if fitted is None else fitted
        Vt = np.linalg.svd(fitted - (fitted.mean(0) if centre is None else centre), full_matrices=False)[2]
        taken, added = (mean if m is None else m for m in (taken, added))
        return added + (images - taken) @ Vt[:r].T @ Vt[:r]

    def pictures(seed, count, pixels):
        rng = np.random.default_rng(seed)
        return rng.normal(size=(count, pixels)) * np.linspace(4, 1, pixels) + np.arange(pixels) + seed

    train, few = pictures(1, 9, 5), pictures(2, 4, 7)
    cases = [
        (train, train, 2),
        (train, pictures(3, 6, 5), 2),
        (train, pictures(4, 1, 5), 1),
        (train, pictures(4, 1, 5), 0),
        (few, pictures(5, 3, 7), 3),
        (few, few, 3),
        (train, pictures(6, 5, 5), 5),
    ]
    mistakes = [
        Mistake(
            "fitted on test data",
            lambda t, x, r: rebuilt(t, x, r, taken=x.mean(0), added=x.mean(0)),
            "The mean is that of the images themselves. A single image is its own mean, and comes back untouched. The "
            "mean belongs to the fit: take it from the training images.",
        ),
        Mistake(
            "fitted on test data",
            lambda t, x, r: rebuilt(t, x, r, taken=t.mean(0), added=x.mean(0)),
            "The mean that is added is still that of the images themselves.",
        ),
        Mistake(
            "fitted on test data",
            lambda t, x, r: rebuilt(t, x, r, taken=x.mean(0), added=t.mean(0)),
            "The mean that is subtracted is still that of the images themselves.",
        ),
        Mistake(
            "fitted on test data",
            lambda t, x, r: rebuilt(x, x, r),
            "Mean and components are those of the images themselves.",
        ),
        Mistake(
            "fitted on test data",
            lambda t, x, r: rebuilt(np.concatenate([t, x]), x, r),
            "The images took part in mean and components. Fit on the training images alone.",
        ),
        Mistake("missing term", lambda t, x, r: rebuilt(t, x, r, added=0), "The mean is not added in the end."),
        Mistake("missing term", lambda t, x, r: rebuilt(t, x, r, taken=0), "The mean is not subtracted first."),
        Mistake("missing term", lambda t, x, r: rebuilt(t, x, r, taken=0, added=0), "The mean is left out altogether."),
        Mistake(
            "not centred",
            lambda t, x, r: rebuilt(t, x, r, centre=0),
            "The components are those of training images that are not centred.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


REBUILD = Exercise(
    id="05.4",
    title="Find the bug: too good to be true",
    skill="You find a leak by a result that nobody could reach.",
    task="This function rebuilds images from the principal components of the training images. On the training images "
    "it is right. But it rebuilds any single new photo without the slightest error, with only one component, and even "
    "with none. Find out how it does that, and repair it.",
    difficulty=1,
    minutes=5,
    stub='''
def rebuild(train: np.ndarray, images: np.ndarray, r: int) -> np.ndarray:
    """Images, rebuilt from the first r principal components of the training images.

    train: (N, D). images: (M, D), the training images or others, M at least 1. Returns (M, D).
    """
    mean = images.mean(0)
    _, _, Vt = np.linalg.svd(train - train.mean(0), full_matrices=False)
    return mean + (images - mean) @ Vt[:r].T @ Vt[:r]
''',
    hints=(
        "With r = 0 the sum of components is 0. Where does the image come from then?",
        "What is images.mean(0) if there is one image?",
        "Everything that is fitted belongs to the training images, the mean included.",
    ),
    reference="""
def rebuild(train, images, r):
    mean = train.mean(0)
    _, _, Vt = np.linalg.svd(train - mean, full_matrices=False)
    return mean + (images - mean) @ Vt[:r].T @ Vt[:r]
""",
    explanation="A mean is a fit, too. With many test images the leak is small and hard to see; with one image it is "
    "everything. So test a function that is fitted on one set and applied to another with a single new example.",
    check=_check_rebuild,
)

EXERCISES = (WIDEST, RANK_FOR, ERROR_NORMS, REBUILD)

QUIZ = (
    Question(
        "Three linear layers in a row, 437 → 218 → 27 → 26, with no activation between them. What can they tell apart?",
        (
            Option(
                "As much as one linear layer from 437 to 26 numbers",
                "The product of the matrices is one matrix; here it loses nothing, for 27 is more than 26.",
                right=True,
            ),
            Option("More than one linear layer", "Without an activation, three matrices in a row are one matrix."),
            Option("Nothing at all", "One matrix tells people apart by one template each, as in lesson 04."),
        ),
    ),
    Question(
        "The first principal component of the faces explains 42 % of the variance. What do you know about its use for "
        "telling people apart?",
        (
            Option(
                "It is the most useful one", "PCA has never seen a label. This one shows background and brightness."
            ),
            Option("It is useless", "That cannot be known from the variance either."),
            Option(
                "Nothing yet",
                "What varies most need not differ between people. Compare the variance between people with the whole.",
                right=True,
            ),
        ),
    ),
    Question(
        "A network has five hidden layers of sigmoids and matrices that keep the length of every vector. How much of "
        "the error at the logits can arrive at the first hidden layer, at the very most?",
        (
            Option("A quarter", "That is what one sigmoid leaves at most; the error has to pass five."),
            Option("About a twentieth", "The factors multiply: it is not 5 times 4, but 4 to the power of 5."),
            Option(
                "About a thousandth",
                "Each sigmoid leaves a quarter at most, and 4 to the power of 5 is 1,024.",
                right=True,
            ),
            Option("All of it", "The matrices keep it. Each sigmoid takes three quarters or more."),
        ),
    ),
    Question(
        "A colleague fits scaler and PCA on all 890 images, since no labels are used. In this lesson this hardly "
        "changed the accuracy. What do you say?",
        (
            Option("Do it, more data make a better fit", "The test images stand for images that nobody has yet."),
            Option(
                "Fit on the training images all the same",
                "How much a leak does is different each time, and the error of rebuilt test images was over 100 "
                "times too small.",
                right=True,
            ),
            Option("Leave out the scaler, PCA may see all", "PCA was the part that had learned the test images."),
        ),
    ),
)
