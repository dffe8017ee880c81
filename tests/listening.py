"""Wait for a server that another process starts."""

from __future__ import annotations

import socket
import time


def wait_until_served(base: str, deadline: float) -> None:
    """Wait for a Jupyter server, which prints its address a moment before it listens there."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(base.rpartition(":")[2])), timeout=30).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nothing listens at {base}"
            time.sleep(0.1)
