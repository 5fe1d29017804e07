"""What goes wrong in a command: one line that says what to do, and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

COULD_NOT_MEASURE = 3


class Refused(click.ClickException):
    """Bad input, or a machine that cannot: one line, and exit code 3."""

    exit_code = COULD_NOT_MEASURE

    def format_message(self) -> str:
        return " ".join(self.message.split())


def _expected() -> tuple[type[BaseException], ...]:
    from bench.config import BadConfig
    from bench.forkparent import Lost
    from bench.lock import Busy
    from bench.results import Unreadable
    from bench.sweep import CannotRun
    from transports import Unavailable
    from transports.registry import DuplicateName, UnknownTransport

    return (
        BadConfig, Busy, CannotRun, DuplicateName, Lost, Unavailable, UnknownTransport, Unreadable
    )  # fmt: skip


def _with_remedy(what: str, remedy: str) -> str:
    return f"{what}: {remedy}" if remedy else what


def guarded(action: Callable[[], Any]) -> Any:
    """Do it; what may go wrong becomes one line instead of a traceback."""
    try:
        return action()
    except KeyboardInterrupt:
        raise click.Abort from None
    except OSError as error:
        from transports.remedies import remedy

        where = f"{error.filename}: " if error.filename else ""
        what = f"{where}{error.strerror or error}"
        raise Refused(_with_remedy(what, remedy(error))) from error
    except _expected() as error:
        raise Refused(_with_remedy(str(error), getattr(error, "remedy", ""))) from error


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
        said = " ".join(error.format_message().split()).rstrip(".")
        click.echo(f"Error: {said}: see {command} --help", err=True)
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
