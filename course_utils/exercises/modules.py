"""Checks of answers that are classes or that return networks: build them, run them, and compare what they do.

A *probe* is what a check does with an answer: ``probe(answer, *arguments)`` builds it, calls it, trains it for a step,
and returns numbers. It runs inside the learner's limits, and the same probe is put to the reference and to every
mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from course_utils.exercises.comparison import Mistake, expect_like
from course_utils.exercises.exercise import NotYet, Rejected
from course_utils.exercises.grading import Learner


def expect_probed(
    learner: Learner,
    reference: Callable,
    probe: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake] = (),
    *,
    tolerance: float = 1e-6,
    whole: bool = False,
) -> None:
    """Reject an answer with which ``probe`` finds something else than with the reference.

    Parameters
    ----------
    learner, reference : callable
        A class, or a function that returns a network.
    probe : callable
        ``probe(answer, *arguments)`` returns numbers: an output, a gradient, a count, a running mean.
    cases : sequence of tuple
        Arguments of ``probe`` after the answer; the first ones should be those that the answer is built with, since
        they are what the learner is shown.
    mistakes : sequence of Mistake
        Their ``wrong`` is a wrong *answer* (a class, or a function that returns a network), and is probed likewise.
    tolerance, whole
        As in :func:`~course_utils.exercises.comparison.expect_like`.
    """

    def probed(answer: Callable) -> Callable:
        return lambda *arguments: probe(answer, *arguments)

    expect_like(
        learner.inside(probed(learner.answer)),
        probed(reference),
        cases,
        [Mistake(mistake.name, probed(mistake.wrong), mistake.sentence) for mistake in mistakes],
        tolerance=tolerance,
        whole=whole,
    )


def expect_network(learner: Learner, arguments: tuple = ()) -> None:
    """Reject an answer that, called with ``arguments``, is or returns no ``nn.Module``."""
    kind = learner.inside(lambda *given: _module_trouble(learner.answer(*given)))(*arguments)
    if kind:
        raise Rejected(NotYet(kind, "", learner.call_text(arguments)))


def _module_trouble(value: object) -> str:
    if value is None:
        return "Your function returns None. Does it end with return and the network?"
    if isinstance(value, type) and issubclass(value, nn.Module):
        return f"Your function returns the class {value.__name__}. Return a network that is built from it."
    if not isinstance(value, nn.Module):
        return f"A network (nn.Module) was expected; this is a value of type {type(value).__name__}."
    return ""


def expect_registered(learner: Learner, arguments: tuple = ()) -> None:
    """Reject an answer whose network, built with ``arguments``, holds modules in a plain list, tuple or dict."""
    hidden = learner.inside(lambda *given: _hidden(learner.answer(*given)))(*arguments)
    if hidden:
        reason = (
            f"self.{hidden[0]} is a plain {hidden[1]}, which hides its layers from the network: nothing in it is "
            "trained or saved. Use nn.ModuleList or nn.ModuleDict, or attributes."
        )
        raise Rejected(NotYet(reason, "sub-modules in a list", learner.call_text(arguments)))


def _hidden(network: nn.Module) -> tuple[str, str] | None:
    """Return name and kind of an attribute that holds modules of which the network does not know."""
    known = list(network.modules())
    for module in known:
        for name, value in vars(module).items():
            parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
            unknown = any(isinstance(part, nn.Module) and not any(part is other for other in known) for part in parts)
            if unknown and not name.startswith("_"):
                return name, type(value).__name__
    return None


def expect_same_network(
    learner: Learner,
    reference: Callable,
    cases: Sequence[tuple],
    mistakes: Sequence[Mistake] = (),
    *,
    run: Callable = lambda network, x: network(x),
) -> None:
    """Reject an answer that builds networks which compute something else than the reference's, in either mode.

    Weights and running statistics are filled by :func:`give_weights_by_shape`; numbers are of double precision.

    Parameters
    ----------
    cases : sequence of tuple
        What the answer is called with, and at the end the network's input.
    mistakes : sequence of Mistake
        Their ``wrong`` are wrong answers.
    run : callable
        ``run(network, x)`` returns the network's output.
    """

    def probe(answer, *arguments, training):
        *built_with, x = arguments
        return run(give_weights_by_shape(answer(*built_with)).double().train(training), x)

    expect_network(learner, cases[0][:-1])
    expect_registered(learner, cases[0][:-1])
    expect_probed(learner, reference, partial(probe, training=False), cases, mistakes)
    try:
        expect_probed(learner, reference, partial(probe, training=True), cases, mistakes)
    except Rejected as rejected:
        outcome = rejected.outcome
        if outcome.misconception:
            raise
        reason = f"In eval mode this is right, in training mode it is not. {outcome.reason}"
        raise Rejected(replace(outcome, reason=reason)) from None


def give_weights(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fill a network's parameters, in their order, with repeatable numbers, and return it.

    Two networks of the same layers get the same weights, whatever their attributes are called. Buffers stay as they
    are.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            fan = max(parameter[0].numel(), 1) if parameter.ndim > 1 else 4
            drawn = torch.randn(parameter.shape, generator=generator) / fan**0.5
            parameter.copy_(drawn if parameter.ndim > 1 else drawn + 1)
    return network


def give_weights_by_shape(network: nn.Module) -> nn.Module:
    """Fill convolutions, linear layers and batch norms with repeatable numbers that depend on shapes, and return it.

    Unlike :func:`give_weights`, this makes no difference between networks whose layers are registered in another order,
    as long as no two layers of one shape change places, and none between convolutions with and without a bias: the
    biases of convolutions become 0. Batch norm's running statistics are filled too.
    """
    seen: dict[tuple, int] = {}
    for layer in network.modules():
        if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d):
            continue
        shape = next((tensor.shape for tensor in layer.state_dict().values()), ())
        seen[shape] = seen.get(shape, 0) + 1
        seed = sum(number * 31**place for place, number in enumerate((len(shape), seen[shape], *shape)))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, tensor in layer.state_dict().items():
                drawn = torch.randn(tensor.shape, generator=generator)
                if tensor.ndim > 1:
                    tensor.copy_(drawn / tensor[0].numel() ** 0.5)
                elif name == "bias" and isinstance(layer, nn.Conv1d | nn.Conv2d):
                    tensor.zero_()
                elif tensor.is_floating_point():
                    tensor.copy_(drawn.abs() + 0.5 if name == "running_var" else drawn / 2 + (name == "weight"))
    return network


def import_optimizers() -> None:
    """Have torch import what its first optimizer needs: seconds that must not count as the learner's.

    To be called by every check whose probe, or whose learners, build an optimizer.
    """
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
