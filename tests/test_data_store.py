"""The store: a data set is made once, whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from course_utils.data import store


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def standin(tmp_path, monkeypatch):
    """A set "tiny" of three pictures, whose VERSION the test can change; returns the setter."""
    module = tmp_path / "tiny_generator.py"

    def set_version(number: int) -> None:
        module.write_text(f'"""VERSION = 99 in a text is not it."""\nVERSION: int = {number}  # raise it\n')

    def write(folder: Path, progress) -> None:
        for i in range(3):
            (folder / f"{i}.txt").write_text("x" * 10)
            progress(1)

    set_version(1)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(store, "EMBEDDED", {"tiny": store.EmbeddedSet(3, "three files", "tiny_generator", write)})
    return set_version


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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
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


def test_make_embedded_uses_the_version_and_keeps_the_result(standin, data_folder):
    folder = store.make_embedded("tiny")
    assert folder == data_folder / "embedded" / "tiny-v1"
    assert len(list(folder.iterdir())) == 3
    (folder / "mark").touch()
    assert (store.make_embedded("tiny") / "mark").exists()


def test_other_versions_are_found_and_removed(standin, data_folder):
    old = store.make_embedded("tiny")
    standin(2)
    assert store.embedded_folder("tiny").name == "tiny-v2"
    new = store.make_embedded("tiny")
    unrelated = data_folder / "embedded" / "mine-v1"
    unrelated.mkdir()
    others = store.other_versions()
    assert old in others and new not in others and unrelated not in others
    for path in others:
        store.remove(path)
    assert not old.exists() and new.exists() and unrelated.exists()
    assert store.other_versions() == []


def test_every_generator_states_its_version():
    assert all(store.version(name) >= 1 for name in ("faces", "vehicles", "cats"))


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
