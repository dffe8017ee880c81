"""What lesson 04 says about training holds for other seeds, one of them in ``make thorough``; its formulas are right.

The functions are read from the notebook. Training is made cheap without changing it: gradients are sums of images, so
the run in 22,100 dimensions is, rotated, a run in the 890 dimensions that the images span.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lesson_code import taught
from sklearn.metrics import confusion_matrix
from torch import nn

from course_utils.data import load_faces
from course_utils.face_drawings import film_negatives, neighbours_first

SEEDS = (0, pytest.param(1, marks=pytest.mark.thorough))
STEPS = 240


@pytest.fixture(scope="module")
def lesson():
    """Return the lesson's functions. ``tqdm`` shows nothing here."""
    names = {"torch": torch, "F": F, "nn": nn, "np": np, "tqdm": lambda steps: steps}
    return taught("04_linear_classifier", names)


@pytest.fixture(scope="module")
def data():
    faces = load_faces()
    x, x_test = (torch.tensor(images, dtype=torch.float32).flatten(1) for images in faces[0:4:2])
    y, y_test = (torch.tensor(labels) for labels in faces[1:4:2])
    train_negative, test_negative = (torch.tensor(flags) for flags in film_negatives(faces))
    return SimpleNamespace(
        x=x, x_test=x_test, y=y, y_test=y_test, train_negative=train_negative, test_negative=test_negative
    )


class Rotated:
    """Images in the coordinates of the space that they span, and classifiers started as in the lesson."""

    def __init__(self, train: torch.Tensor, test: torch.Tensor) -> None:
        both = torch.cat([train, test]).double()
        values, vectors = torch.linalg.eigh(both @ both.T)
        kept = values > values[-1] * 1e-12
        basis = both.T @ vectors[:, kept] / values[kept].sqrt()
        self.train, self.test = (both @ basis).float().split([len(train), len(test)])
        self.basis = basis.float()

    def linear(self, seed: int) -> nn.Linear:
        torch.manual_seed(seed)
        full = nn.Linear(len(self.basis), 26)
        model = nn.Linear(self.basis.shape[1], 26)
        with torch.no_grad():
            model.weight.copy_(full.weight @ self.basis)
            model.bias.copy_(full.bias)
        return model

    def whole(self, seed: int, model: nn.Linear) -> nn.Linear:
        """Return a trained classifier in all 22,100 dimensions: outside of the images' space it is as it started."""
        torch.manual_seed(seed)
        full = nn.Linear(len(self.basis), 26)
        with torch.no_grad():
            full.weight += (model.weight - full.weight @ self.basis) @ self.basis.T
            full.bias.copy_(model.bias)
        return full


@pytest.fixture(scope="module")
def raw(data):
    return Rotated(data.x, data.x_test)


@pytest.fixture(scope="module")
def standardised(data):
    mean, deviation = data.x.mean(0), data.x.std(0)
    return Rotated((data.x - mean) / deviation, (data.x_test - mean) / deviation)


def right(model, x, y) -> torch.Tensor:
    with torch.no_grad():
        return (model(x).argmax(1) == y).double()


def test_rotated_training_is_the_training_of_the_lesson(lesson, data, standardised):
    mean, deviation = data.x.mean(0), data.x.std(0)
    x = (data.x - mean) / deviation
    torch.manual_seed(0)
    full, small = nn.Linear(22_100, 26), standardised.linear(0)
    lesson.train(full, x, data.y, 1e-3, 4, lambda model: None)
    lesson.train(small, standardised.train, data.y, 1e-3, 4, lambda model: None)
    with torch.no_grad():
        difference = (full((data.x_test - mean) / deviation) - small(standardised.test)).abs().max()
    assert difference < 1e-2


@pytest.mark.parametrize("seed", SEEDS)
def test_raw_pixels_at_a_millionth_learn_nothing(lesson, data, raw, seed):
    log = lesson.train(
        raw.linear(seed), raw.train, data.y, 1e-6, 32, lambda m: lesson.measure(m, raw.test, data.y_test)
    )
    assert list(log) == list(range(0, 33, 4))
    assert log[32][0] > 20 * np.log(26)
    assert min(error for _, error in log.values()) > 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_standardised_pixels_are_memorised_and_generalise_a_little(lesson, data, raw, standardised, seed):
    def watch(model):
        return *lesson.measure(model, standardised.train, data.y), *lesson.measure(
            model, standardised.test, data.y_test
        )

    log = lesson.train(standardised.linear(seed), standardised.train, data.y, 1e-3, STEPS, watch)
    slow = raw.linear(seed)
    lesson.train(slow, raw.train, data.y, 1e-7, STEPS, lambda model: None)
    best = min(log, key=lambda step: log[step][2])
    assert best <= 60
    assert log[STEPS][1] < 0.02 and 0.25 < 1 - log[STEPS][3] < 0.36
    assert log[STEPS][2] > log[best][2] + 0.5 and log[STEPS][3] > log[best][3] + 0.05
    assert log[STEPS][3] < lesson.measure(slow, raw.test, data.y_test)[1] - 0.1
    assert lesson.measure(slow, raw.train, data.y)[1] < 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_random_names_are_memorised_too(lesson, data, standardised, seed):
    shuffled = data.y[torch.randperm(len(data.y), generator=torch.Generator().manual_seed(seed))]
    model = standardised.linear(seed)
    lesson.train(model, standardised.train, shuffled, 1e-3, STEPS, lambda model: None)
    assert lesson.measure(model, standardised.train, shuffled)[1] < 0.02
    assert lesson.measure(model, standardised.test, data.y_test)[1] > 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_negatives_are_memorised_and_cost_the_positives(lesson, data, standardised, seed):
    model, positives, printed = standardised.linear(seed), standardised.linear(seed), ~data.train_negative
    lesson.train(model, standardised.train, data.y, 1e-3, STEPS, lambda model: None)
    lesson.train(positives, standardised.train[printed], data.y[printed], 1e-3, STEPS, lambda model: None)
    trained, tested = right(model, standardised.train, data.y), right(model, standardised.test, data.y_test)
    only = right(positives, standardised.test, data.y_test)
    assert trained[data.train_negative].mean() > 0.95
    assert tested[data.test_negative].mean() < 0.1
    assert tested[~data.test_negative].mean() > tested[data.test_negative].mean() + 0.2
    assert only[~data.test_negative].mean() > max(0.7, tested[~data.test_negative].mean() + 0.25)
    assert only[data.test_negative].mean() < 0.05
    assert tested[~data.test_negative].mean() < 0.6 * only[~data.test_negative].mean()

    every = confusion_matrix(data.y_test, model(standardised.test).argmax(1), labels=range(26))
    unseen = ~data.test_negative
    clean = confusion_matrix(data.y_test[unseen], positives(standardised.test[unseen]).argmax(1), labels=range(26))
    assert lesson.beside_diagonal(every, neighbours_first(every)) < 0.5
    assert lesson.beside_diagonal(clean, neighbours_first(clean)) > 0.6
    mean, deviation = data.x.mean(0), data.x.std(0)
    whole, (upright, inverted) = standardised.whole(seed, positives), (data.x_test, 255 - data.x_test)
    with torch.no_grad():
        best, last = whole((upright - mean) / deviation).argmax(1), whole((inverted - mean) / deviation).argmin(1)
    assert (best == last)[unseen].double().mean() > 0.65


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_learned_when_each_image_comes_with_its_negative(lesson, data, seed):
    paired, labels = torch.cat([data.x, 255 - data.x]), torch.cat([data.y, data.y])
    paired = Rotated((paired - paired.mean(0)) / paired.std(0), torch.zeros(1, 22_100))
    log = lesson.train(
        paired.linear(seed), paired.train, labels, 1e-3, 48, lambda m: lesson.measure(m, paired.train, labels)
    )
    shares = data.y.bincount() / len(data.y)
    entropy = -(shares * shares.log()).sum().item()
    assert min(loss for loss, _ in log.values()) > entropy - 1e-4
    assert log[48][0] < entropy + 0.05 and log[48][1] > 0.85


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_softmax_stalls_training_and_spares_the_negatives(lesson, data, raw, standardised, seed):
    printed, unseen = ~data.train_negative, ~data.test_negative
    x, y = standardised.train[printed], data.y[printed]

    def watch(model):
        return *lesson.measure(model, x, y, lesson.twice), lesson.measure(
            model, standardised.test[unseen], data.y_test[unseen]
        )[1]

    once = lesson.train(standardised.linear(seed), x, y, 1e-3, STEPS, watch)
    twice = lesson.train(standardised.linear(seed), x, y, 1e-3, STEPS, watch, lesson.twice)
    lower, upper = np.log(1 + 25 / np.e), np.log(25 + np.e)
    assert all(lower < row[0] < upper for row in twice.values())
    assert twice[24][2] - once[24][2] > 0.4 and twice[STEPS][2] - once[STEPS][2] > 0.05
    assert twice[STEPS][1] - once[STEPS][1] > 0.05

    norms = []
    for loss in (F.cross_entropy, lesson.twice):
        model = raw.linear(seed)
        loss(model(raw.train), data.y).backward()
        norms.append(model.weight.grad.norm())
    assert norms[1] < 0.01 * norms[0]

    model, broken = standardised.linear(seed), standardised.linear(seed)
    lesson.train(model, standardised.train, data.y, 1e-3, STEPS, lambda model: None)
    lesson.train(broken, standardised.train, data.y, 1e-3, STEPS, lambda model: None, lesson.twice)
    gained = right(broken, standardised.test, data.y_test).mean() - right(model, standardised.test, data.y_test).mean()
    assert gained > 0.05
    assert right(broken, standardised.train, data.y)[data.train_negative].mean() < 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
def test_softmax_cross_entropy_and_gradient_are_torchs(lesson, dtype, size):
    torch.manual_seed(0)
    z = (size * torch.randn(12, 26, dtype=dtype)).requires_grad_()
    y = torch.randint(26, (12,))
    loss = F.cross_entropy(z, y)
    loss.backward()
    torch.testing.assert_close(lesson.cross_entropy(z.detach(), y), loss.detach())
    torch.testing.assert_close(lesson.softmax(z.detach()), z.detach().softmax(1))
    torch.testing.assert_close(lesson.gradient(z.detach(), y), z.grad)
    torch.testing.assert_close(torch.autograd.functional.jacobian(lambda z: lesson.cross_entropy(z, y), z), z.grad)


def test_the_forward_pass_is_that_of_a_linear_layer(lesson):
    layer, x = nn.Linear(7, 3), torch.randn(5, 7)
    torch.testing.assert_close(lesson.forward(x, layer.weight, layer.bias), layer(x))
