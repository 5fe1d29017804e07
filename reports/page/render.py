"""The text of the page: what its templates are given, and the order of the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ipcbench.bench.results.results import Results
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.gallery import shown_cells
from ipcbench.reports.charts.kinds.narrow import is_narrow
from ipcbench.reports.charts.sections import CELLS, EVIDENCE, LADDER, LARGE, MANY, SITUATION, SMALL
from ipcbench.reports.model import Measured
from ipcbench.reports.page import script
from ipcbench.reports.page.cards import labelled
from ipcbench.reports.page.chooser import chooser
from ipcbench.reports.page.environment import environment
from ipcbench.reports.page.found import Found, find
from ipcbench.reports.page.glossary import Terms
from ipcbench.reports.page.rows import verdict_tables
from ipcbench.reports.page.rows.narrow import narrow_rows
from ipcbench.reports.page.rows.ratios import RatioTable, ratios
from ipcbench.reports.page.sections import evidence, large, many, order, situation, small
from ipcbench.reports.page.sentences import evidence as evidence_sentence
from ipcbench.reports.page.sentences import ladder as ladder_sentence
from ipcbench.reports.page.sentences import large as large_sentence
from ipcbench.reports.page.sentences import many as many_sentence
from ipcbench.reports.page.sentences import narrow as narrow_sentence
from ipcbench.reports.page.sentences import ratios as ratios_sentence
from ipcbench.reports.page.sentences import situation as situation_sentence
from ipcbench.reports.page.sentences import small as small_sentence
from ipcbench.reports.page.texts.crossing_phrases import crossing_line, crossings
from ipcbench.reports.verdicts.cases.trust_line import trust_line
from ipcbench.reports.verdicts.chapter import SHM_FASTEST
from ipcbench.reports.verdicts.decisions import decide
from ipcbench.reports.verdicts.statements.judging import Judged


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart and its drawing, as an element of the page."""

    chart: Chart
    svg: Markup


def render(
    results: Results, cells: Sequence[Measured], shown: Sequence[Shown], more_charts: int = 0
) -> str:
    """Render the page as text. Pure."""
    found = find(results, cells)
    judged = evidence.judged(found)
    narrow = narrow_rows(shown_cells(cells)) if is_narrow(shown_cells(cells)) else []
    claim = decide(SHM_FASTEST, found.comparisons)
    table = ratios(claim.comparisons)
    charts: dict[str, list[Shown]] = {}
    for one in shown:
        charts.setdefault(one.chart.section, []).append(one)
    page = (
        environment()
        .get_template("report.html")
        .render(
            policy=script.policy(),
            script=script.source(),
            header=results.header,
            machine=results.header.machine,
            results=results,
            own_families={one.facts.family for one in cells},
            trust=found.trust,
            trust_line=trust_line(found.trust, results),
            chooser=chooser(results, found.answers, cells, found.trust),
            term=Terms(),
            narrow=narrow,
            crossings=[crossing_line(one, found.trust) for one in crossings(found.comparisons)],
            contents=_contents(charts, table, bool(narrow)),
            charts_in=lambda section: charts.get(section, []),
            more_charts_number=more_charts,
            sentences={
                **_sentences(found, table, judged),
                CELLS: narrow_sentence.sentence(found, narrow),
            },
            ratio_table=table,
            answers=verdict_tables.answer_rows(found.answers),
            **small.context(found),
            **large.context(found),
            **many.context(found),
            **situation.context(found),
            **evidence.context(found, claim, judged),
        )
    )
    return labelled(page)


def _contents(
    charts: Mapping[str, Sequence[Shown]], table: RatioTable, narrow: bool
) -> list[tuple[str, str]]:
    """Return the id and the name of each section that is on the page."""
    if narrow:
        return [(CELLS, "All cells"), (EVIDENCE, "Evidence")]
    absent = {LADDER: LADDER not in charts, "ratios": not table.rows}
    return [(one, name) for one, name in order.NAMES.items() if not absent.get(one)]


def _sentences(found: Found, table: RatioTable, judged: Sequence[Judged]) -> dict[str, str]:
    """Write the sentence of each section; "" where the run has no number for it."""
    return {
        LADDER: ladder_sentence.sentence(found),
        "ratios": ratios_sentence.sentence(found, table),
        SMALL: small_sentence.sentence(found),
        LARGE: large_sentence.sentence(found),
        MANY: many_sentence.sentence(found),
        SITUATION: situation_sentence.sentence(found),
        EVIDENCE: evidence_sentence.sentence(found, judged),
    }
