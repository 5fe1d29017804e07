"""Start and stop of a measurement: signals, errors of the system, and what is kept."""

from __future__ import annotations

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from ipcbench.bench.errors import SweepError
from ipcbench.bench.machine import interrupts
from ipcbench.bench.results.files import describe
from ipcbench.bench.results.records import Ended, Reason, Resumed
from ipcbench.bench.results.units import human_span
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.workers.fork_parent import ForkServerLost
from ipcbench.transports.base.os_errors import remedy, with_remedy

_CHANGING = {"date", "load_avg_1min", "mem_max_rss", "runnable_threads", "uptime", "boot_time"}


@contextlib.contextmanager
def stoppable(watcher: Watcher) -> Iterator[interrupts.StopRequest]:
    """Stop at the first signal after the current run, at the second at once."""

    untold: list[str] = []

    def ask() -> None:
        note = "stopping after this run; a second signal stops at once"
        try:
            watcher.note(note)
        # The signal came while this stream was written, or a module of it was loaded.
        except (RuntimeError, ImportError):
            untold.append(note)

    with contextlib.closing(watcher), interrupts.StopRequest(ask) as stop:
        try:
            yield stop
        finally:
            for note in untold:
                watcher.note(note)


@contextlib.contextmanager
def stopping(folder: Path, work: str, command: str) -> Iterator[None]:
    """Stop at an error of the system, and keep the measurements. Raises: SweepError.

    Args:
        folder: that of the results.
        work: the word for what stops: "sweep".
        command: the one that continues it, with `--resume`.
    """
    try:
        yield
    except (OSError, ForkServerLost) as error:
        what = describe(error) if isinstance(error, OSError) else str(error)
        help_ = remedy(error) if isinstance(error, OSError) else error.remedy
        raise SweepError(
            f"{with_remedy(what, help_)}: the {work} stops here, and its measurements are kept; "
            f"once that is solved, continue with: {resumes(folder, command)}"
        ) from error


def resumes(folder: Path, command: str) -> str:
    """Return the command line that continues a measurement."""
    return f"{command} --resume {shlex.quote(str(folder))}"


def goes_on(
    over: Reason | None,
    ended: Ended | None,
    why_over: Callable[[Reason], str],
    torn: str,
    watcher: Watcher,
) -> bool:
    """Say what a stopped measurement is taken up with; tell whether its journal goes on.

    Args:
        over: the reason why nothing is left to do, if so.
        ended: the last end in the journal.
        why_over: says such a reason in words.
        torn: the incomplete last line of the journal, or "".
    """
    if torn:
        watcher.note("the last line of the journal was incomplete, and has been removed")
    if over is None:
        return True
    watcher.note(f"nothing is left to do: {why_over(over)}")
    return ended is None or ended.reason != over


def resumed(command: Sequence[str], torn: str, budget: float | None = None) -> Resumed:
    """Return the entry of a measurement that goes on; `budget`: another one than before."""
    return Resumed(started=now(), command=list(command), dropped=torn[:200], budget=budget)


def check_budget(budget: float | None, spent: float, what: str) -> None:
    """Refuse a budget that a measurement has spent before it goes on. Raises: SweepError."""
    if budget is not None and budget <= spent:
        raise SweepError(
            f"--budget: this {what} has taken {human_span(spent)} already, which counts: give more"
        )


def now() -> str:
    """Return the time of day, for a journal."""
    return datetime.fromtimestamp(time.time()).astimezone().isoformat(timespec="seconds")


def constants() -> dict[str, str | int | float]:
    """Return the metadata of pyperf that does not change during a measurement."""
    import pyperf  # slow to import

    collected = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    return {
        key: value
        for key, value in collected.items()
        if isinstance(value, str | int | float) and key not in _CHANGING
    }
