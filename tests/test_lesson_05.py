"""What lesson 05 says about networks holds for seeds that it does not use; and its functions are right.

The functions are read from the notebook. The lesson uses the seeds 0 to 4.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lesson_code import taught
from sklearn.feature_selection import SelectKBest
from sklearn.metrics import confusion_matrix
from sklearn.neighbors import NearestCentroid
from torch import nn

from course_utils.data import load_faces
from course_utils.face_drawings import film_negatives, neighbours_first

SEEDS = (5, 6)
MORE_SEEDS = (5, 6, 7, 8, 9)  # for means of what differs a lot from seed to seed
SIZES = [437, 218, 27, 13, 26]
SHALLOW = [437, 218, 26]


@pytest.fixture(scope="module")
def faces():
    return load_faces()


@pytest.fixture(scope="module")
def lesson(faces):
    """Return the lesson's functions and constants. ``tqdm`` shows nothing here."""
    space = {"torch": torch, "F": F, "nn": nn, "np": np, "tqdm": lambda seeds: seeds, "people": 26}
    space |= {"SEEDS": SEEDS, "sizes": SIZES, "y": torch.tensor(faces.train_labels)}
    return taught("05_mlp_and_pca", space, constants=("STEPS", "EVERY"))


def standardised(fitted: np.ndarray, *halves: np.ndarray) -> list[np.ndarray]:
    mean, deviation = fitted.mean(0), fitted.std(0)
    return [(half - mean) / deviation for half in halves]


def principal(fitted: np.ndarray, *halves: np.ndarray, share: float = 0.9999) -> list[np.ndarray]:
    """Components of ``halves``, by the eigenvectors of inner products: the lesson's PCA for a tenth of the time."""
    values, vectors = np.linalg.eigh(fitted @ fitted.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    k = int(np.searchsorted(np.cumsum(values) / values.sum(), share)) + 1
    basis = fitted.T @ vectors[:, :k] / values[:k] ** 0.5
    return [half @ (basis * np.sign(basis.sum(0))) for half in halves]


@pytest.fixture(scope="module")
def pixels(faces):
    return [images.reshape(len(images), -1).astype(float) for images in (faces.train_images, faces.test_images)]


@pytest.fixture(scope="module")
def components(pixels):
    x, x_test = standardised(pixels[0], *pixels)
    return principal(x, x, x_test)


@pytest.fixture(scope="module")
def data(lesson, components, faces):
    """Return the lesson's input; test labels go to its functions, which read them as a global."""
    lesson.train.__globals__["y_test"] = torch.tensor(faces.test_labels)
    return lesson.divided(*components, lesson.one_number(components[0]))


@pytest.fixture(scope="module")
def relu(lesson, data):
    return lesson.runs(nn.ReLU, data, seeds=MORE_SEEDS)


@pytest.fixture(scope="module")
def sigmoid(lesson, data):
    return lesson.runs(nn.Sigmoid, data)


@pytest.fixture(scope="module")
def shallow(lesson, data):
    return lesson.runs(nn.ReLU, data, SHALLOW)


@pytest.fixture(scope="module")
def linear(lesson, data):
    model = lesson.linear(SIZES[0])
    return model, lesson.train(model, *data)


def test_the_plan_is_counted_as_pytorch_counts_it(lesson):
    plan = lesson.widths(22_100)
    assert plan == [22_100, 11_050, 1_381, 690, 26]
    assert sum(lesson.count(plan)) == 260_449_027
    small = lesson.widths(64)
    assert sum(lesson.count(small)) == sum(p.numel() for p in lesson.mlp(small, nn.ReLU).parameters())


def test_the_input_has_length_6_by_one_number(lesson, components, data):
    assert components[0].shape[1] == SIZES[0]
    assert data[0].norm(dim=1).mean().item() == pytest.approx(6, rel=1e-5)
    ratio = data[1] / torch.tensor(components[1])
    torch.testing.assert_close(ratio, ratio[:1, :1].expand_as(ratio), rtol=1e-4, atol=0)


def test_training_takes_the_steps_it_says(lesson, data):
    torch.manual_seed(0)
    model, twin = nn.Linear(SIZES[0], 26), nn.Linear(SIZES[0], 26)
    twin.load_state_dict(model.state_dict())
    history = lesson.train(model, *data, lr=0.05, steps=16)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.05, momentum=0.9)
    for _ in range(16):
        optimizer.zero_grad()
        loss = F.cross_entropy(twin(data[0]), lesson.y)
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(model.weight, twin.weight)
    assert [len(values) for values in history.values()] == [3, 3, 3, 3]
    assert history["test"][-1] == lesson.accuracy(twin, data[1], lesson.train.__globals__["y_test"])


def test_deltas_are_the_gradients_of_the_logits(lesson, data):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(SIZES[0], 26))
    error = (model(data[0]).softmax(1) - F.one_hot(lesson.y, 26)) / len(lesson.y)
    assert lesson.deltas(model, data[0]) == pytest.approx([error.norm().item()], rel=1e-5)


def test_sigmoids_take_a_factor_of_four_and_relus_do_not(lesson, data):
    inputs, ten = data[0][:, :100], [100] * 11
    sigmoid = lesson.starts(nn.Sigmoid, ten, inputs, lesson.orthogonal(1))
    assert (sigmoid[:, :-1] <= sigmoid[:, 1:] / 4).all()
    assert lesson.factor(sigmoid).max() < 1 / 200_000
    assert lesson.factor(lesson.starts(nn.ReLU, ten, inputs, lesson.orthogonal(1))).min() > 0.01
    assert lesson.factor(lesson.starts(nn.ReLU, ten, inputs, lesson.orthogonal(2**0.5))).min() > 0.25
    of_lesson = [lesson.factor(lesson.starts(kind, SIZES, data[0])) for kind in (nn.ReLU, nn.Sigmoid)]
    assert (of_lesson[0] / of_lesson[1]).min() > 10


def test_the_plan_learns_nothing(lesson, sigmoid):
    assert lesson.final(sigmoid, "train").max() < 0.1
    assert max(abs(history["loss"][-1] - np.log(26)) for history in sigmoid) < 0.05
    assert max(map(lesson.first_to_last, sigmoid)) < 0.03


@pytest.mark.thorough
def test_larger_weights_bring_the_sigmoids_to_life(lesson, data, sigmoid):
    larger = lesson.runs(nn.Sigmoid, data, start=lesson.four_times)
    gain = lesson.final(larger, "train") - lesson.final(sigmoid, "train")
    assert gain.mean() > 0.3 and gain.min() > 0.1


def test_relu_beats_sigmoid_and_one_hidden_layer_beats_three(lesson, relu, sigmoid, shallow):
    assert min(map(lesson.first_to_last, relu)) > 0.5
    assert lesson.final(relu).mean() > lesson.final(sigmoid).mean() + 0.2
    assert lesson.final(shallow).mean() > lesson.final(relu).mean() + 0.04
    rises = [np.array(history["gradients"]) for history in relu]
    assert all((gradients.max(0) > 4 * gradients[0]).all() for gradients in rises)
    assert np.mean([(gradients[-1] < gradients.max(0) / 10).all() for gradients in rises]) > 0.5


def test_most_errors_of_one_hidden_layer_are_between_neighbours(lesson, faces, data, shallow):
    row, column = np.indices((26, 26))
    for history in shallow:
        with torch.no_grad():
            answers = history["model"](data[1]).argmax(1)
        matrix = confusion_matrix(faces.test_labels, answers, labels=range(26))
        order = neighbours_first(matrix)
        wrong = matrix[np.ix_(order, order)] * (row != column)
        assert wrong[abs(row - column) <= 4].sum() > 0.6 * wrong.sum()


@pytest.mark.thorough
def test_one_number_for_the_scale_beats_none_and_one_for_each(lesson, components, data, relu):
    raw = lesson.runs(nn.ReLU, lesson.divided(*components, 1))
    each = lesson.runs(nn.ReLU, lesson.divided(*components, components[0].std(0)))
    assert lesson.final(relu).mean() > lesson.final(raw).mean() + 0.25
    assert lesson.final(relu).mean() > lesson.final(each).mean() + 0.15
    assert lesson.final(each, "train").min() > 0.95
    dead_raw = np.mean([lesson.dead(run["model"], torch.tensor(components[0]).float()) for run in raw])
    dead_one = np.mean([lesson.dead(run["model"], data[0]) for run in relu])
    assert dead_raw > 0.5 and dead_one < dead_raw - 0.3


@pytest.mark.thorough
def test_the_leak_hardly_moves_the_accuracy(lesson, pixels, shallow):
    everything = np.concatenate(pixels)
    (everything,) = standardised(everything, everything)
    (leaky,) = principal(everything, everything)
    halves = leaky[:445], leaky[445:]
    runs = lesson.runs(nn.ReLU, lesson.divided(*halves, lesson.one_number(halves[0])), [leaky.shape[1], 218, 26])
    assert abs(lesson.final(runs).mean() - lesson.final(shallow).mean()) < 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_features_selected_with_the_test_labels_predict_coin_tosses(seed):
    rng = np.random.default_rng(seed)
    noise, coin = rng.standard_normal((400, 10_000)), rng.integers(0, 2, 400)
    on_all = SelectKBest(k=100).fit(noise, coin).transform(noise)
    on_train = SelectKBest(k=100).fit(noise[:200], coin[:200]).transform(noise)
    leak, honest = (NearestCentroid().fit(z[:200], coin[:200]).score(z[200:], coin[200:]) for z in (on_all, on_train))
    assert leak > 0.75 and 0.35 < honest < 0.65


def test_mlps_beat_the_linear_classifier(lesson, components, data, linear, relu, shallow):
    as_in_lesson_04 = lesson.train(lesson.linear(SIZES[0]), *lesson.divided(*components, 1), lr=1e-3)
    same_setting = linear[1]["test"][-1]
    assert lesson.final(relu).mean() > same_setting
    assert lesson.final(shallow).min() > same_setting + 0.15
    assert lesson.final(shallow).min() > max(*linear[1]["test"], *as_in_lesson_04["test"]) + 0.1


@pytest.mark.thorough
def test_the_mlp_gains_on_film_negatives(lesson, faces, data, linear):
    space = lesson.right_of_kinds.__globals__
    space |= {"data": data, "drawn": True, "negative": film_negatives(faces)[1]}
    of_linear, of_mlp = lesson.right_of_kinds(linear[0]), []
    for seed in SEEDS:
        torch.manual_seed(seed)
        model = lesson.mlp(SHALLOW, nn.ReLU)
        lesson.train(model, *data)
        of_mlp.append(lesson.right_of_kinds(model))
    positives, negatives = np.mean(of_mlp, axis=0)
    assert negatives > of_linear[1] + 0.1
    assert positives > of_linear[0] + 0.15
    assert positives > negatives + 0.2
