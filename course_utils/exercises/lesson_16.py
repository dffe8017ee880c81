"""Exercises and quiz of lesson 16: inside the network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_dtype, expect_like, floors, reject
from course_utils.exercises.exercise import Exercise, Option, Question
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_probed, give_weights


def _tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + sum(shape)))


def _check_colour_pictures(learner: Learner, reference: Callable) -> None:
    def scaled(filters, axes=(1, 2, 3)):
        largest = filters.abs().amax(axes, keepdim=True)
        return 0.5 + 0.5 * filters / torch.where(largest > 0, largest, 1)

    def stretched(filters):
        low, high = filters.amin((1, 2, 3), keepdim=True), filters.amax((1, 2, 3), keepdim=True)
        return ((filters - low) / torch.where(high > low, high - low, 1)).permute(0, 2, 3, 1)

    def divided(filters, floor=lambda largest: largest):
        return (0.5 + 0.5 * filters / floor(filters.abs().amax((1, 2, 3), keepdim=True))).permute(0, 2, 3, 1)

    def with_dead(filters):
        return torch.cat([filters, torch.zeros_like(filters[:1])])

    def reshaped(values):
        return values.reshape(len(values), *values.shape[2:], 3)

    cases = [
        (_tensor(4, 3, 3, 3) * torch.tensor([1.0, 9, 0.01, 3]).view(4, 1, 1, 1),),
        (_tensor(2, 3, 5, 4),),
        (with_dead(_tensor(2, 3, 3, 3)),),
        (torch.cat([_tensor(1, 3, 2, 2), 1e-12 * _tensor(1, 3, 2, 2), -_tensor(1, 3, 2, 2).abs()]),),
        (_tensor(1, 3, 1, 2),),
    ]
    mistakes = [
        Mistake(
            "read in memory order",
            lambda filters: reshaped(scaled(filters)),
        ),
        Mistake(
            "zero by zero",
            divided,
        ),
        Mistake(
            "zero by zero",
            lambda filters: divided(filters).nan_to_num(),
            "A filter of zeros is black here. Zero is mid-grey, 0.5.",
        ),
        *(
            Mistake(
                "missing edge case",
                partial(divided, floor=floor),
                "A filter of very small weights comes out grey: the number that you put under the fraction is larger "
                "than they are. Replace a 0, and only a 0: torch.where(largest > 0, largest, 1).",
            )
            for floor in floors(range(3, 16))
        ),
        Mistake(
            "wrong axis",
            lambda filters: scaled(filters).permute(0, 3, 2, 1),
            "Rows and columns of each filter are swapped.",
        ),
        Mistake("channels first", scaled),
        Mistake(
            "one scale for all",
            lambda filters: scaled(filters, (0, 1, 2, 3)).permute(0, 2, 3, 1),
            "All filters share one scale, so weak ones are grey all over. Scale each on its own.",
        ),
        Mistake(
            "own scale for each",
            lambda filters: scaled(filters, (2, 3)).permute(0, 2, 3, 1),
            "Each colour of a filter has a scale of its own, so that the colours come out wrong. Scale the three "
            "together.",
        ),
        Mistake("stretched", stretched),
        Mistake(
            "channels first",
            lambda filters: scaled(filters).permute(1, 2, 3, 0),
            "The filters are at the end. Only the colours, axis 1, go there.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)
    expect_dtype(learner, [(cases[0][0].float(),)], [torch.float32])


COLOUR_PICTURES = Exercise(
    id="16.1",
    title="Find the bug: colours from nowhere",
    skill="You move an axis without shuffling the numbers.",
    task="These pictures of filters have the right shape, and look like filters. But their colours are wrong: a grey "
    "filter comes out coloured. And a filter of zeros comes out as `nan`. Repair both.",
    difficulty=1,
    minutes=5,
    stub='''
def colour_pictures(filters: torch.Tensor) -> torch.Tensor:
    """Filters as pictures: 0 is drawn as 0.5, and each filter is scaled on its own to reach 0 or 1.

    filters: (N, 3, h, w), colours first. Returns (N, h, w, 3), colours last. A filter of zeros is 0.5 everywhere.
    """
    largest = filters.abs().amax((1, 2, 3), keepdim=True)
    return (0.5 + 0.5 * filters / largest).reshape(len(filters), filters.shape[2], filters.shape[3], 3)
''',
    hints=(
        "Take torch.arange(12).view(1, 3, 2, 2). Which three numbers belong to the upper left pixel? Where do they go?",
        "reshape goes through the numbers in their order and cuts them anew. permute moves axes.",
        "permute(0, 2, 3, 1) puts axis 1 at the end. Divide by torch.where(largest > 0, largest, 1), which is never 0.",
    ),
    reference="""
def colour_pictures(filters):
    largest = filters.abs().amax((1, 2, 3), keepdim=True)
    scaled = filters / torch.where(largest > 0, largest, 1)
    return (0.5 + 0.5 * scaled).permute(0, 2, 3, 1)
""",
    explanation="A reshape to the right shape always runs, and mixes places and channels. With sizes of 3 × 3 × 3 not "
    "even a wrong order of axes raises an error. Test with sizes that differ.",
    check=_check_colour_pictures,
)


class TwoReLUs(nn.Module):
    """Two convolutions with ReLUs that run in another order than the one in which they are registered."""

    def __init__(self, middle: int) -> None:
        super().__init__()
        self.last = nn.ReLU()
        self.second = nn.Conv2d(middle, 4, 1)
        self.first = nn.Conv2d(2, middle, 3, padding=1)
        self.middle = nn.Sequential(nn.BatchNorm2d(middle), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.last(self.second(self.middle(self.first(x)))).mean((2, 3))


def _check_count_dead(learner: Learner, reference: Callable) -> None:
    def network(middle, dead, dead_last, image_dead=None):
        net = give_weights(TwoReLUs(middle), middle).eval()
        with torch.no_grad():
            net.middle[0].bias.zero_()
            net.middle[0].bias[dead] = -100.0
            net.second.bias.zero_()
            net.second.bias[dead_last] = -1000.0
            if image_dead is not None:  # alive in the image of ones alone, at one place
                net.first.weight[image_dead] = 0
                net.first.weight[image_dead, :, 1, 1] = 1
                net.middle[0].weight[image_dead] = 1
                net.middle[0].bias[image_dead] = -3.0
        return net

    def images(*shape):
        x = _tensor(*shape).float().clamp(-1, 1)
        x[-1, :, 0, 0] = 2
        return x

    def by_mode(middle, channel):
        """A network in which ``channel`` is dead in eval mode, and alive in training mode."""
        net = network(middle, [1], [0])
        with torch.no_grad():
            net.first.bias[channel] = -100.0
        return net

    def counted(rule, modules=nn.Module.modules):
        """An answer that applies ``rule`` to what each ReLU gives."""

        def answer(model, images):
            found = []
            relus = [module for module in modules(model) if isinstance(module, nn.ReLU)]
            hooks = [relu.register_forward_hook(lambda m, i, output: found.append(rule(output))) for relu in relus]
            model(images)
            for hook in hooks:
                hook.remove()
            return found

        return answer

    def dead(output):
        return int((output.amax((0, 2, 3)) == 0).sum())

    def in_order_of_modules(model, images):
        found = {}
        relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
        for relu in relus:
            with relu.register_forward_hook(lambda m, i, output: found.__setitem__(m, dead(output))):
                model(images)
        return [found[relu] for relu in relus]

    def probe(answer, model, images):
        counts = answer(copy.deepcopy(model), images)
        return torch.zeros(0, dtype=torch.int64) if counts == [] else counts

    def modes_changed(model, images):
        model = copy.deepcopy(model)
        before = [module.training for module in model.modules()]
        learner.answer(model, images)
        return before != [module.training for module in model.modules()]

    def hooks_of(model):
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())

    def hooks_left(model, images):
        model = copy.deepcopy(model)
        before = hooks_of(model)
        try:
            learner.answer(model, images)
        except RuntimeError:
            pass  # of the model, which was given images that it cannot take
        return hooks_of(model) - before

    faint = network(4, [0], [1], 2)
    with torch.no_grad():
        faint.first.bias[2], faint.middle[0].bias[2] = 0, -3.9999  # so that 0.0001 comes through
    watched = network(4, [0], [1])
    watched.first.register_forward_hook(print_nothing)
    cases = [
        (network(6, [1, 4, 5], [2], 3), images(3, 2, 5, 4)),
        (network(3, [], [0, 1, 2, 3]), images(2, 2, 3, 3)),
        (network(5, [2], [], 0), images(4, 2, 1, 6)),
        (watched, images(1, 2, 4, 4)),
        (nn.Sequential(nn.Conv2d(2, 3, 1), nn.Tanh()), images(1, 2, 2, 2)),
        (by_mode(4, 2).train(), images(3, 2, 4, 5)),
        (by_mode(5, 3), images(2, 2, 3, 4)),
        (faint, images(3, 2, 4, 5)),
    ]
    mistakes = [
        Mistake(
            "missing edge case",
            counted(lambda output: int((output.amax((0, 2, 3)) < 1e-3).sum())),
            "A channel of small numbers is counted as well. Dead ones are exactly 0: that is what a ReLU gives.",
        ),
        Mistake(
            "dead in one image",
            counted(lambda output: int((output.amax((2, 3)) == 0).any(0).sum())),
        ),
        Mistake(
            "dead in one image",
            counted(lambda output: int((output.amax((2, 3)) == 0).sum())),
            "Each image is counted. A channel is dead if it is 0 in all images, and is then counted once.",
        ),
        Mistake(
            "dead in one image",
            counted(lambda output: int((output[0].amax((1, 2)) == 0).sum())),
            "Only the first image is looked at.",
        ),
        Mistake(
            "places counted",
            counted(lambda output: int((output == 0).sum())),
        ),
        Mistake(
            "places counted",
            counted(lambda output: int((output.amin((0, 2, 3)) == 0).sum())),
            "These channels are 0 somewhere. Dead ones are 0 everywhere.",
        ),
        Mistake(
            "wrong part",
            counted(lambda output: int((output.amax((0, 2, 3)) > 0).sum())),
            "These are the channels that are alive.",
        ),
        Mistake(
            "wrong order",
            in_order_of_modules,
            "The counts are right, but in the order of model.modules(). Return them in the order in which the ReLUs "
            "run.",
        ),
        Mistake(
            "percent",
            counted(lambda output: (output.amax((0, 2, 3)) == 0).float().mean().item()),
            "These are shares. How many channels are dead?",
        ),
        Mistake(
            "layer left out",
            counted(dead, nn.Module.children),
            "A ReLU inside a part of the model is not found: use modules().",
        ),
        Mistake(
            "mode changed",
            lambda model, images: counted(dead)(model.eval(), images),
            "This model came in training mode, and was run in eval mode. Run it in the mode in which it comes.",
        ),
        Mistake(
            "mode changed",
            lambda model, images: counted(dead)(model.train(), images),
            "This model came in eval mode, and was run in training mode. Run it in the mode in which it comes.",
        ),
    ]
    for arguments, what in ((cases[0], ""), ((cases[0][0], torch.ones(1, 7, 4, 4)), "an error, ")):
        left = learner.inside(hooks_left)(*arguments)
        if left > 0:
            sentence = f"After {what or 'the call, '}{left} hook{'s are' if left > 1 else ' is'} left in the model. "
            sentence += "Remove them in finally, which runs in any case." if what else "Call remove() on each."
            reject(learner, arguments, "hook left behind", "no hook left", f"{left} left", sentence)
    for arguments, mode, other in ((cases[0], "eval", "training"), (cases[5], "training", "eval")):
        if learner.inside(modes_changed)(*arguments):
            sentence = f"The model came in {mode} mode, and you leave it in {other} mode. Do not change its mode."
            reject(learner, arguments, "mode not restored", f"{mode} mode", f"{other} mode", sentence)
    expect_probed(learner, reference, probe, cases, mistakes, whole=True)
    if learner.inside(hooks_left)(*cases[3]) < 0:
        sentence = "A hook that somebody else had registered is gone. Remove your own hooks only."
        reject(learner, cases[3], "hook left behind", "1 hook of somebody else's", "none", sentence)


def print_nothing(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
    """A hook that somebody else has registered."""


COUNT_DEAD = Exercise(
    id="16.2",
    title="Dead channels",
    skill="You measure in the middle of a network, and leave nothing behind.",
    task="Section 3 found four dead maps in the stem. Now look behind every ReLU of any network: how many of its "
    "channels are 0 at all places, in all images of the batch? When you are done, or when the network raises an "
    "error, no hook of yours may be left in it. `outputs_of` from above may help; you need not use it.",
    difficulty=2,
    minutes=9,
    stub='''
def count_dead(model: torch.nn.Module, images: torch.Tensor) -> list[int]:
    """Number of dead channels behind each torch.nn.ReLU of a model, in the order in which the ReLUs run.

    images: (N, C, H, W). What each ReLU puts out has four axes as well. No ReLU: an empty list. The model runs in the
    mode in which it comes, and is left in it.
    """
    ...  # your code here
''',
    hints=(
        "Which modules of model.modules() are a torch.nn.ReLU? isinstance tells.",
        "With output of shape (N, C, h, w): after a ReLU a channel is dead if its maximum over N, h and w is 0.",
        "A hook that appends int((output.amax((0, 2, 3)) == 0).sum()) to a list notes the counts in the order in which "
        "the ReLUs run. Call the model in try, and remove the hooks in finally.",
    ),
    reference="""
def count_dead(model, images):
    counts = []

    def note(module, inputs, output):
        counts.append(int((output.amax((0, 2, 3)) == 0).sum()))

    hooks = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, torch.nn.ReLU)]
    try:
        model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return counts
""",
    explanation="The hook keeps a number, not the maps, so nothing large stays in memory. Only what stands in finally "
    "is done after an error, too. A channel that is dead on one batch need not be dead on another: take many images.",
    check=_check_count_dead,
)


def _check_most_alike(learner: Learner, reference: Callable) -> None:
    def cosines(weight, *, mean=True, unit=True, axis=0):
        rows = weight - weight.mean(axis, keepdim=True) if mean else weight
        rows = F.normalize(rows, dim=1) if unit else rows
        return rows @ rows.T

    def best(values, itself=-torch.inf, largest=True):
        values = values.clone().fill_diagonal_(itself)
        return values.argmax(1) if largest else values.argmin(1)

    spread = torch.linspace(0.2, 4, 9, dtype=torch.float64)[:, None]
    cases = [
        (_tensor(9, 6) * spread + 2 * _tensor(6, seed=3),),
        (_tensor(6, 20) + 3,),
        (torch.tensor([[3.0, 1.0], [3.5, 0.0], [0.0, 4.0]]),),
        (_tensor(2, 5),),
        (_tensor(12, 3) * torch.arange(1, 13)[:, None] + 1,),
    ]
    mistakes = [
        Mistake("compared with itself", lambda weight: torch.arange(len(weight))),
        Mistake(
            "compared with itself",
            lambda weight: best(cosines(weight), 0.0),
            "A class whose cosines with all others are negative gets itself: 0 on the diagonal is then the largest. "
            "Put something there that is less than -1.",
        ),
        Mistake("mean not subtracted", lambda weight: best(cosines(weight, mean=False))),
        Mistake(
            "mean not subtracted",
            lambda weight: best(cosines(weight, axis=1)),
            "The mean over the features of each row is subtracted. What all classes share is the mean over the rows.",
        ),
        Mistake(
            "not of length 1",
            lambda weight: best(cosines(weight, unit=False)),
            "The rows are not scaled to length 1: long rows win. The cosine divides by both lengths.",
        ),
        Mistake(
            "not of length 1",
            lambda weight: best(torch.cdist(weight, weight), torch.inf, largest=False),
            "This is the smallest distance. Rows of different length can point in the same direction.",
        ),
        Mistake(
            "wrong direction",
            lambda weight: best(cosines(weight), torch.inf, largest=False),
            "This is the class that is least alike.",
        ),
        Mistake(
            "wrong sign",
            lambda weight: best(cosines(weight).abs()),
            "The sign of the cosine is lost. -1 is as unlike as can be.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes, whole=True)


MOST_ALIKE = Exercise(
    id="16.3",
    title="Relatives",
    skill="You find neighbours by the cosine of their weights.",
    task="Section 7 compared eight classes. For every class, which *other* class is most alike? Use the cosine of "
    "their rows, after the mean over all rows is subtracted.",
    difficulty=2,
    minutes=6,
    stub='''
def most_alike(weight: torch.Tensor) -> torch.Tensor:
    """For each class, the number of the other class with the most similar row of weights.

    weight: (K, C), a row for each class; K is 2 or more. Returns (K,) integers.
    """
    ...  # your code here
''',
    hints=(
        "The table of all cosines takes two lines, and stands in section 7.",
        "The largest entry of each row is on the diagonal: each class is most alike to itself. Take it out.",
        "cosine.fill_diagonal_(-2) writes a number below every cosine there. Then argmax(1).",
    ),
    reference="""
def most_alike(weight):
    unit = F.normalize(weight - weight.mean(0), dim=1)
    cosine = unit @ unit.T
    cosine.fill_diagonal_(-2)
    return cosine.argmax(1)
""",
    explanation="Search by cosine works with any vectors: rows of weights, features of images, words. Try "
    "names[most_alike(weight)[k]] for some classes k of the network.",
    check=_check_most_alike,
)


def _check_contrast_map(learner: Learner, reference: Callable) -> None:
    def places(weight, bias, maps, k, j):
        return torch.einsum("c,chw->hw", weight[k] - weight[j], maps)

    def share(value, factor):
        return lambda weight, bias, maps, k, j: (
            places(weight, bias, maps, k, j) * value(maps) + (bias[k] - bias[j]) * factor(maps)
        )

    def numbers(maps):
        return maps[0].numel()

    cases = [
        (_tensor(4, 5), _tensor(4), _tensor(5, 3, 4), 2, 0),
        (_tensor(3, 2), _tensor(3, seed=1), _tensor(2, 1, 6), 0, 1),
        (_tensor(2, 1), _tensor(2, seed=2), _tensor(1, 2, 2), 1, 0),
        (_tensor(5, 3), _tensor(5, seed=3), _tensor(3, 4, 4), 4, 2),
    ]
    mistakes = [
        Mistake("bias left out", places),
        Mistake(
            "bias left out",
            share(lambda maps: 1, lambda maps: 1 / numbers(maps)),
            "The bias is divided by the number of places, and the mean of the map divides once more.",
        ),
        Mistake(
            "bias left out",
            lambda weight, bias, maps, k, j: places(weight, bias, maps, k, j) + bias[k],
            "Only the bias of class k is added. The logit of class j has one, too.",
        ),
        Mistake(
            "bias left out",
            share(lambda maps: 1, lambda maps: -1),
            "The difference of the biases has the wrong sign.",
        ),
        Mistake(
            "wrong sign",
            lambda weight, bias, maps, k, j: reference(weight, bias, maps, j, k),
            "This speaks for class j. What speaks for class k should be positive.",
        ),
        Mistake(
            "one class only",
            lambda weight, bias, maps, k, j: torch.einsum("c,chw->hw", weight[k], maps) + bias[k],
        ),
        Mistake(
            "mean for sum",
            share(lambda maps: 1 / len(maps), lambda maps: 1),
            "This is the mean over the channels. Their votes are added.",
        ),
        Mistake(
            "mean for sum",
            share(lambda maps: 1 / numbers(maps), lambda maps: 1 / numbers(maps)),
            "Here the sum of the map is the difference of the logits. Its mean should be.",
        ),
        Mistake(
            "wrong part",
            lambda *arguments: reference(*arguments).relu(),
            "What speaks for class j is cut off. Without it, the mean is not the difference of the logits.",
        ),
        Mistake(
            "missing term",
            lambda weight, bias, maps, k, j: torch.einsum("c,chw->chw", weight[k] - weight[j], maps),
            "The channels have to be added up: one number for each place.",
        ),
        Mistake(
            "wrong axis",
            lambda weight, bias, maps, k, j: (weight[k] - weight[j]) * maps.mean((1, 2)),
            "These are the votes of the channels. A number for each place was asked for.",
        ),
    ]
    expect_like(learner, reference, cases, mistakes)


CONTRAST_MAP = Exercise(
    id="16.4",
    title="Why a tabby, and not a tiger cat?",
    skill="You split the difference of two logits into places.",
    task="The network hesitated between two cats. Which places decide? Build a map like $M_k$ for the *difference* of "
    "two logits: its mean over all places should be exactly $z_k - z_j$, biases included, the same share of them at "
    "each place. Positive places speak for class $k$, negative ones for class $j$.",
    difficulty=2,
    minutes=6,
    stub='''
def contrast_map(weight: torch.Tensor, bias: torch.Tensor, maps: torch.Tensor, k: int, j: int) -> torch.Tensor:
    """What each place contributes to the logit of class k minus that of class j; the mean of the map is z_k - z_j.

    weight: (K, C) and bias: (K,) of the classifier. maps: (C, h, w), for one image. Returns (h, w).
    """
    ...  # your code here
''',
    hints=(
        "Write down z_k - z_j with the formula of section 8, and collect: which weights does it have?",
        "It is the map of a class whose weights are W_k - W_j. And the mean of a constant is the constant itself.",
        'torch.einsum("c,chw->hw", weight[k] - weight[j], maps), plus the difference of the biases at each place.',
    ),
    reference="""
def contrast_map(weight, bias, maps, k, j):
    return torch.einsum("c,chw->hw", weight[k] - weight[j], maps) + bias[k] - bias[j]
""",
    explanation="Everything after the maps is linear, so the map of a difference is the difference of the maps. What "
    "both classes share, fur and ears, cancels; what is left is what the decision rests on.",
    check=_check_contrast_map,
)

EXERCISES = (COLOUR_PICTURES, COUNT_DEAD, MOST_ALIKE, CONTRAST_MAP)

QUIZ = (
    Question(
        "Why are the filters of the second convolution not drawn as colour pictures?",
        (
            Option("They are too small", "Those of the first layer are 3 × 3 as well."),
            Option(
                "They have more channels than there are colours",
                "A filter of the second layer weighs all maps of the first one, and maps are no colours.",
                right=True,
            ),
            Option("They are not learned", "They are learned like all the others."),
        ),
    ),
    Question(
        "Two maps of a layer are drawn, each scaled on its own. The first looks much brighter. What do you know?",
        (
            Option("Its numbers are larger", "The scaling has taken that away: each picture reaches white."),
            Option(
                "More of its places lie near its own maximum",
                "A picture scaled on its own tells about the pattern, not about the size.",
                right=True,
            ),
            Option("Its channel matters more for the answer", "For that you need the weights of what comes after."),
        ),
    ),
    Question(
        "You evaluate without torch.no_grad(). A hook appends the output of a layer to a list, without detach and "
        "without end. What happens?",
        (
            Option("Nothing: a list holds only names", "A name keeps what it stands for in memory."),
            Option(
                "Memory fills up, faster than the size of the outputs",
                "Each output also keeps the graph that it was computed with, with all maps before it.",
                right=True,
            ),
            Option(
                "The gradients become wrong",
                "Looking at an output changes no gradient, as long as the hook returns nothing.",
            ),
        ),
    ),
    Question(
        "The cosine of the weights of Egyptian cat and airliner is -0.02. What does it say?",
        (
            Option("They are opposites", "For opposites it would be near -1."),
            Option(
                "The two rows have next to nothing in common",
                "Near 0: they point neither the same way nor opposite ways.",
                right=True,
            ),
            Option("The network mixes them up", "It mixes up classes that are alike; their cosine is high."),
        ),
    ),
    Question(
        "A place of the class activation map is bright. What is certain?",
        (
            Option(
                "That this place adds more to the logit than a dark place does",
                "The logit is the mean of the map plus the bias. That is exact.",
                right=True,
            ),
            Option(
                "That the pixels below it are what matters",
                "The place sees a receptive field far larger than the square below it.",
            ),
            Option(
                "That the answer would change if it were covered",
                "The other places may well be enough. Lesson 17 tries it.",
            ),
        ),
    ),
)
