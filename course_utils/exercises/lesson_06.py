"""Exercises and quiz of lesson 06: dropout and normalisation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_dtype, expect_gradient, expect_like, reject
from course_utils.exercises.exercise import Exercise, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_network, expect_probed


def _drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _check_channel_dropout(learner: Learner, reference: Callable) -> None:
    def passes(p, x):
        """Two passes in training mode, the gradient of the first, one in eval mode, and one on a batch of one."""
        layer = learner.answer(p)
        leaf = x.clone().requires_grad_()
        torch.manual_seed(1)
        out = layer(leaf)
        slope = torch.autograd.grad(out.sum(), leaf)[0] if getattr(out, "requires_grad", False) else None
        again, one = layer(x), layer(x[:1, :1])
        return out, slope, again, one, layer.eval()(x)

    x = 1 + _drawn(40, 30, 3, 2).abs()
    for p in (0.35, 0.8, 0.0):
        given = (p, x)
        expect_network(learner, (p,))
        out, slope, again, one, evaluated = learner.inside(passes)(*given)
        for value, like in ((out, x), (again, x), (one, x[:1, :1]), (evaluated, x)):
            if value is None:
                sentence = "forward returns None. Does every way through it end with return and the result?"
                reject(learner, given, "returns None", like, value, sentence)
            if getattr(value, "shape", None) != like.shape:
                sentence = "The result has another shape than the input."
                reject(learner, given, "", tuple(like.shape), getattr(value, "shape", type(value).__name__), sentence)
        _judge_eval(learner, given, evaluated)
        _judge_mask(learner, given, (out.detach() / x), (again.detach() / x))
        if slope is None or not torch.allclose(slope, out.detach() / x):
            sentence = "The gradient does not pass where the output passed, with the same scale."
            reject(learner, given, "gradient lost", None, None, sentence)
    single = learner.inside(lambda p, x: learner.answer(p)(x))
    expect_dtype(single, [(0.5, x.float())], [torch.float32])


def _judge_eval(learner: Learner, given: tuple, evaluated: torch.Tensor) -> None:
    p, x = given
    if torch.allclose(evaluated, x):
        return
    name, sentence = "", "In eval mode the layer has to return its input."
    if (evaluated == 0).any():
        name, sentence = "always training", "In eval mode channels are still dropped. Ask self.training."
    elif torch.allclose(evaluated, x * (1 - p)) or torch.allclose(evaluated, x / (1 - p)):
        name = "forgot the scale"
        sentence = "In eval mode the input is scaled. With inverted scaling it is returned as it is."
    reject(learner, given, name, x[0, :4, 0, 0], evaluated[0, :4, 0, 0], sentence)


def _judge_mask(learner: Learner, given: tuple, ratio: torch.Tensor, again: torch.Tensor) -> None:
    """Look at what became of each number, as a factor: which are dropped, and what the others are multiplied by."""
    p = given[0]
    kept = ratio != 0
    channels = kept[:, :, 0, 0]
    share = 1 - channels.double().mean().item()
    factor = ratio[kept].mean().item() if kept.any() else 0.0
    shares = {"expected": p, "got": share}
    if p > 0:
        if kept.all():
            reject(learner, given, "missing term", **shares, reason="In training mode nothing is dropped.")
        if not (kept == kept[:, :, :1, :1]).all():
            sentence = "Single numbers are dropped. Drop a channel with all of its positions, or keep all of it."
            reject(learner, given, "mask of single numbers", None, None, sentence)
        if (channels == channels[:1]).all():
            reject(learner, given, "one mask for all", None, None)
        if (channels == channels[:, :1]).all():
            sentence = "All channels of an image are dropped together. Each channel is drawn by itself."
            reject(learner, given, "one mask for all", None, None, sentence)
        if p * channels.shape[1] >= 1 and len(set((~channels).sum(1).tolist())) == 1:
            sentence = (
                f"Every image loses {(~channels).sum(1)[0]} of its {channels.shape[1]} channels. Each channel is drawn "
                "by itself, so that their number varies."
            )
            reject(learner, given, "without replacement", **shares, reason=sentence)
        if torch.equal(kept, again != 0):
            sentence = "The same channels are dropped every time. Draw a new mask in each call of forward."
            reject(learner, given, "one mask for all", None, None, sentence)
    if abs(share - p) > 0.07:
        if abs(share - (1 - p)) < 0.07:
            sentence = "p is the probability of being dropped. Here it is that of being kept."
            reject(learner, given, "wrong part", **shares, reason=sentence)
        reject(learner, given, "", **shares, reason="Another share of the channels is dropped than p says.")
    if not torch.allclose(ratio[kept], torch.full_like(ratio[kept], 1 / (1 - p))):
        sentence = f"The channels that are kept are multiplied by {factor:.4g}. With 1 / (1 - p) the mean is kept."
        reject(learner, given, "forgot the scale", 1 / (1 - p), factor, sentence)


CHANNEL_DROPOUT = Exercise(
    id="06.1",
    title="Drop whole channels",
    skill="You write a layer that behaves differently in training and in eval mode.",
    task="In images, neighbouring pixels of a channel are almost equal. Drop one of them, and its neighbours still "
    "tell the network what it was. So for images, whole *channels* are dropped: for each image anew, each channel is "
    "0 at all positions with probability $p$, and otherwise kept, scaled as in section 2.",
    difficulty=2,
    minutes=7,
    stub='''
class ChannelDropout(nn.Module):
    """Dropout of whole channels with inverted scaling, for images of shape (N, C, H, W). p is less than 1."""

    def __init__(self, p: float = 0.5):
        super().__init__()
        ...  # your code here

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, C, H, W). Returns the same shape."""
        ...  # your code here
''',
    hints=(
        "Begin with the Dropout of section 2. Only the mask has another shape.",
        "One number for each image and channel: a mask of shape (N, C, 1, 1). Broadcasting does the rest.",
        "torch.empty(N, C, 1, 1).bernoulli_(1 - p) is 1 with probability 1 - p. N and C are x.shape[0] and x.shape[1].",
    ),
    reference="""
class ChannelDropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        mask = torch.empty(x.shape[0], x.shape[1], 1, 1).bernoulli_(1 - self.p)
        return x * (mask / (1 - self.p))
""",
    explanation="The shape of the mask says what is dropped together. (N, 1, 1, 1) would drop whole images, (1, C, 1, "
    "1) the same channels of all images. PyTorch calls this layer nn.Dropout2d.",
    check=_check_channel_dropout,
)


class _Variant(nn.Module):
    """Batch norm for images, with some things that may be wrong."""

    def __init__(
        self, channels: int, eps: float, momentum: float, wrong: tuple[str, ...] = (), axes: tuple[int, ...] = (0, 2, 3)
    ) -> None:
        super().__init__()
        self.eps, self.momentum, self.wrong, self.axes = eps, momentum, wrong, axes
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wrong = self.wrong
        mean = x.mean(self.axes, keepdim=True)
        variance = x.var(self.axes, correction=int("unbiased" in wrong), keepdim=True)
        if self.training and "never updated" not in wrong:
            self._update(x, mean.detach().flatten(), variance.detach().flatten())
        elif not self.training and "always training" not in wrong:
            mean, variance = self.running_mean.view(-1, 1, 1), self.running_var.view(-1, 1, 1)
        if "constants" in wrong:
            mean, variance = mean.detach(), variance.detach()
        root = variance.sqrt() + self.eps if "eps outside" in wrong else (variance + self.eps).sqrt()
        y = (x - mean) / (variance + self.eps if "not rooted" in wrong else root)
        return y if "no weight" in wrong else y * self.weight.view(-1, 1, 1) + self.bias.view(-1, 1, 1)

    def _update(self, x: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> None:
        if self.axes != (0, 2, 3):
            return
        wrong, m = self.wrong, x.numel() // x.shape[1]
        m = len(x) if "counts images" in wrong else m
        variance = variance if "biased" in wrong or "unbiased" in wrong else variance * m / (m - 1)
        share = 1 - self.momentum if "exchanged" in wrong else self.momentum
        share = 1 if "last batch" in wrong else share
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance.sqrt() if "deviation" in wrong else variance, share)


def _variant(*wrong: str, axes: tuple[int, ...] = (0, 2, 3)) -> Callable:
    return lambda channels, eps, momentum: _Variant(channels, eps, momentum, wrong, axes)


def _check_image_batch_norm(learner: Learner, reference: Callable) -> None:
    def built(answer, channels, eps, momentum):
        layer = answer(channels, eps, momentum)
        layer = layer.double() if isinstance(layer, nn.Module) else layer
        with torch.no_grad():
            layer.weight.copy_(torch.linspace(0.5, 2, channels))
            layer.bias.copy_(torch.linspace(-1, 1, channels))
        return layer.train()

    def at_start(answer, channels, eps, momentum):
        layer = answer(channels, eps, momentum)
        return torch.stack([layer.weight, layer.bias, layer.running_mean, layer.running_var])

    def in_training(answer, channels, eps, momentum, x):
        return built(answer, channels, eps, momentum)(x)

    def in_eval(answer, channels, eps, momentum, batches, x):
        layer = built(answer, channels, eps, momentum)
        for batch in batches:
            layer(batch)
        return layer.eval()(x)

    def gradients(answer, channels, eps, momentum, x):
        layer, leaf = built(answer, channels, eps, momentum), x.clone().requires_grad_()
        found = torch.autograd.grad(layer(leaf).sin().sum(), (leaf, layer.weight, layer.bias))
        return torch.cat([gradient.flatten() for gradient in found])

    def saved(answer, channels, eps, momentum, batches, x):
        layer = built(answer, channels, eps, momentum)
        for batch in batches:
            layer(batch)
        copied = answer(channels, eps, momentum).double().eval()
        copied.load_state_dict(layer.state_dict(), strict=False)
        return copied(x)

    def trained(answer, *arguments):
        return sum(parameter.numel() for parameter in answer(*arguments).parameters())

    def images(*shape):
        return 3 * _drawn(*shape, seed=sum(shape)) + torch.arange(shape[1]).view(-1, 1, 1)

    def buffers_left_out(*given):
        layer = learner.answer(*given)
        found = [getattr(layer, name) for name in ("running_mean", "running_var")]
        return any(
            not isinstance(tensor, nn.Parameter) and not any(tensor is buffer for buffer in layer.buffers())
            for tensor in found
        )

    def buffers_on_the_graph(channels, eps, momentum, x):
        layer = built(learner.answer, channels, eps, momentum)
        layer(x.clone().requires_grad_())
        return any(tensor.requires_grad for tensor in layer.buffers())

    exchanged = "The batch's statistics get the weight `momentum`, the old ones 1 - momentum."
    also = ((), ("biased",), ("counts images",))
    one_batch, batches = images(2, 2, 1, 3)[None] - 1, torch.stack([images(2, 3, 2, 2) + n**2 for n in range(3)])
    expect_network(learner, (3, 1e-5, 0.1))
    expect_probed(
        learner,
        reference,
        at_start,
        [(3, 1e-5, 0.1)],
        [
            Mistake(
                "wrong start value",
                lambda *given: _started(reference, *given, bias=1.0),
                "The bias starts as ones. A new layer only normalises: bias is 0 and weight 1.",
            ),
            Mistake(
                "wrong start value",
                lambda *given: _started(reference, *given, weight=0.0),
                "The weight starts as zeros. A new layer only normalises: weight is 1.",
            ),
        ],
    )
    if learner.inside(buffers_left_out)(3, 1e-5, 0.1):
        sentence = (
            "The running statistics are plain attributes, which are neither saved nor converted with the layer: "
            "register them as buffers."
        )
        reject(learner, (3, 1e-5, 0.1), "no buffer", None, None, sentence)
    expect_probed(
        learner,
        reference,
        in_training,
        [
            (2, 0.1, 0.1, images(2, 2, 1, 3)),
            (3, 1e-5, 0.1, images(4, 3, 2, 5)),
            (3, 0.5, 0.1, images(3, 3, 3, 2)),
            (1, 1e-5, 0.1, images(5, 1, 1, 1)),
        ],
        [
            Mistake(
                "wrong axis",
                _variant(axes=(0,)),
                "Each position has statistics of its own. A channel shares them over all images and positions.",
            ),
            Mistake(
                "wrong axis",
                _variant(axes=(2, 3)),
                "Each image has statistics of its own. A channel shares them over the whole batch.",
            ),
            Mistake(
                "wrong axis",
                _variant(axes=(1, 2, 3)),
                "The channels share their statistics, image by image: this is layer norm.",
            ),
            Mistake("one for all", _variant(axes=(0, 1, 2, 3)), "One mean serves all channels. Each has its own."),
            Mistake(
                "unbiased variance",
                _variant("unbiased"),
                "The batch is divided by the root of the variance with n - 1. In training it is the one with n.",
            ),
            Mistake("epsilon outside the root", _variant("eps outside")),
            Mistake("squared", _variant("not rooted"), "Divided by the variance. Take its root."),
            Mistake("missing term", _variant("no weight"), "weight and bias have no effect."),
            Mistake(
                "missing term",
                lambda channels, eps, momentum: _Variant(channels, 0, momentum),
                "eps has no effect.",
            ),
        ],
    )
    _expect_one_image(learner, reference, in_training, (2, 1e-5, 0.1, images(1, 2, 4, 3)))
    expect_probed(
        learner,
        reference,
        in_eval,
        [
            (2, 1e-5, 0.1, one_batch, images(2, 2, 1, 2)),
            (3, 1e-5, 0.1, batches[:1], images(3, 3, 2, 2)),
            (3, 1e-5, 0.3, batches, images(1, 3, 2, 2)),
            (3, 0.5, 0.1, batches[:0], images(2, 3, 1, 1)),
        ],
        [
            Mistake(
                "always training",
                _variant("always training"),
                "In eval mode the batch's own statistics are used. Use the running ones.",
            ),
            Mistake(
                "biased variance",
                _variant("biased"),
                "The factor m / (m - 1) of the running variance is missing, with m the numbers in a channel of the "
                "batch.",
            ),
            Mistake(
                "wrong divisor",
                _variant("counts images"),
                "In m / (m - 1), m counts images only. It counts all numbers that share the mean: N H W.",
            ),
            *(Mistake("shares exchanged", _variant("exchanged", *more), exchanged) for more in also),
            Mistake(
                "missing term",
                _variant("never updated"),
                "The running statistics stay where they began. Move them in each training step.",
            ),
            Mistake(
                "missing term", _variant("last batch"), "Only the last batch counts. Keep 1 - momentum of the old."
            ),
            Mistake("not squared", _variant("deviation"), "The running deviation is kept where the variance belongs."),
        ],
    )
    expect_probed(
        learner,
        reference,
        gradients,
        [(2, 1e-5, 0.1, images(2, 2, 1, 2)), (3, 0.5, 0.1, images(4, 3, 2, 5))],
        [
            Mistake(
                "gradient lost",
                _variant("constants"),
                "Mean and variance count as constants in the gradient. It has to pass through both of them.",
            ),
        ],
    )
    given = (2, 1e-5, 0.1, images(2, 2, 1, 2))
    if learner.inside(buffers_on_the_graph)(*given):
        sentence = (
            "Where x needs a gradient, the running statistics remember how they were computed, from step to step, and "
            "the layer cannot be copied. Update them under torch.no_grad()."
        )
        reject(learner, given, "no_grad missing", None, None, sentence)
    sentence = "A layer that is loaded from the state_dict has other running statistics: register them as buffers."
    never = Mistake("no buffer", _unsaved(reference), sentence)
    expect_probed(learner, reference, saved, [(3, 1e-5, 0.1, batches, images(2, 3, 2, 2))], [never])
    count = learner.inside(lambda *given: trained(learner.answer, *given))(4, 1e-5, 0.1)
    if count != 8:
        sentence = f"{count} numbers are trained. Only weight and bias are parameters, one number each per channel."
        reject(learner, (4, 1e-5, 0.1), "", 8, count, sentence)


def _expect_one_image(learner: Learner, reference: Callable, probe: Callable, case: tuple) -> None:
    """Reject an answer that cannot be trained with a batch of one image, which is enough for a mean."""
    try:
        expect_probed(learner, reference, probe, [case])
    except Rejected as rejected:
        outcome = rejected.outcome
        if not ("ValueError" in outcome.reason or "ZeroDivisionError" in outcome.reason):
            raise
        reason = f"One image is enough here: m counts N H W numbers. {outcome.reason}"
        raise Rejected(replace(outcome, reason=reason, misconception="wrong divisor")) from None


def _started(reference: Callable, *arguments: object, weight: float = 1.0, bias: float = 0.0) -> nn.Module:
    layer = reference(*arguments)
    nn.init.constant_(layer.weight, weight)
    nn.init.constant_(layer.bias, bias)
    return layer


def _unsaved(reference: Callable) -> Callable:
    """Return the reference with running statistics that are not in its ``state_dict``."""

    def build(*arguments):
        layer = reference(*arguments)
        for name in ("running_mean", "running_var"):
            layer.register_buffer(name, getattr(layer, name), persistent=False)
        return layer

    return build


IMAGE_BATCH_NORM = Exercise(
    id="06.2",
    title="Batch norm for images",
    skill="You write a layer with parameters, buffers and two modes.",
    task="In images, a feature is a channel, and it has $N H W$ numbers in a batch: mean and variance are taken over "
    "all images *and* all positions, one of each per channel. Change the layer of section 3 accordingly. One number "
    "besides the axes has to change, too; a batch of one image is allowed.",
    difficulty=3,
    minutes=12,
    stub='''
class ImageBatchNorm(nn.Module):
    """Batch norm for images of shape (N, C, H, W), with statistics over images and positions.

    Parameters: weight (ones at the start) and bias (zeros). Buffers: running_mean (zeros) and running_var (ones). Each
    has shape (C,) and is registered under this name.
    """

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        ...  # your code here

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, C, H, W). Returns the same shape."""
        ...  # your code here
''',
    hints=(
        "x.mean((0, 2, 3)) has shape (C,). To meet x of shape (N, C, H, W), a vector of C numbers needs the shape "
        "(C, 1, 1): vector.view(-1, 1, 1).",
        "In m / (m - 1), m is how many numbers share a mean: x.numel() // C.",
        "Normalise with the biased variance. Move the running variance towards the unbiased one, by momentum, under "
        "torch.no_grad() and in place: self.running_var.lerp_(variance * m / (m - 1), self.momentum).",
    ),
    reference="""
class ImageBatchNorm(nn.Module):
    def __init__(self, channels, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            m = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * m / (m - 1), self.momentum)
        mean, root, weight, bias = (
            vector.view(-1, 1, 1) for vector in (mean, (variance + self.eps).sqrt(), self.weight, self.bias)
        )
        return (x - mean) / root * weight + bias
""",
    explanation="With many positions, even a single image has a mean, and m / (m - 1) is close to 1. This is "
    "nn.BatchNorm2d, the layer that you will meet in every network for images.",
    check=_check_image_batch_norm,
)


def _check_group_norm(learner: Learner, reference: Callable) -> None:
    def over(shaped, axes, correction=0, outside=False, power=0.5):
        """Normalise ``shaped(x, groups)`` over ``axes``, and lay the result out like x."""

        def wrong(x, groups, eps):
            parts = shaped(x, groups)
            variance = parts.var(axes, correction=correction, keepdim=True)
            root = variance.sqrt() + eps if outside else (variance + eps) ** power
            return ((parts - parts.mean(axes, keepdim=True)) / root).reshape(x.shape)

        return wrong

    def grouped(x, groups):
        return x.reshape(len(x), groups, -1)

    def by_channel(x, groups):
        return x.reshape(len(x), groups, x.shape[1] // groups, -1)

    def interleaved(x, groups):
        return x.reshape(len(x), x.shape[1] // groups, groups, -1)

    def whole(x, groups):
        return x.reshape(len(x), -1)

    def values(*shape, seed=1):
        return _drawn(*shape, seed=seed) * 2 + torch.arange(shape[1]).view(-1, *[1] * (len(shape) - 2))

    cases = [
        (values(2, 4), 2, 0.1),
        (values(3, 6, 2, 4), 2, 1e-5),
        (values(4, 6), 3, 0.5),
        (values(1, 4, 3), 2, 1e-5),
        (values(2, 6, 3, 1), 1, 1e-5),
        (values(2, 4, 2, 2), 4, 0.1),
        (values(5, 8, 3).transpose(0, 2), 4, 1e-5),
        (torch.full((2, 4), 3.0, dtype=torch.float64), 2, 1e-5),
    ]
    mistakes = [
        Mistake("wrong axis", over(whole, 1), "All channels of an image share their statistics: this is layer norm."),
        Mistake(
            "wrong axis",
            over(grouped, (0, 2)),
            "The images of the batch share their statistics. Each image has its own.",
        ),
        Mistake(
            "wrong axis",
            over(grouped, 0),
            "Mean and variance are taken over the batch: this is batch norm. Take them over the group's numbers.",
        ),
        Mistake("wrong axis", over(by_channel, 3), "Each channel has statistics of its own, not each group."),
        Mistake(
            "wrong axis",
            over(by_channel, 2),
            "Each position has statistics of its own. A group shares them over its channels and all positions.",
        ),
        Mistake(
            "wrong place",
            over(interleaved, (1, 3)),
            "The groups hold the wrong channels. Neighbours belong together: the first C / groups are one group.",
        ),
        Mistake(
            "wrong divisor",
            lambda x, groups, eps: reference(x, x.shape[1] // groups, eps),
            "`groups` is how many groups there are, not how many channels one has.",
        ),
        Mistake("unbiased variance", over(grouped, 2, correction=1)),
        Mistake("epsilon outside the root", over(grouped, 2, outside=True)),
        Mistake("missing term", lambda x, groups, eps: reference(x, groups, 1e-5), "eps has no effect."),
        Mistake(
            "missing term",
            lambda x, groups, eps: (grouped(x, groups) - grouped(x, groups).mean(2, keepdim=True)).reshape(x.shape),
            "The mean is taken off, but the spread is left.",
        ),
        Mistake("squared", over(grouped, 2, power=1), "Divided by the variance. Take its root."),
    ]
    expect_like(learner, reference, cases, mistakes)
    constants = Mistake(
        "gradient lost",
        _with_constants,
        "Mean and variance count as constants in the gradient. It has to pass through both of them.",
    )
    expect_gradient(learner, reference, cases[:4], [constants])
    expect_dtype(learner, [(values(2, 4, 3).float(), 2, 1e-5)], [torch.float32])


def _with_constants(x: torch.Tensor, groups: int, eps: float) -> torch.Tensor:
    parts = x.reshape(len(x), groups, -1)
    fixed = parts.detach()
    root = (fixed.var(2, correction=0, keepdim=True) + eps).sqrt()
    return ((parts - fixed.mean(2, keepdim=True)) / root).reshape(x.shape)


GROUP_NORM = Exercise(
    id="06.3",
    title="Groups of channels",
    skill="You decide which numbers share a mean and a variance.",
    task="Layer norm takes its statistics from all channels of an image. *Group norm* cuts the channels into groups of "
    "neighbours, and normalises each group of each image by itself: over its channels, and over all positions if there "
    "are any. Write it as a function, without $\\gamma$ and $\\beta$.",
    difficulty=2,
    minutes=7,
    stub='''
def group_norm(x: torch.Tensor, groups: int, eps: float = 1e-5) -> torch.Tensor:
    """Normalise each group of neighbouring channels of each image to mean 0 and (biased) variance 1.

    x: (N, C) or (N, C, ...), the dots are positions. groups divides C. Returns x's shape.
    """
    ...  # your code here
''',
    hints=(
        "The first C / groups channels are the first group. In what shape would one axis hold all numbers of a group?",
        "x.reshape(N, groups, -1): neighbouring channels, with all of their positions, stand side by side.",
        "Mean and variance over that last axis, with keepdim=True. In the end, reshape(x.shape).",
    ),
    reference="""
def group_norm(x, groups, eps=1e-5):
    parts = x.reshape(len(x), groups, -1)
    mean, variance = parts.mean(2, keepdim=True), parts.var(2, correction=0, keepdim=True)
    return ((parts - mean) / (variance + eps).sqrt()).reshape(x.shape)
""",
    explanation="One group is layer norm; as many groups as channels is called instance norm. None of them knows the "
    "other images of the batch, so a batch of one is no problem.",
    check=_check_group_norm,
)


def _check_judge(learner: Learner, reference: Callable) -> None:
    def called(judge, model, x, y):
        model = copy.deepcopy(model)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return model, judge(model, x, y)

    def answer(*arguments):
        return called(*arguments)[1]

    def modes(*arguments):
        """Whether the modules are in training mode afterwards."""
        return {module.training for module in called(*arguments)[0].modules()}

    def running_means(*arguments):
        return torch.cat([buffer for name, buffer in called(*arguments)[0].named_buffers() if "mean" in name])

    def model(*layers, seed, training):
        network = nn.Sequential(*layers).double().train(training)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for tensor in (*network.parameters(), *network.buffers()):
                if tensor.is_floating_point():
                    tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.1)
        return network

    def with_both(training):
        layers = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.6), nn.Linear(8, 5)
        return model(*layers, seed=2, training=training)

    def dropout_alone(training):
        layers = nn.Linear(4, 9), nn.Sequential(nn.ReLU(), nn.Dropout(0.6)), nn.Linear(9, 7)
        return model(*layers, seed=4, training=training)

    def accuracy(model, x, y):
        with torch.no_grad():
            return (model(x).argmax(1) == y).double().mean().item()

    def case(network, count):
        x = _drawn(count, 4, seed=count)
        with torch.no_grad():
            y = copy.deepcopy(network).eval()(x).argmax(1)
        y[: count // 3] = (y[: count // 3] + 1) % 5
        return network, x, y

    cases = [
        case(with_both(True), 30),
        case(with_both(False), 12),
        case(dropout_alone(True), 31),
        case(with_both(True), 1),
    ]
    missing = (
        "Dropout and batch norm still train. torch.no_grad() only leaves out gradients, and model.training = False "
        "sets the flag of the outermost module alone. Call model.eval() first."
    )
    no_eval = Mistake("eval mode missing", accuracy, missing)
    error = Mistake("wrong part", lambda *given: 1 - reference(*given), "This is the share of wrong answers.")
    expect_probed(learner, reference, answer, cases, [no_eval, error])
    expect_probed(learner, reference, running_means, [case(with_both(True), 30)], [no_eval])

    def remembers(*arguments):
        """Whether autograd was on in a call of the model."""
        found = []
        hook = torch.nn.modules.module.register_module_forward_pre_hook(
            lambda *given: found.append(torch.is_grad_enabled())
        )
        try:
            answer(*arguments)
        finally:
            hook.remove()
        return any(found)

    if learner.inside(partial(remembers, learner.answer))(*cases[0]):
        sentence = "The share is right, but autograd remembers every step: eval mode does not replace torch.no_grad()."
        reject(learner, cases[0], "no_grad missing", "no gradients", "gradients", sentence)
    names = {True: "training mode", False: "eval mode"}
    sentences = {
        True: "The model is left in eval mode: from here on it would train without dropout.",
        False: "The model is always left in training mode, also if it came in eval mode. Ask model.training first.",
    }
    for given in cases:
        came, found = given[0].training, learner.inside(partial(modes, learner.answer))(*given)
        if len(found) > 1:
            sentence = "Some modules are left in another mode than the others. model.train(...) sets all of them."
            reject(
                learner, given, "mode not restored", names[came], "some in training mode, some in eval mode", sentence
            )
        if found != {came}:
            reject(learner, given, "mode not restored", names[came], names[not came], sentences[came])


JUDGE = Exercise(
    id="06.4",
    title="Find the bug: a measurement that changes what it measures",
    skill="You put a network into the right mode, and back.",
    task="This function is called now and then during training. Called twice in a row, it gives two accuracies, and "
    "after each call batch norm's running statistics have moved. Repair it. The model comes in training mode or in "
    "eval mode, and whoever called expects it back in the same mode.",
    difficulty=1,
    minutes=5,
    stub='''
def judge(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """Share of right answers, as the trained network would give them, computed without gradients.

    The model is left as it came. x: (N, n). y: (N,) long.
    """
    with torch.no_grad():
        right = model(x).argmax(1) == y
    return right.double().mean().item()
''',
    hints=(
        "torch.no_grad() is about gradients. Which line tells dropout and batch norm that this is no training?",
        "model.eval() sets the flag of all modules inside. The model should not stay like that.",
        "Keep model.training in a variable before, and hand it to model.train(...) afterwards: model.train(False) is "
        "model.eval().",
    ),
    reference="""
def judge(model, x, y):
    training = model.training
    model.eval()
    with torch.no_grad():
        right = model(x).argmax(1) == y
    model.train(training)
    return right.double().mean().item()
""",
    explanation="no_grad and eval are two different things, and a measurement needs both. A function that sets a mode "
    "puts it back, or the loop that called it trains without dropout from then on.",
    check=_check_judge,
)

EXERCISES = (CHANNEL_DROPOUT, IMAGE_BATCH_NORM, GROUP_NORM, JUDGE)

QUIZ = (
    Question(
        "You test a network with batch norm, and forget model.eval(). What does its answer to an image depend on?",
        (
            Option("On the image alone", "That is what eval mode is for."),
            Option(
                "On the image, and on the other images of the test batch",
                "Mean and variance come from the batch. The running statistics are even changed by the test.",
                right=True,
            ),
            Option("On the image, and on a random mask", "That would be dropout."),
        ),
    ),
    Question(
        "What does torch.no_grad() do to a dropout layer?",
        (
            Option("It switches it off", "model.eval() does that."),
            Option("Nothing: it goes on dropping", "no_grad only leaves out what backward() would need.", right=True),
            Option("It keeps the last mask", "A mask is drawn in every call in training mode."),
        ),
    ),
    Question(
        "In training, a batch holds two images. A feature is 3 for one and 3.5 for the other. What does batch norm "
        "make of it, before weight and bias?",
        (
            Option(
                "About -1 and 1",
                "Of two numbers, each is one deviation from their mean, whatever they are.",
                right=True,
            ),
            Option("-0.25 and 0.25", "The mean is taken off. The division by the deviation, 0.25, is missing."),
            Option("3 and 3.5", "That is the input."),
            Option("0 and 0", "That happens to a batch of one."),
        ),
    ),
    Question(
        "Why does a linear layer need no bias when batch norm follows?",
        (
            Option("Biases make a network overfit", "They are few; that is not the reason."),
            Option(
                "Batch norm subtracts the mean, and any constant with it",
                "So the bias has no effect and no gradient. Batch norm adds one of its own.",
                right=True,
            ),
            Option("ReLU removes it", "ReLU comes after batch norm here, and a bias moves what it lets through."),
        ),
    ),
    Question(
        "One run each: variant A reaches 71 %, variant B 68 %. Runs of one variant differ by about 5 points. Which is "
        "better?",
        (
            Option("A", "Another seed may turn the order round."),
            Option(
                "Nobody can tell yet", "Run both with several seeds, and compare the means with the spread.", right=True
            ),
            Option("They are equal", "A difference of 3 points may be real. One run each cannot show it."),
        ),
    ),
)
