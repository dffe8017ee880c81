"""What VGG, GoogLeNet and the sweep networks ask of their arguments, said in one sentence each."""

from __future__ import annotations

from torch import Tensor


def check_whole(name: str, value: int, least: int = 1) -> None:
    """Raise a ValueError unless ``value`` is an integer of at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"{name} must be {kind}, got {value!r}.")


def check_images(network: str, x: Tensor, least: int = 1) -> None:
    """Raise a ValueError unless ``x`` is a floating-point batch (N, 3, H, W) with sides of at least ``least``."""
    if x.ndim != 4 or x.shape[1] != 3:
        hint = " Add the batch dimension with x[None]." if x.ndim == 3 and x.shape[0] == 3 else ""
        raise ValueError(f"{network} expected images of shape (N, 3, H, W), got {tuple(x.shape)}.{hint}")
    if not x.is_floating_point():
        raise ValueError(f"{network} expected normalised floating-point images, got {x.dtype}. Convert them first.")
    if min(x.shape[2:]) < least:
        height, width = x.shape[2:]
        raise ValueError(
            f"{network} needs images of at least {least} x {least} pixels, got {height} x {width}: "
            "its strides and pools would leave nothing of them."
        )
