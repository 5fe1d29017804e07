"""Errors of the commands: one line that says what to do, and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO, TypeVar

import click

from ipcbench.bench.results.untrusted import one_line

COULD_NOT_MEASURE = 3
LONGEST_MESSAGE = 6000  # a path has up to 4096 bytes

T = TypeVar("T")


class CommandError(click.ClickException):
    """Bad input, or a machine that cannot do it: one line, and exit code 3."""

    exit_code = COULD_NOT_MEASURE

    def format_message(self) -> str:
        return as_line(self.message)


class PipeClosed(Exception):
    """The pipe that a command writes to has no reader any more."""


class Group(click.Group):
    """A group in the order of registration, whose commands raise PipeClosed.

    click's own `main` turns EPIPE into exit code 1, which means `broken` here.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

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


def as_line(message: str) -> str:
    """Fold a message into one line; it may quote a file from an untrusted source."""
    return one_line(" ".join(message.split()), LONGEST_MESSAGE)


def _expected() -> tuple[type[BaseException], ...]:
    from ipcbench.bench.errors import BenchError
    from ipcbench.transports.contract import TransportError

    return BenchError, TransportError


def guarded(action: Callable[[], T]) -> T:
    """Call it, and turn an expected error into one line instead of a traceback."""
    try:
        return action()
    except KeyboardInterrupt:
        raise click.Abort from None
    except OSError as error:
        from ipcbench.bench.results.files import describe
        from ipcbench.transports.base.os_errors import remedy, with_remedy

        raise CommandError(with_remedy(describe(error), remedy(error))) from error
    except _expected() as error:
        from ipcbench.transports.base.os_errors import with_remedy

        raise CommandError(with_remedy(str(error), getattr(error, "remedy", ""))) from error


def carry_out(cli: click.Group) -> NoReturn:
    """Run the command line.

    Bad input has the exit code of a failed measurement: click's own, 2, means
    `inconclusive` here.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name need not be text
            stream.reconfigure(errors="backslashreplace")
    try:
        _exit_with_its_code(cli)
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:  # Python flushes once more at exit, and would exit with 120
                stream.flush()
            except OSError:
                _discard_output(stream)


def _exit_with_its_code(cli: click.Group) -> NoReturn:
    try:
        sys.exit(cli.main(prog_name="ipcbench", standalone_mode=False))
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ipcbench"
        message = as_line(error.format_message()).rstrip(".")
        print_error(f"Error: {message}: see {command} --help")
        sys.exit(COULD_NOT_MEASURE)
    except click.ClickException as error:
        print_error(f"Error: {error.format_message()}")
        sys.exit(error.exit_code)
    except click.Abort:
        print_error("Aborted!")
        sys.exit(128 + signal.SIGINT)
    except (PipeClosed, BrokenPipeError):  # `ipcbench list | head`
        _discard_output(sys.stdout)
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:  # `ipcbench list > /dev/full`; `guarded` handles all others
        _discard_output(sys.stdout)
        print_error(f"Error: the output cannot be written: {error.strerror}")
        sys.exit(COULD_NOT_MEASURE)
    except Exception:  # an error of ipcbench; Python would exit with 1, which means `broken`
        print_error(traceback.format_exc().rstrip())
        sys.exit(COULD_NOT_MEASURE)


def print_error(text: str) -> None:
    """Print to standard error; where that fails, the exit code is all that is left."""
    try:
        click.echo(text, err=True)
    except OSError:
        _discard_output(sys.stderr)


def _discard_output(stream: TextIO) -> None:
    """Redirect a stream to /dev/null, so that flushing its buffer at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
