"""Trust in a run: by placement, from its controls and from what disturbed it.

Each finding is a sentence with a severity. A verdict on a placement needs a run that may be
trusted there: `Trust.trusted`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.records import Run
from ipcbench.bench.results.results import Results, Status
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.results.slowdowns import slowdowns
from ipcbench.bench.results.units import human_share, human_span
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.model import Measured
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.controls import FOUND, Control, Controls
from ipcbench.reports.verdicts.disturbances import about_disturbances
from ipcbench.reports.verdicts.finding import SHARE_TO_NOTE, Finding, many, named
from ipcbench.reports.verdicts.mini_rounds import about_mini_rounds
from ipcbench.reports.verdicts.places import PlaceTrust, places

LONGEST = 120  # characters of a setting in a finding


@dataclass(frozen=True, slots=True)
class Trust:
    """An assessment of a run: the highest severity, a headline, and the findings.

    `general`: the highest severity of the findings that are about no placement.
    """

    severity: Severity
    headline: str
    controls: list[Control]
    findings: list[Finding]
    rounds: int  # of the cell that has most
    places: list[PlaceTrust]
    general: Severity

    @property
    def reasons(self) -> list[str]:
        """The one or two findings behind the headline."""
        grave = [one.text for one in self.findings if one.severity >= Severity.WARNING]
        return (grave or [one.text for one in self.findings if one.severity is Severity.OK])[:2]

    @property
    def explained(self) -> str:
        """The headline with its reasons, as one line."""
        because = "; ".join(f"{one[:1].lower()}{one[1:]}".rstrip(".") for one in self.reasons)
        if not self.headline.endswith(":"):
            because = f"{because[:1].upper()}{because[1:]}"
        return f"{self.headline.removesuffix(':')} {because}."

    @property
    def summary(self) -> list[str]:
        """The lines on all placements, and the worst finding beside them."""
        lines = [sentence(one.text) for one in self.places]
        grave = [one.text for one in self.findings if one.severity >= Severity.WARNING]
        return lines + [text for text in grave if text not in lines][:1]

    @property
    def alarm(self) -> str:
        """The headline of a run that cannot be trusted, with the reason."""
        everywhere = self.headline.endswith("trusted.")
        where = "no difference below" if everywhere else "no difference there"
        return f"{self.headline} Identical cells differ, so {where} is reliable."

    def trusted(self, placement: str) -> Severity:
        """Return how far figures of a placement may be trusted.

        PROBLEM: equal cells differ there, so no verdict on it may stand in a headline. WARNING:
        a headline says that there are reservations. Else a verdict stands as it is.
        """
        found = (one.severity for one in self.places if one.placement == placement)
        return max(self.general, *found, Severity.OK)

    def line(self, placement: str) -> str:
        """Return the one line on a placement, without a full stop; "" where nothing was measured.

        For example "one core: good, repeatable to ±3 %, could have seen 5 % in 12 rounds".
        """
        return next((one.text for one in self.places if one.placement == placement), "")


def sentence(line: str) -> str:
    """Write a line as a sentence."""
    return f"{line[:1].upper()}{line[1:]}."


def assess(results: Results, cells: Sequence[Measured]) -> Trust:
    """Assess a run. `cells`: all that have a result, controls included."""
    delays = {identity: one.slow_down for identity, one in results.cells.items()}
    controls = Controls(cells, delays)
    found = places(results, cells, controls)
    rounds = max((len(one.times) for one in cells), default=0)
    general = [
        *_about_lack(cells),
        *_about_measuring(cells, rounds),
        *_about_end(results),
        *about_disturbances(results),
        *about_mini_rounds(results, cells),
        *_about_blocks(results),
        *_about_failures(results),
        *_about_cpus(cells),
        *_about_machine(results),
    ]
    findings = [*_about_places(found), *_about_controls(controls.found), *general]
    severity = max((one.severity for one in findings), default=Severity.OK)
    headline = _headline(severity, rounds, found)
    return Trust(
        severity,
        headline,
        controls.found,
        sorted(findings, key=lambda one: -one.severity),
        rounds,
        found,
        max((one.severity for one in general), default=Severity.OK),
    )


def _headline(severity: Severity, rounds: int, found: Sequence[PlaceTrust]) -> str:
    if not found:
        return "Nothing was measured, so there is nothing to trust."
    if severity is Severity.PROBLEM:
        bad = [place(one.placement) for one in found if one.severity is Severity.PROBLEM]
        others = [one for one in found if one.width is not None and place(one.placement) not in bad]
        where = f" on {' and '.join(bad)}" if others else ""
        return f"This run cannot be trusted{where}."
    if rounds < ENOUGH_ROUNDS:
        return "Too few rounds: only ranges are shown, and no verdict."
    if severity is Severity.WARNING:
        return "This run can be trusted with reservations, because:"
    return "This run can be trusted."


def _about_measuring(cells: Sequence[Measured], rounds: int) -> list[Finding]:
    if not cells:
        return [Finding(Severity.WARNING, "No cell has a result.")]
    if rounds < ENOUGH_ROUNDS:
        text = (
            f"Only {many(rounds, 'round')}: each interval is the whole range, and nothing is "
            f"decided. A verdict takes {ENOUGH_ROUNDS} rounds, a good interval 12."
        )
        return [Finding(Severity.WARNING, text)]
    text = f"{rounds} rounds: each median is taken over up to {rounds} runs in new processes."
    found = [Finding(Severity.OK, text)]
    fewer = sum(len(one.times) < rounds for one in cells)
    if fewer:
        have = "has" if fewer == 1 else "have"
        text = f"{many(fewer, 'cell')} of {len(cells)} {have} fewer than {rounds} rounds."
        found.append(Finding(Severity.NOTE, text))
    return found


def _about_lack(cells: Sequence[Measured]) -> list[Finding]:
    if not cells or any(one.cell.twin for one in cells):
        return []
    text = "No control was measured: nothing shows whether equal cells come out equal."
    return [Finding(Severity.WARNING, text)]


def _about_places(found: Sequence[PlaceTrust]) -> list[Finding]:
    """Tell of each placement in one line, and of bursts in another one."""
    lines = [Finding(one.severity, sentence(one.text)) for one in found]
    return lines + [about_bursts(one) for one in found if one.bursts.seen]


def about_bursts(one: PlaceTrust) -> Finding:
    """Tell how often runs that took long to start were slow as well."""
    bursts = one.bursts
    others = bursts.runs - bursts.late
    text = (
        f"Bursts, {place(one.placement)}: {many(bursts.late, 'run')} of {bursts.runs} took over "
        f"1.2 times as long to start as usual. Of these, "
        f"{human_share(bursts.slow_late / bursts.late)} were over 5 % slower than the median, "
        f"of the others {human_share(bursts.slow_others / max(others, 1))}."
    )
    return Finding(Severity.NOTE, text)


def _about_controls(controls: Sequence[Control]) -> list[Finding]:
    """Tell of twins that differ, and of slowed controls."""
    twins = [one for one in controls if one.cell.twin]
    bad = sum(one.severity is Severity.PROBLEM for one in twins)
    undecided = sum(one.severity is Severity.WARNING for one in twins)
    found = []
    if bad:
        verb = "differs from its original" if bad == 1 else "differ from their originals"
        text = f"{bad} of {many(len(twins), 'twin')} {verb}, so other cells may differ by chance."
        found.append(Finding(Severity.PROBLEM, text))
    if undecided:
        text = (
            f"{undecided} of {many(len(twins), 'twin')} {'is' if undecided == 1 else 'are'} "
            "undecided: the interval reaches over the band, too few rounds count, or a cell is "
            "disturbed."
        )
        found.append(Finding(Severity.WARNING, text))
    return found + _about_slowed([one for one in controls if one.cell.slowed])


def _about_slowed(slowed: Sequence[Control]) -> list[Finding]:
    """Tell whether controls that are slowed on purpose were found; none voids a verdict."""
    if not slowed:
        return []
    seen = sum(one.verdict == FOUND for one in slowed)
    text = f"{seen} of {many(len(slowed), 'slowed control')} came out slower than the original."
    return [Finding(Severity.OK if seen == len(slowed) else Severity.NOTE, text)]


def _about_end(results: Results) -> list[Finding]:
    done, wanted = len(results.rounds), results.header.settings.rounds
    found = []
    if results.ended is None:
        text = f"The sweep has not ended: it is still running, or was killed after round {done}."
        found.append(Finding(Severity.WARNING, text))
    elif results.ended.reason == "interrupted":
        of = "" if results.header.settings.adaptive else f" of {wanted}"
        text = f"The sweep was interrupted after {many(done, 'round')}{of}."
        found.append(Finding(Severity.WARNING, text))
    elif results.ended.reason == "full":
        text = f"The sweep ended after {many(done, 'round')}: its journal reached the size limit."
        found.append(Finding(Severity.NOTE, text))
    elif results.ended.reason == "budget":
        after = human_span(results.ended.wall)
        text = f"The time budget ended the sweep after {many(done, 'round')} and {after}."
        found.append(Finding(Severity.NOTE, text))
    if results.resumed:
        text = f"The sweep was interrupted and resumed {many(len(results.resumed), 'time')}."
        found.append(Finding(Severity.NOTE, text))
    pending = len(results.with_status(Status.PENDING))
    if pending:
        text = f"{many(pending, 'planned cell')} had no run before the sweep ended."
        found.append(Finding(Severity.NOTE, text))
    return found


def _about_blocks(results: Results) -> list[Finding]:
    corrected = [result for result in results.ok() if result.rescaled]
    if not corrected:
        return []
    text = (
        "Blocks were below half or above twice the length asked for, and corrected after a round, "
        f"in {many(len(corrected), 'cell')}: {named(corrected)}. Their runs have blocks of several "
        "lengths."
    )
    return [Finding(Severity.NOTE, text)]


def _about_failures(results: Results) -> list[Finding]:
    found = []
    failed = len(results.with_status(Status.FAILED))
    if failed:
        text = f"{many(failed, 'cell')} failed, without a result."
        found.append(Finding(Severity.NOTE, text))
    runs = [run for result in results.cells.values() for run in result.runs]
    lost = sum(len(result.failures) for result in results.ok())
    if lost:
        text = f"{many(lost, 'run')} failed in cells that have a result from other runs."
        grave = lost > SHARE_TO_NOTE * (len(runs) + lost)
        found.append(Finding(Severity.WARNING if grave else Severity.NOTE, text))
    return found


def _about_cpus(cells: Sequence[Measured]) -> list[Finding]:
    """Tell of cells whose processes could not use the same CPUs in all runs."""
    changed = [
        (one, sets)
        for one in cells
        if len(sets := list(dict.fromkeys(_cpus(run) for run in one.runs))) > 1
    ]
    if not changed:
        return []
    one, (first, second, *_) = changed[0]
    text = (
        f"The CPUs of {many(len(changed), 'cell')} changed during the sweep, so that a median "
        f"mixes two situations: {one.cell.id[:200]} had {first[:80]}, then {second[:80]}."
    )
    return [Finding(Severity.WARNING, text)]


def _cpus(run: Run) -> str:
    lists = dict.fromkeys(", ".join(map(str, cpus)) for cpus in run.cpus)
    return f"CPUs {' and '.join(lists)}"


def _about_machine(results: Results) -> list[Finding]:
    """Tell of settings that make calls dear: every figure of the run is one with them."""
    return [
        Finding(Severity.WARNING, f"{one.topic[:1].upper()}{one.topic[1:]} {one.text}.")
        for one in slowdowns(_short(results.header.machine.settings))
    ]


def _short(settings: Mapping[str, str]) -> dict[str, str]:
    """Cut the texts of a journal, which is untrusted."""
    return {name: one_line(value, LONGEST) for name, value in settings.items()}
