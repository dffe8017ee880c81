import random

import numpy as np
import pytest
import torch

from course_utils import settings


def test_scale_is_laptop_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("COURSE_SCALE", raising=False)
    assert settings.scale() == "laptop"
    assert settings.by_scale(laptop=8, full=64) == 8
    monkeypatch.setenv("COURSE_SCALE", " Full ")
    assert settings.scale() == "full"
    assert settings.by_scale(laptop=8, full=64) == 64


def test_unknown_scale_is_named_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("COURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="'huge'.*laptop, full"):
        settings.scale()


def test_seeding_repeats_all_three_generators():
    draws = []
    for seed in (7, 7, 8):
        settings.seed_everything(seed)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]
    assert all(a != b for a, b in zip(draws[0], draws[2]))


def test_each_test_begins_with_the_same_random_numbers():
    drawn = [random.random(), np.random.rand(), torch.rand(1).item()]
    settings.seed_everything(0)  # as conftest.py does before each test
    assert drawn == [random.random(), np.random.rand(), torch.rand(1).item()]


def test_device_can_be_chosen_and_a_missing_one_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert settings.pick_device() == torch.device("cpu")
    monkeypatch.setenv("COURSE_DEVICE", "tpu")
    with pytest.raises(ValueError, match="'tpu'; this machine has: .*cpu"):
        settings.pick_device()


@pytest.mark.parametrize("cuda, mps, expected", [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_fastest_device_first(monkeypatch, cuda, mps, expected):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert settings.pick_device().type == expected


def test_data_folder_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    assert settings.data_dir() == tmp_path / "elsewhere"
    monkeypatch.delenv("COURSE_DATA")
    assert settings.data_dir().name == "fourier-to-efficientnet"
