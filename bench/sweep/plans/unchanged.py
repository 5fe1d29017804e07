"""Comparison of a stopped sweep with the present plan, code and machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from ipcbench.bench.errors import SweepError
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.loops.clock import FAKE, NOISY, REAL
from ipcbench.bench.machine import host
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.planner import Plan, plan
from ipcbench.bench.results.axes import PLACEMENTS, RUNTIMES, unknown
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.slowdowns import DECISIVE
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.sweep import code_digest
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.version import VERSION

_NEW = {"sweep": "run"}  # the word for it in a command


class Planned(Protocol):
    """The header of a journal, as far as it says what was planned."""

    version: str
    code: str
    machine: MachineInfo
    plan: str
    clock: str


def _known(work: str, clock: str, cells: Sequence[Cell], experiments: Collection[str]) -> None:
    """Check that the names in a journal exist in this version. Raises: SweepError."""
    for what, names, known in (
        ("clock", {clock}, (REAL, FAKE, NOISY)),
        ("pattern", {cell.pattern for cell in cells}, PATTERNS),
        ("placement", {cell.placement for cell in cells}, PLACEMENTS),
        ("runtime", {cell.runtime for cell in cells}, RUNTIMES),
        ("experiment", {*experiments}, EXPERIMENTS),
    ):
        if strange := sorted(names - set(known)):
            raise SweepError(
                f"this {work} cannot be resumed here: {unknown(what, strange[0], known)}"
            )


def same_plan(results: Results) -> Plan:
    """Plan a stopped sweep again; the plan must not have changed. Raises: SweepError."""
    header = results.header
    if len(results.cells) < header.planned:
        raise SweepError("this sweep was stopped before its plan was complete: start a new run")
    cells = [result.cell for result in results.cells.values() if result.skipped is None]
    return planned_again(header, cells, "sweep", experiments=header.experiments)


def planned_again(
    header: Planned,
    cells: Sequence[Cell],
    work: str,
    more: Iterable[tuple[str, str, str]] = (),
    experiments: Collection[str] = (),
) -> Plan:
    """Plan these cells again; nothing may have changed. Raises: SweepError.

    Args:
        header: says what was planned.
        cells: those that are measured.
        work: the word for it: "sweep".
        more: what must not have changed besides: its name, as it was, as it is.
        experiments: those of a sweep.
    """
    _known(work, header.clock, cells, experiments)
    found, here = plan(cells, candidate, site()), host.machine()
    differences = [
        f"{what} was {then}, is {now}"
        for what, then, now in (
            ("the version", header.version, VERSION),
            ("the code", header.code, digest_of(found)),
            ("the machine", header.machine.identity, here.identity),
            ("the host", header.machine.hostname, here.hostname),
            ("the plan", header.plan, found.digest()),
            *_settings(header.machine, here),
            *more,
        )
        if then != now
    ]
    if differences:
        raise SweepError(
            f"this {work} cannot be resumed here: {'; '.join(differences)}: start a new "
            f"{_NEW.get(work, work)}, or undo the change"
        )
    return found


def _settings(before: MachineInfo, here: MachineInfo) -> Iterator[tuple[str, str, str]]:
    """Yield the settings that decide what a call costs, as they were and as they are."""
    for name in DECISIVE:
        then, now = before.settings.get(name, ""), here.settings.get(name, "")
        yield name, one_line(then or "not set"), now or "not set"


def digest_of(found: Plan) -> str:
    """Return the digest of the code that measures this plan."""
    return code_digest.digest({one.cell.transport for one in found.cells})
