"""Plain data crosses unchanged, and what is no plain data is refused on both sides."""

from __future__ import annotations

import json
import math
import pickle
import socket
import struct
import threading
from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
import torch

from course_utils.grading import wire
from course_utils.grading.plain import Decoder, Encoder, Unencodable, find_class
from course_utils.grading.wire import HEAD, Channel, Closed, ProtocolError

Pair = namedtuple("Pair", "left right")


def across(value: object) -> object:
    encoder = Encoder()
    text = json.loads(json.dumps(encoder.encode(value)))
    return Decoder(memoryview(b"".join(encoder.blobs))).decode(text)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(2**200), 1.5, math.inf, "é\ud800\n", b"\0x", bytearray(b"ab"), 2 + 3j, ..., range(2, 9, 3)),
        *([1, [2.0, "a"]], (1, (2,)), {"a": [1], 2: None}, {1, 2}, frozenset("ab"), slice(1, None, 2)),
        *(OrderedDict(b=1, a=2), Counter("aab"), torch.Size([2, 3]), torch.float32, np.dtype("int16")),
        *(defaultdict(int, a=2), defaultdict(list, {1: [2]}), defaultdict(set)),
        *(torch.device("cpu"), int, torch.nn.Conv2d, np.float32, torch.optim.SGD),
    ],
    ids=lambda value: type(value).__name__,  # a set's text is another in each process
)
def test_value_comes_back_equal_and_of_the_same_type(value):
    back = across(value)
    assert back == value and type(back) is type(value)


def test_missing_key_of_a_defaultdict_is_made_as_before_or_not_at_all():
    counts, lists = across([defaultdict(int, a=1), defaultdict(list)])
    assert counts["z"] == 0 and lists["z"] == []
    for own in (defaultdict(None, a=1), defaultdict(lambda: 7, a=1)):
        assert across(own) == {"a": 1} and type(across(own)) is dict


def test_not_a_number_and_named_tuples_come_back():
    assert math.isnan(across(math.nan))
    back = across(Pair(1, [2]))
    assert back == (1, [2]) and back.left == 1 and type(back).__name__ == "Pair"


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "u1", "?", "c16", "<U3", "S2", "M8[D]"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (3, 1, 2)])
def test_arrays_come_back(dtype, shape):
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    for one in (array, array.T):
        back = across(one)
        assert back.dtype == one.dtype and back.shape == one.shape and (back == one).all()


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.complex64]
)
@pytest.mark.parametrize("shape", [(), (0, 2), (2, 3)])
def test_tensors_come_back(dtype, shape):
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
    for one in (tensor, tensor.expand(2, *shape), tensor.T if len(shape) == 2 else tensor):
        back = across(one)
        assert back.dtype == one.dtype and torch.equal(back, one)


def test_arrays_of_objects_come_back():
    array = np.array([[1, "a"], [None, [2]]], dtype=object)
    back = across(array)
    assert back.dtype == object and back.tolist() == array.tolist()


class Other:
    pass


@pytest.mark.parametrize(
    "value", [Other(), print, lambda: 0, (x for x in ()), np, 1 << 10**5], ids=lambda v: type(v).__name__
)
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(Unencodable):
        across([value])


def test_a_list_in_itself_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(Unencodable, match="nested"):
        across(endless)


@pytest.mark.parametrize(
    "text",
    [
        *([], ["exec", "1"], [1], {"a": 1}, ["a", "|O", [1], 0, 8], ["a", "<f8", [2], 0, 8], ["a", "<f8", [-1], 0, 8]),
        *(["a", "<f8", [1.0], 0, 8], ["a", "f8,f8", [1], 0, 16], ["a", "<f8", 1, 0, 8], ["b", 0, 99], ["b", -1, 2]),
        *(["b", True, 1], ["T", "qint8", [1], 0, 1], ["T", "float32", [1], 0, 3], ["d", [["l"], 1]], ["d", 3]),
        *(["dd"], ["dd", "eval"], ["dd", ["cl", "builtins", "int"]], ["dd", "int", 3], ["dd", "int", [["l"], 1]]),
        *(
            ["n", "a b", []],
            ["n", "class", []],
            ["n", "P", ["x"], 1, 2],
            ["cl", "os", "system"],
            ["cl", "builtins", "eval"],
        ),
        *(["cl", "builtins", "type"], ["cl", "torch.nn.modules.x", "init"], ["pk", 0, 4], ["p", 0, {}], ["c", "x", 1]),
        *(
            ["s", ["l"]],
            ["rg", "a", 1, 1],
            ["dt", "x"],
            ["nd", "O"],
            ["ao", [3], [1]],
            ["a", "<f8", [2**50] * 40, 0, 0],
        ),
    ],
    ids=str,
)
def test_wrong_forms_are_refused(text):
    with pytest.raises(ProtocolError):
        Decoder(memoryview(bytes(16))).decode(text)


def test_nothing_is_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "done"), "w"))

    data = pickle.dumps(Evil())
    with pytest.raises(ProtocolError):
        Decoder(memoryview(data)).decode(["pk", 0, len(data)])
    assert not (tmp_path / "done").exists()


def test_bools_are_true_or_false():
    for form in (["a", "|b1", [2], 0, 2], ["T", "bool", [2], 0, 2]):
        assert Decoder(memoryview(b"\x07\x00")).decode(form).tolist() == [True, False]


def test_only_classes_that_hold_data_are_found():
    assert find_class("torch.nn.modules.conv", "Conv2d") is torch.nn.Conv2d
    for module, name in (("numpy", "memmap"), ("torch", "load"), ("torch.optim.x", "os"), ("subprocess", "Popen")):
        with pytest.raises(ProtocolError):
            find_class(module, name)


# ---------------------------------------------------------------------------------------------- messages


def wait(sock: socket.socket, writing: bool) -> None:
    if not wire.ready(sock, writing, 1.0):
        raise TimeoutError


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield Channel(ours, wait), theirs
    ours.close()
    theirs.close()


def test_messages_arrive_in_order_and_whole(pair):
    channel, theirs = pair
    other = Channel(theirs)
    blob = bytes(range(256)) * 20_000
    sender = threading.Thread(target=lambda: [other.send({"n": n}, [blob, b"end"]) for n in range(3)])
    sender.start()
    for n in range(3):
        message, blobs = channel.receive()
        assert message == {"n": n} and bytes(blobs) == blob + b"end"
    sender.join()


@pytest.mark.parametrize(
    "data",
    [
        HEAD.pack(2**62, 10),
        HEAD.pack(wire.LARGEST + 1, 10),
        HEAD.pack(10, 11) + bytes(11),
        HEAD.pack(4, 4) + b"nope",
        HEAD.pack(6, 6) + b"[1, 2]",
        HEAD.pack(10**5, 10**5) + b"[" * 10**5,
        HEAD.pack(2, 2) + b"\xff\xfe",
    ],
    ids=["huge", "too large", "longer inside", "no JSON", "a list", "deep", "no text"],
)
def test_wrong_messages_are_refused(pair, data):
    channel, theirs = pair
    theirs.sendall(data)
    with pytest.raises(ProtocolError):
        channel.receive()


@pytest.mark.parametrize("data", [b"", b"abc", HEAD.pack(100, 100) + b"{"])
def test_a_message_that_is_cut_off_is_noticed(pair, data):
    channel, theirs = pair
    theirs.sendall(data)
    theirs.close()
    with pytest.raises(Closed):
        channel.receive()


def test_a_message_that_does_not_come_runs_into_the_clock(pair):
    channel, theirs = pair
    theirs.sendall(HEAD.pack(100, 100) + b"{")
    with pytest.raises(TimeoutError):
        channel.receive()


def test_a_message_that_is_too_large_is_not_sent(pair):
    channel, _ = pair
    with pytest.raises(wire.TooLarge):
        channel.send({}, [bytes(1)] * 3 + [bytes(wire.LARGEST)])


def test_the_head_of_a_message_is_what_the_tests_say():
    assert HEAD.size == struct.calcsize("<QI") == 12
