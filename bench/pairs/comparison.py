"""A comparison of two arms from start to end: reservation, arms, plan, folder, journal, pairs."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from msgspec import structs

from ipcbench.bench.arms.arm import Arm
from ipcbench.bench.arms.examination import playable
from ipcbench.bench.arms.preparing import prepare as prepare_arms
from ipcbench.bench.decisions.gate.sequential import Rule
from ipcbench.bench.errors import SweepError
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.machine import host, interrupts
from ipcbench.bench.machine.fingerprint import measure
from ipcbench.bench.machine.reservation import Reservation
from ipcbench.bench.pairs.players import program_of
from ipcbench.bench.pairs.progress import PairProgress
from ipcbench.bench.pairs.schedule import Delay, Ends, PairSchedule
from ipcbench.bench.pairs.work import Work, kept, work_of
from ipcbench.bench.plan.entries import skipped
from ipcbench.bench.plan.planner import Plan, PlannedCell
from ipcbench.bench.results.comparison.comparison import Comparison, load
from ipcbench.bench.results.comparison.records import (
    BASE,
    HEAD,
    SCHEMA,
    AnyComparisonEntry,
    ArmEntry,
    ArmName,
    ComparisonHeader,
    GatedCell,
)
from ipcbench.bench.results.files import describe
from ipcbench.bench.results.journal import COMPARISON, Journal
from ipcbench.bench.results.records import Reason, Settings
from ipcbench.bench.results.units import human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.sweep.display import Watcher
from ipcbench.bench.sweep.fitness.at_start import AtStart
from ipcbench.bench.sweep.plans.unchanged import digest_of, planned_again
from ipcbench.bench.sweep.run_folder import prepare
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
from ipcbench.bench.sweep.sweep import NOTHING_MEASURED
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers.fork_parent import starting_ahead
from ipcbench.transports.base.os_errors import with_remedy
from ipcbench.transports.kernel_objects.ownership import check_way

BUDGET = 180.0  # seconds
DELTA = 0.05
LONGEST = 2000  # characters of a text about an arm


@dataclass(frozen=True, slots=True)
class Terms:
    """The question about a cell: is head slower by `delta`? `promises`: those that ask it."""

    delta: float = DELTA
    promises: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """The parameters of a new comparison.

    Attributes:
        base: what it is compared with, as it is typed.
        head: the arm that is judged.
        plan: plans the cells.
        settings: those of the profile.
        command: the command line.
        delta: of the cells without terms of their own.
        terms: cell -> its own.
        thresholds: the file of promises that has them; "" where there is none.
        budget: seconds; None: no limit.
        pairs: so many of each cell, whatever the verdicts; 0: until all have one.
        seed: None: a random one.
        folder: None: a new one below `results/`.
        clock: any other than the real one has made-up times.
        keep_disturbed: runs count whatever disturbs them.
        slowed: cell -> share by which the head arm is slowed on purpose.
        delay: finds the delay of such a cell.
    """

    base: str
    head: str
    plan: Callable[[], Plan]
    settings: Settings
    command: Sequence[str]
    delta: float = DELTA
    terms: Mapping[str, Terms] = field(default_factory=dict)
    thresholds: str = ""
    budget: float | None = BUDGET
    pairs: int = 0
    seed: int | None = None
    folder: Path | None = None
    clock: str = REAL
    keep_disturbed: bool = False
    slowed: Mapping[str, float] = field(default_factory=dict)
    delay: Callable[[PlannedCell, float, float], tuple[int, float]] | None = None

    def terms_of(self, cell: str) -> Terms:
        """Return the terms of a cell."""
        return self.terms.get(cell, Terms(self.delta))


def new(order: Order, watcher: Watcher) -> Path:
    """Run a new comparison; return the folder of its journal.

    Raises: ArmError, SweepError (also where the folder cannot be written), SweepInProgress.
    """
    seed = secrets.randbelow(2**32) if order.seed is None else order.seed
    if order.delay is None:  # else what was measured before is a part of the same work
        interrupts.say(NOTHING_MEASURED)
    real = order.clock == REAL
    with Reservation(exclusive=real) as machine:
        # A signal ends it at once.
        arms = prepare_arms(order.base, order.head, watcher.note, machine.watch)
        with stoppable(watcher) as stop:
            checks = AtStart()
            found = playable(order.plan(), arms)
            check_measurable(found)
            header = _header(order, seed, found, arms)
            stop.check()
            folder, journal = _begun(order, header, found)
            work = work_of(folder, header.selftest)
            interrupts.say(kept(work))
            with contextlib.closing(journal):
                if real:
                    checks.tell(header.machine, watcher, keep_disturbed=header.keep_disturbed)
                rules = rules_of({one.cell.id: order.terms_of(one.cell.id) for one in found.cells})
                schedule = _schedule(
                    found,
                    header,
                    journal,
                    PairProgress.new(rules),
                    watcher,
                    machine,
                    arms,
                    _delay(order.slowed, order.delay),
                )
                stop.then(schedule.stop)
                _run(schedule, work)
    return folder


def resume(
    folder: Path,
    command: Sequence[str],
    watcher: Watcher,
    delay: Callable[[PlannedCell, float, float], tuple[int, float]] | None = None,
    budget: float | None = None,
) -> Path:
    """Continue a stopped comparison; return its folder. Cells that failed are tried again.

    Args:
        budget: seconds of the whole comparison, instead of those that it had; None: the same.

    Raises: ArmError, SweepError (other arms, another plan, code or machine, a budget that is
    spent), Unreadable, SweepInProgress, JournalLocked, OSError.
    """
    check_way(folder, chosen=True)
    folder = folder.resolve()
    stopped = load(folder)
    work = work_of(folder, stopped.header.selftest)
    if delay is None and stopped.header.selftest:
        raise SweepError(
            "this comparison is a run of a selftest, which knows how its cells are slowed: "
            f"continue that: {resumes(work.folder, work.command)}"
        )
    check_budget(budget, stopped.spent, "comparison")
    interrupts.say(kept(work))
    real = stopped.header.clock == REAL
    with Reservation(exclusive=real) as machine:
        base, head = (arm.spec for arm in stopped.header.arms)
        arms = prepare_arms(base, head, watcher.note, machine.watch)
        with stoppable(watcher) as stop:
            checks = AtStart()
            found = _same_plan(stopped, arms)
            stop.check()
            if real:
                checks.tell(host.machine(), watcher, keep_disturbed=stopped.header.keep_disturbed)
            with stopping(*work):
                journal, torn = Journal.resume(folder, COMPARISON)
            with contextlib.closing(journal):
                comparison = load(folder)  # again: now that no other process writes it
                progress = PairProgress.of(comparison, rules_in(comparison))
                slowed = {one.cell.id: one.slow_down for one in comparison.measured}
                header = comparison.header
                schedule = _schedule(
                    found,
                    structs.replace(header, budget=budget or comparison.budget),
                    journal,
                    progress,
                    watcher,
                    machine,
                    arms,
                    _delay(slowed, delay),
                )
                stop.then(schedule.stop)
                why_over = partial(_why_over, work, comparison)
                if goes_on(schedule.over(), comparison.ended, why_over, torn, watcher):
                    with stopping(*work):
                        journal.write(resumed(command, torn, budget))
                    _run(schedule, work)
    return folder


def _why_over(work: Work, comparison: Comparison, reason: Reason) -> str:
    if reason == "budget":
        spent = f"its budget of {human_span(comparison.budget or 0.0)} is spent"
        if comparison.header.selftest:  # whose runs all have the same
            return spent
        again = f"{resumes(work.folder, work.command)} --budget TIME"
        return f"{spent}; for more pairs, give a larger one: {again}"
    if reason == "full":
        return "its journal has as much as can be read; start a new comparison"
    return "each of its cells has its pairs" if comparison.header.pairs else "each cell is decided"


def rules_of(terms: Mapping[str, Terms]) -> dict[str, Rule]:
    """Return the rules of the tests of cells that are judged together."""
    return {cell: Rule(cells=len(terms), delta=one.delta) for cell, one in terms.items()}


def rules_in(comparison: Comparison) -> dict[str, Rule]:
    """Return the rules of the tests of a comparison's cells."""
    return rules_of({one.cell.id: Terms(one.delta) for one in comparison.measured})


def _delay(
    slowed: Mapping[str, float],
    delay: Callable[[PlannedCell, float, float], tuple[int, float]] | None,
) -> Delay:
    """Return the delay of the head arm in each cell; none where it is not slowed."""

    def found(planned: PlannedCell, unit: float) -> tuple[int, float]:
        share = slowed.get(planned.cell.id, 0.0)
        return (0, 0.0) if delay is None or not share else delay(planned, unit, share)

    return found


def check_measurable(found: Plan) -> None:
    """Refuse a plan whose cells are all skipped. Raises: SweepError."""
    if not found.cells:
        why = found.skipped[0][1]
        raise SweepError(f"no cell can be compared: {with_remedy(why.reason, why.remedy)}")


def _begun(order: Order, header: ComparisonHeader, found: Plan) -> tuple[Path, Journal]:
    """Create the folder, and a journal with the whole plan, or nothing. Raises: SweepError."""
    try:
        folder, made = prepare(order.folder, COMPARISON)
        try:
            entries = _entries(order, found)
            return folder, Journal.create(folder, header, *entries, kind=COMPARISON)
        except BaseException:
            if made:
                folder.rmdir()
            raise
    except OSError as error:
        raise SweepError(f"{describe(error)}: choose another folder with --output") from error


def _entries(order: Order, found: Plan) -> Iterator[AnyComparisonEntry]:
    """Yield the entries that follow the header: the plan."""
    for one in found.cells:
        terms = order.terms_of(one.cell.id)
        yield GatedCell(
            cell=one.cell,
            facts=one.facts,
            delta=terms.delta,
            promises=list(terms.promises),
            cpus=one.cpus,
            slow_down=order.slowed.get(one.cell.id, 0.0),
        )
    yield from (skipped(cell, why) for cell, why in found.skipped)


def _header(order: Order, seed: int, found: Plan, arms: Sequence[Arm]) -> ComparisonHeader:
    machine = host.machine()
    base, head = arms
    return ComparisonHeader(
        schema=SCHEMA,
        version=VERSION,
        started=now(),
        command=list(order.command),
        seed=seed,
        budget=order.budget,
        delta=order.delta,
        # Single times and the mini-rounds of a sweep have no use here.
        settings=structs.replace(order.settings, stamps=0, adaptive=False, watch=0.0),
        machine=machine,
        fingerprint=measure(machine, order.clock),
        arms=[_entry(BASE, base), _entry(HEAD, head)],
        clock=order.clock,
        plan=found.digest(),
        planned=len(found.cells) + len(found.skipped),
        code=digest_of(found),
        metadata=constants(),
        keep_disturbed=order.keep_disturbed,
        pairs=order.pairs,
        thresholds=order.thresholds,
        selftest=order.delay is not None,
    )


def _entry(name: ArmName, arm: Arm) -> ArmEntry:
    return ArmEntry(
        name=name,
        spec=arm.spec,
        described=one_line(arm.described, LONGEST),
        digest=arm.digest,
        version=arm.version,
        python=one_line(arm.python, LONGEST),
        protocol=arm.protocol,
    )


def _same_plan(stopped: Comparison, arms: Sequence[Arm]) -> Plan:
    """Plan a stopped comparison again; nothing may have changed. Raises: SweepError."""
    header = stopped.header
    cells = [one.cell for one in stopped.measured]
    changed = [
        (f"the {then.name} arm", one_line(then.described, 200), _other(then, arm))
        for then, arm in zip(header.arms, arms, strict=True)
        if then.digest != arm.digest
    ]
    return planned_again(header, cells, "comparison", changed)


def _other(then: ArmEntry, arm: Arm) -> str:
    """Describe an arm that is not what it was, perhaps by the same words."""
    described = one_line(arm.described, 200)
    return described if arm.described != then.described else f"{described} with other files"


def _schedule(
    found: Plan,
    header: ComparisonHeader,
    journal: Journal,
    progress: PairProgress,
    watcher: Watcher,
    machine: Reservation,
    arms: Sequence[Arm],
    delay: Delay,
) -> PairSchedule:
    base, head = map(program_of, arms)
    return PairSchedule(
        found.cells,
        header.settings,
        header.seed,
        journal.write,
        watcher,
        programs={BASE: base, HEAD: head},
        progress=progress,
        ends=Ends(header.budget, header.pairs),
        clock=header.clock,
        keep_disturbed=header.keep_disturbed,
        watch=machine.watch,
        full=journal.full,
        delay=delay,
    )


def _run(schedule: PairSchedule, work: Work) -> None:
    """Run a schedule until it ends or is stopped. Raises: SweepError."""
    with stopping(*work), starting_ahead(2):
        schedule.run()
