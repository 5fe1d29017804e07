"""Cases that a run has not measured, with the command that measures each."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.axes import (
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    HOT,
    NATIVE,
    PLACEMENTS,
    PYTHON,
    RUNTIMES,
    SAME_CORE,
)
from ipcbench.bench.results.pace import CLOSED
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.units import format_size
from ipcbench.reports.model import rank
from ipcbench.reports.names import language, place
from ipcbench.reports.verdicts.cases.case import CASES, CLIENTS, Case
from ipcbench.reports.verdicts.cases.recommend import Recommendation

MANY_CLIENTS = 50


@dataclass(frozen=True, slots=True)
class Missing:
    """A case without an answer in a language and a placement.

    Attributes:
        reason: why it cannot have one; "" where it was not measured.
        command: the command that measures it; "" where none can.
        nearest: the answer of another placement or language; None where there is none.
    """

    case: Case
    runtime: str
    placement: str
    reason: str
    command: str
    nearest: Recommendation | None

    @property
    def text(self) -> str:
        """Say what is missing, as far as the nearest answer differs, and why."""
        one = self.nearest
        parts = (
            language(self.runtime) if one is None or one.runtime != self.runtime else "",
            place(self.placement) if one is None or one.placement != self.placement else "",
        )
        what = ", ".join(filter(None, parts))
        return f"not for {what}: {self.reason}" if self.reason else f"not measured: {what}"


def languages(results: Results) -> list[str]:
    """Return the runtimes that a run measures; Python, where it measures nothing."""
    found = {one.cell.runtime for one in results.cells.values() if one.skipped is None}
    return sorted(found, key=lambda one: rank(RUNTIMES, one)) or [PYTHON]


def placements(results: Results) -> list[str]:
    """Return the placements that a run measures."""
    found = {one.cell.placement for one in results.cells.values() if one.skipped is None}
    return sorted(found, key=lambda one: rank(PLACEMENTS, one)) or [CROSS_CORE_AWAKE]


def missing(results: Results, found: Sequence[Recommendation]) -> list[Missing]:
    """Return the main cases without an answer, in each language and placement of a run."""
    has = {(one.case.id, one.runtime, one.placement) for one in found}
    return [
        _missing(results, case, runtime, placement, found)
        for case in CASES
        if case.main
        for runtime in languages(results)
        for placement in placements(results)
        if (case.id, runtime, placement) not in has
    ]


def absent(results: Results, found: Sequence[Recommendation], usual: str) -> list[Missing]:
    """Return the main cases of which a run has no answer at all, each with one command.

    Args:
        results: the run.
        found: its answers.
        usual: the placement of the commands, where a case can have it.
    """
    has = {one.case.id for one in found}
    made = []
    for case in (one for one in CASES if one.main and one.id not in has):
        able = [one for one in languages(results) if one in case.runtimes] or case.runtimes
        where = CROSS_CORE if case.needs_apart(usual) else usual
        made.append(_missing(results, case, able[0], where, found))
    return made


def _missing(
    results: Results, case: Case, runtime: str, placement: str, found: Sequence[Recommendation]
) -> Missing:
    reason = _impossible(case, runtime, placement) or _skipped(results, case, runtime, placement)
    return Missing(
        case=case,
        runtime=runtime,
        placement=placement,
        reason=reason,
        command="" if reason else command(case, runtime, placement),
        nearest=_nearest(case, runtime, placement, found),
    )


def _impossible(case: Case, runtime: str, placement: str) -> str:
    if runtime not in case.runtimes:
        return f"it is a question of {' and '.join(map(language, case.runtimes))}"
    if case.needs_apart(placement):
        return "each process needs a core of its own"
    return ""


def _skipped(results: Results, case: Case, runtime: str, placement: str) -> str:
    """Return the reason why the machine has skipped the cells of a case; "" if there is none."""
    here = [
        one
        for one in results.cells.values()
        if (one.cell.pattern, one.cell.runtime) == (case.order.pattern, runtime)
        if one.cell.placement == placement
    ]
    reasons = [one.skipped.reason for one in here if one.skipped is not None]
    return reasons[0] if reasons and len(reasons) == len(here) else ""


def _nearest(
    case: Case, runtime: str, placement: str, found: Iterable[Recommendation]
) -> Recommendation | None:
    """Return the answer of another placement, else of another language; one with a headline."""
    own = [one for one in found if one.key == case.id and one.members]
    apart = placement != SAME_CORE
    return min(
        own,
        key=lambda one: (
            one.runtime != runtime,
            one.placement != placement,
            (one.placement != SAME_CORE) != apart,
            bool(one.spin),
            abs(one.size - (case.order.size or 0)),
            -one.processes if case.many else one.processes,
        ),
        default=None,
    )


def command(case: Case, runtime: str, placement: str, processes: int = 0) -> str:
    """Write the command that measures a case in a language and a placement.

    Args:
        case: the case.
        runtime: the language.
        placement: the placement.
        processes: their number; 0: the usual one of the case.
    """
    return shlex.join(_words(case, runtime, placement, processes or case.order.processes))


def _words(case: Case, runtime: str, placement: str, processes: int) -> Iterator[str]:
    order = case.order
    native = order.native if runtime == NATIVE else ()
    yield from ("ipcbench", "run", *(native or order.transports), "--pattern", order.pattern)
    if order.size:
        yield from ("-s", format_size(order.size))
    if processes:
        yield from ("-P", str(processes))
    yield from ("--placement", placement, "--runtime", runtime)
    for wait in order.waits:
        yield from ("--wait", wait)
    if order.payload != HOT:
        yield from ("--payload", order.payload)
    if order.pace != CLOSED:
        yield from ("--pace", order.pace)


def further(one: Recommendation) -> tuple[str, str]:
    """Return what an answer leaves open, and the command that measures it; both "" for nothing."""
    if one.room is not None and not one.case.needs_apart(one.placement):
        return "its latency at that rate", command(one.case, one.runtime, one.placement)
    if one.key == CLIENTS.id and one.processes <= MANY_CLIENTS:
        wanted = command(one.case, one.runtime, one.placement, MANY_CLIENTS + 1)
        return f"{MANY_CLIENTS} clients", wanted
    return "", ""
