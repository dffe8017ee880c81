"""Messages over a socket: 12 bytes of lengths, a JSON text, and bytes that belong to it, all of a bounded size."""

from __future__ import annotations

import json
import select
import socket
import struct
from collections.abc import Callable

HEAD = struct.Struct("<QI")
LARGEST = 256 * 1024**2  # bytes of one message
LONGEST_JSON = 32 * 1024**2


class TooLarge(ValueError):
    """A message is larger than the other side would take."""


class ProtocolError(Exception):
    """What arrived is no message: too large, cut off, out of order or made of something else than plain data."""


class Closed(Exception):
    """The other side has gone."""


class Channel:
    """Messages over a socket.

    Parameters
    ----------
    sock : socket.socket
        A connected stream.
    wait : callable, optional
        ``wait(sock, writing)`` returns when the socket is ready and raises when that takes too long.
    """

    def __init__(self, sock: socket.socket, wait: Callable[[socket.socket, bool], None] | None = None) -> None:
        self.sock = sock
        self.wait = wait
        if wait is not None:
            sock.setblocking(False)

    def send(self, message: dict, blobs: list[bytes] = ()) -> None:
        text = json.dumps(message, separators=(",", ":")).encode("ascii")
        total = len(text) + sum(len(blob) for blob in blobs)
        if total > LARGEST or len(text) > LONGEST_JSON:
            raise TooLarge(f"The value is too large to be handed over: {total / 1024**2:.0f} MB.")
        self._write(HEAD.pack(total, len(text)) + text)
        for blob in blobs:
            self._write(blob)

    def receive(self) -> tuple[dict, memoryview]:
        """Return the next message and the bytes of its arrays.

        Raises
        ------
        ProtocolError, Closed
        """
        total, length = HEAD.unpack(self._read(HEAD.size))
        if total > LARGEST or length > min(total, LONGEST_JSON):
            raise ProtocolError(f"a message of {total} bytes was announced")
        data = memoryview(self._read(total))
        try:
            message = json.loads(bytes(data[:length]))
        except (ValueError, RecursionError):
            raise ProtocolError("a message is no JSON") from None
        if not isinstance(message, dict):
            raise ProtocolError("a message is no object")
        return message, data[length:]

    def _write(self, data: bytes) -> None:
        if self.wait is None:
            self.sock.sendall(data)
            return
        view = memoryview(data)
        while view:
            self.wait(self.sock, True)
            try:
                view = view[self.sock.send(view[: 1 << 20]) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            if self.wait is not None:
                self.wait(self.sock, False)
            try:
                part = self.sock.recv(min(length - len(data), 1 << 20))
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None
            if not part:
                raise Closed
            data += part
        return bytes(data)


def ready(sock: socket.socket, writing: bool, seconds: float) -> bool:
    """Tell whether a socket can be read (or written) within some seconds."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT if writing else select.POLLIN)
    return bool(poll.poll(seconds * 1000))
