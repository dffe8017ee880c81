"""Refuse connections to other machines. Python imports this file at its start if its folder is on PYTHONPATH."""

import ipaddress
import sys


def _is_here(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host).partition("%")[0])
    except ValueError:
        return False  # a name, which only the network could resolve
    return address.is_loopback or address.is_unspecified


def _refuse(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket's address is a string
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_here(host):
        raise OSError(f"No network here: {event} to {host!r} was refused, so that nothing depends on a download.")


sys.addaudithook(_refuse)
