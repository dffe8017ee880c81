"""Stored features of several views: which view an item shows, what is stored, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from course_utils.training import CachedViews, extract_features, extract_views


class Shifted(Dataset):
    """Images whose values are their index plus a shift, or plus a random number where there is none."""

    def __init__(self, shift: float | None, labels: list[int]) -> None:
        self.shift, self.labels = shift, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        shift = torch.rand(()) if self.shift is None else self.shift
        return torch.full((3, 4, 4), float(index)) + shift, self.labels[index]


class Means(nn.Module):
    """A network without ``pooled``: the mean of each channel after a batch norm that has seen nothing yet."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, eps=0.0)

    def forward(self, x):
        return self.norm(x).mean((2, 3))


LABELS = [0, 1, 1, 0, 1]


def test_views_are_kept_in_order_and_the_network_stays_as_it_was():
    model = Means().train()
    views = extract_views(model, [Shifted(0.0, LABELS), Shifted(100.0, LABELS)], batch_size=2)
    expected = torch.arange(5.0)[:, None].expand(5, 3)
    assert torch.allclose(views.view(0).tensors[0], expected) and torch.allclose(
        views.view(1).tensors[0], expected + 100
    )
    assert views.labels.tolist() == LABELS and len(views) == 5
    assert model.training and model.norm.num_batches_tracked == 0


def test_a_random_transform_gives_another_view_each_time():
    plain, augmented = Shifted(0.0, LABELS), Shifted(None, LABELS)
    features = extract_views(Means(), [plain] + 3 * [augmented]).features
    assert features.shape == (4, 5, 3)
    shifts = (features - features[0])[1:, :, 0]
    assert len(shifts.unique()) == 15 and shifts.min() > 0


def test_an_epoch_sees_every_image_once_in_views_that_change():
    features = torch.arange(4.0)[:, None, None] * 100 + torch.arange(5.0)[None, :, None].expand(1, 5, 2)
    views = CachedViews(features, torch.tensor(LABELS))
    torch.manual_seed(0)
    seen = []
    for _ in range(60):
        x, y = next(iter(DataLoader(views, batch_size=5)))
        assert (x[:, 0] % 100).tolist() == [0, 1, 2, 3, 4] and y.tolist() == LABELS
        seen.append(x[:, 0] // 100)
    drawn = torch.stack(seen)
    assert any(len(row.unique()) > 1 for row in drawn)  # not one view for a whole batch
    assert all(set(column.tolist()) == {0, 1, 2, 3} for column in drawn.T)
    torch.manual_seed(0)
    assert torch.equal(next(iter(DataLoader(views, batch_size=5)))[0][:, 0] // 100, drawn[0])


def test_all_views_carry_the_labels_of_their_images():
    views = CachedViews(torch.arange(30.0).view(3, 5, 2), torch.tensor(LABELS))
    features, labels = views.all_views().tensors
    assert features.shape == (15, 2) and labels.tolist() == 3 * LABELS
    assert torch.equal(features[7], views.features[1, 2])


def test_maps_are_features_too():
    images = TensorDataset(torch.randn(6, 3, 8, 8), torch.tensor([0, 1, 0, 1, 0, 1]))
    layer = nn.Conv2d(3, 4, 3, stride=2)
    maps, _ = extract_features(layer, images, batch_size=4).tensors
    assert maps.shape == (6, 4, 3, 3) and torch.allclose(maps, layer(images.tensors[0]), atol=1e-6)
    assert extract_views(layer, [images, images]).features.shape == (2, 6, 4, 3, 3)


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="no data sets"):
        extract_views(Means(), [])
    with pytest.raises(ValueError, match="Data set 2 has other labels"):
        extract_views(Means(), [Shifted(0.0, LABELS), Shifted(1.0, LABELS), Shifted(2.0, LABELS[::-1])])
    for features, labels in ((torch.zeros(2, 5), 5), (torch.zeros(2, 4, 3), 5), (torch.zeros(0, 5, 3), 5)):
        with pytest.raises(ValueError, match="expected features"):
            CachedViews(features, torch.zeros(labels, dtype=torch.int64))
