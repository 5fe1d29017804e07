"""Display of a sweep's progress: a bar on a terminal, a line at intervals in a log."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ipcbench.bench.machine import cursor
from ipcbench.bench.results.units import human_span

LOG_EVERY = 10.0  # seconds between lines of a log
TROUBLE_EVERY = 30.0  # seconds between its lines about what disturbs the runs
DRAW_EVERY = 0.25  # seconds between redraws of a bar
SHORTEST, LONGEST = 4, 30  # columns of the bar itself


class Watcher(Protocol):
    """Receiver of a sweep's progress, which is called between two runs, never during one."""

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        """Show the share of the work that is `done`, the seconds `left`, and the step: `what`.

        `at_most`: the sweep may end earlier.
        """

    def note(self, message: str) -> None:
        """Show a message, such as a failure, on a line of its own."""

    def trouble(self, message: str) -> None:
        """Show what disturbs the runs, until the next call; "": nothing does."""

    def close(self) -> None: ...


class Silent:
    """A watcher that shows nothing."""

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None: ...

    def note(self, message: str) -> None: ...

    def trouble(self, message: str) -> None: ...

    def close(self) -> None: ...


def _print(console: Console, message: str) -> None:
    with suppress(OSError):  # a full disk under a log, or a terminal that is gone, stops no sweep
        console.print(message, markup=False, highlight=False, soft_wrap=True, emoji=False)


class Log:
    """A watcher that prints plain lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = -LOG_EVERY
        self._troubled = -TROUBLE_EVERY

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        now = time.monotonic()
        if now - self._last >= LOG_EVERY:
            self._last = now
            self.note(f"{done:4.0%}  {_left(left, at_most)}: {what}")

    def note(self, message: str) -> None:
        _print(self._console, message)

    def trouble(self, message: str) -> None:
        now = time.monotonic()
        if message and now - self._troubled >= TROUBLE_EVERY:
            self._troubled = now
            self.note(message)

    def close(self) -> None: ...


class Bar:
    """A bar that is drawn between runs, without a thread, which would disturb a run.

    Share and time stand first, so that a narrow terminal cuts off the step. It begins with the
    first step: what is wrong before that leaves the terminal as it was.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._last = 0.0
        self._done, self._text, self._trouble = 0.0, "", ""

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        now = time.monotonic()
        if now - self._last >= DRAW_EVERY:
            self._last = now
            self._done = min(1.0, max(0.0, done))
            self._text = f"{_left(left, at_most)}  {what}"
            self._draw()

    def note(self, message: str) -> None:
        _print(self._console, message)

    def trouble(self, message: str) -> None:
        self._trouble = message  # drawn with the next step

    def close(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError):
                live.stop()
                cursor.shown()

    def _draw(self) -> None:
        with suppress(OSError):
            if self._live is None:
                with suppress(ValueError):  # no file of the system
                    cursor.hidden(self._console.file.fileno())
                self._live = Live(
                    console=self._console,
                    auto_refresh=False,
                    transient=True,
                    get_renderable=self._rendered,
                )
                self._live.start()
            self._live.refresh()

    def _rendered(self) -> RenderableType:
        columns = max(SHORTEST, min(LONGEST, self._console.width // 5))
        full = round(columns * self._done)
        line = "━" if self._console.encoding.startswith("utf") else "-"
        bar = Text.assemble(
            (line * full, "bar.complete"),
            (line * (columns - full), "bar.back"),
            f" {self._done * 100:3.0f} %  {self._text}",
            no_wrap=True,
            overflow="ellipsis",
        )
        if not self._trouble:
            return bar
        return Group(bar, Text(self._trouble, style="yellow"))


def _left(seconds: float, at_most: bool) -> str:
    return f"{'at most ' if at_most else ''}{human_span(seconds)} left"


def watcher(console: Console) -> Watcher:
    """Return a bar for a terminal, else a log."""
    return Bar(console) if console.is_terminal else Log(console)
