"""What lesson 07 derives, proves and measures, with its own functions and with seeds that it does not use."""

from __future__ import annotations

import json
import math

import pytest
import torch
import torch.nn.functional as F
from lesson_code import cells, few_vehicles, run_at_full_scale, taught
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from course_utils.convolution import conv_output_size, conv_parameters
from course_utils.data import load_faces, load_vehicles
from course_utils.data.loaders import as_tensors
from course_utils.training import fit

NOTEBOOK = "07_first_cnn"
SEED = 11


@pytest.fixture(scope="module")
def lesson():
    """Return the lesson's functions, and the constants they are used with."""
    torch.set_num_threads(1)
    space = {"torch": torch, "F": F, "nn": nn, "people": 26, "DataLoader": DataLoader, "TensorDataset": TensorDataset}
    return taught(NOTEBOOK, space, constants=("TINY_EPOCHS", "SMALL_EPOCHS", "SMALL_LR"))


@pytest.fixture(scope="module")
def faces():
    return load_faces()


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(SEED)


def test_shuffling_applies_one_permutation_to_all_images(lesson):
    images = torch.arange(2 * 3 * 4).reshape(2, 3, 4)
    mixed = lesson.shuffled(images)
    assert mixed.shape == images.shape
    assert not torch.equal(mixed, images)
    assert torch.equal(mixed[1] - mixed[0], torch.full((3, 4), 12))  # the same places in both
    assert torch.equal(mixed[0].flatten().sort().values, torch.arange(12))
    assert torch.equal(lesson.shuffled(images[:, None])[:, 0], mixed)


def test_shuffling_changes_no_inner_product(lesson, faces):
    images = torch.tensor(faces.train_images[:40]).double()
    products = [batch.flatten(1) @ batch.flatten(1).T for batch in (images, lesson.shuffled(images))]
    assert torch.equal(*products)


def test_neighbours_correlate_until_they_are_shuffled(lesson, faces):
    images = torch.tensor(faces.train_images[::8])
    assert lesson.correlation(images, 1) > 0.9 > 0.5 > lesson.correlation(images, 64)
    assert abs(lesson.correlation(lesson.shuffled(images), 1) - lesson.correlation(lesson.shuffled(images), 64)) < 0.05


def test_a_shift_moves_columns_and_repeats_the_left_one(lesson):
    image = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    assert torch.equal(lesson.shift(image, 0), image)
    assert torch.equal(lesson.shift(image, 2), torch.tensor([[1, 1, 1, 2], [5, 5, 5, 6]]))
    assert lesson.shift(image[None, None], 1).shape == (1, 1, 2, 4)


@pytest.mark.parametrize("kernel", [1, 3, 7])
@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_a_convolution_answers_a_shift_with_a_shift_exactly_on_the_interior(lesson, rng, kernel, pixels):
    images = torch.randint(0, 256, (2, 3, 20, 24), generator=rng).float()
    weights = torch.randint(-3, 4, (5, 3, kernel, kernel), generator=rng).float()
    answers, moved = F.conv2d(images, weights), F.conv2d(lesson.shift(images, pixels), weights)
    assert torch.equal(moved[..., pixels:], answers[..., :-pixels])
    if kernel > 1:
        assert not torch.equal(moved[..., :pixels], answers[..., :pixels])  # the filled part is another matter


def test_pooling_by_three_is_equivariant_to_three_and_only_nearly_invariant_to_one(lesson, rng):
    answers = torch.randint(0, 256, (1, 2, 12, 30), generator=rng).float()
    pooled = F.max_pool2d(answers, 3)
    assert torch.equal(F.max_pool2d(lesson.shift(answers, 3), 3)[..., 1:], pooled[..., :-1])
    assert not torch.equal(F.max_pool2d(lesson.shift(answers, 1), 3), pooled)
    assert [torch.equal(lesson.dot(k), lesson.dot(k + 1)) for k in range(6)] == [True, True, False] * 2


def test_pooling_softens_a_shift_by_one_pixel_of_faces(lesson, faces):
    images = (torch.tensor(faces.test_images[100:124])[:, None].float() - 130) / 60
    torch.manual_seed(SEED)
    layer = nn.Conv2d(1, 32, 7, bias=False).requires_grad_(False)
    before = lesson.change(lambda x: F.relu(layer(x)), images, 1)
    after = lesson.change(lambda x: F.max_pool2d(F.relu(layer(x)), 3), images, 1)
    assert 0.08 < after < 0.9 * before


def test_the_first_network_has_the_sizes_that_were_derived(lesson):
    rows, columns = conv_output_size(conv_output_size((170, 130), 7), 3, stride=3)
    network = lesson.first_cnn()
    shapes = [shape for _, shape in lesson.sizes(network, torch.zeros(1, 1, 170, 130))]
    assert (rows, columns) == (54, 41)
    assert shapes == [(1, 170, 130), *[(32, 164, 124)] * 3, (32, 54, 41), (70_848,), (70_848,), (26,)]
    assert network[-1].in_features == 32 * rows * columns
    assert lesson.parameters(network) == conv_parameters(1, 32, 7) + 64 + 70_848 * 26 + 26 == 1_843_738


def test_the_small_network_has_the_sizes_that_were_derived(lesson):
    network = lesson.small_cnn()
    shapes = [shape for _, shape in lesson.sizes(network, torch.zeros(1, 1, 100, 100))]
    assert shapes[1] == shapes[2] == (3, 100, 100)
    assert shapes[3:7] == [(3, 50, 50), (2, 50, 50), (2, 50, 50), (2, 25, 25)]
    assert shapes[7:] == [(1_250,), (1,)]
    assert lesson.parameters(network) == 1_337


def test_parameters_of_dense_layers(lesson):
    assert lesson.dense([22_100, 11_050, 1_381, 690, 26]) == 260_449_027
    assert lesson.dense([3, 2]) == lesson.parameters(nn.Linear(3, 2))


def test_the_loss_of_one_logit_takes_labels_of_any_integer_type(lesson):
    logits, labels = torch.tensor([[2.0], [-1.0]]), torch.tensor([1, 0])
    expected = -(torch.sigmoid(torch.tensor(2.0)).log() + torch.sigmoid(torch.tensor(1.0)).log()) / 2
    assert torch.isclose(lesson.yes_or_no(logits, labels), expected)


@pytest.mark.thorough
def test_shuffling_costs_a_tiny_network_with_windows_many_points(lesson, faces):
    y, y_test = torch.tensor(faces.train_labels), torch.tensor(faces.test_labels)
    lesson.loaders.__globals__.update(y=y, y_test=y_test)
    x, x_test = (torch.tensor(images)[:, None].float() for images in (faces.train_images, faces.test_images))
    halves = [F.avg_pool2d((images - x.mean()) / x.std(), 2) for images in (x, x_test)]
    accuracy = []
    for order in (lambda images: images, lesson.shuffled):
        torch.manual_seed(SEED)
        model = lesson.tiny_cnn()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        loaders = lesson.loaders(*map(order, halves), batch_size=16)
        accuracy.append(fit(model, *loaders, epochs=lesson.TINY_EPOCHS, optimizer=optimizer).valid_accuracy[-1])
    assert accuracy[0] - accuracy[1] > 0.25


@pytest.mark.thorough
def test_the_small_network_learns_what_an_airplane_is(lesson):
    vehicles = load_vehicles()
    colour, kind = as_tensors(Subset(vehicles, range(1, len(vehicles), 2)), size=100)  # the lesson has 0, 2, 4, ...
    grey = torch.einsum("c,nchw->nhw", torch.tensor([0.299, 0.587, 0.114]), colour.float())[:, None]
    grey, label = (grey - grey[::2].mean()) / grey[::2].std(), (kind == vehicles.class_to_idx["airplane"]).long()
    train, test = (TensorDataset(grey[half::2], label[half::2]) for half in (0, 1))
    torch.manual_seed(SEED)
    model = lesson.small_cnn()
    history = fit(
        model,
        DataLoader(train, batch_size=16, shuffle=True),
        DataLoader(test, batch_size=64),
        epochs=lesson.SMALL_EPOCHS,
        optimizer=torch.optim.Adam(model.parameters(), lr=lesson.SMALL_LR),
        loss_fn=lesson.yes_or_no,
    )
    always = max(label[1::2].double().mean().item(), 1 - label[1::2].double().mean().item())
    assert history.valid_accuracy[-1] - always > 0.15


def test_the_lesson_runs_at_full_scale_on_a_few_images(faces, tmp_path, monkeypatch):
    """All 26 people, but four pictures of each; one epoch instead of ten, and instead of forty on moved faces."""
    folder = tmp_path / "faces"
    for label, name in enumerate(faces.names):
        (folder / name).mkdir(parents=True)
        for i, image in enumerate(faces.train_images[faces.train_labels == label][:4]):
            Image.fromarray(image).save(folder / name / f"{i}.png")
    changes = {
        'SOURCE = "embedded"': f"SOURCE = {str(folder)!r}",
        "vehicles = load_vehicles()": f"vehicles = load_vehicles({few_vehicles(tmp_path / 'vehicles', 6)!r})",
        "TINY_EPOCHS = 8": "TINY_EPOCHS = 1",
        "full=((10, 10), 0.85)": "full=((1, 1), 0.85)",
        "full=40": "full=1",
        "SMALL_EPOCHS, SMALL_LR = 6": "SMALL_EPOCHS, SMALL_LR = 1",
        "range(256)": "range(2)",
        "SHIFTS = (2, 4, 8, 16)": "SHIFTS = (16,)",
    }
    names = run_at_full_scale("\n".join(cells(NOTEBOOK)), tmp_path, monkeypatch, changes)
    assert names["x"].shape == (52, 1, 170, 130) and len(names["second_part"]) == 1
    losses = [names["curve"]("train_loss"), names["curve"]("valid_loss"), names["small_history"].train_loss]
    assert all(map(math.isfinite, sum(losses, [])))
    assert names["parameters"](names["cnn"]) == 1_843_738
    rows = json.loads((tmp_path / "results" / "07.json").read_text())["rows"]
    assert [(row["parameters"], row["samples"]) for row in rows.values()] == [
        (names["eigenfaces"] + names["parameters"](names["mlps"][0]), 52),
        (1_843_738, 52),
        (1_337, 4),
    ]
