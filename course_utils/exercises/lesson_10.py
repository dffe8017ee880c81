"""Exercises and quiz of lesson 10: VGG."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from course_utils.exercises.comparison import (
    MISCONCEPTIONS,
    Mistake,
    expect_dtype,
    expect_gradient,
    expect_like,
    reject,
)
from course_utils.exercises.exercise import Exercise, NotYet, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_network, expect_same_network


def _tensor(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape) + seed))


def _output(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Output of a network; if its convolutions do not fit together, say so instead of how PyTorch says it."""
    try:
        return network(x)
    except RuntimeError:
        before = x.shape[1]
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d):
                if layer.in_channels != before:
                    reason = (
                        f"{MISCONCEPTIONS['channels not chained']} Here, a convolution takes {layer.in_channels} and "
                        f"gets {before}."
                    )
                    raise Rejected(
                        NotYet(reason, "channels not chained", expected=before, got=layer.in_channels)
                    ) from None
                before = layer.out_channels
        raise


def _check_network_of(learner: Learner, reference: Callable) -> None:
    def built(norm=True, relu=True, relu_first=False, padding=lambda k: k // 2, pool=nn.MaxPool2d):
        def network_of(column, inputs=3):
            layers = []
            for word in column:
                if word == "maxpool":
                    layers.append(pool(2))
                    continue
                k, channels = map(int, word[4:].split("-"))
                behind = norm * [nn.BatchNorm2d(channels)] + relu * [nn.ReLU()]
                layers += [nn.Conv2d(inputs, channels, k, padding=padding(k)), *behind[:: -1 if relu_first else 1]]
                inputs = channels
            return nn.Sequential(*layers)

        return network_of

    deep = ["conv3-4", "conv3-5", "maxpool", "conv3-7", "conv1-12", "maxpool"]
    cases = [
        (["conv3-4", "maxpool"], 3, _tensor(1, 3, 6, 6)),
        (deep, 3, _tensor(2, 3, 8, 8)),
        (["conv1-5"], 1, _tensor(1, 1, 3, 4)),
        (["conv5-3", "conv3-3", "maxpool"], 2, _tensor(2, 2, 7, 5)),
        (["maxpool", "conv3-10"], 6, _tensor(1, 6, 4, 9)),
        (["conv3-5", "conv3-5", "conv3-5", "maxpool", "conv11-4"], 3, _tensor(1, 3, 6, 8)),
    ]
    mistakes = [
        Mistake(
            "layer left out", built(norm=False), "There is no batch norm between the convolutions and their ReLUs."
        ),
        Mistake("layer left out", built(relu=False), "There is no ReLU behind the convolutions."),
        Mistake("layer left out", built(norm=False, relu=False), "The convolutions have neither batch norm nor ReLU."),
        Mistake("wrong order", built(relu_first=True), "Batch norm stands between a convolution and its ReLU."),
        Mistake(
            "wrong padding",
            built(padding=lambda k: 1),
            "The padding is 1 for every kernel. A 1 × 1 kernel needs none, and a 5 × 5 needs 2.",
        ),
        Mistake("wrong padding", built(padding=lambda k: 0)),
        Mistake("mean for maximum", built(pool=nn.AvgPool2d), "The pool takes means. It was to take maxima."),
    ]
    expect_same_network(learner, reference, cases, mistakes, run=_output)


NETWORK_OF = Exercise(
    id="10.1",
    title="The table in the paper's words",
    skill="You turn a column of a published table into a network.",
    task="The paper prints its configurations as words: `conv3-64` is a 3 × 3 convolution with 64 output channels, "
    "`conv1-256` a 1 × 1 with 256, `maxpool` a max pool of 2 × 2 pixels with stride 2. Build the network that such a "
    "column describes. As in this lesson, every convolution keeps the size of the map, and has a batch norm and a "
    "ReLU behind it.",
    difficulty=2,
    minutes=8,
    stub='''
def network_of(column: list[str], inputs: int = 3) -> nn.Module:
    """Network with the layers that a column of the paper's table names, in their order.

    column: words such as ["conv3-64", "maxpool", "conv1-128"]; kernels have odd sizes. inputs: channels of the images.
    """
    ...  # your code here
''',
    hints=(
        "Go through the words with a list of layers that grows, as the lesson does with its table.",
        '"conv3-64".removeprefix("conv").split("-") is ["3", "64"]. Both become numbers with int.',
        "Which number of channels does the next convolution take? Keep it in a variable, and change it after each one.",
    ),
    reference="""
def network_of(column, inputs=3):
    layers = []
    for word in column:
        if word == "maxpool":
            layers.append(nn.MaxPool2d(2))
        else:
            k, channels = map(int, word.removeprefix("conv").split("-"))
            layers += [nn.Conv2d(inputs, channels, k, padding=k // 2), nn.BatchNorm2d(channels), nn.ReLU()]
            inputs = channels
    return nn.Sequential(*layers)
""",
    explanation="A network is data and an interpreter. The data can be compared with the paper line by line, and a new "
    "configuration needs no new code. The one number that the table does not print is what comes in: it is what went "
    "out before.",
    check=_check_network_of,
)


def _check_vgg_stage(learner: Learner, reference: Callable) -> None:
    def calls(answer, inputs, channels, number):
        """How often each convolution and each batch norm of a stage is called for one image."""
        network = answer(inputs, channels, number).eval()
        counts = {nn.Conv2d: {}, nn.BatchNorm2d: {}}

        def count(layer, given, output):
            seen = counts[type(layer)]
            seen[layer] = seen.get(layer, 0) + 1

        for layer in network.modules():
            if type(layer) in counts:
                layer.register_forward_hook(count)
        network(torch.zeros(1, inputs, 4, 4))
        return [max(seen.values(), default=0) for seen in counts.values()]

    def kernels(answer, inputs, channels, number):
        return sum(p.numel() for p in answer(inputs, channels, number).parameters() if p.ndim == 4)

    sizes = [(3, 4, 3), (2, 5, 4), (3, 6, 2), (1, 4, 1)]
    expect_network(learner, sizes[0])
    for size in sizes:
        convolution, norm = learner.inside(partial(calls, learner.answer))(*size)
        if convolution > 1 or norm > 1:
            reason = MISCONCEPTIONS["shared weights"]
            if convolution < 2:
                reason = "The convolutions are separate now. One batch norm still stands at several places."
            elif norm < 2:
                reason = "The batch norms are separate now. One convolution still stands at several places."
            reject(
                learner,
                size,
                "shared weights",
                "each layer once",
                f"one of them {max(convolution, norm)} times",
                reason,
            )
    for size in sizes:
        expected, got = kernels(reference, *size), learner.inside(partial(kernels, learner.answer))(*size)
        if got != expected:
            reason = (
                f"The kernels of the stage hold {got} numbers. It should be {expected}, for {size[2]} convolutions."
            )
            raise Rejected(NotYet(reason, "", learner.call_text(size), expected, got))
    expect_same_network(learner, reference, [(*size, _tensor(2, size[0], 6, 5)) for size in sizes])


VGG_STAGE = Exercise(
    id="10.2",
    title="Find the bug: four convolutions that are two",
    skill="You tell a layer from a place where it stands.",
    task="This builds a stage of VGG. For one and for two convolutions it is right. For four, `print` shows four "
    "convolutions, the outputs have the right shape, and the stage trains. But it has too few parameters. Find out "
    "why, and repair it.",
    difficulty=2,
    minutes=5,
    stub='''
def vgg_stage(inputs: int, channels: int, number: int) -> nn.Sequential:
    """Stage of VGG: `number` convolutions 3 x 3, each with batch norm and ReLU, and a max pool at the end.

    inputs: channels of what comes in. channels: output channels of every convolution. number: 1 or more.
    """
    first = [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    further = [nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*first, *further * (number - 1), nn.MaxPool2d(2))
''',
    hints=(
        "Count with sum(p.numel() for p in vgg_stage(3, 4, number).parameters()) for number = 2, 3 and 4.",
        "[layer] * 3 is a list with three entries. How many layers has nn.Conv2d been called to make?",
        "Make the layers anew for each convolution: call nn.Conv2d and nn.BatchNorm2d inside a loop.",
    ),
    reference="""
def vgg_stage(inputs, channels, number):
    layers = []
    for _ in range(number):
        layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        inputs = channels
    return nn.Sequential(*layers, nn.MaxPool2d(2))
""",
    explanation="[layer] * 3 repeats the reference, not the object. The same weights then stand at three places and "
    "collect the gradients of all three. No shape shows it: parameters() counts each layer once. A ReLU has no "
    "weights, so one may stand anywhere.",
    check=_check_vgg_stage,
)


def _check_pixels_seen(learner: Learner, reference: Callable) -> None:
    def forwards(index, layers):
        return reference(index, layers[::-1])

    def changed(layers, **options):
        return [
            tuple({"k": k, "s": s, "p": p}[n] if n not in options else options[n] for n in "ksp") for k, s, p in layers
        ]

    def clipped(index, layers):
        return tuple(max(pixel, 0) for pixel in reference(index, layers))

    def last_from_first(index, layers):
        first = last = index
        for k, stride, padding in layers[::-1]:
            first = first * stride - padding
            last = first + k - 1
        return first, last

    conv, pool = (3, 1, 1), (2, 2, 0)
    cases = [
        (2, [conv]),
        (2, [conv, conv, pool]),
        (0, [conv, pool, conv, pool]),
        (3, [(7, 2, 3), (3, 2, 0), (5, 1, 2)]),
        (7, []),
        (1, [(1, 3, 0)]),
        (4, [(2, 2, 0), (3, 1, 1), (3, 1, 0)]),
    ]
    mistakes = [
        Mistake(
            "wrong order", forwards, "The layers are taken in their order. From an output, go back: last layer first."
        ),
        Mistake(
            "missing term",
            lambda index, layers: reference(index, changed(layers, p=0)),
            "The padding is left out: with it, the first window begins before pixel 0.",
        ),
        Mistake("forgot stride", lambda index, layers: reference(index, changed(layers, s=1))),
        Mistake(
            "off by one",
            lambda index, layers: reference(index, [(k + 1, s, p) for k, s, p in layers]),
            "A window of k pixels that begins at pixel 0 ends at pixel k - 1.",
        ),
        Mistake(
            "off by one",
            lambda index, layers: (reference(index, layers)[0], reference(index, layers)[1] + 1),
            "The last pixel itself was asked for, not the one after it.",
        ),
        Mistake(
            "missing edge case",
            clipped,
            "Pixels before the image are cut off. Leave the negative numbers: they say that padding is seen.",
        ),
        Mistake(
            "wrong place",
            lambda index, layers: (0, reference(index, layers)[1] - reference(index, layers)[0]),
            "The width is right, the place is not: it depends on the index.",
        ),
        Mistake(
            "wrong part",
            last_from_first,
            "The last pixel is found from the last one of the layer behind, not from the first.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True)


PIXELS_SEEN = Exercise(
    id="10.3",
    title="Which pixels?",
    skill="You trace an output back through a stack of layers to the pixels that it sees.",
    task="The receptive field says how many pixels an output sees. *Which* pixels are they? Take one row of an image. "
    "Return the first and the last pixel that output number `index` of the last layer sees. If it sees padding, the "
    "numbers go below 0, or beyond the image.",
    difficulty=2,
    minutes=8,
    stub='''
def pixels_seen(index: int, layers: list[tuple[int, int, int]]) -> tuple[int, int]:
    """First and last pixel of a row that one output sees, both counted from 0 and both included.

    index: which output of the last layer. layers: (kernel size, stride, padding) of each convolution or pool, from the
    first to the last; none at all is allowed. Returns (first, last).
    """
    ...  # your code here
''',
    hints=(
        "One layer first: with stride s and no padding, where does the window of output i begin, and where does it "
        "end?",
        "It begins at i s - p and has k pixels. Those are outputs of the layer before.",
        "Keep two numbers, first and last, that both start at index. Go through reversed(layers) and move both.",
    ),
    reference="""
def pixels_seen(index, layers):
    first = last = index
    for k, stride, padding in reversed(layers):
        first = first * stride - padding
        last = last * stride - padding + k - 1
    return first, last
""",
    explanation="Each layer back, a range of outputs becomes a range of inputs. last - first + 1 is the receptive "
    "field of the lesson's formula, which runs forwards and does not ask where. Negative numbers show how much of "
    "what a corner of the last map sees is padding.",
    check=_check_pixels_seen,
)


def _check_one_kernel(learner: Learner, reference: Callable) -> None:
    def turned(first, second):
        return reference(first, second).flip(2, 3)

    def not_flipped(first, second):
        return reference(first, second.flip(2, 3))

    cases = [
        (_tensor(1, 1, 3, 3), _tensor(1, 1, 3, 3, seed=1)),
        (_tensor(4, 3, 3, 3), _tensor(2, 4, 3, 3)),
        (_tensor(3, 2, 3, 3), _tensor(5, 3, 5, 5)),
        (_tensor(3, 3, 3, 3), _tensor(3, 3, 1, 1)),
        (_tensor(2, 2, 2, 2), _tensor(2, 2, 3, 3)),
    ]
    mistakes = [
        Mistake(
            "forgot to flip",
            not_flipped,
            "One of the two kernels is turned by 180°. Lesson 01: in a cross-correlation the displacements add up.",
        ),
        Mistake("flipped kernel", turned, "The merged kernel is turned by 180°."),
        Mistake(
            "forgot to flip", lambda a, b: not_flipped(a, b).flip(2, 3), "One of the two kernels is turned by 180°."
        ),
        Mistake(
            "mean for sum",
            lambda a, b: reference(a, b) / a.shape[0],
            "This is the mean over the channels in between. Every one of them is a way of its own: add them up.",
        ),
        Mistake(
            "wrong axis",
            lambda a, b: reference(a, b).transpose(0, 1),
            "Input and output channels are swapped: a kernel has the shape (output, input, height, width).",
        ),
        Mistake(
            "wrong axis",
            lambda a, b: reference(a.transpose(0, 1), b.transpose(0, 1)),
            "The channels in between are mixed up with others: they are the first axis of `first`, and the second axis "
            "of `second`.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    expect_gradient(learner, reference, cases[1:3])
    single = (_tensor(2, 3, 3, 3, dtype=torch.float32), _tensor(2, 2, 3, 3, dtype=torch.float32))
    expect_dtype(learner, [single, cases[1]], [torch.float32, torch.float64])


ONE_KERNEL = Exercise(
    id="10.4",
    title="Two kernels in one",
    skill="You merge two convolutions that have no ReLU between them.",
    task="Two 3 × 3 convolutions see what one 5 × 5 sees. Without a ReLU between them, they even *are* one: find its "
    "kernel. With `w = one_kernel(first, second)`, the two lines\n\n"
    "`F.conv2d(F.conv2d(x, first), second)`\n\n`F.conv2d(x, w)`\n\ngive the same for every `x`.",
    difficulty=3,
    minutes=12,
    stub='''
def one_kernel(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Kernel of the one convolution that does what `first` and then `second` do, without padding and bias.

    first: (M, C, k, k), from C to M channels. second: (O, M, l, l). Returns (O, C, k + l - 1, k + l - 1).
    Gradients reach both.
    """
    ...  # your code here
''',
    hints=(
        "One channel, one row: y[n] = sum of b[j] z[n + j], and z[n] = sum of a[i] x[n + i]. Put the second into the "
        "first. Which weight has x[n + m] in the end?",
        "The weight of x[n + m] is the sum of a[i] b[j] over all i + j = m. So a copy of `first`, times b[j], is added "
        "at place j. With channels, also sum over those in between.",
        "Start from zeros of the shape that is asked for. For each i and j of `second`, add "
        'torch.einsum("om,mcrs->ocrs", second[:, :, i, j], first) to w[:, :, i : i + k, j : j + k].',
    ),
    reference="""
def one_kernel(first, second):
    reach = second.shape[-1] - 1
    return F.conv2d(first.transpose(0, 1), second.flip(2, 3), padding=reach).transpose(0, 1)
""",
    explanation="Displacements add up, so the merged kernel is the true convolution of the two, summed over the "
    "channels in between. Two linear layers in a row are one linear layer, and a cheaper way to write a few of all "
    "5 × 5 kernels. What makes two layers more than one is the ReLU between them.",
    check=_check_one_kernel,
)

EXERCISES = (NETWORK_OF, VGG_STAGE, PIXELS_SEEN, ONE_KERNEL)

QUIZ = (
    Question(
        "Images of 448 × 448 instead of 224 × 224, same configuration. Which part of this lesson's VGG-16 gets more "
        "parameters?",
        (
            Option(
                "All convolutions", "Their kernels slide over more pixels. That is more work, and not one weight more."
            ),
            Option(
                "The first hidden linear layer",
                "It has a weight for each number of the last map, and that map is now 14 × 14 and not 7 × 7: four "
                "times as many.",
                right=True,
            ),
            Option("All three linear layers", "The second and the third take 4,096 numbers, whatever the image was."),
            Option(
                "None", "A linear layer is built for a fixed number of inputs, and the last map has more of them now."
            ),
        ),
    ),
    Question(
        "VGG-16 is too slow for you. A colleague proposes hidden linear layers of 1,024 instead of 4,096. What does "
        "it do?",
        (
            Option(
                "Far fewer parameters, about as slow as before",
                "89 % of the parameters are there, and 1 % of the multiply-adds.",
                right=True,
            ),
            Option("Four times faster", "Only what those layers cost shrinks, and they cost 1 % of the work."),
            Option("Nothing at all", "The file of the weights becomes much smaller. That is worth something, too."),
        ),
    ),
    Question(
        "Someone replaces a 7 × 7 convolution, C channels in and out, by three 3 × 3 in a row, without any ReLU "
        "between them. What is true?",
        (
            Option("It computes more than the 7 × 7 could", "Three linear layers in a row are one linear layer."),
            Option(
                "It costs less, and can be no more than some of the 7 × 7 convolutions",
                "27 weights for each pair of channels instead of 49, and the merged kernel is one of 7 × 7, but not "
                "any of them.",
                right=True,
            ),
            Option("It sees fewer pixels", "3 + 2 + 2 = 7: the receptive field is the same."),
            Option("It costs more, as there are three layers", "3 · 9 C² weights are less than 49 C²."),
        ),
    ),
    Question(
        "Your VGG-A has 650 of 665 validation images right, VGG-D has 653. What do you report?",
        (
            Option(
                "D is better, because it is deeper", "Depth is no evidence. The three images are, and they are few."
            ),
            Option("D is better by 0.5 points", "Another seed can move either network by more than three images."),
            Option(
                "Both numbers, with their intervals, which overlap widely",
                "Three images in 665 are well within what chance does. To tell the two apart takes more images and "
                "more seeds.",
                right=True,
            ),
        ),
    ),
)
