"""Exercises and quiz of lesson 08: a training pipeline you can trust."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_like, reject
from course_utils.exercises.exercise import Exercise, Option, Question, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.modules import expect_network, expect_probed, give_weights, import_optimizers


def _draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def _draw_labels(count: int, classes: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(seed + count))


def _check_folds(learner: Learner, _reference: Callable) -> None:
    def as_lists(labels, k, seed):
        parts = learner.answer(labels, k, seed)
        if parts is None:
            return None
        return [[int(index) for index in part] for part in parts]

    safe = learner.inside(as_lists)
    shuffled = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [21, 14, 6]))
    cases = [
        (np.repeat([0, 1, 2], [10, 10, 5]), 5, 0),
        (shuffled, 4, 1),
        (np.repeat([0, 1], [30, 7]), 3, 2),
        (np.repeat([0, 2], [8, 3]), 2, 3),
        (np.repeat([1, 0, 1], [3, 4, 4]), 7, 4),
    ]
    for labels, k, seed in cases:
        arguments = (labels, k, seed)
        parts = safe(*arguments)
        if parts is None:
            reject(learner, arguments, "returns None", f"a list of {k} lists", None)
        if len(parts) != k:
            reject(learner, arguments, "", f"{k} parts", f"{len(parts)} parts", f"There should be {k} parts.")
        together = sorted(index for part in parts for index in part)
        twice = sorted({index for index in together if together.count(index) > 1})
        if twice:
            sentence = f"Image {twice[0]} is in more than one place. Each image belongs to exactly one part."
            reject(learner, arguments, "overlapping parts", "each image once", f"{parts}", sentence)
        if not set(together) <= set(range(len(labels))):
            sentence = "The parts hold numbers that are no images: indices run from 0 to len(labels) - 1."
            reject(learner, arguments, "", f"indices below {len(labels)}", f"{parts}", sentence)
        if len(together) < len(labels):
            missing = sorted(set(range(len(labels))) - set(together))
            lost = missing[0]
            sentence = f"Image {lost} is in no part. Where a class does not divide by k, some parts get one more."
            if set(np.flatnonzero(labels == labels[lost])) <= set(missing):
                sentence = (
                    f"No image of class {labels[lost]} is in any part. A number may be missing among the labels: go "
                    "through those that there are, np.unique(labels)."
                )
            reject(learner, arguments, "images lost", f"{len(labels)} images", f"{len(together)} images", sentence)
        counts = np.array([[np.sum(labels[part] == c) for c in np.unique(labels)] for part in parts if part])
        if len(counts) < k or np.ptp(counts, axis=0).max() > 1:
            reject(learner, arguments, "not stratified", "counts that differ by 1 at most", f"{parts}")
    arguments = cases[0]
    one, again, other = safe(*arguments), safe(*arguments), safe(*arguments[:2], arguments[2] + 1)
    if one != again:
        sentence = "The same seed gives other parts the second time: draw from np.random.default_rng(seed)."
        reject(learner, arguments, "depends on history", f"{one}", f"{again}", sentence)
    if _contents(one) == _contents(other):
        sentence = "Another seed gives the same parts. Shuffle each class, with np.random.default_rng(seed)."
        reject(learner, arguments, "not shuffled", "other parts for another seed", f"{one}", sentence)
    # Two images of a class share one of two parts by chance: with some seeds, and not with others.
    arguments = (np.repeat([0, 1], [8, 6]), 2, 0)
    drawn = [safe(*arguments[:2], seed) for seed in range(24)]
    for pair in ({0, 1}, {8, 9}):
        if len({any(pair <= set(part) for part in parts) for parts in drawn}) == 1:
            reject(learner, arguments, "not shuffled", "images in random order", f"{drawn[0]}")


def _contents(parts: list[list[int]]) -> list[list[int]]:
    return sorted(sorted(part) for part in parts)


FOLDS = Exercise(
    id="08.1",
    title="Every image validates once",
    skill="You divide images into parts that are alike, without overlap.",
    task="With few images, one validation split is luck. *Cross-validation* cuts them into $k$ parts and trains $k$ "
    "times: each part validates once, while the others train. Make the parts. They have to be *stratified*: the "
    "images of a class are dealt out evenly, so that no part has two more of them than another.",
    difficulty=2,
    minutes=7,
    stub='''
def folds(labels: np.ndarray, k: int, seed: int) -> list[list[int]]:
    """Divide the images into k parts, class by class, at random.

    labels: (N,) whole numbers, in any order; a number may be missing. Returns k lists of indices. Each index from 0 to
    N - 1 is in exactly one of them. The same seed gives the same parts, another seed others.
    """
    ...  # your code here
''',
    hints=(
        "Take the classes one after the other, as split above does. Shuffle the indices of the class.",
        "Now deal them like cards: the first to part 0, the second to part 1, and after part k - 1 to part 0 again.",
        "shuffled[part::k] is every k-th index, from number `part` on. Extend each part by its share of each class.",
    ),
    reference="""
def folds(labels, k, seed):
    generator = np.random.default_rng(seed)
    parts = [[] for _ in range(k)]
    for label in np.unique(labels):
        shuffled = generator.permutation(np.flatnonzero(labels == label))
        for part in range(k):
            parts[part].extend(shuffled[part::k].tolist())
    return parts
""",
    explanation="A slice with step k deals out without remainder and without overlap. Report the mean of the k "
    "validation results. A choice that was made by them still needs a test split that none of them has seen.",
    check=_check_folds,
)


class _Watched(nn.Module):
    """A classifier with batch norm that notes in which mode it is asked."""

    def __init__(self, classes: int, training: bool, seed: int) -> None:
        super().__init__()
        self.layers = give_weights(nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, classes)), seed)
        self.layers[1].running_mean.copy_(_draw(8, seed=seed))
        self.train(training)
        self.modes: list[bool] = []
        self.remembers: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.modes.append(self.training)
        self.remembers.append(torch.is_grad_enabled())
        return self.layers(x)


def _top(model: nn.Module, batches: list, k: int, over: str = "images") -> float:
    """What the mistakes in a top-k accuracy give. The model stays in its mode."""
    with torch.no_grad():
        hits = [(model(x).topk(k, dim=1).indices == y[:, None]).any(1).double() for x, y in batches]
    if over == "batches":
        return float(np.mean([hit.mean().item() for hit in hits]))
    total = sum(hit.sum().item() for hit in hits)
    return total if over == "nothing" else total / sum(map(len, hits))


def _check_top_k(learner: Learner, reference: Callable) -> None:
    def batches(classes, *sizes):
        # The short last batch is another kind of image, as in a folder.
        inputs = [_draw(size, 3, seed=i) + (i == len(sizes) - 1) for i, size in enumerate(sizes)]
        return [(x, _draw_labels(len(x), classes, i)) for i, x in enumerate(inputs)]

    def case(classes, training, k, *sizes):
        return _Watched(classes, training, classes), batches(classes, *sizes), k

    cases = [
        case(5, True, 2, 16, 16, 4),
        case(4, False, 1, 12, 5),
        case(6, True, 3, 9),
        case(5, True, 1, 20, 20, 2),
        case(3, False, 3, 4, 4, 1),
    ]

    def evaluated(model):
        return copy.deepcopy(model).eval()

    in_training_mode = "The network was measured in training mode: dropout and batch norm behave otherwise in eval()."
    mistakes = [
        Mistake("eval mode missing", lambda model, b, k: _top(copy.deepcopy(model).train(), b, k), in_training_mode),
        Mistake("eval mode missing", lambda model, b, k: _top(copy.deepcopy(model), b, k), in_training_mode),
        Mistake("mean of means", lambda model, b, k: _top(evaluated(model), b, k, "batches")),
        Mistake(
            "only the first",
            lambda model, b, k: _top(evaluated(model), b, 1),
            "This counts the largest logit alone. Among the k largest is enough.",
        ),
        Mistake("sum for mean", lambda model, b, k: _top(evaluated(model), b, k, "nothing")),
        Mistake(
            "wrong divisor",
            lambda model, b, k: _top(evaluated(model), b, k, "nothing") / sum(len(y) * k for _, y in b),
            "This divides by all k answers of each image. An image counts once.",
        ),
        Mistake(
            "wrong divisor",
            lambda model, b, k: _top(evaluated(model), b, k, "nothing") / len(b),
            "This divides by the number of batches. Divide by the number of images.",
        ),
        Mistake(
            "wrong divisor",
            lambda model, b, k: _top(evaluated(model), b, k, "nothing") / len(b[-1][1]),
            "This divides by the images of the last batch alone: add them up with +=.",
        ),
        Mistake(
            "wrong part",
            lambda model, b, k: _top(lambda x: -evaluated(model)(x), b, k),
            "These are the k smallest logits.",
        ),
        Mistake(
            "one batch only",
            lambda model, b, k: _top(evaluated(model), b[-1:], k),
            "Only the last batch is counted. Count the right answers of all batches, then divide.",
        ),
        Mistake(
            "one batch only",
            lambda model, b, k: _top(evaluated(model), b[:1], k),
            "Only the first batch is counted: return after the loop, not inside it.",
        ),
    ]
    on_copies = learner.inside(lambda model, b, k: learner.answer(copy.deepcopy(model), b, k))
    expect_like(on_copies, lambda model, b, k: reference(copy.deepcopy(model), b, k), cases, mistakes)

    def look(model, b, k):
        learner.answer(model, b, k)
        modes = {module.training for module in model.modules()}
        return model.modes, model.remembers, modes, model.layers[1].running_mean

    for arguments in cases[:2]:
        model = arguments[0]
        modes, remembers, after, running_mean = learner.inside(look)(*arguments)
        if any(modes) or not torch.equal(running_mean, model.layers[1].running_mean):
            reject(learner, arguments, "eval mode missing", "eval mode", "training mode", in_training_mode)
        if after != {model.training}:
            names = {True: "training mode", False: "eval mode"}
            sentence = (
                f"The network came in {names[model.training]}, and is left in another one. Note model.training first, "
                "and set it back with model.train(...)."
            )
            reject(learner, arguments, "mode not restored", names[model.training], names[not model.training], sentence)
        if any(remembers):
            sentence = "The share is right, but autograd remembers every step. Measure under torch.no_grad()."
            reject(learner, arguments, "no_grad missing", "no gradients", "gradients", sentence)


TOP_K = Exercise(
    id="08.2",
    title="Among the first k",
    skill="You measure a network without changing it, and count images, not batches.",
    task="With many classes, it is often enough that the right one is *among the $k$ largest* logits: the *top-$k$ "
    "accuracy*. Measure it as a share of all images. It may be asked in the middle of training, so leave the network "
    "in the mode in which it came.",
    difficulty=2,
    minutes=8,
    stub='''
def top_k_accuracy(model: nn.Module, batches, k: int) -> float:
    """Share of the images whose class is among the k largest logits.

    batches: gives pairs of inputs and labels, (n,) whole numbers; n may differ from batch to batch. k: not larger than
    the number of classes. The model is in training mode or in eval mode; it is measured in eval mode, without
    gradients, and left in the mode in which it came.
    """
    ...  # your code here
''',
    hints=(
        "Take validate from above. What has to change in the line that counts, and what at the beginning and the end?",
        "logits.topk(k, dim=1).indices has shape (n, k). Compare it with labels[:, None], and ask in each row for any.",
        "was = model.training at the beginning; model.train(was) at the end: train(False) is eval().",
    ),
    reference="""
def top_k_accuracy(model, batches, k):
    was_training = model.training
    model.eval()
    right, images = 0, 0
    for inputs, labels in batches:
        with torch.no_grad():
            first = model(inputs).topk(k, dim=1).indices
        right += (first == labels[:, None]).any(dim=1).sum().item()
        images += len(labels)
    model.train(was_training)
    return right / images
""",
    explanation="Three things to set and to set back: the mode, the gradients, and the counts. A measurement that "
    "leaves eval mode behind switches off dropout and batch statistics for the rest of the training.",
    check=_check_top_k,
)


def _stopper(
    improves: Callable = lambda loss, best, least: loss < best - least,
    *,
    extra: int = 0,
    reset: bool = True,
    best_of: Callable = lambda loss, best, improved: loss if improved else best,
    start: float = float("inf"),
    skips: Callable = lambda loss: False,
) -> type:
    class Stopper:
        def __init__(self, patience, least=0.0):
            self.patience, self.least, self.best, self.waited = patience, least, start, 0

        def __call__(self, loss):
            if skips(loss):
                return False
            improved = improves(loss, self.best, self.least)
            self.waited = (0 if reset else self.waited) if improved else self.waited + 1
            self.best = best_of(loss, self.best, improved)
            return self.waited >= self.patience + extra

    return Stopper


class _LowestOfAll:
    """The lesson's own rule: how long ago the lowest of all losses was."""

    def __init__(self, patience: int, least: float = 0.0) -> None:
        self.patience = patience
        self.losses: list[float] = []

    def __call__(self, loss: float) -> bool:
        self.losses.append(loss)
        return len(self.losses) - 1 - np.argmin(self.losses) >= self.patience


def _check_early_stopping(learner: Learner, reference: Callable) -> None:
    def stops_after(answer, patience, least, losses):
        for loss in (0.1, 0.2):  # an object of another run, which has nothing to do with this one
            answer(1)(loss)
        stop = answer(patience, least)
        for epoch, loss in enumerate(losses, 1):
            said = stop(loss)
            if said is None:
                return None
            if said:
                return epoch
        return 0

    cases = [
        (2, 0.0, [0.9, 0.7, 0.8, 0.75, 0.6, 0.5]),
        (3, 0.0, [0.9, 0.7, 0.8, 0.75, 0.6, 0.65, 0.62, 0.63, 0.5]),
        (1, 0.0, [1.2, 1.1, 1.0, 1.05, 0.9]),
        (2, 0.0, [0.9, 0.5, 0.5, 0.5, 0.4]),
        (2, 0.1, [1.0, 0.95, 0.87, 0.83, 0.81, 0.7, 0.6]),
        (3, 0.1, [1.0, 0.93, 0.86, 0.79, 0.72, 0.65, 0.58]),
        (2, 0.05, [1.0, 1.02, 1.03, 0.5]),
        (2, 0.0, [0.9, 0.8, float("nan"), float("nan"), 0.7]),
        (4, 0.0, [1.0, 0.9, 0.8]),
        (2, 0.0, [0.5, 0.9, 0.8, 0.7]),
        (2, 0.0, [float("nan"), 1.0, 0.9, 0.8]),
        (2, 0.0, [0.5, float("nan"), 0.6, 0.7]),
        (2, 0.1, [0.5, 0.43, 0.42, 0.3]),
        (2, 0.0, [3e12, 2e12, 2.5e12, 1e12]),
    ]
    creeps = (
        "A gain that is too small to count still moves the best loss. Then many small gains never add up to an "
        "improvement."
    )
    mistakes = [
        Mistake(
            "missing term", _stopper(lambda loss, best, least: loss < best), "`least` is left out of the comparison."
        ),
        Mistake("missing term", _LowestOfAll, "`least` is left out of the comparison."),
        Mistake(
            "wrong scale",
            _stopper(lambda loss, best, least: loss < (best if best == float("inf") else best * (1 - least))),
            "`least` is taken as a share of the best loss. It is a difference.",
        ),
        *(
            Mistake(
                "wrong start value",
                _stopper(best_of=lambda loss, best, improved: loss if improved else best, start=start),
                "The best loss begins with a number that a first loss may exceed. Begin with infinity.",
            )
            for start in (10.0**power for power in range(1, 13))
        ),
        Mistake("off by one", _stopper(extra=1), "It stops one epoch too late."),
        Mistake("off by one", _stopper(extra=-1), "It stops one epoch too early."),
        Mistake(
            "last for best",
            _stopper(best_of=lambda loss, best, improved: loss),
            "The loss is compared with that of the epoch before. Compare it with the best one so far.",
        ),
        Mistake(
            "counts all failures",
            _stopper(reset=False),
            "All epochs without an improvement are counted. Only those in a row count: after an improvement, the "
            "count begins anew.",
        ),
        Mistake(
            "missing edge case",
            _stopper(lambda loss, best, least: loss <= best - least),
            "An equal loss is no improvement: smaller by *more* than `least` is.",
        ),
        Mistake(
            "wrong direction",
            _stopper(lambda loss, best, least: loss < best + least),
            "`least` is added: a loss that is a little larger counts as an improvement.",
        ),
        # Python's min gives its first argument where one is nan.
        Mistake("best creeps", _stopper(best_of=lambda loss, best, improved: min(best, loss)), creeps),
        Mistake("best creeps", _stopper(best_of=lambda loss, best, improved: min(loss, best)), creeps),
        Mistake(
            "missing edge case",
            _stopper(lambda loss, best, least: not loss >= best - least),
            "A loss of nan counts as an improvement here. No comparison with nan is true, so test whether the loss is "
            "smaller, not whether it is larger.",
        ),
        Mistake(
            "missing edge case",
            _stopper(lambda loss, best, least: best == float("inf") or loss < best - least),
            "A first loss of nan becomes the best one, and no later loss is smaller than nan. Begin with infinity as "
            "the best loss.",
        ),
        Mistake(
            "missing edge case",
            _stopper(skips=lambda loss: loss != loss),
            "An epoch whose loss is nan is not counted at all. It is one without an improvement.",
        ),
        Mistake(
            "wrong part",
            _stopper(lambda loss, best, least: loss > (0 if best == float("inf") else best) + least),
            "This waits for the largest value. A loss should fall.",
        ),
    ]
    try:
        expect_probed(learner, reference, stops_after, cases, mistakes, whole=True)
    except Rejected as rejected:
        outcome = rejected.outcome
        raise Rejected(replace(outcome, expected=_said(outcome.expected), got=_said(outcome.got))) from None


def _said(epoch: int | None) -> str | None:
    if epoch is None:
        return None
    return f"stops after epoch {epoch}" if epoch else "never stops"


EARLY_STOPPING = Exercise(
    id="08.3",
    title="Enough is enough",
    skill="You decide after each epoch, from what came before, whether to go on.",
    task="Write early stopping as an object that remembers: `stop = EarlyStopping(patience=3)` before the loop, and "
    "`if stop(valid_loss): break` after each epoch. A gain of a millionth should not count. So an epoch is an "
    "*improvement* if its loss is smaller than the best one by more than `least`. The best loss is that of the last "
    "improvement; the first loss that is not nan always is one.",
    difficulty=2,
    minutes=8,
    stub='''
class EarlyStopping:
    """Early stopping: call it with the validation loss of each epoch. It says whether to stop.

    patience: 1 or more. least: the best loss must be beaten by more than this to count as an improvement.
    """

    def __init__(self, patience: int, least: float = 0.0):
        """Keep the settings, and what the object has to remember from one call to the next."""
        ...  # your code here

    def __call__(self, loss: float) -> bool:
        """Whether there has been no improvement in the last `patience` epochs. A loss may be nan: no improvement."""
        ...  # your code here
''',
    hints=(
        "What must the object remember from one call to the next? Two numbers are enough.",
        "Remember the loss of the last improvement, and how many epochs ago it was. Begin with float('inf') and 0.",
        "If loss < self.best - self.least: set best to loss, and waited to 0. If not, waited grows by 1. Stop when "
        "waited has reached patience.",
    ),
    reference="""
class EarlyStopping:
    def __init__(self, patience, least=0.0):
        self.patience, self.least = patience, least
        self.best, self.waited = float("inf"), 0

    def __call__(self, loss):
        if loss < self.best - self.least:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        return self.waited >= self.patience
""",
    explanation="The best loss moves only with an improvement, so that many small gains add up to one. Written as "
    "`loss < ...`, the comparison is false for nan, and a run that has broken down is stopped.",
    check=_check_early_stopping,
)


def _check_views(learner: Learner, reference: Callable) -> None:
    settings = [(torch.tensor([0.5, 0.25, 0.75]), 3, 2), (torch.tensor([0.1, 0.2, 0.3]), 5, 4)]

    def output(answer, mean, channels, views, x):
        model = answer(mean, channels, views)
        with torch.no_grad():
            # Kernels and biases of our own, whatever they are called. The shares stay as they are.
            trained = [p for p in model.parameters() if p.requires_grad]
            for shape in ((channels, 3, 3, 3), (channels,)):
                for place, parameter in enumerate(p for p in trained if p.shape == shape):
                    parameter.copy_(_draw(*shape, seed=place))
            return model(x)

    def count_trained(answer, mean, channels, views):
        return sum(p.numel() for p in answer(mean, channels, views).parameters() if p.requires_grad)

    def stored(answer, mean, channels, views):
        return sum(tensor.numel() for tensor in answer(mean, channels, views).state_dict().values())

    def gaps(answer, mean, channels, views):
        """Largest difference of the outputs after save and load, and how many parameters a step has not moved."""
        model, other = answer(mean, channels, views), answer(torch.zeros_like(mean), channels, views)
        x = _draw(2, 3, 5, 6)
        other.load_state_dict(model.state_dict())
        difference = (model(x) - other(x)).abs().max().item()
        before = [p.detach().clone() for p in model.parameters()]
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
        model(x).sin().sum().backward()
        optimizer.step()
        still = sum(torch.equal(p, b) for p, b in zip(model.parameters(), before) if p.requires_grad)
        return difference, still

    import_optimizers()
    for arguments in settings:
        expect_network(learner, arguments)
        _, channels, views = arguments
        kernels = views * (27 * channels + channels)
        right = kernels + views
        got = learner.inside(lambda *given: count_trained(learner.answer, *given))(*arguments)
        if got != right:
            sentences = {
                0: "Nothing would be trained: PyTorch has found neither the views nor the shares.",
                views: "The views are not found: they stand in a plain list. Only the shares would be trained.",
                kernels: "The shares are not found: a plain tensor is no nn.Parameter. They are to be trained too.",
                3: "The mean would be trained, and nothing else: it is no parameter, and the views are not found.",
                right + 3: "The mean would be trained as well. It was measured; a buffer is stored and not trained.",
                kernels + 3: "The mean would be trained, and the shares would not. It is the other way round.",
                views + 3: "The views stand in a plain list, and the mean would be trained.",
            }
            name = "sub-modules in a list" if got in (0, views, 3, views + 3) else "parameter or buffer"
            sentence = sentences.get(got, "The number of trained parameters is wrong.")
            reject(learner, arguments, name, f"{right} trained numbers", f"{got} trained numbers", sentence)
        got = learner.inside(lambda *given: stored(learner.answer, *given))(*arguments)
        if got == right:
            sentence = "The mean is not in the state_dict: a checkpoint would lose it. Register it as a buffer."
            reject(learner, arguments, "parameter or buffer", f"{right + 3} numbers", f"{got} numbers", sentence)
        if got != right + 3:
            sentence = "The state_dict should hold the kernels, the biases, the shares and the mean, and no more."
            reject(learner, arguments, "", f"{right + 3} numbers", f"{got} numbers", sentence)
        difference, still = learner.inside(lambda *given: gaps(learner.answer, *given))(*arguments)
        if difference > 1e-6:
            sentence = "A network that has loaded the state_dict of another one gives other outputs."
            reject(learner, arguments, "", "difference 0", f"difference {difference:.3g}", sentence)
        if still:
            sentence = "A training step leaves some parameters where they are. Does forward use them?"
            reject(learner, arguments, "", "all move", f"{still} do not", sentence)
    cases = [(*setting, _draw(2, 3, 5, 6)) for setting in settings]
    expect_probed(learner, reference, output, cases, tolerance=1e-5)


VIEWS = Exercise(
    id="08.4",
    title="Find the bug: what PyTorch does not see",
    skill="You register what is to be trained, and what is to be stored, with the network.",
    task="This network runs. But no optimizer finds anything to train in it, and its checkpoint is empty. Three things "
    "belong there: the kernels and biases of the views and their shares, which are *trained*, and the mean colour of "
    "the training images, which is *stored and not trained*. Repair `__init__`.",
    difficulty=2,
    minutes=7,
    stub='''
class Views(nn.Module):
    """Several convolutions look at the same images, and each has a share in the result.

    mean: (3,), the mean colour of the training images. channels: of the result. views: how many convolutions.
    Takes (N, 3, H, W), gives (N, channels, H, W). The shares begin at 1 / views each.
    """

    def __init__(self, mean: torch.Tensor, channels: int, views: int):
        super().__init__()
        self.mean = mean
        self.views = [nn.Conv2d(3, channels, kernel_size=3, padding=1) for _ in range(views)]
        self.shares = torch.full((views,), 1 / views)

    def forward(self, x):
        x = x - self.mean[:, None, None]
        return sum(share * view(x) for share, view in zip(self.shares, self.views))
''',
    hints=(
        "Build one and look at len(model.state_dict()). Which three lines of __init__ make something to be kept?",
        "For the list of layers, see bug 3. For tensors, lesson 06: what is trained is a parameter, what is only "
        "stored is a buffer.",
        'nn.ModuleList([...]), nn.Parameter(...), and self.register_buffer("mean", mean).',
    ),
    reference="""
class Views(nn.Module):
    def __init__(self, mean, channels, views):
        super().__init__()
        self.register_buffer("mean", mean)
        self.views = nn.ModuleList([nn.Conv2d(3, channels, kernel_size=3, padding=1) for _ in range(views)])
        self.shares = nn.Parameter(torch.full((views,), 1 / views))

    def forward(self, x):
        x = x - self.mean[:, None, None]
        return sum(share * view(x) for share, view in zip(self.shares, self.views))
""",
    explanation="parameters() feeds the optimizer, state_dict() the checkpoint, and .to(device) moves both parameters "
    "and buffers. A tensor or a layer that is neither registered nor in a ModuleList gets nothing of this, without "
    "an error. Count the parameters: here views · (28 · channels + 1).",
    check=_check_views,
)


class _Memory:
    """Watch how many images a network gets, and how many autograd still remembers when the next ones come.

    Attributes
    ----------
    at_once, together : int
        Most images in one call, and most images of one call and of earlier ones that autograd keeps something of.
    """

    def __init__(self, model: nn.Module) -> None:
        self.at_once = self.together = 0
        self._kept: list[tuple[int, weakref.WeakSet]] = []
        model.register_forward_pre_hook(self._begin)
        model.register_forward_hook(self._end, always_call=True)

    def _begin(self, _model: nn.Module, given: tuple) -> None:
        count = len(given[0])
        self._kept = [(images, saved) for images, saved in self._kept if saved]
        self.at_once = max(self.at_once, count)
        self.together = max(self.together, count + sum(images for images, _ in self._kept))
        holders = weakref.WeakSet()
        self._kept.append((count, holders))

        def pack(tensor):
            holder = _Saved(tensor.detach())
            holders.add(holder)
            return holder

        self._watch = torch.autograd.graph.saved_tensors_hooks(pack, lambda holder: holder.tensor)
        self._watch.__enter__()

    def _end(self, *_given: object) -> None:
        self._watch.__exit__(None, None, None)


class _Saved:
    """A tensor that autograd keeps for backward; it lives as long as autograd keeps it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def _check_accumulated_step(learner: Learner, reference: Callable) -> None:
    def linear(features, classes, seed):
        return give_weights(nn.Sequential(nn.Linear(features, 4), nn.Tanh(), nn.Linear(4, classes)), seed)

    def walk(answer, model, inputs, labels, size):
        """Take three steps with an optimizer that has a memory; return the weights and the losses."""
        model = copy.deepcopy(model)
        seen = _Memory(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
        losses = []
        for turn in range(3):
            losses.append(answer(model, inputs + turn / 3, labels.roll(turn), size, optimizer))
        weights = torch.cat([p.detach().flatten() for p in model.parameters()])
        return weights, losses, (seen.at_once, seen.together)

    def weights(answer, *given):
        return walk(answer, *given)[0]

    def losses(answer, *given):
        found = walk(answer, *given)[1]
        return None if any(loss is None for loss in found) else [float(loss) for loss in found]

    cases = [
        (linear(3, 3, 0), _draw(10, 3), _draw_labels(10, 3), 4),
        (linear(2, 4, 1), _draw(7, 2), _draw_labels(7, 4), 3),
        (linear(3, 2, 2), _draw(5, 3), _draw_labels(5, 2), 8),
        (linear(2, 3, 3), _draw(6, 2), _draw_labels(6, 3), 2),
        (linear(1, 2, 4), _draw(3, 1), _draw_labels(3, 2), 1),
    ]

    def wrong(
        share=lambda n, size, total: n / total, *, clear="before", step="after", parts=lambda x, size: x.split(size)
    ):
        def answer(model, inputs, labels, size, optimizer):
            total = 0.0
            if clear == "before":
                optimizer.zero_grad()
            if step == "before":
                optimizer.step()
            for part, answers in zip(parts(inputs, size), parts(labels, size)):
                if clear == "within":
                    optimizer.zero_grad()
                loss = F.cross_entropy(model(part), answers) * share(len(part), size, len(inputs))
                loss.backward()
                total += loss.item()
                if step == "within":
                    optimizer.step()
            if step == "after":
                optimizer.step()
            return total

        return answer

    def batches(n, size, total):
        return 1 / -(-total // size)

    mistakes = [
        Mistake("forgot zero_grad", wrong(clear="never")),
        Mistake("gradients erased", wrong(clear="within")),
        Mistake("mean of means", wrong(batches), "Every part counts alike here. The last one may be shorter."),
        Mistake(
            "mean of means",
            wrong(lambda n, size, total: size / total),
            "Every part counts `size` images here. The last one may have fewer.",
        ),
        Mistake(
            "sum for mean",
            wrong(lambda n, size, total: 1),
            "The means of the parts are added up. Each should count with its share of the images.",
        ),
        Mistake("sum for mean", wrong(lambda n, size, total: n), "This is the gradient of the sum over all images."),
        Mistake("stepped for each part", wrong(step="within")),
        Mistake("stepped for each part", wrong(lambda n, size, total: 1, clear="within", step="within")),
        Mistake("stepped for each part", wrong(clear="within", step="within")),
        Mistake(
            "step before backward",
            wrong(step="never"),
            "The weights have not moved. The optimizer has to step once: after the last backward, and before the "
            "gradients are erased.",
        ),
        Mistake("step before backward", wrong(clear="never", step="before")),
        Mistake(
            "cut off",
            wrong(parts=lambda x, size: [x[i : i + size] for i in range(0, len(x) - size + 1, size)]),
            "The short part at the end is left out.",
        ),
    ]
    import_optimizers()
    expect_probed(learner, reference, weights, cases, mistakes, tolerance=1e-5)
    for arguments in cases:
        most, together = learner.inside(lambda *given: walk(learner.answer, *given)[2])(*arguments)
        size = arguments[3]
        if most > size:
            sentence = f"The weights are right, but the network saw {most} images at a time. The memory holds {size}."
            reject(learner, arguments, "parts ignored", f"{size} images at a time", f"{most} images", sentence)
        if together > size:
            sentence = (
                "The weights are right, but autograd remembers each part until backward has gone through it: "
                f"{together} images are in memory together. Call backward for a part before the network sees the next "
                "one."
            )
            reject(learner, arguments, "graph kept", f"{size} images in memory", f"{together} images", sentence)
    loss_mistakes = [
        Mistake("mean of means", lambda *a: _mean_loss(reference, batches, *a), "The loss is a mean of means."),
        Mistake(
            "sum for mean",
            lambda *a: _mean_loss(reference, lambda n, size, total: 1, *a),
            "The step is right, but the loss that you return is a sum over the parts. Weigh each by its images.",
        ),
    ]
    expect_probed(learner, reference, losses, cases, loss_mistakes, tolerance=1e-5)


def _mean_loss(reference: Callable, share: Callable, model, inputs, labels, size, optimizer) -> float:
    """Take the right step, and return the parts' losses with other shares."""
    with torch.no_grad():
        parts = zip(inputs.split(size), labels.split(size))
        total = sum(F.cross_entropy(model(x), y).item() * share(len(x), size, len(inputs)) for x, y in parts)
    reference(model, inputs, labels, size, optimizer)
    return total


ACCUMULATED_STEP = Exercise(
    id="08.5",
    title="A batch that does not fit",
    skill="You take one step for a batch that the network sees in parts.",
    task="A batch of 256 images is too large for your GPU's memory, but 64 would fit. Take *one* step, with the "
    "gradient of the whole batch's mean loss, though no more than `size` images, with what autograd remembers of them, "
    "are in memory at a time. You need what this section has shown, and what `zero_grad` is for: `backward` *adds* to "
    "the gradients that are there.",
    difficulty=3,
    minutes=10,
    stub='''
def accumulated_step(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, size: int, optimizer) -> float:
    """One training step for a batch that is seen in parts of `size` images; the last one may be shorter.

    inputs: (n, ...). labels: (n,). The loss is F.cross_entropy. model and inputs are on one device, and the model is in
    the right mode. Gradients of earlier steps may still be there. Returns the mean loss over the n images.
    """
    ...  # your code here
''',
    hints=(
        "Which of the five lines of a training step are done once for the whole batch, and which once for each part?",
        "zero_grad once before the parts, step once after them. In between, backward adds each part's gradient.",
        "The gradient of a mean needs shares: multiply a part's mean loss by len(part) / len(inputs) before backward. "
        "inputs.split(size) gives the parts.",
    ),
    reference="""
def accumulated_step(model, inputs, labels, size, optimizer):
    optimizer.zero_grad()
    total = 0.0
    for part, answers in zip(inputs.split(size), labels.split(size)):
        loss = F.cross_entropy(model(part), answers) * len(part) / len(inputs)
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
""",
    explanation="The sum of the parts' gradients, each with its share, is the gradient of the whole batch: what two "
    "processes do side by side, one does in turns. Only batch norm notices, since it sees the statistics of a part.",
    check=_check_accumulated_step,
)

EXERCISES = (FOLDS, TOP_K, EARLY_STOPPING, VIEWS, ACCUMULATED_STEP)

QUIZ = (
    Question(
        "You train 30 networks and keep the one with the highest validation accuracy, 91 %. What do you expect of it "
        "on the test split?",
        (
            Option("91 %", "It was chosen because it was high there: by merit, and by luck. The luck stays behind."),
            Option(
                "A little less",
                "The best of 30 is good or lucky, mostly both. On new images, only the first remains.",
                right=True,
            ),
            Option("More, because it is the best of 30", "Choosing finds the best network. It improves none of them."),
        ),
    ),
    Question(
        "The same weights, the same validation images: with batches of 32 the loss is 0.41, with batches of 64 it is "
        "0.37. What is missing?",
        (
            Option("torch.no_grad()", "It saves memory and time. The numbers are the same with it and without."),
            Option(
                "model.eval()",
                "In training mode, batch norm uses the statistics of each batch, so that an image's output depends on "
                "its companions.",
                right=True,
            ),
            Option("shuffle=True", "A mean over all images does not depend on their order, in eval mode."),
            Option("A larger validation split", "More images make it more certain. They do not make it one number."),
        ),
    ),
    Question(
        "At the end of an epoch the training loss is 0.45 and the validation loss 0.32. What is the likeliest reason?",
        (
            Option(
                "Validation images were trained on",
                "A leak would bring the two near to each other. That one lies below needs another reason.",
            ),
            Option(
                "They are measured in different ways",
                "Training: augmented images, with dropout, and with weights that were worse in the first batches. "
                "Measure the training images as you do the others.",
                right=True,
            ),
            Option("The network is too small", "Then both losses would be large, and about equal."),
        ),
    ),
    Question(
        "Your job is stopped after 10 of 20 epochs. You load the weights of epoch 10 and train for another 10. Is it "
        "the run that you would have had?",
        (
            Option("Yes, the weights are all that training changes", "Adam's moments change as well, for example."),
            Option("Yes, if the seed is set again", "Then the first ten epochs' order of images comes once more."),
            Option(
                "No: optimizer, schedule and random states begin anew",
                "They have to be stored with the weights. Then the run comes out the same, bit for bit.",
                right=True,
            ),
        ),
    ),
)
