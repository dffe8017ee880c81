import pytest
from scipy.stats import binomtest

from course_utils import results
from course_utils.data.store import DataFolderError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path / "results"


def store(lesson=10, model="VGG-A", **changes):
    row = {"parameters": 1234567, "multiply_adds": 15_470_264, "seconds": 12.34, "correct": 57, "samples": 68}
    results.record(lesson, model, **(row | changes))


@pytest.mark.parametrize("correct, samples", [(0, 1), (1, 1), (0, 36), (35, 36), (57, 68), (600, 664)])
def test_wilson_agrees_with_scipy(correct, samples):
    assert results.wilson(correct, samples) == pytest.approx(
        tuple(binomtest(correct, samples).proportion_ci(method="wilson")), abs=1e-12
    )


@pytest.mark.parametrize("correct, samples", [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused_and_not_stored(correct, samples, folder):
    with pytest.raises(ValueError, match=f"got {correct} of {samples}"):
        store(correct=correct, samples=samples)
    assert not folder.exists()


def test_a_table_shows_what_was_recorded_in_order():
    store(11, "GoogLeNet")
    store(7, "first CNN", correct=1, samples=2)
    store(11, "another")
    lines = results.table().splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["07", "11", "11"]
    assert [line[8:17].strip() for line in lines[2:]] == ["first CNN", "GoogLeNet", "another"]
    assert len({len(line) for line in lines}) == 1
    for text in ("1,234,567", "15.5 M", "12.3", "83.8%", "73.3% to 90.7%"):
        assert text in lines[3]
    assert len(results.table([7]).splitlines()) == 3
    assert results.table(lesson for lesson in (9, 11)).count("\n") == 3


def test_a_row_recorded_again_is_replaced():
    store(correct=1)
    store(model="VGG-B", correct=2)
    store(correct=68)
    assert results.table().count("VGG-A") == 1
    assert "100.0%" in results.table() and results.table().count("\n") == 3


def test_an_empty_table_says_what_to_do():
    assert "run lessons 07, 09, 10 and 11" in results.table()
    assert results.table([7]) == results.table()


def test_a_write_that_fails_leaves_the_old_rows_and_nothing_else(folder, monkeypatch):
    store()
    before = (folder / "10.json").read_text()

    def full(*args, **options):
        raise OSError("disk full")

    monkeypatch.setattr(results.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        store(model="VGG-B")
    assert [path.name for path in folder.iterdir()] == ["10.json"]
    assert (folder / "10.json").read_text() == before


@pytest.mark.parametrize("place", ["results", "the data folder"])
def test_a_folder_that_cannot_be_written_to_is_one_clear_error(folder, monkeypatch, place):
    """After minutes of training, it says where to put the row."""
    (folder.parent / "file").write_text("")
    if place == "results":
        folder.write_text("")
    else:
        monkeypatch.setenv("COURSE_DATA", str(folder.parent / "file"))
    with pytest.raises(DataFolderError, match="Cannot write the course's data to .*Set .* COURSE_DATA to a folder"):
        store()
