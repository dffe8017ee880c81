"""The functions of lesson 12 do what its text says, and what it says about searches holds for other seeds.

Functions, classes and constants are read from the notebook.
"""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lesson_code import code_by_section, run_at_full_scale, taught
from scipy.integrate import trapezoid
from scipy.stats import binom, multivariate_normal, norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from torch import nn

from course_utils.data import load_digits

NOTEBOOK = "12_hyperparameters"
CONSTANTS = ("VALID", "SPACE", "BUDGET")


@pytest.fixture(scope="module")
def space():
    """Return the notebook's definitions as the globals that they run in, with its data."""
    digits = load_digits()
    images, labels = torch.tensor(digits.train_images).flatten(1), torch.tensor(digits.train_labels)
    train, held = torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).split([300, 1047])
    space = {"np": np, "torch": torch, "F": F, "nn": nn, "norm": norm, "product": product, "NamedTuple": NamedTuple}
    space |= {"tqdm": lambda steps: steps, "images": images}
    space |= {"x_train": images[train], "y_train": labels[train], "x_held": images[held], "y_held": labels[held]}
    taught(NOTEBOOK, space, constants=CONSTANTS)
    return space


@pytest.fixture(scope="module")
def lesson(space):
    return SimpleNamespace(**space)


def test_positions_reach_both_ends_and_go_by_ratio_in_between(lesson):
    for corner, end in ((0.0, "low"), (1.0, "high")):
        settings = lesson.settings_at([corner] * 4)
        assert settings == pytest.approx({name: getattr(entry, end) for name, entry in lesson.SPACE.items()})
    middle = lesson.settings_at([0.5] * 4)
    assert middle["learning_rate"] == pytest.approx(0.01) and middle["dropout"] == pytest.approx(0.4)
    assert isinstance(middle["width"], int)


@pytest.mark.parametrize("shift", ([0.0] * 4, [0.5] * 4, [0.1, 0.9, 0.3, 0.7]))
def test_a_grid_is_all_combinations_of_few_values(lesson, shift):
    positions = lesson.grid_positions(shift)
    assert positions.shape == (lesson.BUDGET, 4) == (24, 4)
    assert len(np.unique(positions, axis=0)) == 24
    assert [len(np.unique(column)) for column in positions.T] == [3, 2, 2, 2]
    assert positions.min() >= 0 and positions.max() < 1


def test_random_positions_are_distinct_and_repeatable(lesson):
    assert [len(np.unique(column)) for column in lesson.random_positions(4).T] == [24] * 4
    assert np.array_equal(lesson.random_positions(4), lesson.random_positions(4))
    assert not np.array_equal(lesson.random_positions(4), lesson.random_positions(5))


@pytest.mark.parametrize("length, noise", ((0.05, 0.3), (0.2, 0.1), (1.0, 0.05)))
def test_posterior_and_likelihood_are_those_of_scikit_learn_and_scipy(lesson, length, noise):
    rng = np.random.default_rng(1)
    x, y, grid = rng.random(7), rng.standard_normal(7), np.linspace(-1, 2, 50)
    theirs = GaussianProcessRegressor(RBF(length), alpha=noise**2, optimizer=None).fit(x[:, None], y)
    mean, deviation = lesson.posterior(x, y, grid, length, noise)
    their_mean, their_deviation = theirs.predict(grid[:, None], return_std=True)
    np.testing.assert_allclose(mean, their_mean, atol=1e-8)
    np.testing.assert_allclose(deviation, their_deviation, atol=1e-6)
    covariance = lesson.kernel(x, x, length) + noise**2 * np.eye(7)
    expected = multivariate_normal(np.zeros(7), covariance).logpdf(y)
    assert lesson.log_likelihood(x, y, length, noise) == pytest.approx(expected)


def test_expected_improvement_is_the_integral_of_its_definition(lesson):
    values = np.linspace(-12, 12, 200_001)
    for mean, deviation, best in ((0.0, 1.0, -1.0), (2.0, 0.5, 1.0), (-1.0, 0.2, 0.0)):
        density = norm.pdf(values, mean, deviation)
        integral = trapezoid(np.maximum(best - values, 0) * density, values)
        assert lesson.expected_improvement(mean, deviation, best) == pytest.approx(integral, abs=1e-7)
    assert lesson.expected_improvement(1.0, 1e-9, 3.0) == pytest.approx(2.0)


def test_the_share_explained_is_one_for_a_step_and_small_for_noise(lesson):
    rng = np.random.default_rng(2)
    values = rng.permutation(240) / 240
    assert lesson.explained(values, np.floor(values * 8)) == pytest.approx(1)
    by_chance = [lesson.explained(values, rng.standard_normal(240)) for _ in range(300)]
    assert np.mean(by_chance) == pytest.approx(7 / 239, abs=0.003)


def made_up(lesson, valid, audit):
    """Trials of 100 + 100 images with these numbers of wrong answers."""
    return [
        lesson.Trial({}, 0, np.concatenate([np.arange(100) >= wrong for wrong in pair])) for pair in zip(valid, audit)
    ]


def test_best_so_far_follows_the_validation_error_alone(lesson):
    trials = made_up(lesson, valid=[9, 12, 5, 5, 7], audit=[20, 3, 8, 1, 2])
    lesson_valid, lesson_audit = lesson.best_so_far(trials)
    assert lesson_valid == pytest.approx([9, 9, 5, 5, 5])
    assert lesson_audit == pytest.approx([20, 20, 8, 8, 8])


def test_winners_show_the_optimism_that_luck_alone_must_give(lesson):
    """Trials whose answers are coins: the winner's validation error is the smallest of B binomial counts."""
    right = np.random.default_rng(5).random((200, 4000)) < 0.9
    valid, audit = lesson.winners([lesson.Trial({}, 0, row) for row in right], [1, 5, 20], size=100)
    counts = np.arange(101)
    for budget, seen in zip((1, 5, 20), valid):
        expected = ((1 - binom.cdf(counts, 100, 0.1)) ** budget).sum() / 100
        assert seen == pytest.approx(expected, abs=0.003)
    np.testing.assert_allclose(audit, 0.1, atol=0.003)


def test_a_trial_is_repeatable_and_its_seed_matters(lesson):
    first, again, other = (lesson.run_trial(lesson.settings_at([0.75, 0.2, 0.8, 0.4]), seed) for seed in (1, 1, 2))
    assert np.array_equal(first.right, again.right) and not np.array_equal(first.right, other.right)
    assert first.right.shape == (1047,)
    assert first.valid == pytest.approx(1 - first.right[:100].mean())
    assert first.audit == pytest.approx(1 - first.right[100:].mean())
    assert first.audit < 0.15


@pytest.mark.thorough
def test_the_learning_rate_decides_with_other_draws_too(lesson):
    positions = np.random.default_rng(99).random((72, 4))
    valid = np.array([trial.valid for trial in lesson.search(positions, 99)])
    shares = [lesson.explained(column, valid) for column in positions.T]
    assert shares[0] > 0.5 and shares[0] > 2 * max(shares[1:])


def test_ax_gets_all_trials_and_finds_a_valley(space):
    """The search of the lesson, with a formula in the place of training."""
    from ax import Client, RangeParameterConfig

    space = space | {"Client": Client, "RangeParameterConfig": RangeParameterConfig, "BUDGET": 14}
    space["tqdm"] = lambda total: SilentBar()
    asked = []

    def valley(settings, seed):
        asked.append(settings)
        right = np.arange(100) >= round(20 * abs(np.log10(settings["learning_rate"]) + 1))
        return space["Trial"](settings, seed, right)

    taught(NOTEBOOK, space, constants=(*CONSTANTS, "PARAMETERS"))
    space |= {"run_trial": valley, "BUDGET": 14}
    trials = space["ax_search"](space["new_client"](3), 3)
    assert len(trials) == len(asked) == 14
    assert all(set(settings) == set(space["SPACE"]) for settings in asked)
    assert min(trial.valid for trial in trials) <= 0.05


class SilentBar:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def update(self):
        return None


def test_the_searches_run_at_full_scale_with_few_trials(tmp_path, monkeypatch):
    """Sections 1 to 5, up to the comparison: one search of each kind with 8 trials (the grid has 24) of one epoch.

    What the lesson says about searches needs more of them, and is not checked here.
    """
    monkeypatch.setattr("course_utils.claims.claim", lambda statement, holds: None)
    sections = code_by_section(NOTEBOOK)
    code = "".join(sections[number] for number in range(5)) + sections[5].partition("def best_so_far")[0]
    changes = {
        "for _ in range(20):": "for _ in range(1):",
        "BUDGET = 24": "BUDGET = 8",
        "full=40": "full=1",
        "full=10": "full=1",
        "full=20": "full=1",
    }
    names = run_at_full_scale(code, tmp_path, monkeypatch, changes)
    searches = [names[f"{kind}_searches"] for kind in ("random", "ax", "grid")]
    assert [[len(trials) for trials in runs] for runs in searches] == [[8], [8], [24]]
    for trial in sum(sum(searches, []), []):
        assert trial.right.shape == (1047,) and set(trial.settings) == set(names["SPACE"])
    assert names["x_train"].shape == (300, 64)
