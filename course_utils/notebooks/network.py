"""No network for this process and everything that it starts.

A lesson or test that quietly downloads something works on its author's machine only. On Linux the process moves into a
network namespace of its own, where nothing but the loopback interface exists; where that is not allowed, and on other
systems, every Python process refuses to connect instead.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h

GUARD = Path(__file__).parent / "guard"


def block_network() -> str:
    """Cut this process and its future children off from the network, and say how, in one line.

    Call it early: a process with several threads cannot enter a user namespace.
    """
    if sys.platform == "linux":
        # As root a network namespace is enough; others need a user namespace that gives them the right to make one.
        for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET):
            if _would_work(flags):
                _enter_namespace(flags)
                return "Network: blocked, in a network namespace of its own with nothing but loopback."
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(GUARD), *([inherited] if inherited else [])])
    return (
        "Network: refused to every Python process started here; "
        "this system does not let us make a network namespace, so other programs are not stopped."
    )


def _would_work(flags: int) -> bool:
    """Try in a child: half-way in a namespace there is no way back."""
    child = os.fork()
    if child == 0:
        try:
            _enter_namespace(flags)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _enter_namespace(flags: int) -> None:
    import fcntl

    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if flags & CLONE_NEWUSER:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        current = struct.unpack("16sh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", current | IFF_UP))
