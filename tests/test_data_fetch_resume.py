"""Downloads that are cut, stalled, refused or killed, and go on; from a server on this machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace

import pytest
from local_server import Cut, Stall, Status, as_json, cats_files, fashion_files, long_images, served, zip_of

from course_utils import data
from course_utils.data.real import IDX_FILES, real_folder
from data_scripts.download import Patience, note_of, part_of
from data_scripts.fetch import FetchError, fetch

AT_ONCE = Patience(pauses=())  # give up without another try
FIRST = IDX_FILES[0]


pytestmark = pytest.mark.usefixtures("data_folder")


@pytest.fixture
def digits(server):
    """The table of sources, with four small files on the server."""
    return served(server, "digits", fashion_files())


@pytest.fixture
def said():
    """Lines of the report."""
    return []


@pytest.fixture
def patience():
    """Waits for no time at all; ``waited`` lists what it was asked to wait."""
    waited = []
    return SimpleNamespace(timeout=30, pauses=(1, 3, 9), longest=60, sleep=waited.append, waited=waited)


def waiting(name):
    """Where a file of the digits waits until all are here."""
    return real_folder("digits").parent / ".downloads" / "digits" / name


def is_right(server):
    """Whether the digits that lie here are those of the server."""
    folder = real_folder("digits")
    assert sorted(path.name for path in folder.iterdir()) == sorted(IDX_FILES)
    assert not waiting("").exists()
    return all((folder / name).read_bytes() == server.files[f"/{name}"] for name in IDX_FILES)


def begin(server, table, at, **options):
    """Fetch, with a cut of the first file at byte ``at``."""
    server.script[f"/{FIRST}"] = [Cut(at)]
    with pytest.raises(FetchError, match="stopped in the middle"):
        fetch("digits", sources=table, patience=AT_ONCE, **options)


def test_cut_at_any_byte_of_a_file(server, digits, data_folder, said, tmp_path):
    content = server.files[f"/{FIRST}"]
    assert len(content) < 100
    for at in range(len(content)):
        begin(server, digits, at)
        assert not real_folder("digits").exists()
        assert waiting(f"{FIRST}.part").read_bytes() == content[:at]
        server.ranges.clear()
        said.clear()
        fetch("digits", sources=digits, patience=AT_ONCE, echo=said.append)
        assert server.ranges[0] == (f"bytes={at}-" if at else None)
        goes_on = f"digits: {FIRST}: going on after byte {at} of {len(content)}, {at} bytes are here"
        assert (goes_on in said) == (at > 0)
        assert is_right(server)
        data_folder.rename(tmp_path / f"cut at {at}")


@pytest.mark.parametrize(
    "cuts", [(1, 2), (0, 70_000), (70_000, 70_000), (70_000, 199_000), (32_768, 65_536), (5, 5, 5)]
)
@pytest.mark.parametrize("runs", ["one run", "a run for each"])
def test_cuts_in_a_row(server, data_folder, patience, said, cuts, runs):
    content = long_images()
    table = served(server, "digits", fashion_files() | {FIRST: content})
    if runs == "one run":
        server.script[f"/{FIRST}"] = [Cut(at) for at in cuts]
        fetch("digits", sources=table, patience=patience, echo=said.append)
        assert sum("stopped in the middle" in line and "trying again" in line for line in said) == len(cuts)
    else:
        for at in cuts:
            begin(server, table, at)
        fetch("digits", sources=table)
    starts = [0, *cuts]
    assert server.ranges[: len(starts)] == [f"bytes={at}-" if at else None for at in starts]
    assert is_right(server)


def test_last_byte_of_a_long_file(server):
    content = long_images()
    table = served(server, "digits", fashion_files() | {FIRST: content})
    begin(server, table, len(content) - 1)
    fetch("digits", sources=table)
    assert server.ranges[1] == f"bytes={len(content) - 1}-"
    assert is_right(server)


def test_what_is_here_is_told_before_it_starts(server, digits, said):
    begin(server, digits, 20)
    fetch("digits", sources=digits, echo=said.append)
    total = sum(len(content) for content in server.files.values())
    assert said[0] == (
        f"digits: downloading {total} bytes from {server.address.removeprefix('http://')}, 20 bytes of it are here"
    )


def test_server_that_cannot_continue(server, digits, said):
    server.resumes = False
    begin(server, digits, 20)
    fetch("digits", sources=digits, echo=said.append)
    assert any("starting again from the beginning, the server sends the whole file" in line for line in said)
    assert is_right(server)


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_file_that_has_changed_is_not_glued_to_its_older_part(server, said, heeds_if_range):
    server.heeds_if_range = heeds_if_range
    server.files["/cats.zip"] = zip_of(cats_files() | {"older.txt": b"1"})
    server.script["/cats.zip"] = [Cut(300)]
    with pytest.raises(FetchError, match="stopped in the middle"):
        fetch("cats", f"{server.address}/cats.zip", patience=AT_ONCE)
    server.files["/cats.zip"] = zip_of(cats_files() | {"newer.txt": b"2"})
    fetch("cats", f"{server.address}/cats.zip", patience=AT_ONCE, echo=said.append)
    assert any("starting again from the beginning" in line and "changed" in line for line in said)
    assert server.ranges == [None, "bytes=300-"] + [None] * (not heeds_if_range)
    assert len(data.load_cats("real").train) == 2


def test_part_of_another_length_is_not_continued(server, digits, said):
    """No ETag, but the length of the whole file differs from what it was."""
    server.etag = False
    begin(server, digits, 20)
    server.files[f"/{FIRST}"] += bytes(6)  # gzip lets zeros follow
    longer = served(server, "digits", {name: server.files[f"/{name}"] for name in IDX_FILES})
    fetch("digits", sources=longer, echo=said.append)
    assert any("the file on the server has changed" in line for line in said)
    assert is_right(server)


@pytest.mark.parametrize("states", ["nothing", "modified", "modified now", "weak etag"])
@pytest.mark.parametrize("checksum", [True, False])
def test_continuing_needs_a_checksum_or_a_version(server, states, checksum):
    server.etag = False
    server.modified = "now" if states == "modified now" else states == "modified"
    if states == "weak etag":
        server.headers["ETag"] = 'W/"about the same"'
    table = served(server, "cats", {"cats.zip": zip_of(cats_files())}, checksum)
    server.script["/cats.zip"] = [Cut(300)]
    with pytest.raises(FetchError, match="stopped in the middle"):
        fetch("cats", sources=table, patience=AT_ONCE)
    fetch("cats", sources=table, patience=AT_ONCE)
    assert server.ranges == [None, "bytes=300-" if checksum or states == "modified" else None]
    assert len(data.load_cats("real").train) == 2


def test_wrong_checksum_after_going_on(server, digits, data_folder):
    """The server tells its versions apart in no way: the checksum does, and nothing of the mixture is kept."""
    server.etag = False
    begin(server, digits, 20)
    right = server.files[f"/{FIRST}"]
    server.files[f"/{FIRST}"] = right[:-1] + b"?"
    with pytest.raises(FetchError, match=f"{FIRST} from 127.*checksum md5.*thrown away.*starts from the beginning"):
        fetch("digits", sources=digits)
    assert list(waiting("").iterdir()) == [] and not real_folder("digits").exists()
    server.files[f"/{FIRST}"] = right
    server.ranges.clear()
    fetch("digits", sources=digits)
    assert server.ranges[0] is None and is_right(server)


@pytest.mark.parametrize("total", [None, "known"])
def test_complete_part_whose_checksum_was_not_compared(server, digits, total):
    begin(server, digits, 20)
    part = part_of(waiting(FIRST))
    content = server.files[f"/{FIRST}"]
    part.write_bytes(content)
    if total is None:
        note = json.loads(note_of(part).read_text()) | {"total": None}
        note_of(part).write_text(json.dumps(note))
    server.ranges.clear()
    fetch("digits", sources=digits, patience=AT_ONCE)
    # Where the length is unknown, the server says that nothing comes after the last byte (416).
    assert server.ranges == ([f"bytes={len(content)}-"] if total is None else []) + [None] * 3
    assert is_right(server)


def test_interrupted_while_the_checksum_is_compared(server, digits, monkeypatch):
    """A gigabyte takes seconds to compare; a run that ends there need not download it again."""

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.move", interrupted)  # pooch's last step, when the checksum was right
        with pytest.raises(KeyboardInterrupt):
            fetch("digits", sources=digits)
    assert server.asked == [f"/{FIRST}"]
    fetch("digits", sources=digits)
    assert server.asked == [f"/{name}" for name in IDX_FILES]
    assert is_right(server)


def test_part_that_is_longer_than_the_file(server, digits, said):
    begin(server, digits, 20)
    part_of(waiting(FIRST)).write_bytes(b"x" * 500)
    fetch("digits", sources=digits, patience=AT_ONCE, echo=said.append)
    assert any("starting again from the beginning, the server's file ends before" in line for line in said)
    assert is_right(server)


@pytest.mark.parametrize("note", [None, "", '{"url": "http', "[]", '{"url": "http://127.0.0.1/other", "version": "1"}'])
def test_part_of_unknown_origin_is_not_continued(server, digits, note):
    begin(server, digits, 20)
    path = note_of(part_of(waiting(FIRST)))
    if note is None:
        path.unlink()
    else:
        path.write_text(note)
    server.ranges.clear()
    fetch("digits", sources=digits, patience=AT_ONCE)
    assert server.ranges == [None] * 4
    assert is_right(server)


def test_part_from_another_address_is_not_continued(server):
    for folder, more in (("a", b"1"), ("b", b"2")):
        server.files[f"/{folder}/cats.zip"] = zip_of(cats_files() | {"more.txt": more})
    server.script["/a/cats.zip"] = [Cut(300)]
    with pytest.raises(FetchError, match="stopped in the middle"):
        fetch("cats", f"{server.address}/a/cats.zip", patience=AT_ONCE)
    fetch("cats", f"{server.address}/b/cats.zip", patience=AT_ONCE)
    assert server.ranges == [None, None]
    assert len(data.load_cats("real").train) == 2


@pytest.mark.parametrize("answer", ["404", "nothing", "cut"])
def test_part_of_the_public_address_waits_while_another_is_tried(server, digits, answer):
    """It goes only when the other address sends something of the same name."""
    begin(server, digits, 20)
    server.files[f"/mirror/{FIRST}"] = b"not the whole set"
    if answer != "cut":
        server.script[f"/mirror/{FIRST}"] = [Status(404) if answer == "404" else Cut(None)]
    server.ranges.clear()
    with pytest.raises(FetchError) as caught:
        fetch("digits", f"{server.address}/mirror/{FIRST}", sources=digits, patience=AT_ONCE)
    assert "are here" not in str(caught.value)  # those 20 bytes are of no use to the mirror
    fetch("digits", sources=digits)
    assert server.ranges[:2] == [None, None if answer == "cut" else "bytes=20-"]
    assert is_right(server)


def test_whole_files_wait_while_another_address_is_tried(server, digits):
    server.script[f"/{IDX_FILES[2]}"] = [Cut(20)]
    with pytest.raises(FetchError, match="stopped in the middle"):
        fetch("digits", sources=digits, patience=AT_ONCE)
    with pytest.raises(FetchError, match="answered 404"):
        fetch("digits", f"{server.address}/nowhere.zip", sources=digits)
    server.asked.clear()
    fetch("digits", sources=digits)
    assert server.asked == [f"/{name}" for name in IDX_FILES[2:]]
    assert is_right(server)


@pytest.mark.parametrize("length", [True, False])
def test_page_in_place_of_the_rest_leaves_the_part(server, digits, length):
    """A session has expired: what was downloaded before is worth more than the page."""
    begin(server, digits, 20)
    whole, part = server.files[f"/{FIRST}"], part_of(waiting(FIRST)).read_bytes()
    server.files[f"/{FIRST}"], server.headers["Content-Type"] = (
        b"<html>Please log in</html>",
        "text/html; charset=utf-8",
    )
    server.resumes, server.length = False, length
    with pytest.raises(
        FetchError, match=f"127.* sends a web page in place of {FIRST}; do you .* log in.*20 bytes .* are"
    ):
        fetch("digits", sources=digits)
    assert part_of(waiting(FIRST)).read_bytes() == part
    server.files[f"/{FIRST}"], server.resumes, server.length = whole, True, True
    server.headers.clear()
    server.ranges.clear()
    fetch("digits", sources=digits)
    assert server.ranges[0] == "bytes=20-" and is_right(server)


def test_server_that_calls_every_file_a_page(server, digits, said):
    server.resumes, server.headers["Content-Type"] = False, "text/html"
    begin(server, digits, 20)
    fetch("digits", sources=digits, echo=said.append)
    assert any("the server sends the whole file" in line for line in said)
    assert is_right(server)


def test_packed_file_stays_packed(server, digits):
    """A server that calls .gz files an encoding: what is stored are its bytes, not what they unpack to."""
    server.headers["Content-Encoding"] = "gzip"
    begin(server, digits, 20)
    fetch("digits", sources=digits, patience=AT_ONCE)
    assert set(server.encodings) == {"identity"}
    assert is_right(server)


@pytest.mark.parametrize("etag", [True, False])
def test_server_that_states_no_length(server, digits, etag):
    """What is published about the file says where its end is."""
    server.length, server.etag = False, etag
    begin(server, digits, 20)
    fetch("digits", sources=digits, patience=AT_ONCE)
    assert server.ranges[1] == "bytes=20-"
    assert is_right(server)


def test_not_found_is_final(server, digits, patience):
    del server.files[f"/{FIRST}"]
    with pytest.raises(FetchError, match=f"answered 404 Not Found for {server.address}/{FIRST}"):
        fetch("digits", sources=digits, patience=patience)
    assert len(server.asked) == 1 and patience.waited == []


def test_busy_then_there(server, digits, patience, said):
    server.script[f"/{FIRST}"] = [Status(503), Status(502), Status(429)]
    fetch("digits", sources=digits, patience=patience, echo=said.append)
    assert patience.waited == [1, 3, 9]
    host = server.address.removeprefix("http://")
    assert f"digits: {host} answered 503 Service Unavailable; trying again in 1 s" in said
    assert f"digits: {host} answered 502 Bad Gateway; trying again in 3 s" in said
    assert is_right(server)


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_answers_that_may_pass(server, digits, patience, code):
    server.script[f"/{FIRST}"] = [Status(code)]
    fetch("digits", sources=digits, patience=patience)
    assert patience.waited == [1] and len(server.asked) == 5
    assert is_right(server)


@pytest.mark.parametrize("to, said", [(f"/{FIRST}", "redirects"), ("/\xe9.gz", "decode"), ("http://a..b/", "label")])
def test_redirect_that_leads_nowhere(server, digits, patience, monkeypatch, to, said):
    """To itself without end, to an address whose bytes are no text (the standard wants UTF-8), to no address at all."""
    monkeypatch.setenv("no_proxy", "*")
    server.script[f"/{FIRST}"] = [Status(302, {"Location": to})] * 100
    with pytest.raises(FetchError, match=rf"cannot download {server.address}/{FIRST} \(.*{said}.*--from"):
        fetch("digits", sources=digits, patience=patience)
    assert patience.waited == []


def test_busy_for_good(server, digits, patience):
    server.script[f"/{FIRST}"] = [Status(503)] * 10
    with pytest.raises(FetchError, match="answered 503 Service Unavailable, 4 times in a row.*--from"):
        fetch("digits", sources=digits, patience=patience)
    assert len(server.asked) == 4 and patience.waited == [1, 3, 9]


def test_server_says_how_long_to_wait(server, digits, patience):
    soon = Status(503, {"Retry-After": "20"})
    past = Status(503, {"Retry-After": formatdate(0, usegmt=True)})
    odd = Status(503, {"Retry-After": "a while"})
    server.script[f"/{FIRST}"] = [soon, past, odd]
    fetch("digits", sources=digits, patience=patience)
    assert patience.waited == [20, 3, 9]
    assert is_right(server)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_server_asks_to_wait_too_long(server, digits, patience, form):
    after = "3600" if form == "seconds" else formatdate(time.time() + 3600, usegmt=True)  # whatever year it is
    server.script[f"/{FIRST}"] = [Status(503, {"Retry-After": after})]
    with pytest.raises(FetchError, match=r"answered 503 Service Unavailable and asks to wait [\d,]+ seconds"):
        fetch("digits", sources=digits, patience=patience)
    assert patience.waited == [] and len(server.asked) == 1


def test_patience_is_counted_anew_while_bytes_come(server, digits, patience):
    server.script[f"/{FIRST}"] = [Cut(at) for at in (0, 0, 5, 5, 5, 10, 15)]
    fetch("digits", sources=digits, patience=patience)
    assert patience.waited == [1, 3, 1, 3, 9, 1, 1]
    assert is_right(server)


def test_cuts_without_end(server, digits, patience):
    """A server that cannot continue and cuts at the same byte each time is given up."""
    server.resumes = False
    server.script[f"/{FIRST}"] = [Cut(20)] * 10
    with pytest.raises(FetchError, match=f"stopped in the middle of {FIRST}, 4 times in a row"):
        fetch("digits", sources=digits, patience=patience)
    assert len(server.asked) == 4


@pytest.mark.parametrize("trouble", [Cut(None), Stall(None), Stall(20), Stall(0)], ids=repr)
def test_silence_then_an_answer(server, digits, patience, said, trouble):
    patience.timeout = 0.3 if isinstance(trouble, Stall) else 30

    def sleep(seconds):
        patience.timeout = 30

    patience.sleep = sleep
    server.script[f"/{FIRST}"] = [trouble]
    fetch("digits", sources=digits, patience=patience, echo=said.append)
    what = "has sent nothing for 0.3 seconds" if isinstance(trouble, Stall) else "broke off the connection"
    assert any(f"{what}; trying again in 1 s" in line for line in said)
    assert is_right(server)


def test_silence_for_good(server, digits):
    server.script[f"/{FIRST}"] = [Stall(20)]
    with pytest.raises(FetchError, match="has sent nothing for 0.3 seconds"):
        fetch("digits", sources=digits, patience=Patience(timeout=0.3, pauses=()))
    assert not real_folder("digits").exists()


@pytest.mark.thorough
def test_killed_at_each_touch_of_the_disk(server, digits):
    """Before the data folder is touched for the n-th time, the process is killed; the next one ends with the data.

    Each download is cut once, so that parts and their continuation are among what is killed.
    """
    server.cut_whole = 20
    done = subprocess.run(in_a_process("killed", digits), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    killed = json.loads(done.stdout)
    assert len(killed) > 40 and {"os.link", "os.remove", "os.rename", "os.mkdir", "open"} <= set(killed)
    assert "bytes=20-" in server.ranges


def test_two_processes_at_once(server, digits):
    """The second says that it waits, and the server is asked for each file once."""
    server.go.clear()
    with subprocess.Popen(in_a_process("once", digits), stdout=subprocess.PIPE, text=True) as one:
        assert server.first.wait(120)
        with subprocess.Popen(in_a_process("once", digits), stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "digits: another process is fetching them; waiting for it\n"
            server.go.set()
            assert "fetched by another process meanwhile" in other.stdout.read()
        assert "ready" in one.stdout.read()
    assert (one.returncode, other.returncode) == (0, 0)
    assert server.asked == [f"/{name}" for name in IDX_FILES]
    assert is_right(server)


def test_second_process_goes_on_where_the_first_was_killed(server, digits):
    """One is killed in the middle of a download, and the one that waits for it takes over."""
    content = long_images()
    table = served(server, "digits", fashion_files() | {FIRST: content})
    server.script[f"/{FIRST}"] = [Stall(150_000)]
    with subprocess.Popen(in_a_process("once", table), stdout=subprocess.PIPE, text=True) as one:
        assert server.first.wait(120)
        with subprocess.Popen(in_a_process("once", table), stdout=subprocess.PIPE, text=True) as other:
            assert "waiting for it" in other.stdout.readline()
            one.kill()
            assert "ready" in other.stdout.read()
    assert (one.returncode, other.returncode) == (-signal.SIGKILL, 0)
    assert len(server.asked) == 5
    assert is_right(server)


def in_a_process(how, table):
    """The command of a process that fetches from ``table``, see fetch_in_a_process.py."""
    return [sys.executable, str(Path(__file__).with_name("fetch_in_a_process.py")), how, as_json(table)]
