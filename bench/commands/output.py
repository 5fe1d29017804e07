"""Output of the commands: JSON that is safe on a terminal, and consoles."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from ipcbench.bench.sweep.display import Watcher

STANDARD = "-"  # as the name of a file: standard output
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


def progress_watcher() -> Watcher:
    """Return the display of a measurement's progress, on standard error."""
    from ipcbench.bench.sweep.display import watcher

    return watcher(console(stderr=True))


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


def write_text(path: Path, text: str) -> None:
    """Replace a file as a whole; write to a device, a FIFO and standard output as they are.

    Raises: OSError.
    """
    from ipcbench.bench.results.files import write_atomically

    if _is_standard_output(path):
        click.echo(text, nl=False)
    elif path.exists() and not path.is_file():
        append_text(path, text)
    else:
        write_atomically(path, text.encode())


def append_text(path: Path, text: str) -> None:
    """Write at the end of a file. Raises: OSError."""
    try:
        with path.open("ab") as file:
            file.write(text.encode())
    except OSError as error:  # of a write(2), it names no file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _is_standard_output(path: Path) -> bool:
    """Tell whether a path leads there, such as /dev/stdout: a link that must not be replaced."""
    if str(path) == STANDARD:
        return True
    try:
        here, there = os.stat(path), os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):  # no such file; a stream without a descriptor
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
