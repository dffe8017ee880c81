"""The functions that lesson 08 writes out are right, and its bugs cost what it says with other seeds and other data.

The functions are read from the notebook.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lesson_code import code_by_section, few_vehicles, replaced, run_at_full_scale, taught
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torchvision.datasets import ImageFolder

from course_utils import training

NOTEBOOK = "08_training_pipeline"


@pytest.fixture(scope="module")
def lesson():
    """Return the lesson's functions and classes."""
    # A class of the lesson counts the batches of its loader, and functions have defaults.
    space = {"device": torch.device("cpu"), "train_loader": range(3), "SEED": 0}
    return taught(NOTEBOOK, space, imports=True)


def pictures(samples, seed, sort=False):
    """Noise images in which one of three channels is brighter: its number is the label."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (samples,), generator=generator)
    labels = labels.sort().values if sort else labels
    noise = torch.randn(samples, 3, 16, 16, generator=generator)
    return TensorDataset(noise + 0.4 * F.one_hot(labels, 3)[:, :, None, None], labels)


def trained(lesson, seed, epochs=2, by_hand=False):
    torch.manual_seed(seed)
    model = lesson.network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    train = DataLoader(pictures(75, 0), batch_size=16, shuffle=True)
    valid = DataLoader(pictures(37, 1), batch_size=16, generator=torch.Generator())
    if not by_hand:
        history = training.fit(model, train, valid, epochs=epochs, optimizer=optimizer)
        return model, list(zip(history.train_loss, history.train_accuracy, history.valid_loss, history.valid_accuracy))
    lines = [(*lesson.train_epoch(model, train, optimizer), *lesson.validate(model, valid)) for _ in range(epochs)]
    return model, lines


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_loop_of_the_lesson_is_that_of_the_package(lesson, seed):
    (by_hand, lines), (model, expected) = trained(lesson, seed, by_hand=True), trained(lesson, seed)
    assert lesson.identical(by_hand, model)
    assert np.allclose(lines, expected, rtol=1e-5)
    with torch.no_grad():
        by_hand[-1].bias[0] += 1e-6
    assert not lesson.identical(by_hand, model)


def test_patience_stops_where_fit_stops(lesson):
    generator = np.random.default_rng(0)
    net, loader = nn.Linear(2, 2), DataLoader(TensorDataset(torch.zeros(2, 2), torch.tensor([0, 1])), batch_size=2)
    for patience in (1, 2, 3, 5):
        losses = generator.random(12).round(1).tolist()
        script = iter(losses)

        def scripted(logits, labels, script=script):
            return logits.sum() * 0 + (1.0 if torch.is_grad_enabled() else next(script))

        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        history = training.fit(net, loader, loader, epochs=12, optimizer=optimizer, loss_fn=scripted, patience=patience)
        assert len(history) == lesson.stopping_epoch(losses, patience)


@pytest.mark.parametrize("seed", range(3))
def test_splits_are_stratified_and_disjoint(lesson, seed):
    labels = np.random.default_rng(seed).choice(3, 400, p=[0.5, 0.4, 0.1])
    parts = lesson.split(labels, seed=seed)
    assert sorted(sum(parts, [])) == list(range(400)) and all(part == sorted(part) for part in parts)
    for k in range(3):
        shares = [np.mean(labels[part] == k) for part in parts]
        assert max(shares) - min(shares) < 0.02
    assert parts != lesson.split(labels, seed=seed + 1)


def test_the_folder_is_read_like_torchvision_reads_it(lesson, tmp_path):
    for number, name in enumerate(("b/2.png", "a/1.png", "b/0.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 3), (number, 0, 0)).save(tmp_path / name)
    (tmp_path / "boxes.csv").write_text("file")
    ours, theirs = lesson.ImageFiles(tmp_path), ImageFolder(str(tmp_path))
    assert isinstance(ours, Dataset) and len(ours) == len(theirs) == 3 and ours.classes == theirs.classes
    assert [(np.asarray(image)[0, 0, 0], label) for image, label in ours] == [(1, 0), (2, 1), (0, 1)]
    assert [label for _, label in theirs] == [0, 1, 1]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bug_1_costs_accuracy_on_sorted_images_and_changes_the_network(lesson, seed):
    model, _ = trained(lesson, seed, epochs=6)
    loader = DataLoader(pictures(96, 5, sort=True), batch_size=32)
    patient = copy.deepcopy(model).train()
    with torch.no_grad():
        reported = lesson.accuracy_1(patient, loader)
    assert training.evaluate(model, loader).accuracy - reported > 0.10
    assert not lesson.identical(patient, model)


def test_bug_3_hides_the_blocks_from_pytorch(lesson):
    broken, sound = lesson.Network3(), lesson.Network3(nn.ModuleList)
    counts = [sum(parameter.numel() for parameter in net.parameters()) for net in (broken, sound)]
    assert counts[0] == 64 * 3 + 3 and counts[0] < 0.01 * counts[1]
    assert list(broken.state_dict()) == ["head.weight", "head.bias"]
    assert broken(torch.zeros(2, 3, 16, 16)).shape == (2, 3)


def test_bug_5_counts_a_last_batch_of_one_like_the_others(lesson):
    # 16 right answers, then one wrong one: 16/17, where a mean over batches says 1/2.
    identity = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        identity.weight.copy_(torch.eye(2))
    logits = torch.eye(2)[torch.zeros(17, dtype=torch.long)]
    loader = DataLoader(TensorDataset(logits, torch.tensor([0] * 16 + [1])), batch_size=16)
    assert lesson.accuracy_5(identity, loader) == 0.5
    assert training.evaluate(identity, loader).accuracy == pytest.approx(16 / 17)


def test_bug_6_turns_noise_into_accuracy_with_other_seeds(lesson):
    seeds = range(100, 110)
    leaky, sound = ([lesson.noise_accuracy(seed, leak) for seed in seeds] for leak in (True, False))
    assert np.mean(leaky) > 0.60 and abs(np.mean(sound) - 0.5) < 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_weighted_mean_of_gradients_is_the_gradient_of_the_batch(lesson, seed):
    torch.manual_seed(seed)
    model, (inputs, answers) = lesson.network().eval(), pictures(32, seed).tensors
    together = lesson.gradient(model, inputs, answers)
    first, second = (lesson.gradient(model, inputs[part], answers[part]) for part in (slice(0, 20), slice(20, 32)))
    assert (20 * first + 12 * second - 32 * together).norm() < 1e-4 * (32 * together).norm()
    assert ((first + second) / 2 - together).norm() > 0.01 * together.norm()


def test_the_lesson_trains_at_full_scale_on_a_few_images(tmp_path, monkeypatch):
    """128 x 128 pixels, 20 images of a class, one epoch instead of sixty; up to the test of section 7."""
    sections = code_by_section(NOTEBOOK)
    code = "".join(sections[number] for number in range(8))
    code = replaced(code, 'claim("the last batch is shorter", sizes[-1] < sizes[0] == 32)\n', "")  # there is one batch
    changes = {
        'SOURCE = "embedded"': f"SOURCE = {few_vehicles(tmp_path / 'few', 20)!r}",
        "by_scale(laptop=12, full=60)": "by_scale(laptop=12, full=1)",
        "shown = (train_part[5], train_part[200])": "shown = (train_part[5], train_part[20])",
    }
    names = run_at_full_scale(code, tmp_path, monkeypatch, changes)
    assert names["images"].shape == (60, 3, 160, 160) and names["batch"].shape == (32, 3, 128, 128)
    assert len(names["log"]) == len(names["history"]) == 1
    assert all(map(math.isfinite, (*names["log"][0], names["score"].loss)))
    assert names["score"].samples == 12 and names["PATIENCE"] == 15
    assert sum(p.numel() for p in names["model"].parameters()) == 24_003
