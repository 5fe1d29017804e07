"""How far a sweep is: a bar on a terminal, a line now and then in a log."""

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
    """What a sweep tells while it runs, always between two runs and never during one."""

    def tell(self, done: float, left: float, what: str) -> None:
        """`done`: share of the work from 0 to 1; `left`: seconds; `what`: words."""

    def note(self, message: str) -> None:
        """Something worth a line of its own: a failure."""

    def close(self) -> None: ...


class Silent:
    def tell(self, done: float, left: float, what: str) -> None: ...

    def note(self, message: str) -> None: ...

    def close(self) -> None: ...


class Log:
    """Plain lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = -LOG_EVERY

    def tell(self, done: float, left: float, what: str) -> None:
        now = time.monotonic()
        if now - self._last >= LOG_EVERY:
            self._last = now
            self.note(f"{done:4.0%}  {what}, {human_span(left)} left")

    def note(self, message: str) -> None:
        with contextlib.suppress(OSError):  # a log on a full disk stops no sweep
            self._console.print(message, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None: ...


class Bar:
    """A bar, drawn by us between runs: a thread that redraws would be measured as well."""

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

    def tell(self, done: float, left: float, what: str) -> None:
        now = time.monotonic()
        if now - self._last >= DRAW_EVERY:
            self._last = now
            text = f"{what}, {human_span(left)} left"
            self._progress.update(self._task, completed=done, description=text, refresh=True)

    def note(self, message: str) -> None:
        self._progress.console.print(message, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._progress.stop()


def watcher(console: Console) -> Watcher:
    """A bar where there is a terminal, lines where there is none."""
    return Bar(console) if console.is_terminal else Log(console)
