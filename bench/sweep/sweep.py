"""A sweep from start to end: reservation, plan, folder, journal, rounds."""

from __future__ import annotations

import contextlib
import secrets
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec import structs

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.decisions.promises.looks import PromisedRatio
from ipcbench.bench.decisions.promises.verdicts import promises_in
from ipcbench.bench.decisions.verdicts import contests_in
from ipcbench.bench.errors import SweepError
from ipcbench.bench.experiments.frame.schedule import Experiments
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine import host, interrupts
from ipcbench.bench.machine.fingerprint import measure
from ipcbench.bench.machine.reservation import Reservation
from ipcbench.bench.plan.entries import first_entries
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.profile import Profile
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.entries.judgements import MOST_CONTESTS, MOST_PAIRS
from ipcbench.bench.results.files import describe
from ipcbench.bench.results.journal import Journal
from ipcbench.bench.results.records import SCHEMA, Header, Reason
from ipcbench.bench.results.results import Results, load
from ipcbench.bench.results.units import human_span
from ipcbench.bench.rounds.progress import Progress
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.fitness.at_start import AtStart
from ipcbench.bench.sweep.plans.planning import planned
from ipcbench.bench.sweep.plans.unchanged import digest_of, same_plan
from ipcbench.bench.sweep.run_folder import point_to, prepare
from ipcbench.bench.sweep.schedule import Schedule
from ipcbench.bench.sweep.shared.stopping import (
    check_budget,
    constants,
    goes_on,
    now,
    resumed,
    resumes,
    stoppable,
    stopping,
)
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers.fork_parent import starting_ahead
from ipcbench.transports.base.os_errors import with_remedy
from ipcbench.transports.kernel_objects.ownership import check_way

COMMAND = "ipcbench run"
NOTHING_MEASURED = "nothing was measured, and nothing is kept; run the command again"


@dataclass(frozen=True, slots=True)
class Order:
    """The parameters of a new sweep.

    `budget` None: the profile's. `folder` None: a new one below `results/`. `experiments`: their
    names (`ipcbench.bench.experiments.frame.schedule.chosen`).
    """

    profile: Profile
    command: Sequence[str]
    budget: float | None = None
    seed: int | None = None
    folder: Path | None = None
    clock: str = REAL
    keep_disturbed: bool = False
    only: Callable[[Cell], bool] = lambda cell: True
    options: Options | None = None
    promises: Sequence[PromisedRatio] = ()
    experiments: Sequence[str] = ()


def new(order: Order, watcher: Watcher) -> Path:
    """Run a new sweep; return the folder of its journal.

    Raises: SweepError (also where the folder cannot be written), SweepInProgress.
    """
    seed = secrets.randbelow(2**32) if order.seed is None else order.seed
    interrupts.say(NOTHING_MEASURED)
    with stoppable(watcher) as stop, Reservation(exclusive=order.clock == REAL) as machine:
        checks = AtStart()
        found = planned(order.profile, order.only, order.options)
        header, contests = _header(order, seed, found), _contests(found)
        promises = measurable(order, found)
        stop.check()
        try:
            folder, made = prepare(order.folder)
            journal = _begun(folder, made, header, found, contests, promises)
        except OSError as error:
            raise SweepError(f"{describe(error)}: choose another folder with --output") from error
        interrupts.say(kept(folder))
        with contextlib.closing(journal):
            if order.clock == REAL and (found.cells or header.experiments):
                checks.tell(header.machine, watcher, keep_disturbed=header.keep_disturbed)
            if order.folder is None:
                point_to(folder.parent / "latest", folder.name, watcher)
            schedule = _schedule(
                found, contests, promises, header, journal, Progress(), watcher, machine
            )
            stop.then(schedule.stop)
            _run(schedule, folder)
    return folder


def measurable(order: Order, found: Plan) -> list[PromisedRatio]:
    """Return the promises with measured cells. Raises: SweepError if none is to be decided."""
    cells = {one.cell.id for one in found.cells}
    promises = [one for one in order.promises if {one.faster, one.than} <= cells]
    if order.promises and not promises and order.profile.settings.adaptive:
        named = {cell for one in order.promises for cell in (one.faster, one.than)}
        cell, why = next((cell.id, why) for cell, why in found.skipped if cell.id in named)
        raise SweepError(
            f"no promise can be measured: {cell}: {with_remedy(why.reason, why.remedy)}"
        )
    return promises


def resume(
    folder: Path, command: Sequence[str], watcher: Watcher, budget: float | None = None
) -> Path:
    """Continue a stopped sweep; return its folder.

    Unfinished rounds are completed, and calibrations are kept; failed cells are
    tried again in the remaining rounds.

    Args:
        budget: seconds of the whole sweep, instead of those that it had; None: the same.

    Raises: SweepError (another plan, code or machine, a budget that it cannot have), Unreadable,
    SweepInProgress, JournalLocked, OSError.
    """
    check_way(folder, chosen=True)
    folder = folder.resolve()  # `latest` may change meanwhile
    stopped = load(folder)
    if stopped.header.schema != SCHEMA:
        raise SweepError(
            f"{folder}: written with schema {stopped.header.schema} of the journal, which can "
            "be read but not resumed: start a new run"
        )
    _check_budget(stopped, budget)
    interrupts.say(kept(folder))
    exclusive = stopped.header.clock == REAL
    with stoppable(watcher) as stop, Reservation(exclusive=exclusive) as machine:
        checks = AtStart()
        found = same_plan(stopped)
        stop.check()
        if exclusive and (found.cells or stopped.header.experiments):
            checks.tell(host.machine(), watcher, keep_disturbed=stopped.header.keep_disturbed)
        with _stopping(folder):
            journal, torn = Journal.resume(folder)
        with contextlib.closing(journal):
            results = load(folder)  # again: now that no other process writes it
            progress = Progress.of(results)
            contests = contests_in(results) if results.contests else []
            promises = promises_in(results)
            header = structs.replace(results.header, budget=budget or results.budget)
            schedule = _schedule(
                found, contests, promises, header, journal, progress, watcher, machine
            )
            stop.then(schedule.stop)
            chosen = None if budget is None else schedule.choose_anew()
            why_over = partial(_why_over, folder, results)
            if goes_on(schedule.over(), results.ended, why_over, torn, watcher):
                with _stopping(folder):
                    journal.write(resumed(command, torn, budget))
                    if chosen is not None:
                        journal.write(chosen)
                _run(schedule, folder)
    return folder


def _check_budget(stopped: Results, budget: float | None) -> None:
    """Refuse a new budget that a sweep cannot have. Raises: SweepError."""
    check_budget(budget, stopped.spent, "sweep")
    if budget is not None and not stopped.header.settings.adaptive:
        raise SweepError(
            "--budget: this sweep judges its contests once, at its end, and takes no rounds "
            "beyond it: start a new run"
        )


def _begun(
    folder: Path,
    made: bool,
    header: Header,
    found: Plan,
    contests: Sequence[Contest],
    promises: Sequence[PromisedRatio],
) -> Journal:
    """Create a journal with the whole plan, or nothing. Raises: OSError."""
    try:
        return Journal.create(folder, header, *first_entries(found, contests, promises))
    except BaseException:
        if made:
            folder.rmdir()
        raise


def _contests(found: Plan) -> list[Contest]:
    """Return the contests of a plan. Raises: SweepError if they are too many for a journal."""
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    pairs = sum(len(one.first) * len(one.second) for one in contests)
    if len(contests) > MOST_CONTESTS or pairs > MOST_PAIRS:
        raise SweepError(
            f"{len(contests)} contests of {pairs} pairs of cells are more than a run may have: "
            "ask for fewer transports, sizes or placements"
        )
    return contests


def _why_over(folder: Path, results: Results, reason: Reason) -> str:
    if reason == "budget":
        spent = f"its budget of {human_span(results.budget or 0.0)} is spent; for more rounds, "
        if results.header.settings.adaptive:
            return f"{spent}give a larger one: {resumes(folder, COMMAND)} --budget TIME"
        return f"{spent}start a new run with a larger one"
    if reason == "decided":
        what = "promises" if results.promises else "contests"
        return f"each of its {what} is decided"
    if reason == "full":
        return "its journal has the largest size that can be read; for more rounds, start a new run"
    return f"all of its {len(results.rounds)} rounds are complete"


def _stopping(folder: Path) -> contextlib.AbstractContextManager[None]:
    return stopping(folder, "sweep", COMMAND)


def _schedule(
    found: Plan,
    contests: Sequence[Contest],
    promises: Sequence[PromisedRatio],
    header: Header,
    journal: Journal,
    progress: Progress,
    watcher: Watcher,
    machine: Reservation,
) -> Schedule:
    return Schedule(
        found.cells,
        header.settings,
        header.seed,
        journal.write,
        watcher,
        contests=contests,
        promises=promises,
        budget=header.budget,
        clock=header.clock,
        keep_disturbed=header.keep_disturbed,
        progress=progress,
        watch=machine.watch,
        full=journal.full,
        experiments=Experiments(
            [name for name in header.experiments if name not in progress.observed],
            journal.write,
            watcher.note,
            clock=header.clock,
            watch=machine.watch,
        ),
    )


def kept(folder: Path) -> str:
    """Say what a stopped sweep has kept, and how to go on."""
    return (
        f"the measurements are kept; continue: {resumes(folder, COMMAND)}; or write the "
        f"page: ipcbench report {shlex.quote(str(folder))}"
    )


def _run(schedule: Schedule, folder: Path) -> None:
    """Run a schedule until it ends or is stopped. Raises: SweepError."""
    with _stopping(folder), starting_ahead():
        schedule.run()


def _header(order: Order, seed: int, found: Plan) -> Header:
    machine = host.machine()
    return Header(
        schema=SCHEMA,
        version=VERSION,
        started=now(),
        command=list(order.command),
        profile=order.profile.name,
        seed=seed,
        budget=order.profile.budget if order.budget is None else order.budget,
        settings=order.profile.settings,
        machine=machine,
        clock=order.clock,
        plan=found.digest(),
        planned=len(found.cells) + len(found.skipped),
        code=digest_of(found),
        metadata=constants(),
        left_out=list(order.profile.left_out),
        keep_disturbed=order.keep_disturbed,
        experiments=list(order.experiments),
        fingerprint=measure(machine, order.clock),
    )
