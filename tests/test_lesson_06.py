"""What lesson 06 says holds for seeds other than the lesson's: its cells are run with them, claims included."""

from __future__ import annotations

import pytest
import torch
from lesson_code import code_by_section, forget, replaced, run
from torch import nn

from course_utils import layers


@pytest.fixture(scope="module")
def sections() -> dict[int, str]:
    return code_by_section("06_dropout_and_normalisation")


@pytest.fixture(scope="module")
def lesson(sections) -> dict:
    """The lesson's names after sections 1 to 4, with seeds that it does not use."""
    torch.set_num_threads(1)
    code = replaced(sections[0], "seed_everything(6)", "seed_everything(60)")
    code += replaced(
        replaced(sections[1], "SEEDS = (0, 1, 2)", "SEEDS = (8, 9)"),
        "MORE_SEEDS = (3, 4, 5, 6, 7)",
        "MORE_SEEDS = (10, 11, 12, 13, 14, 15)",
    )
    return run(code + sections[2] + sections[3] + sections[4], {"forget": forget})


def test_the_layers_written_in_the_lesson_are_those_of_the_package(lesson):
    x = torch.randn(16, 5)
    for ours, package in (("BatchNorm", layers.BatchNorm1d), ("LayerNorm", layers.LayerNorm)):
        one, other = lesson[ours](5), package(5)
        assert torch.allclose(one(x), other(x), atol=1e-6)
        other.load_state_dict(one.state_dict())
        assert torch.allclose(one.eval()(x), other.eval()(x), atol=1e-6)
    masks = []
    for dropout in (lesson["Dropout"](0.35), layers.Dropout(0.35)):
        torch.manual_seed(0)
        masks.append(dropout(x))
    assert torch.equal(*masks)


@pytest.mark.parametrize(
    ("old", "new", "shows_in"),
    [
        ("variance * m / (m - 1)", "variance", {"running_var", "eval: output", "eval: batch of 1"}),
        ("x.var(0, correction=0)", "x.var(0)", {"output", "gradient: input", "running_var", "eval: output"}),
        ("if self.training else", "if self.training or len(x) > 1 else", {"eval: output"}),
        ("self.num_batches_tracked += 1", "pass", {"num_batches_tracked"}),
        ("lerp_(mean, self.momentum)", "lerp_(mean, 1 - self.momentum)", {"running_mean", "eval: output"}),
    ],
)
def test_the_parity_table_shows_each_mistake(sections, lesson, old, new, shows_in):
    start = sections[3].index("class BatchNorm(")
    definition = sections[3][start : sections[3].index("def record", start)]
    broken = run(replaced(definition, old, new), lesson)["BatchNorm"]
    table = lesson["parity"](broken(8), nn.BatchNorm1d(8), lesson["draws"](8, 8))
    assert shows_in <= {name for name, difference in table.items() if difference > 1e-3}


def test_a_buffer_that_is_a_plain_attribute_does_not_pass(sections, lesson):
    start = sections[3].index("class BatchNorm(")
    definition = sections[3][start : sections[3].index("def record", start)]
    old = 'self.register_buffer("running_mean", torch.zeros(features))'
    broken = run(replaced(definition, old, "self.running_mean = torch.zeros(features)"), lesson)["BatchNorm"]
    with pytest.raises(RuntimeError, match="running_mean"):
        lesson["parity"](broken(8), nn.BatchNorm1d(8), lesson["draws"](8, 8))


def test_the_claims_before_training_hold_for_other_seeds(sections, lesson):
    for seed in (8, 9):
        run(sections[5], lesson | {"SEEDS": (seed,)})


@pytest.mark.thorough
def test_the_claims_of_the_ablation_and_of_small_batches_hold_for_other_seeds(sections, lesson):
    before, _ = sections[6].split("steady = {")  # what follows trains another ten networks
    names = run(before, run(sections[5], lesson))
    run(replaced(sections[7], "SEEDS[:2]", "SEEDS[:1]"), names)
