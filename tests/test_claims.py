import numpy as np
import pytest
import torch

from course_utils.claims import claim


@pytest.mark.parametrize("truth", [True, np.bool_(True), np.array(True), torch.tensor(True)])
def test_what_holds_is_printed(capsys, truth):
    claim("two and two make four", truth)
    assert capsys.readouterr().out == "✓ two and two make four\n"


@pytest.mark.parametrize("truth", [False, np.bool_(False), np.array(False), torch.tensor(False)])
def test_what_does_not_hold_fails_with_the_sentence(capsys, truth):
    with pytest.raises(AssertionError, match="No longer true: the moon is made of cheese"):
        claim("the moon is made of cheese", truth)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("holds", [1, "yes", [True], np.array([True, False]), torch.ones(2) > 0, None, print])
def test_anything_but_one_truth_value_is_refused(holds):
    with pytest.raises(TypeError, match="needs one truth value"):
        claim("a forgotten comparison would pass as true", holds)
