"""Exercises and quiz of lesson 11: GoogLeNet."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_like, reject
from course_utils.exercises.exercise import Exercise, NotYet, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_network, expect_probed, expect_same_network, give_weights_by_shape


def _tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape) + seed))


def _check_shrink(learner: Learner, reference: Callable) -> None:
    def block(
        norm=True,
        relu=True,
        norm_between=True,
        relu_between=True,
        norm_first=True,
        pool=lambda: nn.MaxPool2d(3, stride=2, padding=1),
        strides=(1, 2),
        join=lambda convolved, pooled: torch.cat([convolved, pooled], dim=1),
    ):
        def conv(before, after, k, stride, last=False):
            behind = (norm and (last or norm_between)) * [nn.BatchNorm2d(after)]
            behind += (relu and (last or relu_between)) * [nn.ReLU()]
            return nn.Sequential(nn.Conv2d(before, after, k, stride, k // 2), *behind[:: 1 if norm_first else -1])

        class Shrink(nn.Module):
            def __init__(self, before, reduce, three):
                super().__init__()
                self.convolved = nn.Sequential(
                    conv(before, reduce, 1, strides[0]), conv(reduce, three, 3, strides[1], last=True)
                )
                self.pooled = pool()

            def forward(self, x):
                return join(self.convolved(x), self.pooled(x))

        return Shrink

    cases = [
        (4, 3, 4, _tensor(2, 4, 6, 6)),
        (4, 3, 6, _tensor(2, 4, 8, 8)),
        (5, 2, 3, _tensor(1, 5, 7, 9)),
        (1, 2, 4, _tensor(1, 1, 6, 5)),
    ]
    mistakes = [
        Mistake("layer left out", block(norm=False), "There is no batch norm behind the convolutions."),
        Mistake("layer left out", block(relu=False), "There is no ReLU behind the convolutions."),
        Mistake("layer left out", block(norm=False, relu=False), "The convolutions have neither batch norm nor ReLU."),
        *(
            Mistake(
                "layer left out",
                block(relu_between=False, norm_between=norm_between),
                "There is no ReLU between the 1 × 1 and the 3 × 3. Without it, the two are one linear layer.",
            )
            for norm_between in (True, False)
        ),
        Mistake("layer left out", block(norm_between=False), "There is no batch norm behind the 1 × 1."),
        Mistake("wrong order", block(norm_first=False), "Batch norm stands between a convolution and its ReLU."),
        Mistake(
            "wrong order",
            block(join=lambda convolved, pooled: torch.cat([pooled, convolved], dim=1)),
            "The branches are joined in the wrong order: first the convolutions, then the pool.",
        ),
        Mistake(
            "mean for maximum",
            block(pool=lambda: nn.AvgPool2d(3, 2, 1)),
            "The pool takes means. It was to take maxima.",
        ),
        Mistake(
            "mean for maximum",
            block(pool=lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
            "The pool takes means. It was to take maxima.",
        ),
        *(
            Mistake(
                "wrong place",
                block(pool=lambda up=up: nn.MaxPool2d(2, ceil_mode=up)),
                "The pool's windows have 2 × 2 pixels. Take 3 × 3, with stride 2 and padding 1.",
            )
            for up in (False, True)
        ),
        Mistake("forgot stride", block(strides=(1, 1), pool=lambda: nn.MaxPool2d(3, 1, 1))),
        Mistake(
            "wrong place",
            block(strides=(2, 1)),
            "The stride is in the 1 × 1: it looks at every second pixel of every second row, and three quarters of the "
            "input count for nothing. Put it into the 3 × 3.",
        ),
        Mistake("sum for concatenation", block(join=lambda convolved, pooled: convolved + pooled)),
        *(
            Mistake(
                "wrong axis",
                block(join=lambda convolved, pooled, dim=dim: torch.cat([convolved, pooled], dim=dim)),
                f"The branches are joined along {name}. The channels are dimension 1.",
            )
            for dim, name in ((0, "the batch"), (2, "the height"), (3, "the width"))
        ),
    ]
    expect_same_network(learner, reference, cases, mistakes)


SHRINK = Exercise(
    id="11.1",
    title="A block that shrinks the map",
    skill="You write a block with branches of your own design.",
    task="Between its stages, GoogLeNet has a bare max pool. Its successors put a block there: a max pool throws "
    "details away, so that convolutions look at them beside it. Write the block `Shrink` with two branches:\n\n"
    "1. a 1 × 1 convolution to `reduce` channels, then a 3 × 3 with stride 2 and padding 1 to `three` channels; each "
    "of the two has a batch norm and a ReLU behind it;\n"
    "2. a max pool of 3 × 3 pixels with stride 2 and padding 1.\n\n"
    "Join the branches along the channels, in this order.",
    difficulty=2,
    minutes=8,
    stub='''
class Shrink(nn.Module):
    """Block that halves height and width (rounded up), and adds `three` channels to those that come in.

    before: channels of the input, (N, before, H, W). Returns (N, three + before, ceil(H / 2), ceil(W / 2)).
    """

    def __init__(self, before: int, reduce: int, three: int):
        super().__init__()
        ...  # your code here

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Both branches' outputs, joined along the channels."""
        ...  # your code here
''',
    hints=(
        "Write two attributes in __init__, one for each branch, and use both on x in forward.",
        "The first branch is an nn.Sequential of six modules. nn.Conv2d takes stride=2.",
        "torch.cat([...], dim=1) joins along the channels. The second branch keeps the channels that came in.",
    ),
    reference="""
class Shrink(nn.Module):
    def __init__(self, before, reduce, three):
        super().__init__()
        self.convolved = nn.Sequential(
            nn.Conv2d(before, reduce, 1),
            nn.BatchNorm2d(reduce),
            nn.ReLU(),
            nn.Conv2d(reduce, three, 3, stride=2, padding=1),
            nn.BatchNorm2d(three),
            nn.ReLU(),
        )
        self.pooled = nn.MaxPool2d(3, stride=2, padding=1)

    def forward(self, x):
        return torch.cat([self.convolved(x), self.pooled(x)], dim=1)
""",
    explanation="Branches have to agree in height and width, and may differ in channels. Both have the same kernel, "
    "stride and padding here, so that they agree for odd sizes too. The stride belongs to the 3 × 3, whose windows "
    "overlap: a 1 × 1 with stride 2 would not look at three quarters of the pixels at all.",
    check=_check_shrink,
)


def _check_widest_reduction(learner: Learner, reference: Callable) -> None:
    def bound(before, after, k):
        return before * after * k**2 / (before + after * k**2)

    cases = [
        (192, 32, 5),
        (192, 128, 3),
        (4, 1, 2),
        (6, 12, 1),
        (9, 1, 3),
        (480, 48, 5),
        (3, 64, 7),
        (2, 2, 1),
        (2, 3, 1),
        (1, 7, 3),
    ]
    mistakes = [
        Mistake(
            "off by one",
            lambda b, a, k: int(bound(b, a, k)),
            "With this reduction the two cost the same, for some layers. It was to be cheaper.",
        ),
        Mistake(
            "off by one", lambda b, a, k: reference(b, a, k) + 1, "This reduction does not save anything any more."
        ),
        Mistake("off by one", lambda b, a, k: int(bound(b, a, k)) + 1, "This reduction costs more."),
        *(
            Mistake(
                "off by one",
                lambda b, a, k, least=least: max(int(bound(b, a, k)) - 1, least),
                "One more channel would still be cheaper.",
            )
            for least in (-1, 0)
        ),
        *(
            Mistake(
                "missing term",
                lambda b, a, k, less=less: (b * a * k**2 - less) // (b + a),
                "The k × k behind the reduction costs R · after · k².",
            )
            for less in (1, 0)
        ),
        Mistake(
            "missing term",
            lambda b, a, k: b - 1,
            "The price of the 1 × 1 itself is left out: before · R multiply-adds per pixel.",
        ),
        Mistake(
            "squared",
            lambda b, a, k: reference(b, a / k, k),
            "A kernel has k² weights for each pair of channels, not k.",
        ),
        Mistake(
            "missing term",
            lambda b, a, k: reference(b, a / k**2, k),
            "The size of the kernel is left out: k² weights for each pair of channels.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True)


WIDEST_REDUCTION = Exercise(
    id="11.2",
    title="When does a reduction pay?",
    skill="You turn two prices into the point where they meet.",
    task="A reduction to few channels saves a lot. A reduction to too many costs more than the kernel alone. Find the "
    "largest number of channels $R$ with which the reduced branch is still *cheaper* than the direct one; 0 if there "
    "is none.",
    difficulty=2,
    minutes=6,
    stub='''
def widest_reduction(before: int, after: int, k: int) -> int:
    """Largest R for which a 1 x 1 from `before` to R channels and a k x k from R to `after` cost less than a k x k.

    Cost: multiply-adds per pixel. The direct k x k goes from `before` to `after` channels. Returns a whole number.
    """
    ...  # your code here
''',
    hints=(
        "Write both prices from this section as functions of R. One of them does not depend on R.",
        "before R + R after k² < before after k². Or let a loop try R = 1, 2, 3, ...",
        "R < before after k² / (before + after k²). If that is a whole number itself, R is one less: with whole "
        "numbers, (direct - 1) // (before + after * k**2).",
    ),
    reference="""
def widest_reduction(before, after, k):
    direct = before * after * k**2
    per_channel = before + after * k**2
    return (direct - 1) // per_channel
""",
    explanation="R must stay below before · after k² / (before + after k²): always less than before, and less than "
    "after k². For 192 channels, a 5 × 5 and 32 outputs it is 154. GoogLeNet takes 16, so far below that nobody needed "
    "the formula; it tells you that a reduction to 160 would have been a loss.",
    check=_check_widest_reduction,
)


def _check_two_branches(learner: Learner, reference: Callable) -> None:
    def state(answer, *sizes):
        """Numbers in the parameters, and in all that is saved with the network."""
        network = answer(*sizes)
        return [sum(p.numel() for p in network.parameters()), sum(t.numel() for t in network.state_dict().values())]

    def other_images(answer, before, one, three, x):
        """The first image's output after training on a batch: alone, and together with the others."""
        network = give_weights_by_shape(answer(before, one, three)).double().train()
        network(x)
        network.eval()
        return torch.cat([network(x[:1]), network(x)[:1]])

    class Frozen(reference):
        """The norms are never in training mode."""

        def train(self, mode=True):
            super().train(mode)
            for norm in self.modules():
                if isinstance(norm, nn.BatchNorm2d):
                    norm.eval()
            return self

    sizes = [(3, 4, 5), (1, 3, 2), (6, 1, 3)]
    expect_network(learner, sizes[0])
    for size in sizes:
        got, expected = learner.inside(lambda *given: state(learner.answer, *given))(*size), state(reference, *size)
        if got[0] < expected[0]:
            reason = (
                f"Modules are still hidden: the block knows of {got[0]} parameters, and saves {got[1]} numbers. With "
                f"both batch norms it would be {expected[0]} and {expected[1]}."
            )
            reject(learner, size, "sub-modules in a list", expected, got, reason)
    cases = [(*size, _tensor(4, size[0], 5, 6)) for size in sizes]
    mistakes = [
        Mistake(
            "always training",
            _Always,
            "In eval mode, an image's answer still depends on the other images of its batch.",
        ),
        Mistake(
            "left in eval mode", Frozen, "The batch norms are in eval mode always. In training, they use the batch."
        ),
    ]
    expect_same_network(learner, reference, cases, mistakes)
    expect_probed(learner, reference, other_images, cases, mistakes)


class _Always(nn.Module):
    """Two branches whose norms use the batch in either mode."""

    def __init__(self, before, one, three):
        super().__init__()
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(before, one, 1, bias=False), nn.Conv2d(before, three, 3, padding=1, bias=False)]
        )
        self.norms = nn.ModuleList(
            [nn.BatchNorm2d(one, track_running_stats=False), nn.BatchNorm2d(three, track_running_stats=False)]
        )

    def forward(self, x):
        return torch.cat([norm(conv(x)).relu() for conv, norm in zip(self.convolutions, self.norms)], dim=1)


TWO_BRANCHES = Exercise(
    id="11.3",
    title="Find the bug: one image, two answers",
    skill="You find modules that are hidden from their network when others are not.",
    task="This block has parameters, it trains, and its loss falls. But in `eval()` mode an image gets one answer "
    "alone, and another one together with other images. And when the weights are loaded from a file, the accuracy is "
    "not the one that was saved. Find out why, and repair it.",
    difficulty=2,
    minutes=5,
    stub='''
class TwoBranches(nn.Module):
    """A 1 x 1 and a 3 x 3 convolution side by side, each with batch norm and ReLU, joined along the channels."""

    def __init__(self, before: int, one: int, three: int):
        super().__init__()
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(before, one, 1, bias=False), nn.Conv2d(before, three, 3, padding=1, bias=False)]
        )
        self.norms = {"one": nn.BatchNorm2d(one), "three": nn.BatchNorm2d(three)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = [norm(conv(x)) for conv, norm in zip(self.convolutions, self.norms.values())]
        return torch.cat(outputs, dim=1).relu()
''',
    hints=(
        "print(block) shows the modules that the block knows of. Which are missing?",
        "block.eval() tells every registered module to change its mode. A plain dict is as opaque as a plain list.",
        "nn.ModuleList in the place of the dict registers the norms; so does nn.ModuleDict, or an attribute for each.",
    ),
    reference="""
class TwoBranches(nn.Module):
    def __init__(self, before, one, three):
        super().__init__()
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(before, one, 1, bias=False), nn.Conv2d(before, three, 3, padding=1, bias=False)]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(one), nn.BatchNorm2d(three)])

    def forward(self, x):
        outputs = [norm(conv(x)) for conv, norm in zip(self.convolutions, self.norms)]
        return torch.cat(outputs, dim=1).relu()
""",
    explanation="The norms stayed in training mode, kept their first scale and offset, and were not saved. That the "
    "block had parameters hid the bug: a count has to be compared with the number that you expect, not with 0.",
    check=_check_two_branches,
)


def _check_as_convolution(learner: Learner, reference: Callable) -> None:
    def converted(view=lambda w, o, c, k: w.view(o, c, k, k), padding=0, stride=1, bias=True):
        def as_convolution(linear, channels):
            k = round((linear.in_features / channels) ** 0.5)
            convolution = nn.Conv2d(channels, linear.out_features, k, stride, padding, bias=linear.bias is not None)
            with torch.no_grad():
                convolution.weight.copy_(view(linear.weight, linear.out_features, channels, k))
                if linear.bias is not None:
                    convolution.bias.copy_(linear.bias if bias else torch.zeros_like(linear.bias))
            return convolution.to(linear.weight.dtype)

        return as_convolution

    def probe(answer, linear, channels, maps):
        network = answer(linear, channels)
        if linear.bias is None and isinstance(network, nn.Module):
            for convolution in network.modules():
                if isinstance(convolution, nn.Conv2d) and convolution.bias is not None and convolution.bias.any():
                    reject(
                        learner,
                        (linear, channels),
                        "missing edge case",
                        "no bias",
                        f"a bias of {convolution.bias.numel()} numbers",
                        "The linear layer has no bias, but the convolution has one, of random numbers: bias=False.",
                    )
        return network(maps)

    def layer(channels, k, outputs, bias=True):
        linear = nn.Linear(channels * k * k, outputs, bias=bias).double()
        with torch.no_grad():
            for number, parameter in enumerate(linear.parameters()):
                parameter.copy_(_tensor(*parameter.shape, seed=number))
        return linear

    cases = [
        (layer(2, 3, 4), 2, _tensor(2, 2, 3, 3)),
        (layer(3, 2, 5), 3, _tensor(1, 3, 4, 6)),
        (layer(4, 1, 3), 4, _tensor(2, 4, 2, 3)),
        (layer(1, 5, 1), 1, _tensor(1, 1, 7, 5)),
        (layer(2, 2, 2, bias=False), 2, _tensor(3, 2, 5, 3)),
    ]
    mistakes = [
        Mistake(
            "channels last",
            converted(lambda w, o, c, k: w.view(o, k, k, c).permute(0, 3, 1, 2)),
            "The weights are read as (k, k, channels). Flatten has put the channels first: (channels, k, k).",
        ),
        Mistake(
            "wrong axis",
            converted(lambda w, o, c, k: w.view(o, c, k, k).transpose(2, 3)),
            "Rows and columns of the kernel are swapped.",
        ),
        Mistake(
            "flipped kernel",
            converted(lambda w, o, c, k: w.view(o, c, k, k).flip(2, 3)),
            "The kernel is flipped. PyTorch's convolution does not flip, so that the weights stay where they are.",
        ),
        Mistake("missing term", converted(bias=False), "The bias is left out."),
        Mistake(
            "wrong padding",
            converted(padding=1),
            "There is padding. The linear layer met each number of the map once, and no zeros around it.",
        ),
    ]
    size = cases[0][:2]
    expect_network(learner, size)
    expect_probed(learner, reference, probe, cases, mistakes)

    def left_as_it_was(linear, channels):
        before = copy.deepcopy(linear)
        learner.answer(linear, channels)
        same = [a.shape == b.shape and torch.equal(a, b) for a, b in zip(before.parameters(), linear.parameters())]
        return all(same) and all(p.requires_grad for p in linear.parameters())

    if not learner.inside(left_as_it_was)(*cases[1][:2]):
        reason = (
            "The answers are right. But the linear layer itself has been changed, and its owner still needs it: give "
            "the convolution a weight of its own, nn.Parameter(linear.weight.detach().view(...))."
        )
        reject(learner, cases[1][:2], "changes its input", "the layer as it came", "another one", reason)
    kept = learner.inside(lambda linear, channels: _weights(learner.answer(linear, channels)))(*cases[1][:2])
    expected = _weights(reference(*cases[1][:2]))
    if kept != expected:
        reason = (
            f"The answers are right. But the layer has {kept} numbers that an optimizer finds, where the linear layer "
            f"has {expected}: the weights are to be parameters of what you return."
        )
        raise Rejected(NotYet(reason, "", learner.call_text(cases[1][:2]), expected, kept))


def _weights(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


AS_CONVOLUTION = Exercise(
    id="11.4",
    title="A linear layer that takes any size",
    skill="You rewrite a linear layer on a flattened map as a convolution.",
    task="VGG's first linear layer takes a map of exactly 7 × 7 pixels, which is why the image has to have 224 × 224. "
    "GoogLeNet averages instead. There is a third way: a linear layer on a flattened map of C × k × k numbers *is* a "
    "k × k convolution that has room for one position only. Turn a given linear layer into that convolution, with the "
    "same weights. On a larger map it then gives a map of answers.",
    difficulty=2,
    minutes=8,
    stub='''
def as_convolution(linear: nn.Linear, channels: int) -> nn.Conv2d:
    """Convolution without padding that gives what `linear` gives on a flattened map of channels x k x k numbers.

    linear: nn.Linear(channels * k * k, out), with a bias or without; its weights are (out, channels * k * k). What you
    return takes maps (N, channels, H, W) of k x k pixels or more, and gives (N, out, H - k + 1, W - k + 1). Keep the
    dtype.
    """
    ...  # your code here
''',
    hints=(
        "k follows from linear.in_features and channels. Lesson 10 did this for k = 1, the other way round.",
        "nn.Flatten puts channel 0 first, row by row, then channel 1. So the weights are (out, channels, k, k) "
        "already; they only need another view.",
        "convolution.weight.data = linear.weight.data.view(out, channels, k, k), and the bias as it is. "
        "nn.Conv2d takes bias=False.",
    ),
    reference="""
def as_convolution(linear, channels):
    k = round((linear.in_features / channels) ** 0.5)
    convolution = nn.Conv2d(channels, linear.out_features, k, bias=linear.bias is not None)
    convolution.weight.data = linear.weight.data.view(linear.out_features, channels, k, k)
    if linear.bias is not None:
        convolution.bias.data = linear.bias.data
    return convolution
""",
    explanation="Same weights, same answers, and no fixed image size any more: a larger image gives an answer for each "
    "position of a 7 × 7 window on the last map, and their mean is an answer for the whole image. That was how VGG's "
    "authors tested their networks on images of several sizes.",
    check=_check_as_convolution,
)

EXERCISES = (SHRINK, WIDEST_REDUCTION, TWO_BRANCHES, AS_CONVOLUTION)

QUIZ = (
    Question(
        "A 5 × 5 branch from 192 to 32 channels gets a 1 × 1 reduction to 16. What can it compute now?",
        (
            Option(
                "The same as before, faster", "Two linear steps through 16 channels cannot make all kernels of 192."
            ),
            Option(
                "Less of what a 5 × 5 could, and something new",
                "All 192 channels go through 16 mixtures: that restricts it. The ReLU in between adds what one "
                "convolution does not have.",
                right=True,
            ),
            Option(
                "More than before, as it has a layer more",
                "A layer more is no guarantee: 16 channels are a bottleneck.",
            ),
        ),
    ),
    Question(
        "Why does the pool branch need its 1 × 1 behind it?",
        (
            Option(
                "To give the pool weights to train", "That it does too, but it is not what the block would suffer from."
            ),
            Option("To keep height and width", "Stride 1 and padding 1 do that."),
            Option(
                "To choose how many channels the branch adds",
                "A pool puts out what it gets. Joined with the others, the channels would grow with every block.",
                right=True,
            ),
        ),
    ),
    Question(
        "A test runs one step of SGD and asks whether *any* parameter of your new block has moved. It passes. Could a "
        "branch still be unregistered?",
        (
            Option(
                "No: an unregistered branch raises an error",
                "Nothing is raised. The branch computes, and is not trained.",
            ),
            Option(
                "Yes",
                "One registered branch that moves is enough for the test. Ask for the number of parameters that you "
                "have computed on paper.",
                right=True,
            ),
            Option(
                "No: a branch without registration gets no gradient",
                "It does get one. But the optimizer does not know it.",
            ),
        ),
    ),
    Question(
        "GoogLeNet ends with a mean over the whole map and one linear layer. You feed it images twice as wide and "
        "high. What happens?",
        (
            Option("An error: the linear layer does not fit", "That is VGG. The mean gives 1,024 numbers for any map."),
            Option(
                "It runs, with as many parameters, and about four times the work",
                "The work grows with the pixels; neither kernels nor the linear layer depend on them.",
                right=True,
            ),
            Option("It runs, with the same work", "Every convolution has four times as many positions now."),
        ),
    ),
    Question(
        "In one table, network A has 97.0 % with 7 million parameters, B 96.5 % with 0.1 million, on 665 images. What "
        "does the table say?",
        (
            Option(
                "A is the better network", "0.5 points of 665 are three images. The intervals overlap almost entirely."
            ),
            Option(
                "B is the better network", "It is smaller. Whether it is as accurate, 665 images do not tell exactly."
            ),
            Option(
                "B is far smaller, and these images show no difference in accuracy",
                "Size is a fact, and counted exactly. The difference in accuracy is well within chance.",
                right=True,
            ),
        ),
    ),
)
