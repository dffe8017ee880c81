"""What submissions can see: what they need, and nothing else."""

from __future__ import annotations

import errno
import os
import sys
from types import SimpleNamespace

import pytest

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


def test_folders_are_mounted_by_the_bytes_of_their_names(monkeypatch):
    # As under a home folder with an umlaut and a Latin-1 locale: there the name is other text than its UTF-8.
    asked = []
    monkeypatch.setattr(jail, "_libc", SimpleNamespace(mount=lambda *arguments: asked.append(arguments) or 0))
    name = b"/home/J\xf6rg"
    jail._mount(os.fsdecode(name), "/new" + os.fsdecode(name), None, 0)
    assert asked[0][:2] == (name, b"/new" + name)


@pytest.mark.skipif(sys.platform != "linux", reason="the root folder is put together on Linux only")
@pytest.mark.parametrize("flags", [0, jail.NEWUSER])
def test_a_way_in_which_root_cannot_become_nobody_is_not_taken(monkeypatch, flags):
    def refused():
        raise OSError(errno.EINVAL, "user 65534 does not exist in this namespace")

    monkeypatch.setattr(jail, "_enter_root", lambda *arguments: None)
    monkeypatch.setattr(jail, "enter_cell", lambda: None)
    monkeypatch.setattr(jail, "finish_cell", lambda: True)
    # The jail's alone: filelock, which is told of each fork, would take the child for its parent.
    numbers = {"getpid": lambda: 1, "geteuid": lambda: 0}
    monkeypatch.setattr(jail, "os", SimpleNamespace(**{**vars(os), **numbers}))
    monkeypatch.setattr(jail, "_become_nobody", lambda: None)
    assert jail._would_work(flags, "", (), ())
    monkeypatch.setattr(jail, "_become_nobody", refused)
    assert not jail._would_work(flags, "", (), ())
