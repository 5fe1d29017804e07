"""What goes wrong in a command: one line that says what to do, and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from bench.untrusted import one_line

COULD_NOT_MEASURE = 3
LONGEST_MESSAGE = 6000  # a path has up to 4096 bytes


class Refused(click.ClickException):
    """Bad input, or a machine that cannot: one line, and exit code 3."""

    exit_code = COULD_NOT_MEASURE

    def format_message(self) -> str:
        return said(self.message)


def said(message: str) -> str:
    """A message as it is shown: it may quote a file that somebody else wrote."""
    return one_line(" ".join(message.split()), LONGEST_MESSAGE)


def _expected() -> tuple[type[BaseException], ...]:
    from bench.config import BadConfig
    from bench.forkparent import Lost
    from bench.lock import Busy
    from bench.results import Unreadable
    from bench.sweep import CannotRun
    from transports.registry import DuplicateName, UnknownTransport

    return (BadConfig, Busy, CannotRun, DuplicateName, Lost, UnknownTransport, Unreadable)


def guarded(action: Callable[[], Any]) -> Any:
    """Do it; what may go wrong becomes one line instead of a traceback."""
    try:
        return action()
    except KeyboardInterrupt:
        raise click.Abort from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Refused(f"{where}{error.strerror or error}") from error
    except _expected() as error:
        raise Refused(str(error)) from error


def carry_out(cli: click.Group) -> NoReturn:
    """Do what the command line says. Bad input exits as what cannot be measured: click's
    own code for it, 2, means `inconclusive` here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be text
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(cli.main(prog_name="ipcbench", standalone_mode=False))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ipcbench"
        message = said(error.format_message()).rstrip(".")
        click.echo(f"Error: {message}: see {command} --help", err=True)
        sys.exit(COULD_NOT_MEASURE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Aborted!", err=True)
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # `ipcbench list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
