"""Output of the commands: JSON that is safe on a terminal, and consoles."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 170  # columns of a file or a pipe, which have no width of their own


def console(*, stderr: bool = False) -> Console:
    """Return a console of rich that raises BrokenPipeError when its pipe has no reader.

    Rich's own redirects standard output to /dev/null and exits with 1, which
    means `broken` for `check`.
    """
    from rich.console import Console  # slow to import

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            raise

    found = PipeConsole(stderr=stderr)
    return found if found.is_terminal or stderr else PipeConsole(width=WIDE)


def print_json(value: object) -> None:
    """Print readable JSON that cannot steer a terminal."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(re.sub(r"[^\n\x20-\x7e]", _escaped, text))


def _escaped(found: re.Match[str]) -> str:
    """Escape a character that is not printable or not in the encoding of standard output."""
    try:
        found[0].encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return json.dumps(found[0])[1:-1]
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]
