"""`course data`, as it is typed; nothing is drawn or downloaded here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.commands import data as command_data
from course_utils.data import store
from data_scripts import fetch as fetch_module

GENERATORS = ("tiny_faces", "tiny_vehicles", "tiny_cats")


pytestmark = pytest.mark.usefixtures("data_folder")


def write(folder: Path, progress) -> None:
    (folder / "picture").write_bytes(b"x" * 1500)
    progress(1)


@pytest.fixture(autouse=True)
def standins(tmp_path, monkeypatch):
    """Generators of one small file each; the test may change their code."""
    sets = {}
    for name in ("faces", "vehicles", "cats"):
        code = tmp_path / f"{name}.py"
        code.write_text("COLOUR = 1\n")
        sets[name] = store.EmbeddedSet(1, f"about {name}", (code,), write)
    monkeypatch.setattr(store, "EMBEDDED", sets)


def course(*arguments):
    return CliRunner().invoke(main, ["data", *arguments])


def test_list_before_and_after_making(data_folder):
    before = course("list")
    assert before.exit_code == 0
    assert str(data_folder) in before.output
    for name in ("faces", "vehicles", "cats", "photos", "digits"):
        assert name in before.output and f"real/{name}" in before.output
    assert before.output.count("not made") == 3 and before.output.count("not fetched") == 5
    assert before.output.count("installed  ") == 2
    assert course("make", "cats").exit_code == 0
    (data_folder / "real" / "digits").mkdir(parents=True)
    (data_folder / "real" / "digits" / "f").write_bytes(b"x" * 2000)
    after = course("list").output
    assert "made, 1.5 kB" in after and f"embedded/cats-{store.version('cats')}" in after
    assert "fetched, 2.0 kB" in after
    assert after.count("not made") == 2 and after.count("not fetched") == 4


def test_make_all_then_again(data_folder):
    first = course("make")
    assert first.exit_code == 0, first.output
    for name in ("faces", "vehicles", "cats"):
        assert re.search(rf"^{name}: made in \d+\.\d s, ", first.output, re.MULTILINE)
        assert (store.embedded_folder(name) / "picture").exists()
    second = course("make")
    assert second.output.count("already there, 1.5 kB") == 3


def test_make_some():
    result = course("make", "cats", "photos")
    assert "cats: made" in result.output and "photos: nothing to make" in result.output
    assert "faces" not in result.output


def test_make_unknown_name():
    result = course("make", "dogs")
    assert result.exit_code == 2
    assert "dogs" in result.output and "faces" in result.output


def test_prune(tmp_path, data_folder):
    course("make")
    old = store.embedded_folder("cats").name
    (tmp_path / "cats.py").write_text("COLOUR = 2\n")
    listed = course("list").output
    assert f"{old} (1.5 kB)" in listed and "--prune" in listed
    made = course("make", "--prune")
    assert "cats: made" in made.output
    embedded = data_folder / "embedded"
    assert {path for path in embedded.iterdir() if path.is_dir()} == {
        store.embedded_folder(name) for name in ("faces", "vehicles", "cats")
    }
    assert "--prune" not in course("list").output


def test_make_where_one_cannot_write(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    result = course("make", "cats")
    assert result.exit_code == 1
    assert "COURSE_DATA" in result.output and str(tmp_path / "file") in result.output
    assert "Traceback" not in result.output


@pytest.fixture
def asked(monkeypatch):
    """What the command asks to be fetched, in place of fetching it."""
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**12))
    monkeypatch.setattr(fetch_module, "fetch", lambda name, where, **options: asked.append((name, where)))
    return asked


def test_fetch_passes_names_and_address_on(asked):
    assert course("fetch", "cats", "--from", "cats.zip").exit_code == 0
    assert asked == [("cats", "cats.zip")]


PUBLIC = ["faces", "vehicles", "photos", "digits"]  # the cats have no public address


@pytest.mark.parametrize(
    "names, wanted",
    [
        ([], PUBLIC),
        (["all"], PUBLIC),
        (["digits", "all"], PUBLIC),
        (["all", "cats"], [*PUBLIC, "cats"]),
        (["photos", "faces"], ["photos", "faces"]),
    ],
)
def test_which_sets_are_fetched(asked, names, wanted):
    assert course("fetch", *names).exit_code == 0
    assert [name for name, _ in asked] == wanted


def test_sum_of_sizes_comes_first(asked, data_folder, monkeypatch):
    result = course("fetch", "all")
    assert result.output.startswith("To download: 1.6 GB. Needed on the disk: 1.4 GB at most; free: ")
    assert course("fetch", "digits").output.startswith("To download: 30.9 MB. Needed on the disk: 92.9 MB at most")
    assert course("fetch", "digits", "faces").output.startswith("To download: 274.2 MB.")
    (data_folder / "real" / "photos").mkdir(parents=True)
    assert course("fetch").output.startswith("To download: 411.6 MB.")
    assert "To download" not in course("fetch", "photos").output
    asked.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=300_000_000))
    result = course("fetch")
    assert result.exit_code == 1 and asked == []
    assert "Error: This needs about" in result.output and "300.0 MB are free" in result.output
    assert "COURSE_DATA" in result.output
    assert course("fetch", "digits").exit_code == 0 and asked == [("digits", None)]


def test_size_of_what_is_not_downloaded_is_not_told(asked):
    assert course("fetch", "faces", "--from", "lfw.tgz").output == ""


@pytest.mark.parametrize("names", [[], ["cats", "faces"], ["all"]])
def test_from_takes_one_name(names):
    result = course("fetch", *names, "--from", "cats.zip")
    assert result.exit_code == 2
    assert "--from goes with one NAME" in result.output


def test_fetch_goes_on_after_a_failure(monkeypatch):
    asked = []

    def fetch(name, where, **options):
        asked.append(name)
        if name == "faces":
            raise fetch_module.FetchError("faces: no connection")

    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**12))
    monkeypatch.setattr(fetch_module, "fetch", fetch)
    result = course("fetch", "faces", "digits")
    assert asked == ["faces", "digits"]
    assert result.exit_code == 1
    assert "Error: faces: no connection" in result.output


def test_fetch_cats_without_address():
    result = course("fetch", "cats")
    assert result.exit_code == 1
    assert "--from" in result.output and "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [[], ["list"], ["make"], ["fetch"]])
def test_help(arguments):
    result = course(*arguments, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    if arguments != ["list"]:
        assert "Examples:" in result.output


def test_installed_sets_are_as_many_as_stated():
    from course_utils.data.loaders import PHOTOS, load_digits

    assert command_data.INSTALLED["photos"][0] == len(PHOTOS)
    digits = load_digits()
    assert command_data.INSTALLED["digits"][0] == len(digits.train_images) + len(digits.test_images)


def test_list_needs_neither_torch_nor_numpy():
    code = """if True:
        import sys
        from course_utils.cli import main
        main(["data", "list"], standalone_mode=False)
        sys.exit(bool({"torch", "numpy", "scipy"} & set(sys.modules)))
    """
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
