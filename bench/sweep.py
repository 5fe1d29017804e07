"""A sweep from end to end: plan, folder, lock, guardian, rounds, suite. The page comes after."""

from __future__ import annotations

import os
import platform
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import FrameType

from bench import host, native_loops
from bench.cell import Cell
from bench.clock import REAL
from bench.config import Profile
from bench.forkparent import ForkParent
from bench.guardian import Guardian, clean_up, watch
from bench.journal import Journal
from bench.lock import SweepLock
from bench.placement import Site
from bench.plan import Candidate, Plan, cells_of, plan
from bench.progress import Watcher
from bench.records import SCHEMA, Ended, Header, Planned, Resumed, Skipped
from bench.results import load, write_suite
from bench.schedule import Progress, Schedule
from bench.version import VERSION
from transports import Unavailable, registry
from transports.naming import LEDGER_VARIABLE, Ledger, abandoned, current, standing


class CannotRun(Exception):
    """The sweep cannot be made; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the caller asks for. `folder` None: a new one below `results/`."""

    profile: Profile
    command: Sequence[str]
    budget: float | None = None
    seed: int | None = None
    folder: Path | None = None
    clock: str = REAL
    only: Callable[[Cell], bool] = lambda cell: True


@cache
def candidate(name: str) -> Candidate:
    """A transport as it is on this machine: tried, once."""
    found = registry.get(name)
    if isinstance(found, registry.Broken):
        return Candidate(name, None, found.reason)
    try:
        return Candidate(name, found.traits, found.probe(), native_loops.missing())
    except Exception as error:  # a plug-in's probe may fail in any way at all
        return Candidate(name, None, Unavailable(f"its probe fails: {error!r}"))


def site() -> Site:
    return Site(host.topology(), host.may_forbid_idle())


def planned(profile: Profile, only: Callable[[Cell], bool] = lambda cell: True) -> Plan:
    """The plan of a profile on this machine, restricted to the cells that `only` keeps.

    Raises: transports.registry.UnknownTransport, CannotRun where it is empty.
    """
    cells = filter(only, cells_of(profile.axes, registry.matching))
    found = plan(cells, candidate, site())
    if not found.cells and not found.skipped:
        raise CannotRun("no cell is left to measure: ask for fewer restrictions")
    return found


def new(order: Order, watcher: Watcher) -> Path:
    """Make a new sweep; the folder that holds it.

    Raises: CannotRun, bench.lock.Busy, OSError (the folder cannot be written).
    """
    seed = secrets.randbelow(2**32) if order.seed is None else order.seed
    with _Machine(order.clock) as machine:
        found = planned(order.profile, order.only)
        folder = _folder(order.folder)
        journal = Journal.create(folder)
        header = _header(order, seed, found)
        journal.write(header)
        for one in found.cells:
            journal.write(Planned(cell=one.cell, facts=one.facts))
        for cell, skip in found.skipped:
            journal.write(Skipped(cell=cell, reason=skip.reason, remedy=skip.remedy))
        _play(found, header, journal, None, watcher, machine)
    if order.folder is None:
        _point(folder.parent / "latest", folder.name)
    return finish(folder)


def resume(folder: Path, command: Sequence[str], watcher: Watcher) -> Path:
    """Go on with a sweep that was stopped, as if it had never been.

    Raises: CannotRun (another plan, version or machine), bench.results.Unreadable,
    bench.lock.Busy, OSError.
    """
    results = load(folder)
    header = results.header
    cells = [result.cell for result in results.cells.values() if result.skipped is None]
    found = plan(cells, candidate, site())
    _same(header, found)
    with _Machine(header.clock) as machine:
        journal, torn = Journal.resume(folder)
        journal.write(Resumed(started=_now(), command=list(command), dropped=torn[:200]))
        if torn:
            watcher.note("the journal's last line was torn, and has been cut off")
        _play(found, header, journal, Progress.of(results), watcher, machine)
    return finish(folder)


def finish(folder: Path) -> Path:
    """Write what follows from the journal: pyperf's suite."""
    write_suite(load(folder), folder / "suite.json")
    return folder


def _point(link: Path, target: str) -> None:
    """Make the link to the newest run, unless something else has its name."""
    if link.is_symlink() or not link.exists():
        draft = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
        draft.symlink_to(target)
        draft.replace(link)


def _same(header: Header, found: Plan) -> None:
    here = host.machine()
    differences = [
        f"{what} was {then}, is {now}"
        for what, then, now in (
            ("the version", header.version, VERSION),
            ("the machine", header.machine.fingerprint, here.fingerprint),
            ("the host", header.machine.hostname, here.hostname),
            ("the plan", header.plan, found.digest()),
        )
        if then != now
    ]
    if differences:
        raise CannotRun(f"this sweep cannot be resumed here: {'; '.join(differences)}")


def _play(
    found: Plan,
    header: Header,
    journal: Journal,
    progress: Progress | None,
    watcher: Watcher,
    machine: _Machine,
) -> Ended:
    schedule = Schedule(
        found.cells,
        header.settings,
        header.seed,
        journal.write,
        watcher,
        budget=header.budget,
        clock=header.clock,
        progress=progress,
        started=machine.guard,
    )

    def interrupted(number: int, frame: FrameType | None) -> None:
        if schedule.stopping:
            raise KeyboardInterrupt  # asked twice: at once
        watcher.note("stopping after this run; once more stops at once")
        schedule.stop()

    asked_by = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupted) for number in asked_by}
    try:
        return schedule.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        journal.close()
        watcher.close()


class _Machine:
    """The machine while a sweep has it: the lock, the ledger and its guardian."""

    def __init__(self, clock: str) -> None:
        # A sweep on a made-up clock measures nothing, and may run beside others.
        self._lock = SweepLock() if clock == REAL else None

    def __enter__(self) -> _Machine:
        if self._lock is not None:
            self._lock.acquire()
        for ledger in abandoned():
            clean_up(ledger)
        self._before = os.environ.get(LEDGER_VARIABLE)
        self._ledger = current()
        if standing(self._ledger):  # what the caller has there is not the sweep's to remove
            self._ledger = Ledger.open_new(os.getpid())
            os.environ[LEDGER_VARIABLE] = str(self._ledger.path)
        self._guardian = Guardian(self._ledger)
        return self

    def guard(self, parent: ForkParent) -> None:
        watch(self._ledger, parent.pid)

    def __exit__(self, *_: object) -> None:
        clean_up(self._ledger)
        self._guardian.dismiss()
        os.environ.pop(LEDGER_VARIABLE)
        if self._before is not None:
            os.environ[LEDGER_VARIABLE] = self._before
        if self._lock is not None:
            self._lock.release()


def _folder(wanted: Path | None) -> Path:
    """The run's folder, which must not hold a run yet. Raises: CannotRun, OSError."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = wanted or Path("results") / f"{stamp}-{platform.node() or 'host'}"
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CannotRun(f"{folder} is not empty: choose another, or --resume {folder}")
    return folder


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _header(order: Order, seed: int, found: Plan) -> Header:
    import pyperf

    collected = pyperf.Run([1.0], collect_metadata=True).get_metadata()
    return Header(
        schema=SCHEMA,
        version=VERSION,
        started=_now(),
        command=list(order.command),
        profile=order.profile.name,
        seed=seed,
        budget=order.budget,
        settings=order.profile.settings,
        machine=host.machine(),
        clock=order.clock,
        plan=found.digest(),
        metadata={
            key: value
            for key, value in collected.items()
            if isinstance(value, str | int | float) and key not in _CHANGING
        },
    )


_CHANGING = {"date", "load_avg_1min", "mem_max_rss", "runnable_threads", "uptime", "boot_time"}
