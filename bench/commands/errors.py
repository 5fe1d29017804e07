"""What goes wrong in a command: one line that says what to do, and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

import click

from ipcbench.bench.results.untrusted import one_line

COULD_NOT_MEASURE = 3
LONGEST_MESSAGE = 6000  # a path has up to 4096 bytes


class CommandError(click.ClickException):
    """Bad input, or a machine that cannot: one line, and exit code 3."""

    exit_code = COULD_NOT_MEASURE

    def format_message(self) -> str:
        return said(self.message)


class PipeClosed(Exception):
    """What a command writes to has no reader any more."""


class Commands(click.Group):
    """A group whose commands raise PipeClosed: click's `main` takes an EPIPE for its own, and
    exits with 1, which means `broken` here."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _closed_pipes():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _closed_pipes():
            return super().invoke(ctx)


@contextmanager
def _closed_pipes() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error


def said(message: str) -> str:
    """A message as it is shown: it may quote a file that somebody else wrote."""
    return one_line(" ".join(message.split()), LONGEST_MESSAGE)


def _expected() -> tuple[type[BaseException], ...]:
    from ipcbench.bench.errors import BenchError
    from ipcbench.transports.contract import TransportError

    return BenchError, TransportError


def guarded(action: Callable[[], Any]) -> Any:
    """Do it; what may go wrong becomes one line instead of a traceback."""
    try:
        return action()
    except KeyboardInterrupt:
        raise click.Abort from None
    except OSError as error:
        from ipcbench.bench.results.files import in_words
        from ipcbench.transports.base.os_errors import remedy, with_remedy

        raise CommandError(with_remedy(in_words(error), remedy(error))) from error
    except _expected() as error:
        from ipcbench.transports.base.os_errors import with_remedy

        raise CommandError(with_remedy(str(error), getattr(error, "remedy", ""))) from error


def carry_out(cli: click.Group) -> NoReturn:
    """Do what the command line says. Bad input exits as what cannot be measured: click's
    own code for it, 2, means `inconclusive` here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files need not be text
            stream.reconfigure(errors="backslashreplace")
    try:
        _exit_with_its_code(cli)
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:  # what a log could not take is tried once more at the end, and would be exit 120
                stream.flush()
            except OSError:
                _drop(stream)


def _exit_with_its_code(cli: click.Group) -> NoReturn:
    try:
        sys.exit(cli.main(prog_name="ipcbench", standalone_mode=False))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ipcbench"
        message = said(error.format_message()).rstrip(".")
        complain(f"Error: {message}: see {command} --help")
        sys.exit(COULD_NOT_MEASURE)
    except click.ClickException as error:
        complain(f"Error: {error.format_message()}")
        sys.exit(error.exit_code)
    except click.Abort:
        complain("Aborted!")
        sys.exit(128 + signal.SIGINT)
    except (PipeClosed, BrokenPipeError):  # `ipcbench list | head`
        _drop(sys.stdout)
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:  # `ipcbench list > /dev/full`: `guarded` has had all the others
        _drop(sys.stdout)
        complain(f"Error: what was found cannot be shown: {error.strerror}")
        sys.exit(COULD_NOT_MEASURE)


def complain(text: str) -> None:
    """Where even that cannot be, the exit code says it alone."""
    try:
        click.echo(text, err=True)
    except OSError:
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    """What it still holds goes nowhere, instead of failing once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
