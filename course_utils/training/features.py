"""Features of a frozen network, computed once."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from tqdm.auto import tqdm

from course_utils.training.loop import eval_mode


@torch.no_grad()
def extract_features(
    model: nn.Module,
    dataset: Dataset,
    *,
    forward: Callable[[Tensor], Tensor] | None = None,
    batch_size: int = 16,
    device: torch.device | str | None = None,
    description: str = "features",
) -> TensorDataset:
    """Run a frozen network over a data set once and keep what comes out.

    A frozen network in ``eval()`` mode gives the same features for the same image in every epoch, so that a head can be
    trained on the stored ones. Taught in lesson 13.

    Parameters
    ----------
    model : torch.nn.Module
    dataset : torch.utils.data.Dataset
        Gives ``(image, label)`` with images ``(C, H, W)`` that the model takes.
    forward : callable, optional
        Maps a batch ``(N, C, H, W)`` to features ``(N, D)``. Default: ``model.pooled``.
    batch_size : int
    device : torch.device or str, optional
        Default: where the model's parameters are.
    description : str
        Shown before the progress bar.

    Returns
    -------
    torch.utils.data.TensorDataset
        Of ``(features, label)``: features ``(D,)`` in float32, on the CPU; labels in int64.
    """
    forward = forward or model.pooled
    device = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(device)
    features, labels = [], []
    with eval_mode(model), tqdm(total=len(dataset), unit="image", desc=description) as bar:
        for images, batch_labels in DataLoader(dataset, batch_size=batch_size):
            # Channels last is the layout in which CPUs and tensor cores compute convolutions fastest.
            images = images.to(device, memory_format=torch.channels_last)
            features.append(forward(images).float().cpu())
            labels.append(batch_labels)
            bar.update(len(batch_labels))
    if not features:
        raise ValueError("The data set is empty: there is nothing to extract features from.")
    return TensorDataset(torch.cat(features), torch.cat(labels).long())
