"""What the parity tests of the networks share: comparing tensors, and batch norms that notice a wrong order."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def randomise_batch_norms(model: nn.Module) -> None:
    """Give batch norms weights and statistics that a wrong order or a wrong eps would not survive."""
    generator = torch.Generator().manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.running_var):
                tensor.uniform_(0.5, 1.5, generator=generator)
            for tensor in (module.bias.data, module.running_mean):
                tensor.uniform_(-0.3, 0.3, generator=generator)


def assert_close(ours: Tensor, theirs: Tensor, tolerance: float, what: str, floor: float = 0.0) -> None:
    """Compare relative to the tensor's largest value, or to ``floor`` if that is larger."""
    assert ours.shape == theirs.shape, what
    if torch.equal(ours, theirs):  # often so, and cheap: the next line makes copies, for VGG of up to 400 MB
        return
    error = (ours - theirs).abs().max().item() / max(theirs.abs().max().item(), floor)
    assert error < tolerance, f"{what}: relative difference {error:.1e}"
