"""What lesson 13 writes out is right, and its claims fail when it is not. It runs on fewer images here."""

from __future__ import annotations

import ast

import pytest
import torch
from lesson_code import code_by_section, replaced, run
from torch import nn
from torchvision.models import densenet121

from course_utils.models import EfficientNet

COUNTS = "laptop=(200, 40, 600)"


def definitions(code: str) -> str:
    """Return the functions of a section without what it runs."""
    return "".join(ast.unparse(node) + "\n" for node in ast.parse(code).body if isinstance(node, ast.FunctionDef))


@pytest.fixture(scope="module")
def sections() -> dict[int, str]:
    sections = code_by_section("13_reusing_a_network")
    sections[1] = replaced(sections[1], COUNTS, "laptop=(48, 16, 24)")
    # Two epochs are too short to time, and to learn the training images by heart.
    sections[4] = replaced(sections[4], "EPOCHS = 50", "EPOCHS = 2")
    sections[4] = replaced(sections[4], "slow_seconds > 5 * cached_seconds", "True")
    sections[4] = replaced(sections[4], "slow_seconds > 3 * (cached_seconds + extraction)", "True")
    sections[4] = replaced(sections[4], "cached.valid_loss[-1] > 2 * min(cached.valid_loss)", "True")
    return sections


@pytest.fixture(scope="module")
def lesson(sections) -> dict:
    """The lesson's names after section 4, with another seed for the loops."""
    code = "".join(sections[number] for number in range(4)) + replaced(
        sections[4], "seed_everything(4)", "seed_everything(1234)"
    )
    return run(code + definitions(sections[5]) + definitions(sections[6]) + definitions(sections[8]), imports())


def imports() -> dict:
    from copy import deepcopy

    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from course_utils.models import SweepNet

    return {each.__name__: each for each in (deepcopy, LogisticRegression, make_pipeline, StandardScaler, SweepNet)}


@pytest.mark.parametrize("build", (densenet121, lambda: EfficientNet("b0"), lambda: EfficientNet("lite1")))
def test_trunk_and_block_and_the_old_head_are_the_network(lesson, build):
    network = build().eval()
    head = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        features = nn.Sequential(*lesson["cut"](network))(x)
        assert features.shape == (2, head.in_features)
        assert torch.allclose(head(features), network(x), rtol=1e-3, atol=1e-4 * float(network(x).abs().max()))


def test_training_sets_are_balanced_repeatable_and_from_the_pool(lesson):
    few, labels = lesson["few"], lesson["labels"]
    for size in (2, 10, 48):
        chosen = few(size, seed=3)
        assert len(set(chosen.tolist())) == size and max(chosen) < 48
        assert labels[chosen].sum() == size / 2 and torch.equal(chosen, few(size, seed=3))
    assert not torch.equal(few(10, seed=0), few(10, seed=1))


def test_what_is_frozen_stays_and_what_is_trained_moves(lesson):
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
    model = lesson["Reused"](backbone, nn.Sequential(nn.Linear(4 * 36, 1), nn.Dropout(0.5))).train()
    assert model.head[1].training and not backbone[1].training
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(torch.randn(64, 3, 8, 8)).sum().backward()  # of five, dropout takes all once in 32 draws
    optimizer.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {"head.0.weight", "head.0.bias"}


def test_the_scaler_knows_the_training_images_only(lesson):
    train = lesson["few"](10, seed=2)
    scaler = lesson["logistic"](train)[0]
    assert scaler.n_samples_seen_ == 10
    assert torch.allclose(torch.tensor(scaler.mean_).float(), lesson["features"][train].mean(0), atol=1e-5)


def test_fine_tuning_moves_a_copy_of_the_block_and_no_statistics(lesson):
    block = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten()).requires_grad_(False)
    head = nn.Linear(3 * 4, 1)
    names = lesson | {"block": block, "cat_maps": torch.randn(8, 2, 4, 4), "cat_labels": torch.arange(8) % 2}
    code = definitions(code_by_section("13_reusing_a_network")[6] + code_by_section("13_reusing_a_network")[8])
    fine_tune = run(code, names)["fine_tune"]
    still = fine_tune(head, torch.arange(8), 0, block_rate=0.0, head_rate=0.1, epochs=2)
    assert torch.equal(still[0][0].weight, block[0].weight) and not torch.equal(still[1].weight, head.weight)
    tuned = fine_tune(head, torch.arange(8), 0, block_rate=0.1, head_rate=0.0, epochs=2)
    assert not torch.equal(tuned[0][0].weight, block[0].weight) and torch.equal(tuned[1].weight, head.weight)
    assert torch.equal(tuned[0][1].running_mean, block[1].running_mean)
    assert not any(parameter.requires_grad for parameter in block.parameters())


@pytest.mark.parametrize(
    ("section", "old", "new", "claim"),
    [
        (2, "[*network.features[-2:], nn.ReLU()]", "[*network.features[-2:]]", "DenseNet-121: .* the whole"),
        (3, "[0.0], [1.0]", "[-9.0], [9.0]", "cannot go below 0.50"),
        (3, "copy = deepcopy(backbone).train()", "copy = deepcopy(backbone).eval()", "means have moved"),
        (4, "seed_everything(4)", "None", "losses|weights|accuracy"),
        (4, "backbone.eval()\n", "backbone.train()\n", "extract_features gives the same"),
    ],
)
def test_a_mistake_fails_a_claim(sections, lesson, section, old, new, claim):
    names = dict(lesson)
    names["backbone"] = lesson["deepcopy"](lesson["backbone"])
    with pytest.raises(AssertionError, match=claim):
        run(replaced(sections[section], old, new), names)


def test_a_backbone_left_in_train_mode_fails_the_claims_of_section_4(sections, lesson):
    names = dict(lesson)
    names["backbone"] = lesson["deepcopy"](lesson["backbone"])
    names = run(replaced(reused(sections[3]), "self.backbone.eval()", "pass"), names)
    with pytest.raises(AssertionError, match="losses|weights|accuracy|not moved"):
        run(sections[4], names)


def reused(code: str) -> str:
    return next(ast.unparse(node) for node in ast.parse(code).body if isinstance(node, ast.ClassDef))
