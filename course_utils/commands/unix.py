"""What needs a system with processes that fork: the instructor's commands."""

from __future__ import annotations

import os

import click


def require_unix(doing: str) -> None:
    """Refuse on Windows in one sentence, before a module is imported that is not to be had there.

    Raises
    ------
    click.ClickException
    """
    if not hasattr(os, "fork"):
        raise click.ClickException(f"{doing} needs Linux or macOS; on Windows run it in WSL.")
