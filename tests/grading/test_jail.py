"""What submissions can see: what they need, and nothing else."""

from __future__ import annotations

import sys

from course_utils.grading import jail


def test_a_checkout_shows_its_package_and_not_what_is_beside_it(tmp_path, monkeypatch):
    (tmp_path / "checkout" / "late_package").mkdir(parents=True)
    (tmp_path / "checkout" / "late_package" / "__init__.py").write_text("")
    (tmp_path / "checkout" / "solutions.ipynb").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path / "checkout")
    __import__("late_package")
    places = jail.readable_places()
    assert str(tmp_path / "checkout" / "late_package") in places
    assert not any((tmp_path / "checkout").is_relative_to(place) for place in places)
    sys.modules.pop("late_package")


def test_a_folder_comes_before_what_is_in_it(tmp_path):
    (tmp_path / "all" / "part").mkdir(parents=True)
    places = jail.readable_places((str(tmp_path / "all" / "part"), str(tmp_path / "all")))
    assert str(tmp_path / "all") in places and str(tmp_path / "all" / "part") not in places
