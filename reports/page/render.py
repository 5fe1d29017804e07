"""The text of the page: what its templates are given, and the order of the parts."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.axes import NATIVE
from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.sections import EVIDENCE, LADDER, LARGE, MANY, SITUATION, SMALL
from ipcbench.reports.model import Measured
from ipcbench.reports.page import script
from ipcbench.reports.page.chooser import chooser
from ipcbench.reports.page.environment import environment
from ipcbench.reports.page.repeat import repeat
from ipcbench.reports.page.rows import newest, paces, tables, tails, verdict_tables
from ipcbench.reports.page.texts import (
    verdict_phrases,
)
from ipcbench.reports.verdicts import cost_model, headlines, python_cost, spinning
from ipcbench.reports.verdicts.anew import anew
from ipcbench.reports.verdicts.answers import answers
from ipcbench.reports.verdicts.cases.trust_line import trust_line
from ipcbench.reports.verdicts.chapter import SHM_FASTEST, SOURCE, STATEMENTS
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.decisions import Outcome, decide
from ipcbench.reports.verdicts.single import files, set_up
from ipcbench.reports.verdicts.statements.judging import Material, judge
from ipcbench.reports.verdicts.trust import assess

MOST_ORDERS = 32  # of accesses to a file
_OF_CHARTS = (  # sections of charts; each is shown only if it has a chart
    (
        LADDER,
        "Why do published numbers disagree?",
        "One facility and one size: the language, the CPUs and the way of waiting decide.",
    ),
    (SMALL, "Small messages", "Calls, switches and wake-ups decide here, and not the bytes."),
    (LARGE, "Large blocks", "Copying decides here, and the number of messages that fit."),
    (MANY, "Many processes", "Several senders, receivers, or clients of one server."),
    (
        SITUATION,
        "Placement, waiting, load",
        "The same work and the same facility. Look here before you attribute a latency to a "
        "facility: the CPUs, the way of waiting, the load and the loop matter as much.",
    ),
    (EVIDENCE, "Wake-ups alone", "Facilities that carry no data wake each other in turn."),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart and its drawing, as an element of the page."""

    chart: Chart
    svg: Markup


def render(
    results: Results, cells: list[Measured], shown: list[Shown], more_charts: int = 0
) -> str:
    """Render the page as text. Pure."""
    verdicts = of_results(results)
    found = comparisons(verdicts, cells)
    splits = spinning.splits(cells)
    claim, trust = decide(SHM_FASTEST, found), assess(results, cells)
    material = Material(results, cells, found, trust)
    judged = [judge(one, material) for one in STATEMENTS]
    answered = answers(results, found, cells)
    both = python_cost.costs(cells)
    parts = cost_model.model(cells)
    newest_values = newest.newest(cells)
    return (
        environment()
        .get_template("report.html")
        .render(
            policy=script.policy(),
            script=script.source(),
            header=results.header,
            machine=results.header.machine,
            results=results,
            trust=trust,
            trust_line=trust_line(trust, results),
            chooser=chooser(results, answered, cells, trust),
            claim=claim,
            headline=headlines.claim(claim, trust),
            claim_grid=verdict_tables.comparison_grid(claim.comparisons),
            claim_rows=tables.bounded(claim.comparisons),
            unopposed=verdict_tables.unopposed(cells),
            found_in={outcome: tables.bounded(claim.where(outcome), 40) for outcome in Outcome},
            source=SOURCE,
            statements=judged,
            grids_of={
                one.statement.id: verdict_tables.statement_grids(one.decision) for one in judged
            },
            observations={
                one.statement.id: verdict_tables.observation_tables(one.observations)
                for one in judged
            },
            answers=verdict_tables.answer_rows(answered),
            families=verdict_tables.families(verdicts),
            multiplicity=verdict_phrases.multiplicity(verdicts, results),
            splits=splits,
            split=spinning.foremost(splits),
            spinning_pairs=tables.bounded(spinning.pairs(cells)),
            anew=tables.bounded(anew(cells)),
            file_orders=files.orders(cells)[:MOST_ORDERS],
            set_ups=tables.bounded(set_up.phases(cells)),
            newest_values=newest_values,
            newest_in_short=newest.in_short(newest_values.rows),
            parts_of_trips=parts,
            parts_rows=tables.bounded(parts.rows),
            parts_fits=tables.bounded(parts.fits),
            costs=tables.bounded(both),
            cost_sums=python_cost.sums(both),
            cost_trips=python_cost.round_trips(both),
            cost_streams=python_cost.streams(both),
            cost_mark=python_cost.MARK,
            cost_differs=any(one.native.facts.differs for one in both),
            cost_batches=any(one.native.facts.batch for one in both),  # of an older journal
            python_alone=python_cost.python_alone(both, cells),
            native_missing=not both and _native_wanted(results),
            charts=shown,
            chart_sections=_OF_CHARTS,
            sections={one.chart.section for one in shown},
            more_charts=more_charts,
            at_rates=paces.at_rates(cells),
            one_ways=paces.one_ways(cells),
            pauses=paces.pauses(cells),
            tails=tails.tails(cells),
            quantiles=tails.QUANTILES,
            figures=tables.figures(cells),
            skipped=tables.skipped(results),
            failures=tables.failures(results),
            pending=tables.pending(results),
            command=repeat(results),
        )
    )


def _native_wanted(results: Results) -> bool:
    return any(result.cell.runtime == NATIVE for result in results.cells.values())
