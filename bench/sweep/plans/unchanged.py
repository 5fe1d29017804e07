"""Comparison of a stopped sweep with the present plan, code and machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ipcbench.bench.errors import SweepError
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.loops.clock import FAKE, NOISY, REAL
from ipcbench.bench.machine import host
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.planner import Plan, plan
from ipcbench.bench.results.axes import PLACEMENTS, RUNTIMES, unknown
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.records import Header
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.slowdowns import DECISIVE
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.sweep import code_digest
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.version import VERSION


def _known(header: Header, cells: Sequence[Cell]) -> None:
    """Check that the names in a journal exist in this version. Raises: SweepError."""
    for what, names, known in (
        ("clock", {header.clock}, (REAL, FAKE, NOISY)),
        ("pattern", {cell.pattern for cell in cells}, PATTERNS),
        ("placement", {cell.placement for cell in cells}, PLACEMENTS),
        ("runtime", {cell.runtime for cell in cells}, RUNTIMES),
        ("experiment", {*header.experiments}, EXPERIMENTS),
    ):
        if strange := sorted(names - set(known)):
            raise SweepError(
                f"this sweep cannot be resumed here: {unknown(what, strange[0], known)}"
            )


def same_plan(results: Results) -> Plan:
    """Plan a stopped sweep again; the plan must not have changed. Raises: SweepError."""
    header, here = results.header, host.machine()
    if len(results.cells) < header.planned:
        raise SweepError("this sweep was stopped before its plan was complete: start a new run")
    cells = [result.cell for result in results.cells.values() if result.skipped is None]
    _known(header, cells)
    found = plan(cells, candidate, site())
    differences = [
        f"{what} was {then}, is {now}"
        for what, then, now in (
            ("the version", header.version, VERSION),
            ("the code", header.code, digest_of(found)),
            ("the machine", header.machine.identity, here.identity),
            ("the host", header.machine.hostname, here.hostname),
            ("the plan", header.plan, found.digest()),
            *_settings(header.machine, here),
        )
        if then != now
    ]
    if differences:
        raise SweepError(
            f"this sweep cannot be resumed here: {'; '.join(differences)}: start a new run, or "
            "undo the change"
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
