"""Features of a frozen network, computed once: of each image, or of several views of each. Taught in lesson 13."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from tqdm.auto import tqdm

from course_utils.training.checks import chosen_device, explained
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
        Maps a batch ``(N, C, H, W)`` to features ``(N, ...)``: vectors, or the maps that a last block takes. Default:
        ``model.pooled``, or ``model`` itself if it has no such method.
    batch_size : int
    device : torch.device or str, optional
        Default: where the model's parameters are.
    description : str
        Shown before the progress bar.

    Returns
    -------
    torch.utils.data.TensorDataset
        Of ``(features, label)``: features in float32, on the CPU; labels in int64.

    Raises
    ------
    ValueError
        If the data set is empty.
    """
    forward = forward or getattr(model, "pooled", model)
    device = chosen_device(device, model)
    model.to(device)
    features, labels = [], []
    with eval_mode(model), tqdm(total=len(dataset), unit="image", desc=description) as bar:
        for images, batch_labels in DataLoader(dataset, batch_size=batch_size):
            # Channels last is the layout in which CPUs and tensor cores compute convolutions fastest.
            images = images.to(device, memory_format=torch.channels_last)
            with explained(model, "features", images):
                features.append(forward(images).float().cpu())
            labels.append(batch_labels)
            bar.update(len(batch_labels))
    if not features:
        raise ValueError(
            "dataset is empty; expected one image at least to extract features from. Look at how it was split."
        )
    return TensorDataset(torch.cat(features), torch.cat(labels).long())


class CachedViews(Dataset):
    """Stored features of several views of each image: augmentation for a network that is not run again.

    An item is ``(features, label)`` of one image, in a view drawn at random each time, so that an epoch sees each image
    once, and the next epoch sees another view of it. The draw comes from torch's global generator.

    Parameters
    ----------
    features : Tensor
        (views, N, ...), as :func:`extract_views` stacks them.
    labels : Tensor
        (N,), int64.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    Taught in lesson 13.
    """

    def __init__(self, features: Tensor, labels: Tensor) -> None:
        if features.ndim < 3 or labels.ndim != 1 or features.shape[1] != len(labels) or 0 in features.shape[:2]:
            raise ValueError(
                "CachedViews expected features (views, N, ...) and labels (N,), at least one of each; "
                f"got shapes {tuple(features.shape)} and {tuple(labels.shape)}."
            )
        self.features, self.labels = features, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        view = torch.randint(len(self.features), ()).item()
        return self.features[view, index], self.labels[index]

    def view(self, number: int) -> TensorDataset:
        """Return the features of one view; 0 is the first."""
        return TensorDataset(self.features[number], self.labels)

    def all_views(self) -> TensorDataset:
        """Return all views as samples of their own, ``views * N``, for a model that is fitted in one go."""
        return TensorDataset(self.features.flatten(0, 1), self.labels.repeat(len(self.features)))


def extract_views(model: nn.Module, datasets: Sequence[Dataset], **options) -> CachedViews:
    """Run a frozen network over several views of the same images once, and keep what comes out.

    Taught in lesson 13.

    Parameters
    ----------
    model : torch.nn.Module
    datasets : sequence of torch.utils.data.Dataset
        The same images in the same order, each data set through a transform of its own. Name one data set with a random
        transform several times, and each time gives another view.
    **options
        As for :func:`extract_features`.

    Returns
    -------
    CachedViews
        Its views are in the order of ``datasets``.

    Raises
    ------
    ValueError
        If there is no data set, one of them is empty, or their labels differ.

    Examples
    --------
    >>> views = extract_views(model, [plain] + 4 * [augmented])  # doctest: +SKIP
    """
    if not datasets:
        raise ValueError("extract_views got no data sets: name one for each view.")
    views = [extract_features(model, dataset, **options).tensors for dataset in datasets]
    labels = views[0][1]
    for number, (_, others) in enumerate(views):
        if not torch.equal(labels, others):
            raise ValueError(
                f"Data set {number} has other labels than data set 0. Views are of the same images in the same order: "
                "shuffle in the loader that trains, not here."
            )
    return CachedViews(torch.stack([features for features, _ in views]), labels)
