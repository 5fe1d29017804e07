"""Rich's console, whose closed pipe is an error like any other one."""

from __future__ import annotations

from rich.console import Console


class PipeConsole(Console):
    """A console that raises BrokenPipeError where its reader is gone.

    Rich's own turns standard output to /dev/null, and exits with 1: `broken`, for a check.
    """

    def on_broken_pipe(self) -> None:
        raise
