"""How much a network computes: the multiply-adds of its convolutions and linear layers. Taught in lesson 10."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.training import eval_mode

COUNTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def multiply_adds(model: nn.Module, input_shape: Sequence[int]) -> int:
    """Count the multiply-adds of the convolutional and linear layers for one input.

    Each number of a layer's output is a sum of products, one product for each weight that leads to it: a convolution
    has ``in_channels / groups * k * k`` of them, a linear layer ``in_features``. Biases, batch norm, activations and
    pools are left out, as papers do. What a network computes without a layer object (``F.conv2d``, ``@``) is not seen.

    Parameters
    ----------
    model : torch.nn.Module
        Runs once, in ``eval()`` mode; the mode it was in is restored. A network built under
        ``with torch.device("meta")`` is counted without memory and without computing anything.
    input_shape : sequence of int
        Shape of one input without the batch dimension, such as ``(3, 224, 224)``.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If ``input_shape`` holds anything but positive integers.

    Notes
    -----
    Many papers write FLOPs where they mean multiply-adds. Taught in lesson 10.

    Examples
    --------
    >>> multiply_adds(nn.Linear(3, 2), (3,))
    6
    """
    if not len(input_shape) or not all(isinstance(side, int) and side > 0 for side in input_shape):
        raise ValueError(f"input_shape must hold positive integers, like (3, 224, 224), got {input_shape!r}.")
    total = 0

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        nonlocal total
        total += output.numel() * math.prod(layer.weight.shape[1:])

    parameter = next(model.parameters(), torch.zeros(()))
    hooks = [layer.register_forward_hook(count) for layer in model.modules() if isinstance(layer, COUNTED)]
    try:
        with eval_mode(model), torch.no_grad():
            model(torch.zeros(1, *input_shape, device=parameter.device, dtype=parameter.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    return total
