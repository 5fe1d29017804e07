"""Chart of a selftest: the share of slowed cells that the gate finds, by the size of the effect."""

from __future__ import annotations

from collections.abc import Sequence

from ipcbench.bench.decisions.gate.binomial import clopper_pearson
from ipcbench.bench.results.comparison.selftest import CellOutcome, SelftestResult, Sight
from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.dots import DotPanel, Dots, Row, Series
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.look.axis import Axis
from ipcbench.reports.charts.look.palette import INK
from ipcbench.reports.charts.look.style import FULL, HOLLOW, Style
from ipcbench.reports.charts.sections import EVIDENCE
from ipcbench.reports.gate.selftest import where

NAME = "selftest"
PLAYED, DRAWN = 0, 1  # series
_CAPTION = (
    "Share of the cells that the gate calls broken, with the interval of Clopper and Pearson at "
    "95 %: of cells that were really slowed, and of resampled pairs of equal arms to which the "
    "slow-down is added. Of equal arms, each one is a false alarm."
)


def selftest_chart(result: SelftestResult) -> Chart:
    """Make the chart of a selftest."""
    effects = sorted({0.0, *result.asked, *(p.effect for s in result.sights for p in s.curve)})
    rows = [Row(_label(effect), "", Style(INK, "o")) for effect in effects]
    kinds = [sight.kind for sight in result.sights]
    panels = [_panel(result, sight, effects) for sight in result.sights]
    series = [Series("slowed cells, played", FULL), Series("resampled pairs", HOLLOW)]
    body = Dots(Axis.SHARE, "share called broken", series, rows, panels)
    note = f"{result.runs} runs of the gate; {', '.join(map(where, kinds))}"
    return Chart(NAME, EVIDENCE, "What the gate finds on this machine", note, _CAPTION, body)


def _label(effect: float) -> str:
    return f"slower by {effect * 100:.0f} %" if effect else "equal arms"


def _panel(result: SelftestResult, sight: Sight, effects: Sequence[float]) -> DotPanel:
    played = {effect: _played(_of(result, sight.kind, effect)) for effect in effects}
    drawn = {point.effect: point.found for point in sight.curve}
    dots = []
    for effect in effects:
        found = {}
        if (interval := played[effect]) is not None:
            found[PLAYED] = interval
        if effect in drawn:
            found[DRAWN] = Interval(drawn[effect], drawn[effect], drawn[effect], 0.0, 0)
        dots.append(found)
    return DotPanel(where(sight.kind), "", dots)


def _of(result: SelftestResult, kind: str, effect: float) -> list[CellOutcome]:
    members = result.slowed_by(effect) if effect else result.equal
    return [one for one in members if one.kind == kind]


def _played(outcomes: Sequence[CellOutcome]) -> Interval | None:
    if not outcomes:
        return None
    found = sum(one.verdict == "broken" for one in outcomes)
    low, high = clopper_pearson(found, len(outcomes))
    return Interval(found / len(outcomes), low, high, 0.95, len(outcomes))
