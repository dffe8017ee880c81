"""Every case of ``bad_input``: one clear error and nothing changed, or the right result."""

from __future__ import annotations

import warnings
from pathlib import Path

import bad_input
import bad_input_cases
import numpy as np
import pytest
import torch
from bad_input import CASES
from bad_input.cases import LONGEST, Attempt, Case, outcome
from bad_input.networks import CLASSES, POINTS, batches, network, training_of
from bad_input.samples import encoded, photo
from PIL import Image
from torch import nn

from course_utils import training
from course_utils.data.pictures import PictureError, read_rgb

BAD = [case for case in CASES if case.error is not None]
FINE = [case for case in CASES if case.error is None]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.id)
def test_bad_input_gets_one_clear_error_and_changes_nothing(case, tmp_path):
    seen = outcome(case, tmp_path)
    if type(seen.error) is not case.error:
        raise AssertionError(f"expected a {case.error.__name__}, got {seen.error!r}") from seen.error
    for words in (case.named, case.expected, case.came, case.do):
        assert words in seen.message
    assert "\n" not in seen.message and len(seen.message) <= LONGEST
    assert seen.warned == []
    assert seen.changed == (["model"] if case.steps else [])


@pytest.mark.parametrize("case", FINE, ids=lambda case: case.id)
def test_odd_input_that_is_right_just_works(case, tmp_path):
    seen = outcome(case, tmp_path)
    if seen.error is not None:
        raise seen.error
    got, wanted = np.asarray(seen.result).astype(int), np.asarray(case.gives)
    assert got.ndim == wanted.ndim and np.broadcast_to(wanted, got.shape).shape == got.shape
    assert np.abs(got - wanted).max() <= case.off
    assert seen.warned == [] and seen.changed == []


def test_the_table_is_complete():
    """Each case has a name of its own and says all four things; sixty of them at least."""
    assert len(BAD) >= 60 and len({case.id for case in CASES}) == len(CASES)
    assert all(case.wrong for case in CASES)
    silent = {case.id for case in BAD if not (case.named and case.came and case.do)}
    assert silent == set()


def test_a_change_of_a_file_or_of_the_model_is_seen(tmp_path):
    """The comparison that all cases rely on can fail."""

    def prepare(folder: Path) -> Attempt:
        model = nn.Linear(2, 2)
        for name in ("kept", "rewritten", "removed"):
            (folder / name).write_text("1")

        def call():
            (folder / "rewritten").write_text("2")
            (folder / "removed").unlink()
            (folder / "left.partial").mkdir()
            with torch.no_grad():
                model.bias += 1
            raise ValueError(f"{folder}/kept is bad")

        return Attempt(call, model=model)

    seen = outcome(Case("own", "", prepare, ValueError), tmp_path)
    assert seen.changed == ["left.partial", "removed", "rewritten", "model"]
    assert seen.message == ".../kept is bad"


KINDS = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_cut_at_any_byte_is_refused_or_whole(kind, tmp_path):
    content, path = encoded(kind), tmp_path / f"cut{KINDS[kind]}"
    path.write_bytes(content)
    whole, refused = np.asarray(read_rgb(path)), 0
    # Every byte of the header and of the end, and some between them.
    for length in {*range(0, 40), *range(40, len(content), 23), *range(len(content) - 12, len(content))}:
        path.write_bytes(content[:length])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, about tags that it skips
                read = read_rgb(path)
        except PictureError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
        else:  # what was cut off held no pixels
            assert (np.asarray(read) == whole).all(), length
    assert refused > 40


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_with_damaged_bytes_is_read_or_refused_by_name(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10**6)  # or a damaged width would fill the memory
    content, path = encoded(kind, photo()), tmp_path / f"damaged{KINDS[kind]}"
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for position in rng.integers(0, min(len(content), 300), 4):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, about tags that it skips
                assert read_rgb(path).mode == "RGB"
        except PictureError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 10


def test_training_that_was_refused_starts_once_the_mistake_is_mended(tmp_path):
    """An error leaves nothing behind that stops the next call: neither a half-made file nor a frozen mode."""
    model = network()
    attempt = training_of(tmp_path, model, batches(labels=CLASSES + 1), epochs=1)
    with pytest.raises(ValueError, match="holds the label 2"):
        attempt.call()
    attempt = training_of(tmp_path, model, epochs=1)
    assert len(attempt.call()) == 1
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["best.pt", "run.pt"]


def test_labels_are_checked_before_they_leave_the_cpu():
    """A GPU that finds a wrong label computes nothing more in its process; a stand-in for one is told by its move."""
    moved = []

    class Watched(torch.Tensor):
        def to(self, *args, **options):
            moved.append(self)
            return super().to(*args, **options)

    labels = CLASSES.clone().add_(5).as_subclass(Watched)
    model = network()
    with pytest.raises(ValueError, match="holds the label 6"):
        training.evaluate(model, [(POINTS, labels)])
    assert moved == []
    training.evaluate(model, [(POINTS, (labels - 5).as_subclass(Watched))])
    assert len(moved) == 1


def test_errors_of_the_learners_own_code_and_of_memory_are_passed_on():
    class Own(nn.Module):
        def __init__(self, error):
            super().__init__()
            self.layer, self.error = nn.Linear(4, 2), error

        def forward(self, x):
            raise self.error

    for error in (ValueError("my own check"), KeyError("name"), torch.OutOfMemoryError("CUDA out of memory")):
        with pytest.raises(type(error)) as caught:
            training.evaluate(Own(error), batches())
        assert caught.value is error


def test_the_table_is_printed_as_markdown(monkeypatch, capsys):
    chosen = [case for case in CASES if case.id in ("label-nan", "fit-all-frozen", "picture-cmyk")]
    monkeypatch.setattr(bad_input_cases, "CASES", chosen)
    bad_input_cases.main()
    printed = capsys.readouterr().out
    assert "2 cases and their messages" in printed and "1 cases that just work" in printed
    rows = [line for line in printed.splitlines() if line.startswith("| label-nan ")]
    assert len(rows) == 1 and "| ValueError | .../cats/train/labels/a.txt, line 1: w is nan;" in rows[0]


def test_every_module_of_cases_is_in_the_table():
    modules = {path.stem for path in Path(bad_input.__file__).parent.glob("*.py")}
    assert modules - {"__init__", "cases", "samples", "networks"} == set(bad_input.SUBJECTS)
