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

from ipcbench.bench.machine import cursor, interrupts
from ipcbench.bench.machine.clean_end import notes
from ipcbench.bench.machine.interrupts import NOTHING_CHANGED
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


class Stopped(Exception):
    """A signal has ended the command."""


class Group(click.Group):
    """A group in the order of registration, whose commands raise PipeClosed and Stopped.

    click's own `main` turns EPIPE into exit code 1, which means `broken` here, and Ctrl-C into
    "Aborted!".
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _own_errors():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _own_errors():
            return super().invoke(ctx)


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error
    except KeyboardInterrupt as error:
        raise Stopped from error


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
    except OSError as error:
        from ipcbench.bench.results.files import describe
        from ipcbench.transports.base.os_errors import remedy, with_remedy

        text = with_remedy(describe(error), remedy(error))
        raise CommandError(f"{text}{notes(error)}") from error
    except _expected() as error:
        from ipcbench.transports.base.os_errors import with_remedy

        text = with_remedy(str(error), getattr(error, "remedy", ""))
        raise CommandError(f"{text}{notes(error)}") from error


def carry_out(cli: click.Group) -> NoReturn:
    """Run the command line.

    Bad input has the exit code of a failed measurement: click's own, 2, means
    `inconclusive` here.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name need not be text
            stream.reconfigure(errors="backslashreplace")
    interrupts.raise_interrupted()
    try:
        code = _exit_code(cli)
    except KeyboardInterrupt:  # in one of the lines that handle an error
        code = _stopped()
    interrupts.ignore()
    cursor.restore()
    for stream in (sys.stdout, sys.stderr):
        try:  # Python flushes once more at exit, and would exit with 120
            stream.flush()
        except OSError:
            _discard_output(stream)
    sys.exit(code)


def _stopped() -> int:
    """Say what a signal has stopped, and return the exit code."""
    interrupts.ignore()
    signalled = interrupts.last() or interrupts.Interrupted(signal.SIGINT, NOTHING_CHANGED)
    print_error(as_line(str(signalled)))
    return signalled.exit_code


def _exit_code(cli: click.Group) -> int:
    try:
        return _run(cli)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ipcbench"
        message = as_line(error.format_message()).rstrip(".")
        print_error(f"Error: {message}: see {command} --help")
        return COULD_NOT_MEASURE
    except click.ClickException as error:
        print_error(f"Error: {error.format_message()}")
        return error.exit_code
    except (Stopped, click.Abort):
        return _stopped()
    except (PipeClosed, BrokenPipeError):  # `ipcbench list | head`
        _discard_output(sys.stdout)
        return 128 + signal.SIGPIPE
    except OSError as error:  # `ipcbench list > /dev/full`; `guarded` handles all others
        _discard_output(sys.stdout)
        print_error(f"Error: the output cannot be written: {error.strerror}")
        return COULD_NOT_MEASURE
    except Exception:  # an error of ipcbench; Python would exit with 1, which means `broken`
        if interrupts.last() is not None:  # a library made another error of the signal
            return _stopped()
        print_error(traceback.format_exc().rstrip())
        return COULD_NOT_MEASURE


def _run(cli: click.Group) -> int:
    """Run the command; return the exit code that it chooses."""
    try:
        code = cli.main(prog_name="ipcbench", standalone_mode=False)
    except SystemExit as chosen:  # `check` exits with its verdict
        code = chosen.code
    return code if isinstance(code, int) else 0


def print_error(text: str) -> None:
    """Print to standard error; where that fails, the exit code is all that is left."""
    try:
        click.echo(text, err=True)
    except OSError:
        _discard_output(sys.stderr)


def _discard_output(stream: TextIO) -> None:
    """Redirect a stream to /dev/null, so that flushing its buffer at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
