"""The vocabulary of checks: compare an answer with the reference on several inputs, and name the mistake.

A mistake is recognised by computing what it would give: a :class:`Mistake` holds the wrong computation, and if an
answer agrees with it on every input, the learner is told so.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from course_utils.exercises.exercise import NotYet, Rejected
from course_utils.exercises.grading import Learner
from course_utils.exercises.values import as_array, close

# Names of mistakes that learners make again and again, with the sentence that says what is wrong.
MISCONCEPTIONS = {
    "flipped kernel": "The kernel is flipped: this is a true convolution. PyTorch's conv2d does not flip.",
    "forgot to flip": "The kernel is not flipped: this is a cross-correlation, and a true convolution was asked for.",
    "forgot floor": "A step that does not fit is not taken: divide with //, which rounds down.",
    "no whole number": "The numbers are right, but sizes are whole numbers (int); these are",
    "padding on one side": "The padding is counted once. It is put on both sides, so it counts twice.",
    "forgot dilation": "The dilation is left out: k taps that are d apart span d (k - 1) + 1 places.",
    "forgot stride": "The stride is left out.",
    "off by one": "This is off by one.",
    "truncated to integers": "Fractions are cut off: an array that is made from integers holds integers. Use floats.",
    "wraps around": "The end comes round to the start: this is the circular result.",
    "cut off": "The result is cut off at the end of the input.",
    "wrong axis": "The two axes are swapped: the first counts rows, downwards, the second columns.",
    "wrong direction": "This moves the other way.",
    "not centred": "Displacements count from the middle of the kernel, not from its corner.",
    "sum for mean": "This is the sum where the mean was asked for.",
    "mean for sum": "This is the mean where the sum was asked for.",
    "wrong start value": "The start value takes part in the maximum: with it, no result is below 0.",
    "forgot the scale": "The values are right up to a constant factor.",
    "half the wave": "A real wave stands at k and at N - k, with half of its height at each. Count both.",
    "mirror image": "This is the mirror image at N - k: a frequency of a real wave lies below N / 2.",
    "mean taken for a wave": "Entry 0 of the spectrum is the mean. It is no wave.",
    "forgot the mirror image": "The waves of -k turns, at N - k, have to be treated as those of k turns are.",
    "forgot 2 pi": "One cycle is 2 pi radians: the factor 2 pi is missing.",
    "forgot the magnitude": "This is a part of a complex number. The gain is its magnitude.",
    "spectrum shifted": "The spectrum is moved along. A delay turns its numbers, and leaves them at their places.",
    "multiplied instead": "Multiplying by the kernel's spectrum convolves once more. To undo it, divide.",
    "conjugated": "A spectrum is conjugated that should not be.",
    "not conjugated": "The conjugate is missing: without it, the product of spectra is a true convolution.",
    "one-sided difference": "The point is moved to one side only. Two sides have a far smaller error.",
    "wrong divisor": "The two points are 2 h apart: divide by 2 h.",
    "all at once": "All entries are moved at the same time. Each derivative needs a move of its own entry alone.",
    "dropped tails": "The tails of the blocks are lost. The last k - 1 samples of each block add to the next one.",
    "overwritten tails": "Where two blocks overlap, one overwrites the other. The two have to be added.",
    "whole signal at once": "The signal was not cut into blocks.",
    "missing term": "A term of the sum is missing.",
    "missing edge case": "This holds in general, but not at the edge.",
    "overwritten": "Two values fall on the same place, and one overwrites the other. They have to be added.",
    "one turn only": "Only one turn comes round. A longer result goes round the ring several times.",
    "wrong place": "The values are right, but at the wrong places.",
    "mean for maximum": "This is the mean of each window where its largest number was asked for.",
    "overlapping windows": "The windows overlap: they move by one pixel. The stride of a pooling is its window.",
    "wrong part": "What was to be kept is removed, and what was to be removed is kept.",
    "not transformed": "This is the signal itself. Its spectrum was asked for.",
    "squared": "This is the square of what was asked for.",
    "odd length": "Half a spectrum does not tell whether its signal had an even or an odd length. Say so with s=.",
    "not a difference": "This is the exact derivative. Two values of f and their distance were asked for.",
    # Part II: lessons 04 to 06
    "softmax twice": "The softmax is applied twice: cross-entropy takes the raw outputs and contains one.",
    "biased variance": "This variance is divided by n where n - 1 was asked for.",
    "unbiased variance": "This variance is divided by n - 1 where n was asked for.",
    "fitted on test data": "The test data took part in the fit. Fit on the training data, and only apply to the rest.",
    "broadcast": "A row of N meets a column of N, and every number is compared with every other.",
    "overflow": "An exponential overflows: take the largest logit of each image out first.",
    "rate in the velocity": "The rate goes into the velocity. It has to multiply the velocity when the step is taken.",
    "averaged velocity": "The gradient is multiplied by 1 - beta: an average. Add the whole gradient to the velocity.",
    "gradient of the start": "The gradient is computed once. It changes with every step.",
    "one for all": "One number serves all features. Each of them has its own.",
    "bias forgotten": "The biases are left out: a layer from a to b numbers has b of them.",
    "not squared": "The squares are missing.",
    "wrong slope": "This is not the slope of the activation.",
    "slope left out": "The error passes the activation without being multiplied by its slope.",
    "mask of single numbers": "Each number is dropped by itself. What belongs together has to be dropped together.",
    "one mask for all": "All images lose the same. Each image needs a mask of its own.",
    "always training": "The layer does in eval mode what it does in training.",
    "epsilon outside the root": "Epsilon is added to the deviation. It belongs to the variance, under the root.",
    "shares exchanged": "Old and new are weighted the wrong way round.",
    "no buffer": "The running statistics are not saved: register them with register_buffer.",
    "mode not restored": "The network is left in another mode than it came in.",
    "mode changed": "The network runs in another mode than it came in.",
    # Part III: lessons 07 to 12
    "eval mode missing": "The network was left in training mode: dropout and batch norm behave otherwise in eval().",
    "channels last": "The channels are at the end (H, W, C); PyTorch wants them first (C, H, W).",
    "sub-modules in a list": "A plain list hides its layers from the network: nothing in it is trained or saved.",
    # Part III, lessons 10 to 12
    "layer left out": "A layer is missing.",
    "wrong order": "The layers are the right ones, in the wrong order.",
    "wrong padding": "The padding does not fit the kernel: k // 2 zeros on each side keep the size of the map.",
    "channels not chained": "A layer has to take as many channels as the layer before it puts out.",
    "shared weights": "One layer stands at several places. It has one set of weights; each place needs its own.",
    "sum for concatenation": "The branches are added. They were to be joined along the channels.",
    "chosen on test data": "The test data took part in the choice. Choose by the validation data alone.",
    "wrong scale": "The steps are even, but on another scale than the one that was asked for.",
    "all alike": "The same draw is used several times, where each was to be drawn anew.",
    "seed ignored": "Another seed gives the same result: draw with np.random.default_rng(seed).",
    "not repeatable": "The same seed gives another result each time.",
    "drawn with replacement": "Some values come several times, and others never. Each was to come once.",
    "without replacement": "The draws are made without putting back. Here the same one may be drawn again.",
    "mean of means": "Every batch counts alike here. A batch of few images should count less: weigh by images.",
    "overlapping parts": "The parts overlap. Each image belongs to exactly one of them.",
    "images lost": "Some images are in no part.",
    "not stratified": "The classes are not dealt out evenly: of each class, no part may have two more than another.",
    "not shuffled": "The images are not shuffled: in a folder, neighbours are often alike.",
    "no_grad missing": "Autograd remembers a computation that nobody differentiates. Use torch.no_grad().",
    "only the first": "Only the first one counts here.",
    "one batch only": "Only one of the batches is counted.",
    "last for best": "This compares with the last value. Compare with the best one so far.",
    "counts all failures": "All failures are counted. Only those in a row should be.",
    "best creeps": "A change that does not count still moves the best value.",
    "parameter or buffer": "What is trained is a parameter, what is only stored is a buffer.",
    "forgot zero_grad": "Gradients of the step before are still there: backward adds to them. Call zero_grad first.",
    "gradients erased": "zero_grad inside the loop erases the gradients of the parts before. Call it once, first.",
    "stepped for each part": "The optimizer steps after each part. One step for the whole batch was asked for.",
    "step before backward": "The optimizer steps before backward has computed this batch's gradients.",
    "parts ignored": "The network sees the whole batch at once. It was to see it in parts.",
    "mean of deviations": "A mean of deviations is no deviation: what differs between the batches is left out.",
    "stride too early": "A layer's own stride acts on the layers behind it, not on itself.",
    "steps added": "Strides multiply. They do not add.",
    "one layer only": "Only one of the layers is counted.",
    "one per class": "This is one number for each class. One for each image was asked for.",
    "zeros in the gap": "The gap is filled with zeros.",
    "reshaped": "reshape cuts the numbers anew. To turn axes, use permute.",
    "one layer too many": "There is a layer that was not asked for.",
    "batch flattened": "The batch is flattened with the rest. Each image needs a row of its own.",
    "images mixed": "Numbers of different images are mixed.",
    "does not fit": "A layer is built for another number of inputs than arrive.",
    "no tensor": "PyTorch needs a tensor here.",
    # Part IV: lessons 13 to 17
    # Lesson 13
    "left in eval mode": "The network is left in eval mode. Put it back into the mode that it was in.",
    "running statistics move": "Batch norm's running statistics move, gradient or not: only eval mode keeps them.",
    "graph kept": "The result hangs on the graph of autograd, which keeps everything in between in memory.",
    "frozen too much": "Parameters that were to be trained are frozen.",
    "overflows": "This leaves the range of floating-point numbers where the right result is still an ordinary number.",
    "clamped": "Clamping hides the overflow: where it acts, the loss is wrong and the gradient is 0.",
    "not frozen": "The parameters that were to stay as they are would still be trained.",
    "forgot groups": "The groups are left out: each output channel sees only c_in / groups channels.",
    "forgot padding": "The padding is left out.",
    "parameters counted": "These are the parameters. Each of them is used once for every place of the output.",
    "mixed over the batch": "The result for one image depends on the other images of its batch.",
    "not applied": "These are the weights alone. They still have to be applied.",
    "wrong activation": "Another activation was asked for.",
    "single units dropped": "Single numbers are dropped where whole branches were to be.",
    "whole batch at once": "All images of a batch are dropped together, or none. Draw for each image.",
    "drawn only once": "Random numbers are drawn only once.",
    "kept for dropped": "What should be kept is dropped: p is the probability of being dropped.",
    "wrong share": "The probability is not the one that was asked for.",
    "rounded constant": "A rounded constant is used where its exact value was asked for.",
    "forgot the square": "Width and resolution count twice in the cost: their factors have to be squared there.",
    "budget for exponent": "The budget is used as the exponent. It is the factor that the power has to give.",
    "inverted": "This is the inverse of what was asked for.",
    "counted twice": "This counts everything twice.",
    "not clipped": "What lies outside the image is not cut off.",
    "corner for centre": "The first two numbers are the upper left corner. YOLO wants the centre.",
    "not normalised": "These are pixels. Fractions of the image's width and height were asked for.",
    "half the size": "Width and height are half of what they should be.",
    "scored on training data": "This is measured on the training labels. The test labels were asked for.",
    "uniform": "Equal probabilities are used where shares were asked for.",
    "another base": "Another base of the logarithm was asked for.",
    "wrong sign": "The sign is wrong.",
    "no copy": "The model ends with the weights of its last epoch. Keep copies, and load them into it at the end.",
    "normal approximation": "This uses k/n for p under the root. Its ends leave 0..1. Keep p there, and solve.",
    "percent": "These are percentages. A share from 0 to 1 was asked for.",
    "read in memory order": "reshape cuts the numbers anew and mixes places and colours. permute moves axes.",
    "zero by zero": "A filter of zeros is divided by 0, and becomes nan.",
    "channels first": "The colours still come before rows and columns. They should be last.",
    "one scale for all": "All share one scale. Each was to be scaled on its own.",
    "own scale for each": "Each is scaled on its own. They were to share one scale.",
    "stretched": "Each filter is stretched from its lowest to its highest weight, so that zero is not mid-grey.",
    "dead in one image": "These channels are 0 in at least one image. Dead ones are 0 in all of them.",
    "places counted": "These are places. Channels were asked for.",
    "hook left behind": "A hook is left in the model.",
    "compared with itself": "Every class is most alike to itself. The diagonal has to be taken out.",
    "mean not subtracted": "The mean over all rows is not subtracted, and what all share makes all of them alike.",
    "bias left out": "The bias is left out.",
    "one class only": "This is the map of class k alone. What speaks for class j has to be subtracted.",
    "not of length 1": "The rows are not scaled to length 1.",
    "classes of others": "Each image is asked for the classes of all images at once. Pick one logit out of each row.",
    "probability for logit": "This is the gradient of the probability. It mixes in other classes. Ask for the logit.",
    "ReLU too early": "The ReLU comes before the sum over the channels, so for and against cannot cancel.",
    "not averaged": "The gradient is used place by place. Grad-CAM averages it: one weight for each channel.",
    "share for a point": "This is a share. Does the largest value lie inside, yes or no?",
    "not paired": "The two networks are drawn apart. They saw the same pictures: draw pictures, not scores.",
    "spread of the values": "This is the spread of the values, not that of their mean.",
    "another level": "This interval holds another share than 95 %.",
    "one only": "One of the two is left out.",
    "centred": "The mean is subtracted where it belongs to the result.",
    # Of every lesson
    "changes its input": "The function changes its input.",
    "depends on history": "The function answers the same question differently the second time.",
    "gradient lost": "The result is cut off from its inputs, so no gradient gets through.",
    "wrong dtype": "The result has another dtype than the input.",
    "too slow": "The function takes too long.",
    "raises": "The function raises an error.",
    "returns None": "The function returns None.",
}


@dataclass(frozen=True)
class Mistake:
    """A wrong computation that stands for a misconception.

    Parameters
    ----------
    name : str
        A key of :data:`MISCONCEPTIONS`.
    wrong : callable
        What the mistake would give, with the arguments of the exercise's function.
    sentence : str, optional
        What to say, where the general sentence of the misconception will not do.
    """

    name: str
    wrong: Callable
    sentence: str = ""

    def __post_init__(self) -> None:
        if self.name not in MISCONCEPTIONS:
            raise ValueError(f"Unknown misconception {self.name!r}; add it to comparison.MISCONCEPTIONS.")

    @property
    def reason(self) -> str:
        return self.sentence or MISCONCEPTIONS[self.name]


def expect_like(
    learner: Learner,
    reference: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake] = (),
    *,
    tolerance: float = 1e-6,
    whole: bool = False,
    everywhere: bool = False,
) -> None:
    """Reject an answer that gives something else than the reference for one of the cases.

    Parameters
    ----------
    learner, reference : callable
    cases : sequence of tuple
        Arguments of each call.
    mistakes : sequence of Mistake
        Tried in this order on an answer that is wrong. The one that explains all of its results is named, or else the
        first that explains the first wrong result.
    tolerance : float
        Largest difference, relative to the largest number that is expected, or to 1 if that is larger.
    whole : bool
        Whether the results must be integers.
    everywhere : bool
        Whether only a mistake is named that explains all results: small integers agree by chance.
    """
    results: list[tuple[tuple, object]] = []
    wrong: tuple[tuple, object] | None = None
    for arguments in cases:
        try:
            got = learner(*arguments)
        except Rejected:
            if wrong is None:
                raise
            break
        results.append((arguments, got))
        if wrong is None and not _agree(got, reference(*arguments), tolerance, whole):
            wrong = results[-1]
            if got is None:
                break
    if wrong is None:
        arguments, before = results[0]
        again = learner(*arguments)
        if not _agree(again, before, tolerance, whole):
            reason = MISCONCEPTIONS["depends on history"]
            raise Rejected(NotYet(reason, "depends on history", learner.call_text(arguments), before, again))
        return
    arguments, got = wrong
    expected = reference(*arguments)
    given = learner.call_text(arguments)
    if whole and _agree(got, expected, tolerance):
        reason = MISCONCEPTIONS["no whole number"]
        raise Rejected(NotYet(f"{reason} {as_array(got).dtype}.", "no whole number", given, expected, got))
    for explained in (results,) if everywhere else (results, [wrong]):
        for mistake in mistakes:
            if all(_agree(value, _attempt(mistake.wrong, case), tolerance) for case, value in explained):
                raise Rejected(NotYet(mistake.reason, mistake.name, given, expected, got))
    reason, name = _describe(got, expected, tolerance)
    raise Rejected(NotYet(reason, name, given, expected, got))


def expect_gradient(
    learner: Learner,
    reference: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake] = (),
    *,
    tolerance: float = 1e-6,
) -> None:
    """Reject an answer through which no gradient, or a wrong one, reaches one of its tensors.

    Arguments as in :func:`expect_like`; every floating-point or complex tensor among a case's arguments is
    differentiated.
    """

    def gradients(function: Callable, arguments: tuple) -> list[torch.Tensor]:
        leaves = [a.detach().clone().requires_grad_() if _differentiable(a) else a for a in arguments]
        value = function(*leaves)
        if not (isinstance(value, torch.Tensor) and value.requires_grad):
            sentence = (
                "Your result is cut off from its inputs, so no gradient gets through. Stay with PyTorch's tensors."
            )
            raise Rejected(NotYet(sentence, "gradient lost", learner.call_text(arguments)))
        factors = torch.linspace(1, 2, value.numel(), dtype=torch.float64).view(value.shape)
        wanted = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.requires_grad]
        scalar = (torch.view_as_real(value).sum(-1) if value.is_complex() else value).mul(factors).sum()
        return torch.autograd.grad(scalar, wanted, allow_unused=True, materialize_grads=True)

    def flat(function: Callable) -> Callable:
        return lambda *arguments: torch.cat(
            [torch.view_as_real(g + 0j).flatten() for g in gradients(function, arguments)]
        )

    for arguments in cases:
        # Inside one guarded call, since a tensor that is copied for the learner is no leaf any more.
        expected, got = flat(reference)(*arguments), learner.inside(flat(learner.answer))(*arguments)
        if not _agree(got, expected, tolerance):
            for mistake in mistakes:
                if _agree(got, _attempt(flat(mistake.wrong), arguments), tolerance):
                    raise Rejected(NotYet(mistake.reason, mistake.name, learner.call_text(arguments), expected, got))
            sentence = "The values are right, but their gradient with respect to the inputs is not."
            raise Rejected(NotYet(sentence, "", learner.call_text(arguments), expected, got))


def expect_dtype(learner: Learner, cases: Sequence[tuple], expected: Sequence[object]) -> None:
    """Reject an answer whose result has another dtype than ``expected`` says for each of the cases."""
    for arguments, dtype in zip(cases, expected):
        got = getattr(learner(*arguments), "dtype", None)
        if got != dtype:
            reason = f"The values are right, but their dtype is {got} where {dtype} was expected."
            raise Rejected(NotYet(reason, "wrong dtype", learner.call_text(arguments), dtype, got))


def floors(powers: Iterable[int]) -> Iterator[Callable]:
    """Yield what learners put under a fraction so that it is not 0: 10 to minus each power, added or as the least."""
    for small in (*(10.0**-power for power in powers), torch.finfo(torch.float32).eps):
        yield partial(torch.add, other=small)
        yield partial(torch.clamp, min=small)


def reject(learner: Learner, arguments: tuple, name: str, expected: object, got: object, reason: str = "") -> None:
    """Reject an answer for a misconception that a check has found in a way of its own."""
    raise Rejected(NotYet(reason or MISCONCEPTIONS[name], name, learner.call_text(arguments), expected, got))


def _differentiable(value: object) -> bool:
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


def _attempt(function: Callable, arguments: tuple) -> object:
    """Call a wrong computation; where it cannot be done, it explains nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*arguments)
    except (ArithmeticError, IndexError, RuntimeError, ValueError):
        return None


def _agree(got: object, expected: object, tolerance: float, whole: bool = False) -> bool:
    one, other = as_array(got), as_array(expected)
    if one is None or other is None or one.shape != other.shape:
        return False
    if whole and one.dtype.kind not in "iu":
        return False
    if other.dtype.kind != "c" and one.dtype.kind == "c":
        return False
    return close(one, other, tolerance)


def _describe(got: object, expected: object, tolerance: float) -> tuple[str, str]:
    """Say in a sentence what sets a wrong result apart, with the name of the misconception if it is one."""
    if got is None:
        return "Your function returns None. Does every way through it end with return and the result?", "returns None"
    one, other = as_array(got), as_array(expected)
    if one is None:
        if inspect.isgenerator(got):
            return "Your function returns a generator, which has computed nothing yet. Return the numbers.", ""
        return f"Your function returns {_kind(got)}; expected were numbers{_shape(other)}.", ""
    if one.shape != other.shape:
        turned = one.ndim == 2 and one.T.shape == other.shape
        if turned and close(one.T, other, tolerance):
            return "Rows and columns are swapped.", "wrong axis"
        return f"The result has the wrong shape: expected {other.shape}, got {one.shape}.", ""
    if not np.isfinite(one).all() and np.isfinite(other).all():
        return "The result holds values that are not finite numbers (nan or inf).", ""
    if one.dtype.kind == "c" and other.dtype.kind != "c":
        if close(one, other, tolerance):
            return "The numbers are right, but complex with imaginary part 0. Return the real part.", ""
        return "The result is complex; expected were real numbers.", ""
    return _pattern(one, other, tolerance)


def _pattern(one: np.ndarray, other: np.ndarray, tolerance: float) -> tuple[str, str]:
    one, other = (array.astype(int) if array.dtype.kind == "b" else array for array in (one, other))
    if close(-one, other, tolerance):
        return "The sign is wrong everywhere.", ""
    if one.dtype.kind in "biu" and close(one, np.trunc(other.real), tolerance):
        return MISCONCEPTIONS["truncated to integers"], "truncated to integers"
    if one.ndim == 2 and one.shape[0] == one.shape[1] and close(one.T, other, tolerance):
        return "Rows and columns are swapped.", "wrong axis"
    if one.ndim and one.size > 1 and close(one[::-1], other, tolerance):
        return "The numbers are right, in reverse order.", ""
    if np.iscomplexobj(other) and close(one.conj(), other, tolerance):
        return "Every number is the complex conjugate of what was expected.", "conjugated"
    place = np.unravel_index(np.abs(other).argmax(), other.shape)
    factor = one[place] / other[place] if other[place] else 0
    if one.size > 1 and abs(factor) > 1e-9 and close(one, factor * other, tolerance):
        shown = f"{factor:.4g}" if np.isrealobj(factor) else f"{factor:.3g}"
        return f"All values are {shown} times what was expected.", "forgot the scale"
    if one.size == 1:
        return "The value is not the expected one.", ""
    differing = int((~np.isclose(one, other, rtol=0, atol=tolerance * max(np.abs(other).max(), 1))).sum())
    return f"{differing} of {one.size} values differ from what was expected.", ""


def _kind(value: object) -> str:
    name = type(value).__name__
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}" + (
        " whose parts are no numbers of one shape" * (name in ("list", "tuple"))
    )


def _shape(array: np.ndarray) -> str:
    return f" of shape {array.shape}" if array.ndim else ""
