"""What lesson 09 says holds for other seeds, and its functions are right. Its cells are read from the notebook."""

from __future__ import annotations

import math
from types import SimpleNamespace

import lesson_code
import numpy as np
import pytest
import torch
from lesson_code import few_vehicles, replaced, run, run_at_full_scale, without_figures
from sklearn.metrics import precision_score, recall_score
from torch import nn

from course_utils.models import SweepNet

FIRST_TRAINING = 'sweep("c + 13")'
RULES = {"c + 13": "add", "2c, later 1.5c": "double", "3c, later c + c//6": "triple"}


@pytest.fixture(scope="module")
def cells() -> list[str]:
    return lesson_code.cells("09_depth_and_width")


@pytest.fixture(scope="module")
def lesson(cells):
    """The lesson up to its first training, with another split than the lesson's."""
    before = "\n".join(cells[: cells.index(FIRST_TRAINING)])
    split = "stratified_split(labels.numpy(), 0.6, seed=9)"
    return SimpleNamespace(**run(without_figures(replaced(before, split, split.replace("9)", "90)")))))


@pytest.fixture(scope="module")
def weighting(cells, lesson):
    """Lesson's functions for the rare class."""
    wanted = ("def one_minus_share", "def weighted_loss", "def share_in_batches", "def sampler_of")
    found = [cell for cell in cells if any(text in cell for text in wanted)]
    assert len(found) == len(wanted)
    return SimpleNamespace(**run("\n".join(found), dict(vars(lesson))))


def test_normalising_is_undone_for_every_pixel_value(lesson):
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(2, 3, 16, 16)
    assert torch.equal((lesson.unnormalise(lesson.normalise(values)) * 255).round().to(torch.uint8), values)


def test_channel_statistics_are_those_of_the_training_split_alone(lesson):
    train, valid = lesson.z.double(), lesson.valid_loader.dataset.tensors[0].double()
    assert torch.allclose(train.mean((0, 2, 3)), torch.zeros(3, dtype=torch.double), atol=1e-5)
    assert torch.allclose(train.std((0, 2, 3), correction=0), torch.ones(3, dtype=torch.double), atol=1e-5)
    assert valid.mean((0, 2, 3)).abs().max() > 1e-3  # the validation images have not been asked
    assert not set(lesson.train) & set(lesson.valid)
    assert len(lesson.train) + len(lesson.valid) == len(lesson.labels)


def test_the_split_cuts_every_class_in_the_same_proportion(lesson):
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    first, second = lesson.stratified_split(labels, 0.6, seed=1)
    assert np.bincount(labels[first]).tolist() == [60, 30, 6]
    assert sorted([*first, *second]) == list(range(160))
    assert not np.array_equal(first, lesson.stratified_split(labels, 0.6, seed=2)[0])


def test_recall_and_precision_are_scikit_learns(lesson):
    truth, answer = torch.randint(3, (2, 300))
    assert np.allclose(lesson.recalls(truth, answer), recall_score(truth, answer, average=None))
    ours = [lesson.precision(truth, answer, k) for k in range(3)]
    assert np.allclose(ours, precision_score(truth, answer, average=None))
    assert lesson.precision(truth, torch.zeros_like(truth), 2) == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
@pytest.mark.parametrize("side", [32, 100, 256])
def test_the_formula_counts_the_parameters_of_the_package(lesson, rule, blocks, side):
    with torch.device("meta"):
        package = SweepNet(RULES[rule], blocks, image_size=side)
    assert package.channels == lesson.channels(rule, blocks)
    assert sum(lesson.parameters_by_formula(rule, blocks, side)) == sum(p.numel() for p in package.parameters())


@pytest.mark.parametrize("rule", RULES)
def test_with_copied_weights_the_package_has_the_same_outputs_and_gradients(lesson, rule):
    mine, theirs = lesson.network(rule, 3, 32), SweepNet(RULES[rule], 3, image_size=32)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), mine.state_dict().values(), strict=True)))
    for model in (mine, theirs):
        lesson.nn.functional.cross_entropy(model(lesson.z[:16]), lesson.labels[lesson.train][:16]).backward()
    assert torch.allclose(mine(lesson.z[:4]), theirs(lesson.z[:4]), atol=1e-5)
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5)


def test_the_weighted_loss_is_pytorchs_with_its_gradient(weighting):
    weights, labels = torch.tensor([0.2, 1.0, 3.0]), torch.tensor([0, 0, 1, 2, 2])
    logits = torch.randn(5, 3, requires_grad=True)
    loss = weighting.weighted_loss(logits, labels, weights)
    theirs = nn.CrossEntropyLoss(weight=weights)(logits, labels)
    assert torch.allclose(loss, theirs)
    assert torch.allclose(*(torch.autograd.grad(value, logits)[0] for value in (loss, theirs)))


def test_the_sampler_draws_the_expected_shares(weighting):
    torch.manual_seed(0)
    for scheme in (weighting.one_minus_share(weighting.y), weighting.inverse):
        measured, expected = weighting.share_in_batches(scheme)
        assert measured == pytest.approx(expected, abs=0.01)
    assert expected == pytest.approx(1 / 3)
    assert weighting.one_minus_share(torch.tensor([0, 0, 0, 1])).tolist() == [0.25, 0.75]


@pytest.mark.thorough
def test_depth_pays_with_another_split_and_seed(lesson, weighting):
    rule = "2c, later 1.5c"
    one, shallow = weighting.train_one(rule, 1, 1e-4, seed=90)
    _, deep = weighting.train_one(rule, 3, 3.5e-3, seed=90)
    assert deep.valid_accuracy[-1] - shallow.valid_accuracy[-1] > 0.03
    # The loss with one block is still falling: 1e-4 is small for 160 steps.
    assert shallow.valid_loss[-1] < shallow.valid_loss[-2] < shallow.valid_loss[-3]

    truth = lesson.truth
    weighted, _ = weighting.train_one(rule, 1, 1e-4, seed=90, sampler=weighting.sampler_of(weighting.inverse))
    plain, equal = (weighting.answers(model) for model in (one, weighted))
    assert lesson.recalls(truth, equal)[lesson.RARE] - lesson.recalls(truth, plain)[lesson.RARE] > 0.2
    assert (plain == truth).float().mean() - (equal == truth).float().mean() > 0.01


@pytest.mark.parametrize("side", [64, pytest.param(256, marks=pytest.mark.thorough)])
def test_the_lesson_runs_at_full_scale_on_a_few_images(cells, tmp_path, monkeypatch, side):
    """One epoch instead of twenty, three images a class, one seed; the prose is not checked there."""
    changes = {
        "SIDE = by_scale(laptop=32, full=256)": f"SIDE = by_scale(laptop=32, full={side})",
        'SOURCE = "embedded"': f"SOURCE = {few_vehicles(tmp_path / 'few', 3)!r}",
        "EPOCHS = by_scale(laptop=5, full=20)": "EPOCHS = 1",
        "for seed in (0, 1, 2):": "for seed in (0,):",
    }
    names = run_at_full_scale("\n".join(cells), tmp_path, monkeypatch, changes)
    assert names["z"].shape == (6, 3, side, side)
    assert len(names["runs"]) == 12
    for (rule, blocks), (model, history) in names["runs"].items():
        assert len(history) == 1 and math.isfinite(history.train_loss[0]) and math.isfinite(history.valid_loss[0])
        assert names["count"](model) == sum(names["parameters_by_formula"](rule, blocks, side))
    assert (tmp_path / "results" / "09.json").is_file()
