"""Exercises and quiz of lesson 14: EfficientNet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from course_utils.exercises.comparison import Mistake, expect_gradient, expect_like, reject
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_network


def _tensor(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def _check_grouped_cost(learner: Learner, reference: Callable) -> None:
    def cost(c_in, c_out, k, height, width, stride=1, groups=1):
        return ((height - 1) // stride + 1) * ((width - 1) // stride + 1) * c_out * c_in * k * k // groups

    cases = [
        (16, 24, 3, 8, 8, 1, 4),
        (6, 6, 5, 10, 7, 1, 6),
        (8, 12, 3, 9, 6, 2, 2),
        (3, 32, 3, 224, 160, 2, 1),
        (4, 8, 1, 5, 5, 3, 4),
        (12, 6, 3, 7, 12, 4, 3),
        (1, 1, 7, 1, 1, 2, 1),
    ]
    mistakes = [
        Mistake("forgot groups", lambda c, o, k, h, w, s, g: cost(c, o, k, h, w, s)),
        Mistake(
            "forgot groups",
            lambda c, o, k, h, w, s, g: cost(c, o, k, h, w, s) // g**2,
            "The groups are counted twice. All c_out channels are computed; each sees only c_in / groups channels.",
        ),
        Mistake(
            "forgot groups",
            lambda c, o, k, h, w, s, g: cost(c, o, k, h, w, s) * g,
            "Groups make the layer cheaper, not dearer: each output channel sees only c_in / groups channels.",
        ),
        Mistake(
            "missing term",
            lambda c, o, k, h, w, s, g: cost(c, 1, k, h, w, s, g),
            "The output channels are left out. With fewer groups than channels, each output channel has a sum of "
            "its own.",
        ),
        Mistake(
            "forgot stride",
            lambda c, o, k, h, w, s, g: cost(c, o, k, h, w, 1, g),
            "The stride is left out: with stride s, sums are made at every s-th place only, in both directions.",
        ),
        Mistake(
            "forgot stride",
            lambda c, o, k, h, w, s, g: (h * w // s) * o * (c // g) * k * k,
            "The stride is counted once. It thins out the rows and the columns.",
        ),
        Mistake(
            "off by one",
            lambda c, o, k, h, w, s, g: (h // s) * (w // s) * o * (c // g) * k * k,
            "The output sizes are rounded down. With padding k // 2 there is an output at place 0, at s, at 2 s, ...: "
            "9 pixels with stride 2 give 5.",
        ),
        Mistake(
            "missing edge case",
            lambda c, o, k, h, w, s, g: h * w * o * (c // g) * k * k / s**2,
            "The cost is divided by s * s, which is right where the stride fits. Count the outputs: lesson 01's size "
            "formula rounds.",
        ),
        Mistake(
            "forgot padding",
            lambda c, o, k, h, w, s, g: ((h - k) // s + 1) * ((w - k) // s + 1) * o * (c // g) * k * k,
        ),
        Mistake(
            "missing term",
            lambda c, o, k, h, w, s, g: cost(c, o, k, h, w, s, g) // k,
            "A k x k kernel has k * k numbers, not k.",
        ),
        Mistake(
            "wrong axis",
            lambda c, o, k, h, w, s, g: cost(c, o, k, h, h, s, g),
            "The image need not be square: its width is left out.",
        ),
        Mistake(
            "parameters counted",
            lambda c, o, k, h, w, s, g: o * (c // g) * k * k,
        ),
        Mistake(
            "counted twice",
            lambda c, o, k, h, w, s, g: 2 * cost(c, o, k, h, w, s, g),
            "Multiplications and additions are counted apart. A multiply-add is one of each, and counts once.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True)


GROUPED_COST = Exercise(
    id="14.1",
    title="From dense to depthwise",
    skill="You count the multiply-adds of any convolution, with groups and stride.",
    task="Dense and depthwise are the two ends. With `groups=g`, each output channel sees `c_in / g` input channels: "
    "all of them for 1, a single one for `g = c_in`. Write the cost for any number of groups and any stride. The "
    "padding is `k // 2`, with an odd `k`.",
    difficulty=1,
    minutes=6,
    stub='''
def grouped_cost(c_in: int, c_out: int, k: int, height: int, width: int, stride: int = 1, groups: int = 1) -> int:
    """Multiply-adds of a k x k convolution without a bias, for one image.

    height, width: of what goes in, in pixels. k: odd; the padding is k // 2. groups divides c_in and c_out.
    """
    ...  # your code here
''',
    hints=(
        "How many numbers does the layer put out? And how many products is each of them a sum of?",
        "With padding k // 2 and an odd k, lesson 01's formula gives (n - 1) // stride + 1 outputs for n pixels.",
        "Outputs: rows times columns times c_out. Products for each: k * k * (c_in // groups).",
    ),
    reference="""
def grouped_cost(c_in, c_out, k, height, width, stride=1, groups=1):
    rows = (height - 1) // stride + 1
    columns = (width - 1) // stride + 1
    return rows * columns * c_out * (c_in // groups) * k * k
""",
    explanation="The cost is outputs times products for each output. Groups change the second factor, the stride the "
    "first. With groups = c_in = c_out it is the depthwise cost, with groups = 1 the dense one.",
    check=_check_grouped_cost,
)


def _check_squeeze_and_excite(learner: Learner, reference: Callable) -> None:
    def excite(x, W1, b1, W2, b2, *, mean=None, act=F.silu, gate=torch.sigmoid):
        mean = x.mean((2, 3)) if mean is None else mean
        return x * gate(act(mean @ W1.T + b1) @ W2.T + b2)[:, :, None, None]

    def weights_only(x, W1, b1, W2, b2):
        return excite(torch.ones_like(x), W1, b1, W2, b2, mean=x.mean((2, 3)))[:, :, 0, 0]

    def along_width(x, *layers):
        return x * weights_only(x, *layers)[:, None, None]

    def layers(channels, squeezed):
        return (
            _tensor(squeezed, channels),
            _tensor(squeezed),
            _tensor(channels, squeezed),
            _tensor(channels) / 2,
        )

    cases = [
        (_tensor(3, 6, 4, 6), *layers(6, 2)),
        (_tensor(4, 4, 4, 4), *layers(4, 4)),
        (_tensor(2, 3, 1, 3), *layers(3, 1)),
        (_tensor(1, 5, 3, 2), *layers(5, 3)),
        (_tensor(2, 1, 2, 2), *layers(1, 2)),
    ]
    mistakes = [
        Mistake("mixed over the batch", lambda x, *w: excite(x, *w, mean=x.mean((0, 2, 3)).expand(len(x), x.shape[1]))),
        Mistake(
            "mixed over the batch",
            lambda x, *w: excite(x, *w, mean=x[:1].mean((2, 3)).expand(len(x), x.shape[1])),
            "All images get the weights of the first one.",
        ),
        Mistake(
            "wrong axis",
            along_width,
            "The weights are laid along the width. weights[:, None, None] of a tensor (N, C) has the shape "
            "(N, 1, 1, C); a weight for each channel needs (N, C, 1, 1).",
        ),
        Mistake("not applied", weights_only),
        Mistake("sum for mean", lambda x, *w: excite(x, *w, mean=x.sum((2, 3)))),
        Mistake(
            "wrong activation",
            lambda x, *w: excite(x, *w, gate=lambda z: z.softmax(1)),
            "Softmax makes the channels of an image compete. The sigmoid gives each a weight of its own.",
        ),
        Mistake(
            "wrong activation",
            lambda x, *w: excite(x, *w, gate=lambda z: z),
            "The sigmoid is missing: these weights are not between 0 and 1.",
        ),
        Mistake(
            "wrong activation",
            lambda x, *w: excite(x, *w, act=lambda z: z),
            "Swish (silu) between the two linear layers is missing.",
        ),
        Mistake(
            "wrong activation",
            lambda x, *w: excite(x, *w, act=torch.relu),
            "Between the two layers there is a ReLU; swish (silu) was asked for.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    expect_gradient(learner, reference, cases[:1])


SQUEEZE_AND_EXCITE = Exercise(
    id="14.2",
    title="Find the bug: the neighbours in the batch",
    skill="You find a result that depends on the other images of its batch.",
    task="Somebody wrote squeeze-and-excitation as a function and tested it with one image: equal to the layer above. "
    "With two images it still runs, and is wrong: the answer for a cat changes with the picture beside it. Repair it.",
    difficulty=2,
    minutes=7,
    stub='''
def squeeze_and_excite(
    x: torch.Tensor, W1: torch.Tensor, b1: torch.Tensor, W2: torch.Tensor, b2: torch.Tensor
) -> torch.Tensor:
    """Each channel of each image, times its weight. For images in any company the result is the same.

    x: (N, C, H, W). W1: (S, C). b1: (S,). W2: (C, S). b2: (C,). Returns (N, C, H, W).
    """
    mean = x.mean(dim=(0, 2, 3))
    hidden = F.silu(W1 @ mean + b1)
    weights = torch.sigmoid(W2 @ hidden + b2)
    return x * weights[:, None, None]
''',
    hints=(
        "Write down the shape of mean, of hidden and of weights, for N images. Is there a weight for each image?",
        "mean should have the shape (N, C). Over which axes of x is the mean then?",
        "A matrix times each row of a batch is mean @ W1.T, as in nn.Linear. At the end, weights of shape (N, C) need "
        "two more axes behind them: weights[:, :, None, None].",
    ),
    reference="""
def squeeze_and_excite(x, W1, b1, W2, b2):
    mean = x.mean(dim=(2, 3))
    hidden = F.silu(mean @ W1.T + b1)
    weights = torch.sigmoid(hidden @ W2.T + b2)
    return x * weights[:, :, None, None]
""",
    explanation="A mean over axis 0 mixes images. Of the layers in this course only batch norm may do that, and only "
    "in training. Test every layer with a batch: run the images together and one by one, and compare.",
    check=_check_squeeze_and_excite,
)


def _check_stochastic_depth(learner: Learner, reference: Callable) -> None:
    images, calls = 200, 12
    x = torch.rand(images, 2, 2, 3, generator=torch.Generator().manual_seed(14)) + 0.5

    def in_training(p, x):
        torch.manual_seed(0)
        np.random.seed(0)
        layer = learner.answer(p)
        layer.train()
        leaf = x.clone().requires_grad_()
        values = [layer(leaf * 1) for _ in range(calls)]  # a leaf could not be changed in place
        if not all(isinstance(value, torch.Tensor) and value.shape == x.shape for value in values):
            return values[0], None
        lost = not values[0].requires_grad
        gradient = torch.full_like(x, torch.nan) if lost else torch.autograd.grad(values[0].sum(), leaf)[0]
        return torch.stack(values).detach(), gradient

    def in_evaluation(p, x):
        layer = learner.answer(p)
        layer.eval()
        return layer(x)

    expect_network(learner, (0.25,))
    for p in (0.25, 0.6, 0.0):
        given = (p, x)
        values, gradient = learner.inside(in_training)(*given)
        if gradient is None:
            _reject_shape(learner, given, x, values)
        if values.dtype != x.dtype:
            reject(learner, given, "wrong dtype", x.dtype, values.dtype)
        trouble = _trouble_with_drops((values / x).nan_to_num().round(decimals=5), p)
        if trouble:
            reject(learner, given, *trouble)
        if not torch.allclose(gradient, values[0] / x):
            sentence = "The values are right, but no gradient, or a wrong one, gets back to the branch."
            reject(learner, given, "gradient lost", values[0, :4, 0, 0] / x[:4, 0, 0], gradient[:4, 0, 0], sentence)
    for given in ((0.5, x[:4]), (0.9, x[:1])):
        got = learner.inside(in_evaluation)(*given)
        if not isinstance(got, torch.Tensor) or got.shape != given[1].shape:
            _reject_shape(learner, given, given[1], got)
        if not torch.allclose(got, given[1]):
            sentence = "In evaluation mode the branch comes out as it went in: nothing dropped, nothing scaled."
            reject(learner, given, "eval mode missing", given[1][0], got[0], sentence)


def _reject_shape(learner: Learner, given: tuple, x: torch.Tensor, got: object) -> None:
    if got is None:
        reject(learner, given, "returns None", x, None, "forward returns None. Does it end with return and a tensor?")
    shape = tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
    sentence = f"forward should return a tensor of its input's shape, {tuple(x.shape)}; this is {shape}."
    reject(learner, given, "", tuple(x.shape), shape, sentence)


def _trouble_with_drops(factors: torch.Tensor, p: float) -> tuple | None:
    """Say what is wrong with the factors (calls, N, C, H, W) that a layer has multiplied its input by, if anything.

    Returns the name of the misconception, what was expected, what came, and the sentence.
    """
    wanted = f"about {p:.0%} of the images are 0"
    of_image = factors.flatten(2)
    if (factors == 1).all():
        sentence = "In training mode nothing is dropped: the input comes out as it went in."
        return ("missing term", wanted, "none is 0", sentence) if p > 0 else None
    if (of_image.amax(2) != of_image.amin(2)).any():
        what = "channels" if (factors.amax((3, 4)) == factors.amin((3, 4))).all() else "numbers"
        sentence = f"Single {what} are dropped, as in dropout. Stochastic depth drops the whole branch of an image."
        return "single units dropped", "each image is all 0, or not at all", f"single {what} are 0", sentence
    factor = of_image[:, :, 0]
    share = (factor == 0).double().mean(1)
    if p > 0 and ((share == 0) | (share == 1)).all():
        return "whole batch at once", wanted, ", ".join(f"{s:.0%}" for s in share[:4]) + " in the first four calls", ""
    if p > 0 and (factor == factor[:1]).all():
        return (
            "drawn only once",
            "other images in each call",
            "the same images in each call",
            ("The same images are dropped in every call. Draw anew in each forward pass."),
        )
    if p > 0 and (share == share[0]).all():
        sentence = (
            "The same number of images is dropped in every call. Each image is to be drawn for itself: of a single "
            "image, the branch would never be dropped, or always."
        )
        return "wrong share", "another number in each call", f"{share[0]:.1%} of the images in each call", sentence
    found, deviation = share.mean().item(), (p * (1 - p) / factor.numel()) ** 0.5
    if abs(found - p) > 6 * deviation:
        swapped = abs(found - (1 - p)) <= 6 * deviation
        sentence = "" if swapped else "The share of images that are dropped is not p."
        return "kept for dropped" if swapped else "wrong share", wanted, f"{found:.0%} are 0", sentence
    kept, right = factor[factor != 0], 1 / (1 - p)
    if torch.allclose(kept, torch.full_like(kept, right), atol=1e-4):
        return None
    sentence = "What remains is scaled by a wrong factor. The mean over many draws should be that of the input."
    named = {
        1.0: "What remains is not scaled up, so the mean over many draws shrinks. Divide by 1 - p.",
        1 - p: "What remains is scaled down, to 1 - p of its size. Divide by 1 - p.",
        1 / p if p else 0.0: "What remains is divided by p, the share that is dropped. Divide by the share that stays.",
    }
    for value, text in named.items():
        if torch.allclose(kept, torch.full_like(kept, value), atol=1e-4):
            sentence = text
    return "forgot the scale", f"times {right:.3g}", f"times {kept[0]:.3g}", sentence


STOCHASTIC_DEPTH = Exercise(
    id="14.3",
    title="Stochastic depth",
    skill="You write a layer that behaves otherwise in training and in evaluation.",
    task="The package's block computes `x + drop(branch)`. Write the layer `drop`. In training it sets the branch of "
    "each image to 0 with probability $p$, all of it at once, and divides the others by $1 - p$, as lesson 06's "
    "dropout does. In evaluation mode nothing happens.",
    difficulty=2,
    minutes=8,
    stub='''
class StochasticDepth(nn.Module):
    """Drops the branches of images that are drawn at random, anew in each forward pass.

    p: probability of being dropped, 0 or more and less than 1.
    """

    def __init__(self, p: float):
        super().__init__()
        ...  # your code here

    def forward(self, branch: torch.Tensor) -> torch.Tensor:
        """branch: (N, C, H, W), what the residual branches of N images gave. Returns the same shape."""
        ...  # your code here
''',
    hints=(
        "How many random numbers do you need for N images? And what shape must they have, to be multiplied?",
        "torch.rand(len(branch), 1, 1, 1) holds one number from 0 to 1 for each image. Compare it with p.",
        "kept = torch.rand(...) >= self.p; in training, return branch * kept / (1 - self.p). self.training tells the "
        "mode.",
    ),
    reference="""
class StochasticDepth(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, branch):
        if not self.training:
            return branch
        kept = torch.rand(len(branch), 1, 1, 1) >= self.p
        return branch * kept / (1 - self.p)
""",
    explanation="The shape of the random numbers decides what is dropped together: (N, C, H, W) gives dropout, "
    "(N, 1, 1, 1) stochastic depth. A dropped image takes the shortcut, so the network is shallower for it.",
    check=_check_stochastic_depth,
)


def _check_factors_for(learner: Learner, reference: Callable) -> None:
    def factors(phi, alpha, beta, gamma):
        return alpha**phi, beta**phi, gamma**phi

    def phi_of(budget, step):
        return np.log(budget) / np.log(step)

    usual = (1.2, 1.1, 1.15)
    cases = [(10, *usual), (4.0, *usual), (1.0, *usual), (0.5, *usual), (30.0, 1.4, 1.05, 1.2), (3.0, 1.1, 1.3, 1.0)]
    mistakes = [
        Mistake("rounded constant", lambda C, a, b, g: factors(np.log2(C), a, b, g)),
        Mistake("forgot the square", lambda C, a, b, g: factors(phi_of(C, a * b * g), a, b, g)),
        Mistake(
            "forgot the square",
            lambda C, a, b, g: factors(phi_of(C, a * b * g**2), a, b, g),
            "The width counts twice in the cost, for the channels that go in and for those that come out.",
        ),
        Mistake(
            "forgot the square",
            lambda C, a, b, g: factors(phi_of(C, a * b**2 * g), a, b, g),
            "The resolution counts twice in the cost, for rows and for columns.",
        ),
        Mistake(
            "forgot the square",
            lambda C, a, b, g: factors(phi_of(C, (a * b * g) ** 2), a, b, g),
            "The depth is squared as well. Twice as many layers cost twice as much.",
        ),
        Mistake(
            "budget for exponent",
            lambda C, a, b, g: factors(C, a, b, g),
        ),
        Mistake(
            "budget for exponent",
            lambda C, a, b, g: factors(C / (a * b**2 * g**2), a, b, g),
            "The cost grows by a factor with each step of phi. To undo a power, take logarithms; do not divide.",
        ),
        Mistake(
            "budget for exponent",
            lambda C, a, b, g: tuple(phi_of(C, a * b**2 * g**2) * base for base in (a, b, g)),
            "phi is right, but it is an exponent: alpha ** phi, not alpha * phi.",
        ),
        Mistake(
            "inverted",
            lambda C, a, b, g: factors(np.log(a * b**2 * g**2) / np.log(C) if C != 1 else 0, a, b, g),
            "The two logarithms are swapped: phi is log(budget) / log(step).",
        ),
        Mistake(
            "wrong axis",
            lambda C, a, b, g: factors(phi_of(C, a * b**2 * g**2), a, g, b),
            "Width and resolution are swapped. Return depth, width, resolution, in this order.",
        ),
        Mistake(
            "squared",
            lambda C, a, b, g: tuple(
                f**n for f, n in zip(factors(phi_of(C, a * b**2 * g**2), a, b, g), (1, 2, 2), strict=True)
            ),
            "These are the shares of the cost. The factors of width and resolution themselves are not squared.",
        ),
        Mistake(
            "rounded constant",
            lambda C, a, b, g: factors(np.round(phi_of(C, a * b**2 * g**2)), a, b, g),
            "phi is rounded. It need not be a whole number.",
        ),
        Mistake("not transformed", lambda C, a, b, g: phi_of(C, a * b**2 * g**2), "This is phi. Return three factors."),
    ]
    expect_like(learner, reference, cases, mistakes)


FACTORS_FOR = Exercise(
    id="14.4",
    title="A network for a budget",
    skill="You turn a budget of multiply-adds into depth, width and resolution.",
    task="You may spend `budget` times the multiply-adds of B0. Find the $\\varphi$ whose cost is exactly that, with "
    "the exact value of $\\alpha\\,\\beta^2\\gamma^2$ instead of 2, and return the three factors. Nothing is rounded.",
    difficulty=2,
    minutes=6,
    stub='''
def factors_for(
    budget: float, alpha: float = 1.2, beta: float = 1.1, gamma: float = 1.15
) -> tuple[float, float, float]:
    """Factors of depth, width and resolution that make a network `budget` times as costly, by compound scaling.

    budget: above 0; below 1 the network becomes smaller than B0.
    """
    ...  # your code here
''',
    hints=(
        "By which factor does the cost grow with one step of phi? And with phi steps?",
        "(alpha * beta**2 * gamma**2) ** phi = budget. Take the logarithm of both sides.",
        "phi = np.log(budget) / np.log(alpha * beta**2 * gamma**2). The factors are powers of alpha, beta and gamma.",
    ),
    reference="""
def factors_for(budget, alpha=1.2, beta=1.1, gamma=1.15):
    phi = np.log(budget) / np.log(alpha * beta**2 * gamma**2)
    return alpha**phi, beta**phi, gamma**phi
""",
    explanation="d · w² · r² is the budget again: depth counts once, width and resolution twice. One number decides "
    "about all three, and a real network then rounds layers and channels.",
    check=_check_factors_for,
)

EXERCISES = (GROUPED_COST, SQUEEZE_AND_EXCITE, STOCHASTIC_DEPTH, FACTORS_FOR)

QUIZ = (
    Question(
        "You replace a dense 3 × 3 convolution from 256 to 256 channels by a depthwise-separable one. Where does most "
        "of its remaining cost lie?",
        (
            Option("In the depthwise part", "9 products for each number, against 256 in the other part."),
            Option(
                "In the 1 × 1 part",
                "256 products for each number; the depthwise part has 9. Mixing channels is what costs.",
                right=True,
            ),
            Option("Half in each", "The ratio is that of k² and the output channels: 9 to 256."),
        ),
    ),
    Question(
        "Why does the last convolution of MBConv have no activation?",
        (
            Option("To save time", "An activation costs next to nothing beside a convolution."),
            Option(
                "Because the narrow end would lose information",
                "A ReLU sets part of the few channels to 0. They are all that the next block gets.",
                right=True,
            ),
            Option(
                "Because a shortcut cannot follow an activation",
                "It can: ResNet's blocks put one after the sum.",
            ),
            Option(
                "Because batch norm is an activation already",
                "In evaluation mode batch norm is linear: a factor and a shift for each channel.",
            ),
        ),
    ),
    Question(
        "You double the width of B0, all channels of it. By how much do parameters and multiply-adds of its 1 × 1 "
        "convolutions grow?",
        (
            Option("Both by 2", "Each of twice as many outputs also sees twice as many inputs."),
            Option(
                "Both by 4",
                "C_in times C_out is in both. Only a higher resolution leaves the parameters as they are.",
                right=True,
            ),
            Option("Parameters by 2, multiply-adds by 4", "Both contain the product of the two channel counts."),
            Option("Parameters by 4, multiply-adds by 2", "Both contain the product of the two channel counts."),
        ),
    ),
    Question(
        "Your EfficientNet has exactly as many parameters as torchvision's. What does that show?",
        (
            Option(
                "That it is the same network",
                "Swish and ReLU have no parameters at all, and a wrong stride changes no count.",
            ),
            Option(
                "That no layer has the wrong number of channels, probably",
                "It is a hint. Strides, activations, padding and order do not show in it; copied weights and equal "
                "outputs do.",
                right=True,
            ),
            Option("Nothing", "A wrong number of channels somewhere would hardly give the same sum."),
        ),
    ),
    Question(
        "Network A needs a fifth of the multiply-adds of network B. How much faster does it run?",
        (
            Option("Five times", "Only if both do equally many multiply-adds in a second."),
            Option(
                "That has to be measured",
                "Depthwise layers wait for memory, dense ones for arithmetic; it depends on layers and device.",
                right=True,
            ),
            Option("Not at all", "Fewer multiply-adds usually help, but by less than the count says."),
        ),
    ),
)
