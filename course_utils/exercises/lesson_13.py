"""Exercises and quiz of lesson 13: two ways to reuse a network."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_dtype, expect_gradient, expect_like, reject
from course_utils.exercises.exercise import Exercise, NotYet, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_probed, give_weights_by_shape
from course_utils.exercises.values import as_array


def _tensor(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(sum(shape) + seed))


def _check_stable_loss(learner: Learner, reference: Callable) -> None:
    def naive(z, y, sigmoid=torch.sigmoid, log=torch.log):
        p = sigmoid(z)
        return -(y * log(p) + (1 - y) * log(1 - p)).mean()

    def explicit(z):
        return 1 / (1 + torch.exp(-z))

    def labels(*values):
        return torch.tensor(values)

    ordinary = (_tensor(7), labels(0, 1, 1, 0, 1, 0, 0))
    cases = [
        ordinary,
        (torch.tensor([40.0, -40, 3], dtype=torch.float64), labels(0, 1, 1)),
        (torch.tensor([1000.0, -1000, 1000, -1000], dtype=torch.float64), labels(1, 0, 0, 1)),
        (torch.tensor([200.0, -200, 0.5], dtype=torch.float32), labels(0, 1, 0)),
        (torch.tensor([-90.0], dtype=torch.float32), labels(0)),
        (torch.tensor([0.0, 0.0], dtype=torch.float64), labels(0, 1)),
    ]
    clamped = (
        "Clamping hides the overflow: for a logit that is far off, the loss no longer grows, and its gradient is 0."
    )
    overflow = (
        "For large logits this is still infinite, or not a number: a logarithm of 0, or an exponential that overflows."
    )
    mistakes = [
        Mistake("overflows", naive, overflow),
        Mistake("overflows", lambda z, y: naive(z, y, explicit), overflow),
        Mistake("overflows", lambda z, y: (torch.log(1 + torch.exp(z)) - y * z).mean(), overflow),
        Mistake("overflows", lambda z, y: (torch.log1p(torch.exp(z)) - y * z).mean(), overflow),
        Mistake("overflows", lambda z, y: (torch.log(1 + torch.exp(-z)) + (1 - y) * z).mean(), overflow),
        Mistake("clamped", lambda z, y: F.binary_cross_entropy(z.sigmoid(), y.to(z.dtype)), clamped),
        *(
            Mistake("clamped", lambda z, y, e=e: naive(z, y, log=lambda p: torch.log(p + e)), clamped)
            for e in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
        ),
        *(
            Mistake("clamped", lambda z, y, e=e: naive(z, y, lambda z: z.sigmoid().clamp(e, 1 - e)), clamped)
            for e in (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
        ),
        *(
            Mistake("clamped", lambda z, y, b=b: reference(z.clamp(-b, b), y), clamped)
            for b in (10, 15, 20, 30, 50, 80, 88, 100)
        ),
        Mistake(
            "softmax twice",
            lambda z, y: reference(z.sigmoid(), y),
            "The sigmoid is applied twice: the loss takes logits, and contains one.",
        ),
        Mistake("sum for mean", lambda z, y: reference(z, y) * len(z)),
        Mistake("wrong direction", lambda z, y: reference(z, 1 - y), "The labels are exchanged: a large z means 1."),
    ]
    expect_like(learner, reference, cases, mistakes)
    not_taken = Mistake(
        "overflows",
        lambda z, y: (torch.where(z > 0, z + torch.log1p(torch.exp(-z)), torch.log1p(torch.exp(z))) - y * z).mean(),
        "The values are right, but the gradient is not a number. torch.where computes both sides everywhere; the one "
        "that is not taken overflows, and 0 times infinity is nan. Choose before the exponential: -z.abs().",
    )
    expect_gradient(learner, reference, cases[:4], [not_taken, *mistakes])
    single = [(_tensor(3, dtype=torch.float32), labels(0, 1, 1)), ordinary]
    expect_dtype(learner, single, [torch.float32, torch.float64])


STABLE_LOSS = Exercise(
    id="13.1",
    title="Find the bug: a loss that turns into nan",
    skill="You write a loss of logits that does not overflow.",
    task="This loss follows the formula word by word. It trains for a while, and then it is `nan`. Try a logit of 200 "
    "with label 0: the right loss is 200. Repair it, so that it is right for logits of any size, and has the right "
    "gradient.",
    difficulty=2,
    minutes=7,
    stub='''
def stable_loss(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy of logits.

    z: (N,) logits, in single or double precision. y: (N,) labels, whole numbers 0 or 1. Returns one number of z's
    dtype. Gradients reach z.
    """
    p = torch.sigmoid(z)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()
''',
    hints=(
        "What is torch.sigmoid(torch.tensor(200.0))? And the logarithm of 1 minus that?",
        "Put p into the formula and simplify: the loss is ln(1 + exp(z)) - y z. That still overflows for z = 200.",
        "ln(1 + exp(z)) = ln(exp(0) + exp(z)) is a log-sum-exp, as in lesson 04. torch.logaddexp and F.softplus "
        "compute it safely.",
    ),
    reference="""
def stable_loss(z, y):
    return (torch.logaddexp(torch.zeros_like(z), z) - y * z).mean()
""",
    explanation="A probability of 1 - 10⁻⁴⁰ rounds to 1, and its complement to 0: what the logarithm needs is lost. "
    "The logit still has it. So networks end in logits, and BCEWithLogitsLoss goes on from there. A clamp makes the "
    "nan go away, and with it the gradient of the images that are most wrong.",
    check=_check_stable_loss,
)


def _backbone(dropout: float = 0.0) -> nn.Module:
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(dropout), nn.Conv2d(3, 4, 2),
        nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    return give_weights_by_shape(network).double()


def _check_cached_features(learner: Learner, reference: Callable) -> None:
    def training(size):
        def wrong(backbone, images):
            backbone.train()
            with torch.no_grad():
                return torch.cat([backbone(batch) for batch in images.split(size)])

        return wrong

    def in_its_own_mode(backbone, images):
        with torch.no_grad():
            return torch.cat([backbone(batch) for batch in images.split(16)])

    def one_by_one(backbone, images):
        backbone = copy.deepcopy(backbone)
        with torch.no_grad():
            return torch.cat([backbone(image) for image in images.split(1)])

    def dropout_alone(backbone, images):
        """Whether dropout is used in training mode, and batch norm in eval mode."""
        used = set()
        for module in backbone.modules():
            if isinstance(module, nn.BatchNorm2d | nn.Dropout):
                module.register_forward_pre_hook(lambda module, given: used.add((type(module), module.training)))
        learner.answer(backbone, images)
        return (nn.Dropout, True) in used and (nn.BatchNorm2d, True) not in used

    def features(answer, backbone, images):
        return answer(backbone, images)

    def left_behind(backbone, images):
        """Whether the result keeps a graph, the modes that are left, whether numbers have moved, and what is frozen."""
        enabled, before = torch.is_grad_enabled(), [tensor.clone() for tensor in backbone.state_dict().values()]
        features = learner.answer(backbone, images)
        graph = isinstance(features, torch.Tensor) and features.requires_grad
        modes = [module.training for module in backbone.modules()]
        moved = any(not torch.equal(a, b) for a, b in zip(before, backbone.state_dict().values()))
        frozen = "the backbone's parameters are frozen" * (not all(p.requires_grad for p in backbone.parameters()))
        frozen = frozen or "gradients are switched off everywhere" * (torch.is_grad_enabled() != enabled)
        return graph, modes, moved, frozen

    cases = [
        (_backbone().train(), _tensor(33, 2, 5, 4)),
        (_backbone().eval(), _tensor(16, 2, 4, 4)),
        (_backbone().train(), _tensor(1, 2, 6, 5)),
        (_backbone(dropout=0.5).train(), _tensor(20, 2, 4, 5)),
    ]
    mistakes = [
        Mistake("eval mode missing", in_its_own_mode),
        Mistake(
            "eval mode missing",
            one_by_one,
            "An image alone is normalised by itself. Batch norm needs its running statistics: eval().",
        ),
        Mistake("eval mode missing", training(16)),
        Mistake("eval mode missing", training(1000)),
    ]
    expect_probed(learner, reference, features, cases[:3], mistakes)
    if learner.inside(dropout_alone)(*cases[3]):
        reason = "Batch norm is in eval mode, dropout is not."
        reject(learner, cases[3], "eval mode missing", "dropout in eval mode", "dropout in training mode", reason)
    expect_probed(learner, reference, features, cases[3:], mistakes)
    inspected = learner.inside(left_behind)
    for backbone, images in cases:
        graph, modes, moved, frozen = inspected(backbone, images)
        if graph:
            reject(learner, (backbone, images), "graph kept", "requires_grad False", "requires_grad True")
        if moved:
            reject(learner, (backbone, images), "running statistics move", "the backbone as before", "other buffers")
        if frozen:
            reason = f"The features are right. But afterwards {frozen}, and whoever calls the function may be training."
            reject(learner, (backbone, images), "frozen too much", "as before", frozen, reason)
        expected = [module.training for module in backbone.modules()]
        if modes != expected:
            left, was = ("training" if mode[0] else "eval" for mode in (modes, expected))
            name = "left in eval mode" if left == "eval" else "wrong part"
            reason = f"The features are right. But the backbone came in {was} mode, and is left in {left} mode."
            reject(learner, (backbone, images), name, f"{was} mode", f"{left} mode", reason)


CACHED_FEATURES = Exercise(
    id="13.2",
    title="Find the bug: features that change with their neighbours",
    skill="You compute features that belong to their image alone.",
    task="Two runs over the same images, in another order, give other features for the same image. And a head that was "
    "trained on the features does worse in use than on the validation images. Find out why, and repair it. Whoever "
    "calls the function may be in the middle of a training: leave the backbone in the mode in which it came.",
    difficulty=2,
    minutes=5,
    stub='''
def cached_features(backbone: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Features of all images, computed in batches of 16.

    backbone: takes (n, C, H, W), gives (n, D). images: (N, C, H, W). Returns (N, D), row i for image i, cut off from
    autograd. All of the backbone comes in one mode, and is left in it.
    """
    with torch.no_grad():
        return torch.cat([backbone(batch) for batch in images.split(16)])
''',
    hints=(
        "What does no_grad switch off, and what does it leave on? Section 3 has the answer.",
        "In training mode, batch norm normalises with the batch's own mean: an image's features depend on the others.",
        "was_training = backbone.training; backbone.eval(); compute; backbone.train(was_training).",
    ),
    reference="""
def cached_features(backbone, images):
    was_training = backbone.training
    backbone.eval()
    with torch.no_grad():
        features = torch.cat([backbone(batch) for batch in images.split(16)])
    backbone.train(was_training)
    return features
""",
    explanation="no_grad and eval are two switches. The first one saves memory; the second one decides what batch "
    "norm and dropout compute. Only with the second one is a feature a function of its image, and only then may it be "
    "stored. Where parts differ in mode, as in the last exercise of this lesson, note the mode of each of modules().",
    check=_check_cached_features,
)


def _check_fold_scaler(learner: Learner, reference: Callable) -> None:
    def logits(answer, mean, deviation, weight, bias, features):
        folded, offset = answer(mean, deviation, weight, bias)
        return features @ np.asarray(folded) + np.asarray(offset).reshape(())

    def folding(weight, bias):
        return lambda m, s, w, b: (weight(m, s, w, b), bias(m, s, w, b))

    def numbers(size, seed):
        rng = np.random.default_rng(seed)
        mean, weight = rng.normal(size=size).round(2) + 0.5, rng.normal(size=size).round(2)
        return mean, rng.uniform(0.2, 3, size).round(2), weight, round(float(rng.normal()), 2)

    def divided(m, s, w, b):
        return w / s

    cases = [
        (*numbers(size, seed), np.random.default_rng(9).normal(size=(4, size))) for seed, size in enumerate((3, 1, 8))
    ]
    mistakes = [
        Mistake(
            "missing term",
            folding(divided, lambda m, s, w, b: b),
            "The mean is left out: it moves the bias by the sum of w m / s.",
        ),
        Mistake(
            "wrong direction",
            folding(divided, lambda m, s, w, b: b + w @ (m / s)),
            "The mean is subtracted from the features, so it lowers the bias.",
        ),
        Mistake(
            "missing term",
            folding(divided, lambda m, s, w, b: b - w @ m),
            "The mean is divided by the deviation, as the features are.",
        ),
        Mistake(
            "wrong divisor",
            folding(divided, lambda m, s, w, b: b - (w / s) @ (m / s)),
            "In the bias, the weights are divided by the deviation twice.",
        ),
        Mistake(
            "wrong divisor",
            folding(lambda m, s, w, b: w * s, lambda m, s, w, b: b - (w * s) @ m),
            "The weights are multiplied by the deviation. The features are divided by it.",
        ),
        Mistake(
            "missing term",
            folding(lambda m, s, w, b: w, lambda m, s, w, b: b - w @ m),
            "The deviation is left out.",
        ),
        Mistake(
            "missing term",
            folding(lambda m, s, w, b: w, lambda m, s, w, b: b - w @ (m / s)),
            "The bias is right, but the weights are not divided by the deviation.",
        ),
        Mistake(
            "squared",
            folding(lambda m, s, w, b: w / s**2, lambda m, s, w, b: b - (w / s**2) @ m),
            "The features are divided by the deviation, not by its square.",
        ),
        Mistake("missing term", folding(divided, lambda m, s, w, b: -w @ (m / s)), "The old bias is left out."),
        Mistake(
            "not transformed",
            folding(lambda m, s, w, b: w, lambda m, s, w, b: b),
            "This is the regression alone: the features that it gets are not standardised any more.",
        ),
    ]
    for case in cases:
        got = learner(*case[:-1])
        example = reference(*case[:-1])
        parts = [as_array(part) for part in got] if isinstance(got, tuple | list) and len(got) == 2 else [None]
        if any(part is None for part in parts) or parts[1].size != 1:
            reason = "Two things are returned: weights and bias."
            if len(parts) == 2 and parts[1] is not None:
                reason = "The new bias is one number: add up over the features."
            if got is None:
                reason = "Your function returns None. Does it end with return, the new weights and the new bias?"
            raise Rejected(NotYet(reason, "", learner.call_text(case[:-1]), example, got))
        if parts[0].shape != case[2].shape:
            reason = f"The new weights have the shape {parts[0].shape}. There is one for each feature: {case[2].shape}."
            raise Rejected(NotYet(reason, "", learner.call_text(case[:-1]), example, got))
    expect_probed(learner, reference, logits, cases, mistakes)


FOLD_SCALER = Exercise(
    id="13.3",
    title="One layer for scaler and regression",
    skill="You fold a standardisation into the linear layer behind it.",
    task="Route two ends in a `Pipeline` of scikit-learn. A phone that runs PyTorch has no scikit-learn. But both "
    "steps are linear: find the weights and the bias of *one* linear layer that takes the features as they come from "
    "the backbone, and gives the same logit as standardisation and regression together.",
    difficulty=2,
    minutes=6,
    stub='''
def fold_scaler(mean: np.ndarray, deviation: np.ndarray, weight: np.ndarray, bias: float) -> tuple[np.ndarray, float]:
    """Weights and bias of a linear layer that stands for a StandardScaler and a LogisticRegression behind it.

    mean, deviation: (D,), what the scaler has learned from the training images; no deviation is 0. weight: (D,), and
    bias: what the regression has learned. Returns (new weights (D,), new bias): logit = features @ weights + bias.
    """
    ...  # your code here
''',
    hints=(
        "Write out the logit as this section does, and multiply the bracket out.",
        "z = sum of w x / s, minus sum of w m / s, plus b. What stands at x? And what does not depend on x?",
        "weights = weight / deviation. The new bias is the old one minus weights @ mean.",
    ),
    reference="""
def fold_scaler(mean, deviation, weight, bias):
    weights = weight / deviation
    return weights, float(bias - weights @ mean)
""",
    explanation="nn.Linear(D, 1) with these numbers, behind the frozen backbone, is route two as a network. Mean and "
    "deviation are weights like the others: learned from the training images, and fixed from then on. Batch norm in "
    "eval mode is folded into the convolution before it in the same way.",
    check=_check_fold_scaler,
)


def _check_fine_tuned(learner: Learner, reference: Callable) -> None:
    def parts(seed):
        trunk = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU())
        block = nn.Sequential(nn.Conv2d(3, 5, 2), nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        head = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 1))
        named = [give_weights_by_shape(part).double() for part in (trunk, block, head)]
        for part in named[:2] if seed % 2 else []:
            part.requires_grad_(False)
        return named

    def output(answer, trunk, block, head, x):
        model = answer(trunk, block, head)
        model.eval()
        return model(x)

    def seen(trunk, block, head, x):
        """What becomes of the three parts in a training step."""
        torch.manual_seed(0)
        layers = {
            (name, place): module
            for name, part in {"trunk": trunk, "block": block, "head": head}.items()
            for place, module in part.named_modules()
            if not list(module.children())
        }
        for place, layer in layers.items():
            layer.place_in_check = place  # a copy of the layer, which is as good, has it too
        model = learner.answer(trunk, block, head)
        layers |= {m.place_in_check: m for m in model.modules() if "place_in_check" in vars(m)}

        def of(*names, tensors=nn.Module.buffers):
            return [t for (name, _), layer in layers.items() if name in names for t in tensors(layer)]

        def copied(tensors):
            return [tensor.detach().clone() for tensor in tensors]

        def moved(before, after):
            return sum(not torch.equal(a, b) for a, b in zip(before, after))

        def head_trains():
            return model.training and all(layer.training for (name, _), layer in layers.items() if name == "head")

        found = {"saved": len(model.state_dict()), "returned": model.train() is model, "head trains": head_trains()}
        kinds = (nn.Module.parameters, nn.Module.buffers)
        before = {name: [copied(of(name, tensors=kind)) for kind in kinds] for name in ("trunk", "block", "head")}
        first, second = model(x), model(x)
        found["dropout"] = not torch.equal(first, second)
        learning = [p for p in model.parameters() if p.requires_grad]
        if learning:
            first.square().mean().backward()
            with torch.no_grad():
                for parameter in learning:
                    if parameter.grad is not None:
                        parameter -= 0.1 * parameter.grad
        for name, (weights, statistics) in before.items():
            found[name] = [moved(weights, of(name, tensors=nn.Module.parameters)), len(weights)]
            found[f"statistics of the {name}"] = moved(statistics, of(name))
        found["eval"] = model.eval() is model and not any(m.training for m in model.modules())
        statistics, again = copied(of("trunk", "block")), model.train(True)
        model(x)
        found["again"] = again is model and head_trains() and not moved(statistics, of("trunk", "block"))
        return found

    for seed in (0, 1):
        arguments = (*parts(seed), _tensor(6, 2, 5, 5))
        given = arguments[:3]
        found = learner.inside(seen)(*arguments)
        if found["saved"] < sum(len(part.state_dict()) for part in given):
            reject(learner, given, "sub-modules in a list", None, None)
        if not found["returned"]:
            reason = "train() does not return the network. All modules do, so that model.train() can be written on."
            raise Rejected(NotYet(reason, "returns None", learner.call_text(given)))
        if not found["eval"]:
            reason = "After eval(), a part of the network is still in training mode. eval() calls train(False)."
            reject(learner, given, "always training", None, None, reason)
        # The parts are made anew: the reference has its way with those that it gets.
        cases = [(*parts(seed), _tensor(6, 2, 5, 5)), (*parts(seed), _tensor(1, 2, 4, 6))]
        features = Mistake(
            "layer left out",
            lambda trunk, block, head: nn.Sequential(trunk, block),
            "These are the features. The head was to make a logit of them.",
        )
        expect_probed(learner, reference, output, cases, [features])
        for name in ("trunk", "block"):
            if found[f"statistics of the {name}"]:
                reason = f"After train(), the running statistics of the {name}'s batch norm move, gradient or not."
                reject(learner, given, "running statistics move", None, None, reason)
        if found["trunk"][0]:
            reject(learner, given, "not frozen", None, None, "A step of the optimizer has moved the trunk's weights.")
        for name in ("block", "head"):
            if found[name][0] < found[name][1]:
                reason = f"A step of the optimizer leaves weights of the {name} as they were. They were to learn."
                if name == "block" and seed:
                    reason += " This block came frozen, as the lesson's backbone would."
                reject(learner, given, "frozen too much", None, None, reason)
        if not (found["head trains"] and found["dropout"]):
            reason = "After train(), the head is in eval mode: its dropout does nothing."
            reject(learner, given, "left in eval mode", None, None, reason)
        if not found["again"]:
            reason = (
                "After eval() and train(True), the head was to be in training mode again, and the running statistics "
                "of trunk and block were to stay."
            )
            reject(learner, given, "wrong part", None, None, reason)


FINE_TUNED = Exercise(
    id="13.4",
    title="What learns, and what stays",
    skill="You freeze weights and running statistics separately.",
    task="Section 8 kept the whole network in `eval()` mode to spare the block's batch norm. With dropout in the head "
    "that will not do. Write the network that a training loop can call `train()` on:\n\n"
    "- the trunk stays as it is: weights and running statistics;\n"
    "- the block's weights learn, its running statistics stay;\n"
    "- the head learns, and follows `train()` and `eval()` as usual.",
    difficulty=3,
    minutes=8,
    stub='''
class FineTuned(nn.Module):
    """A frozen trunk, a block whose weights learn, and a head.

    trunk, block, head: modules, used one after the other. Trunk and block may come frozen, or not.
    """

    def __init__(self, trunk: nn.Module, block: nn.Module, head: nn.Module):
        super().__init__()
        ...  # your code here

    def train(self, mode: bool = True):
        """Switch the network to training mode, or with mode=False to eval mode. Returns the network itself."""
        ...  # your code here

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of images."""
        ...  # your code here
''',
    hints=(
        "Start from Reused of section 3. Which two of the three parts are to stay in eval mode, and which one gets no "
        "gradient?",
        "requires_grad_(False) for the trunk, requires_grad_(True) for the block. Neither has anything to do with "
        "modes.",
        "In train: super().train(mode), then self.trunk.eval() and self.block.eval(), and return self.",
    ),
    reference="""
class FineTuned(nn.Module):
    def __init__(self, trunk, block, head):
        super().__init__()
        self.trunk, self.block, self.head = trunk, block, head
        self.trunk.requires_grad_(False)
        self.block.requires_grad_(True)

    def train(self, mode=True):
        super().train(mode)
        self.trunk.eval()
        self.block.eval()
        return self

    def forward(self, x):
        return self.head(self.block(self.trunk(x)))
""",
    explanation="A gradient moves parameters, a mode moves buffers. The two switches are independent: both off for the "
    "trunk, the gradient alone for the block, both on for the head. The fourth combination, no gradient in training "
    "mode, is the trap of section 3. What is in train() holds for eval() too, since eval() calls train(False).",
    check=_check_fine_tuned,
)

EXERCISES = (STABLE_LOSS, CACHED_FEATURES, FOLD_SCALER, FINE_TUNED)

QUIZ = (
    Question(
        "All parameters of a backbone have requires_grad=False. After an epoch, the same image has other features. "
        "What keeps the features as they were?",
        (
            Option("A smaller learning rate", "No parameter has moved, so that no rate can be to blame."),
            Option(
                "torch.no_grad() around the backbone", "It stops the book-keeping of gradients. Batch norm goes on."
            ),
            Option(
                "backbone.eval(), after every call of train()",
                "The running statistics have moved. In eval mode they are used, and left alone.",
                right=True,
            ),
        ),
    ),
    Question(
        "In which case is training on one set of stored features *not* the same as running the backbone in every "
        "epoch?",
        (
            Option("With dropout in the head", "The head is run in every epoch, in either case."),
            Option(
                "With random crops of the images",
                "A new crop has new features. One stored set shows each image in one way only; several views come "
                "closer.",
                right=True,
            ),
            Option("With a hundred epochs", "The more epochs, the more time is saved. The features stay the same."),
            Option("With shuffled batches", "A feature belongs to its image, in whichever batch that comes."),
        ),
    ),
    Question(
        "No parameter of a model is frozen. optimizer = Adam(model.parameters()), then model.head = nn.Linear(1280, "
        "1), then the training loop. What learns?",
        (
            Option("The new head", "The optimizer was given the parameters that the model had at that time."),
            Option(
                "Everything but the new head",
                "The old parameters are what it knows. The new head gets gradients, and nobody uses them. First build, "
                "then make the optimizer.",
                right=True,
            ),
            Option("Nothing: an error is raised", "There is no error. The loss even falls, since the rest learns."),
        ),
    ),
    Question(
        "A scaler was fitted on the features of training and test images, without any label. Ten images to train on. "
        "What about the test accuracy?",
        (
            Option(
                "It is honest: no label was used",
                "Labels are not all that can leak. Where the test images lie did, too.",
            ),
            Option(
                "It promises too much",
                "Six hundred test images tell mean and deviation far better than ten. In use you will not have them.",
                right=True,
            ),
            Option(
                "It promises too little", "The regression got numbers that fit the test images better than it should."
            ),
        ),
    ),
    Question(
        "With ten training images, drawn once, fine-tuning gives 88 % and the frozen backbone 85 %. What do you know?",
        (
            Option("Fine-tuning is worth 3 points here", "Draw ten other images, and the order may turn round."),
            Option(
                "Next to nothing about the two methods",
                "Ten images are a lottery ticket: the band from the worst to the best draw is far wider than 3 points. "
                "Draw several times, with the same sets for both.",
                right=True,
            ),
            Option("The test set is too small", "That adds to it. But the draw of the training set comes first."),
        ),
    ),
)
