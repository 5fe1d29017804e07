"""Display of a sweep's progress: a bar on a terminal, a line at intervals in a log."""

from __future__ import annotations

import contextlib
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ipcbench.bench.results.units import human_span

LOG_EVERY = 10.0  # seconds between lines of a log
DRAW_EVERY = 0.25  # seconds between redraws of a bar


class Watcher(Protocol):
    """Receiver of a sweep's progress, which is called between two runs, never during one."""

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        """Show the share of the work that is `done`, the seconds `left`, and the step: `what`.

        `at_most`: the sweep may end earlier.
        """

    def note(self, message: str) -> None:
        """Show a message, such as a failure, on a line of its own."""

    def close(self) -> None: ...


class Silent:
    """A watcher that shows nothing."""

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None: ...

    def note(self, message: str) -> None: ...

    def close(self) -> None: ...


class Log:
    """A watcher that prints plain lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = -LOG_EVERY

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        now = time.monotonic()
        if now - self._last >= LOG_EVERY:
            self._last = now
            self.note(f"{done:4.0%}  {what}, {_left(left, at_most)}")

    def note(self, message: str) -> None:
        with contextlib.suppress(OSError):  # a full disk under the log does not stop the sweep
            self._console.print(message, markup=False, highlight=False, soft_wrap=True, emoji=False)

    def close(self) -> None: ...


class Bar:
    """A bar that is drawn between runs, without a thread, which would disturb a run."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.description}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task("starting", total=1.0)
        self._progress.start()
        self._last = 0.0

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        now = time.monotonic()
        if now - self._last >= DRAW_EVERY:
            self._last = now
            text = f"{what}, {_left(left, at_most)}"
            self._progress.update(self._task, completed=done, description=text, refresh=True)

    def note(self, message: str) -> None:
        self._progress.console.print(
            message, markup=False, highlight=False, soft_wrap=True, emoji=False
        )

    def close(self) -> None:
        self._progress.stop()


def _left(seconds: float, at_most: bool) -> str:
    return f"{'at most ' if at_most else ''}{human_span(seconds)} left"


def watcher(console: Console) -> Watcher:
    """Return a bar for a terminal, else a log."""
    return Bar(console) if console.is_terminal else Log(console)
