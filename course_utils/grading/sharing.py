"""Tensors that live on both sides: a student's parameters, and the mirror of them that the judge's tests hold.

The student's process has the tensor, the judge a leaf of its own with the same numbers. Before each message the sender
looks which of them have changed (numbers, gradient, ``requires_grad``) and sends those along.
"""

from __future__ import annotations

import torch

from course_utils.grading.plain import Decoder, Encoder
from course_utils.grading.wire import ProtocolError


class Shared:
    """The leaves that both sides know, by number."""

    def __init__(self) -> None:
        self.tensors: dict[int, torch.Tensor] = {}
        self._numbers: dict[int, int] = {}
        self._seen: dict[int, tuple[torch.Tensor, torch.Tensor | None, bool]] = {}

    def number_of(self, tensor: torch.Tensor) -> int | None:
        return self._numbers.get(id(tensor))

    def add(self, number: int, tensor: torch.Tensor) -> None:
        self.tensors[number] = tensor
        self._numbers[id(tensor)] = number
        self._remember(number)

    def _remember(self, number: int) -> None:
        tensor = self.tensors[number]
        grad = None if tensor.grad is None else tensor.grad.detach().clone()
        self._seen[number] = tensor.detach().clone(), grad, tensor.requires_grad

    def changes(self, encoder: Encoder) -> list:
        """Return what has changed since both sides last agreed, and take note of it."""
        found = []
        for number, tensor in self.tensors.items():
            data, grad, requires = self._seen[number]
            new_data = not _same(data, tensor)
            new_grad = not _same(grad, tensor.grad)
            if new_data or new_grad or requires != tensor.requires_grad:
                values = encoder.tensor_data(tensor) if new_data else None
                gradient = encoder.tensor_data(tensor.grad) if new_grad and tensor.grad is not None else None
                found.append([number, tensor.requires_grad, values, new_grad, gradient])
                self._remember(number)
        return found

    def apply(self, changes: object, decoder: Decoder) -> None:
        """Make this side agree with what the other has sent.

        Raises
        ------
        ProtocolError
        """
        if type(changes) is not list:
            raise ProtocolError("changed parameters have no known form")
        for change in changes:
            if type(change) is not list or len(change) != 5 or type(change[0]) is not int:
                raise ProtocolError("a changed parameter has no known form")
            number, requires, values, new_grad, gradient = change
            if number not in self.tensors or type(requires) is not bool:
                raise ProtocolError("a changed parameter is not known")
            tensor = self.tensors[number]
            if values is not None:
                data = _tensor(values, decoder)
                # model.double() and the like change all numbers' type in place
                if data.dtype != tensor.dtype and not (data.is_floating_point() and tensor.is_floating_point()):
                    raise ProtocolError("a changed parameter has another type")
                with torch.no_grad():
                    if data.shape == tensor.shape and data.dtype == tensor.dtype:
                        tensor.copy_(data)
                    else:
                        tensor.data = data
            if requires and not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
                raise ProtocolError("a whole number cannot have a gradient")
            tensor.requires_grad_(requires)
            if new_grad:
                grad = None if gradient is None else _tensor(gradient, decoder)
                if grad is not None and (grad.shape != tensor.shape or grad.dtype != tensor.dtype):
                    raise ProtocolError("a gradient has another shape")
                tensor.grad = grad
            self._remember(number)


def _tensor(data: object, decoder: Decoder) -> torch.Tensor:
    if type(data) is not list or len(data) != 4:
        raise ProtocolError("a tensor has no known form")
    value = decoder.decode(["T", *data])
    if not isinstance(value, torch.Tensor):
        raise ProtocolError("a tensor has no known form")
    return value


def _same(first: torch.Tensor | None, second: torch.Tensor | None) -> bool:
    if first is None or second is None:
        return first is second
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return torch.equal(first, second) or bool(((first == second) | (first.isnan() & second.isnan())).all())
