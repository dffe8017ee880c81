"""The store: a data set is made once, whole or not at all."""

from __future__ import annotations

import ast
import errno
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from filelock import FileLock

from course_utils.data import store

pytestmark = pytest.mark.usefixtures("data_folder")


@pytest.fixture
def standin(tmp_path, monkeypatch):
    """A set "tiny" of three pictures, drawn by a file and a folder of code; returns the file."""
    generator, parts = tmp_path / "generator.py", tmp_path / "parts"
    parts.mkdir()
    (parts / "ears.py").write_text("LENGTH = 3\n")
    generator.write_text("COLOUR = 1\n")

    def write(folder: Path, progress) -> None:
        for i in range(3):
            (folder / f"{i}.txt").write_text("x" * 10)
            progress(1)

    monkeypatch.setattr(store, "EMBEDDED", {"tiny": store.EmbeddedSet(3, "three files", (generator, parts), write)})
    return generator


def test_builds_once(tmp_path):
    folder = tmp_path / "a" / "b"
    assert store.build_once(folder, lambda partial: (partial / "f").write_text("1") and None) is True
    assert store.build_once(folder, lambda partial: pytest.fail("built twice")) is False
    assert (folder / "f").read_text() == "1"


def test_folder_appears_only_when_complete(tmp_path):
    folder = tmp_path / "set"

    def build(partial):
        (partial / "f").write_text("half")
        assert not folder.exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.build_once(folder, build)
    assert not folder.exists()
    assert not list(tmp_path.glob(".set.partial"))


def test_stopped_again_while_it_clears_up(tmp_path, monkeypatch):
    """The stop button, pressed twice: what was half written may stay, the lock may not."""

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store.shutil, "rmtree", stop)
        with pytest.raises(KeyboardInterrupt) as held:  # which keeps the lock from being thrown away
            store.build_once(tmp_path / "set", stop)
    assert held.value.__context__ is not None
    with FileLock(tmp_path / ".set.lock", timeout=0):
        pass
    assert store.build_once(tmp_path / "set", lambda partial: (partial / "f").write_text("1"))
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["f"]


def test_folder_is_renamed_not_copied(tmp_path):
    inodes = []

    def build(partial):
        (partial / "f").write_text("1")
        inodes.append((partial / "f").stat().st_ino)

    store.build_once(tmp_path / "set", build)
    assert (tmp_path / "set" / "f").stat().st_ino == inodes[0]


def test_leftover_of_a_killed_run_is_not_trusted(tmp_path):
    folder = tmp_path / "set"
    code = """
        import os, sys
        from pathlib import Path
        from course_utils.data.store import build_once
        def build(partial):
            (partial / "old").write_text("half")
            os._exit(9)
        build_once(Path(sys.argv[1]), build)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(folder)])
    assert killed.returncode == 9
    assert (tmp_path / ".set.partial" / "old").exists()
    assert store.build_once(folder, lambda partial: (partial / "new").write_text("1") and None)
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert not (tmp_path / ".set.partial").exists()


def test_two_processes_build_once(tmp_path):
    code = """
        import os, sys, time
        from pathlib import Path
        from course_utils.data.store import build_once
        root = Path(sys.argv[1])
        def build(partial):
            (root / f"built-by-{os.getpid()}").touch()
            time.sleep(0.3)
            (partial / "f").write_text("whole")
        build_once(root / "set", build)
        assert (root / "set" / "f").read_text() == "whole"
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(list(tmp_path.glob("built-by-*"))) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_unwritable_folder_is_one_clear_error(tmp_path, number):
    def build(partial):
        (partial / "f").write_text("x")
        raise OSError(number, os.strerror(number), str(partial / "f"))

    with pytest.raises(store.DataFolderError) as caught:
        store.build_once(tmp_path / "set", build)
    assert str(tmp_path) in str(caught.value)
    assert os.strerror(number) in str(caught.value)
    assert "COURSE_DATA" in str(caught.value)
    assert not (tmp_path / ".set.partial").exists()


def test_file_in_the_way_of_the_data_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(store.DataFolderError, match="COURSE_DATA"):
        store.build_once(tmp_path / "file" / "embedded" / "set", lambda partial: None)


def test_error_of_another_folder_is_passed_on(tmp_path):
    def build(partial):
        raise PermissionError(errno.EACCES, "no", "/somewhere/else")

    with pytest.raises(PermissionError) as caught:
        store.build_once(tmp_path / "set", build)
    assert not isinstance(caught.value, store.DataFolderError)


def test_make_embedded_keeps_the_result(standin, data_folder):
    folder = store.make_embedded("tiny")
    assert folder.parent == data_folder / "embedded" and re.fullmatch(r"tiny-[0-9a-f]{8}", folder.name)
    assert len(list(folder.iterdir())) == 3
    (folder / "mark").touch()
    assert (store.make_embedded("tiny") / "mark").exists()


@pytest.mark.parametrize("changed", ["generator.py", "parts/ears.py", "parts/tail.py"])
def test_pictures_of_other_code_are_not_taken_for_todays(standin, changed):
    old = store.make_embedded("tiny")
    (old / "0.txt").write_text("what the code drew before")
    with (standin.parent / changed).open("a") as file:
        file.write("WIDTH = 2\n")
    new = store.make_embedded("tiny")
    assert new != old and (new / "0.txt").read_text() == "x" * 10


def test_line_ends_are_not_a_change(standin):
    before = store.version("tiny")
    standin.write_bytes(standin.read_bytes().replace(b"\n", b"\r\n"))
    assert store.version("tiny") == before


def test_other_versions_are_found_and_removed(standin, data_folder):
    old = store.make_embedded("tiny")
    standin.write_text("COLOUR = 2\n")
    new = store.make_embedded("tiny")
    numbered, unrelated = (data_folder / "embedded" / name for name in ("tiny-v1", "mine-v1"))
    numbered.mkdir()
    unrelated.mkdir()
    others = store.other_versions()
    assert old in others and numbered in others and new not in others and unrelated not in others
    for path in others:
        store.remove(path)
    assert not old.exists() and new.exists() and unrelated.exists()
    assert store.other_versions() == []


@pytest.mark.parametrize("name", ["faces", "vehicles", "cats"])
def test_all_code_that_draws_a_set_counts(name):
    sources = store.EMBEDDED[name].sources
    files = [file for source in sources for file in (source.glob("*.py") if source.is_dir() else [source])]
    package = Path(store.__file__).parents[1]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{file.name} has a relative import"
            modules = [node.module] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in [module for module in modules if module.startswith("course_utils")]:
                path = package.parent.joinpath(*module.split("."))
                used = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
                assert used in files, f"{file.name} imports {module}, which {name} does not name as a source"


@pytest.mark.parametrize(
    "size, words", [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (19_700_000, "19.7 MB"), (1.2e9, "1.2 GB")]
)
def test_in_words(size, words):
    assert store.in_words(size) == words


def test_size_of(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").write_bytes(b"12345")
    (tmp_path / "g").write_bytes(b"678")
    assert store.size_of(tmp_path) == 8
    assert store.size_of(tmp_path / "g") == 3


def test_store_and_generators_do_without_torch():
    code = "import sys; import course_utils.data.store, course_utils.data.faces; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
