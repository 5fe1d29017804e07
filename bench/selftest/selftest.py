"""A selftest from start to end: plan, folder, delays, runs of the gate."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.errors import SweepError
from ipcbench.bench.loops.clock import FAKE, NOISY, REAL
from ipcbench.bench.machine import host, interrupts
from ipcbench.bench.machine.fingerprint import measure
from ipcbench.bench.machine.reservation import Reservation
from ipcbench.bench.pairs import comparison
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.planner import Plan, PlannedCell
from ipcbench.bench.results.comparison.comparison import Comparison
from ipcbench.bench.results.comparison.comparison import load as load_comparison
from ipcbench.bench.results.files import describe, make_folder
from ipcbench.bench.results.journal import Journal, Unreadable
from ipcbench.bench.results.records import Ended, Reason, Settings
from ipcbench.bench.selftest.delays import Delays, wishes_of
from ipcbench.bench.selftest.design import designs
from ipcbench.bench.selftest.judging import GateRun
from ipcbench.bench.selftest.prefixed import Prefixed
from ipcbench.bench.selftest.records import (
    MOST_RUNS,
    SCHEMA,
    SELFTEST,
    Played,
    Selftest,
    SelftestHeader,
    load,
)
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.run_folder import prepare
from ipcbench.bench.sweep.shared.stopping import now, resumed, resumes, stoppable, stopping
from ipcbench.bench.version import VERSION
from ipcbench.transports.kernel_objects.ownership import check_way

COMMAND = "ipcbench selftest"
RUNS = "runs"  # the folder of the runs of the gate
BUDGET = 600.0  # seconds of a selftest without a number of runs
OVER = ("decided", "complete", "budget", "full")  # reasons of the end of a run that is over


@dataclass(frozen=True, slots=True)
class Order:
    """The parameters of a new selftest.

    Attributes:
        plan: plans the cells.
        profile: the name of the profile.
        options: those of the command line that choose cells.
        settings: those of the profile.
        command: the command line.
        runs: runs of the gate; 0: as many as the budget bears, and one at least.
        budget: seconds after which no further run begins; None: no limit.
        each: seconds of a run of the gate, at most.
        seed: None: a random one.
        folder: None: a new one below `results/`.
        clock: any other than the real one has made-up times.
        keep_disturbed: runs count whatever disturbs them.
    """

    plan: Callable[[], Plan]
    profile: str
    options: Options
    settings: Settings
    command: Sequence[str]
    runs: int = 0
    budget: float | None = None
    each: float = comparison.BUDGET
    seed: int | None = None
    folder: Path | None = None
    clock: str = REAL
    keep_disturbed: bool = False


Watchers = Callable[[], Watcher]


def new(order: Order, watchers: Watchers) -> Path:
    """Run a new selftest; return its folder.

    Raises: SweepError (also where there are too few cells), SweepInProgress, ArmError.
    """
    found = order.plan()
    header = _header(order, found)
    designs([one.cell.id for one in found.cells], 1, header.seed)  # are there enough cells?
    try:
        folder, made = prepare(order.folder, SELFTEST)
        try:
            journal = Journal.create(folder, header, kind=SELFTEST)
        except BaseException:
            if made:
                folder.rmdir()
            raise
    except OSError as error:
        raise SweepError(f"{describe(error)}: choose another folder with --output") from error
    interrupts.say(kept(folder))
    with contextlib.closing(journal), stopping(folder, "selftest", COMMAND):
        _Runs(folder, journal, Selftest(header), found, order.settings, watchers).play()
    return folder


def resume(
    folder: Path,
    command: Sequence[str],
    planned: Callable[[SelftestHeader], Planned],
    watchers: Watchers,
) -> Path:
    """Continue a stopped selftest; return its folder.

    Args:
        folder: that of the selftest.
        command: the command line.
        planned: plans the cells of a header again.
        watchers: makes the watcher of each part.

    Raises: SweepError (another plan), Unreadable, JournalLocked, OSError, and as `new`.
    """
    check_way(folder, chosen=True)
    folder = folder.resolve()
    again = planned(load(folder).header)
    journal, torn = Journal.resume(folder, SELFTEST)
    with contextlib.closing(journal), stopping(folder, "selftest", COMMAND):
        stopped = load(folder)  # again: now that no other process writes it
        _check_same(stopped.header, again.plan)
        interrupts.say(kept(folder))
        entry = resumed(command, torn)
        journal.write(entry)
        stopped.take(entry)
        _Runs(folder, journal, stopped, again.plan, again.settings, watchers).play()
    return folder


def _check_same(header: SelftestHeader, found: Plan) -> None:
    """Check that a selftest goes on as it began: its result is of one gate. Raises: SweepError."""
    if header.clock not in (REAL, FAKE, NOISY):
        raise SweepError("this selftest cannot be resumed here: its clock is unknown")
    here = host.machine()
    for then, now_, what in (
        (header.version, VERSION, f"it is of ipcbench {header.version}, this is {VERSION}"),
        (header.machine.identity, here.identity, "it is of another machine"),
        (header.machine.hostname, here.hostname, "it is of another host"),
        (header.plan, found.digest(), "its cells would be others"),
    ):
        if then != now_:
            raise SweepError(f"this selftest cannot be resumed here: {what}: start a new one")


@dataclass(frozen=True, slots=True)
class Planned:
    """The cells of a selftest that is resumed, and the settings of its profile."""

    plan: Plan
    settings: Settings


def kept(folder: Path) -> str:
    """Say what a stopped selftest has kept, and how to go on."""
    return f"the measurements are kept; continue: {resumes(folder, COMMAND)}"


def _header(order: Order, found: Plan) -> SelftestHeader:
    machine = host.machine()
    return SelftestHeader(
        schema=SCHEMA,
        version=VERSION,
        started=now(),
        command=list(order.command),
        seed=secrets.randbelow(2**32) if order.seed is None else order.seed,
        runs=order.runs,
        budget=order.budget,
        each=order.each,
        profile=order.profile,
        options=order.options,
        delta=comparison.DELTA,
        clock=order.clock,
        keep_disturbed=order.keep_disturbed,
        machine=machine,
        fingerprint=measure(machine, order.clock),
        plan=found.digest(),
    )


class _Runs:
    """The runs of a selftest, one after the other."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        state: Selftest,
        plan: Plan,
        settings: Settings,
        watchers: Watchers,
    ) -> None:
        self._folder, self._journal, self._state = folder, journal, state
        self._plan, self._settings, self._watchers = plan, settings, watchers
        header = state.header
        names = [one.cell.id for one in plan.cells]
        self._designs = designs(names, header.runs or MOST_RUNS, header.seed)
        self._began = time.monotonic() - state.spent
        self._last = 0.0  # seconds of the last run

    def play(self) -> None:
        """Play the runs that are left, and write the end."""
        reason: Reason = "interrupted"
        try:
            reason = self._play()
        finally:
            self._journal.write(Ended(reason=reason, wall=self._spent()))

    def _play(self) -> Reason:
        header = self._state.header
        number = self._state.played + 1
        while number <= (header.runs or MOST_RUNS):
            if number > 1 and self._is_spent():
                return "budget"
            delays = self._measured(number)
            if delays is None or not self._play_one(number, delays):
                return "interrupted"
            entry = Played(run=number, at=self._spent())
            self._journal.write(entry)
            self._last = entry.at - self._state.spent
            self._state.take(entry)
            number += 1
        return "complete"

    def _is_spent(self) -> bool:
        budget = self._state.header.budget
        return budget is not None and self._spent() + self._last > budget

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _measured(self, number: int) -> Delays | None:
        """Measure the delays that are needed: of all runs, or of the next one; None: stopped."""
        header = self._state.header
        stops: list[bool] = []
        with contextlib.ExitStack() as stack:
            chosen = self._designs if header.runs else [self._designs[number - 1]]
            wishes = wishes_of(self._plan.cells, chosen)
            delays = Delays(
                self._state.delays,
                self._state.undelayed,
                self._settings,
                header.clock,
                self._journal.write,
                watcher := self._watchers(),
                lambda: bool(stops),
            )
            if delays.is_complete(wishes):
                watcher.close()
                return delays
            machine = stack.enter_context(Reservation(exclusive=header.clock == REAL))
            stop = stack.enter_context(stoppable(watcher))
            stop.then(lambda: stops.append(True))
            delays.measure(wishes, machine.watch)
        return None if stops else delays

    def _play_one(self, number: int, delays: Delays) -> bool:
        """Play a run of the gate, or what is left of it; return False where it was stopped."""
        folder = self._folder / RUNS / f"{number:03}"
        watcher = Prefixed(self._watchers(), self._name_of(number))
        if not self._can_continue(folder):
            if folder.exists():
                shutil.rmtree(folder)
            make_folder(folder.parent)
            comparison.new(self._order(number, folder, delays), watcher)
        elif _ended(load_comparison(folder)):
            watcher.close()
        else:
            comparison.resume(folder, self._state.header.command, watcher, _lookup(delays))
        return _ended(load_comparison(folder))

    def _name_of(self, number: int) -> str:
        runs = self._state.header.runs
        return f"run {number} of {runs}" if runs else f"run {number}"

    def _can_continue(self, folder: Path) -> bool:
        """Tell whether a run was begun with its whole plan."""
        try:
            load_comparison(folder)
        except (Unreadable, OSError):
            return False
        return True

    def _order(self, number: int, folder: Path, delays: Delays) -> comparison.Order:
        header = self._state.header
        design = self._designs[number - 1]
        slowed = {cell: asked for cell, asked in design.items() if delays.found(cell, asked)[0]}
        return comparison.Order(
            base="here",
            head="here",
            plan=lambda: self._plan,
            settings=self._settings,
            command=header.command,
            delta=header.delta,
            budget=header.each,
            seed=(header.seed + number) % 2**32,
            folder=folder,
            clock=header.clock,
            keep_disturbed=header.keep_disturbed,
            slowed=slowed,
            delay=_lookup(delays),
        )


def _lookup(delays: Delays) -> Callable[[PlannedCell, float, float], tuple[int, float]]:
    return lambda planned, unit, asked: delays.found(planned.cell.id, asked)


def _ended(found: Comparison) -> bool:
    return found.ended is not None and found.ended.reason in OVER


def runs_of(folder: Path) -> list[GateRun]:
    """Return the runs of the gate that are over. Raises: Unreadable, OSError."""
    found = []
    for number in range(1, load(folder).played + 1):
        one = load_comparison(folder / RUNS / f"{number:03}")
        found.append(GateRun(number, one))
    return found
