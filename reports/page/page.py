"""The page of a run: self-contained, and readable without a network.

No request: charts, style and the one script are inline, and a content security
policy makes the browser enforce it, since a journal may come from any source. Everything is
there without the script. Every string from the data is cut, cleaned and escaped.
"""

from __future__ import annotations

import errno
import re
import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ipcbench.bench.decisions.contest import LEVEL
from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.results.axes import BLOCK, FAMILIES, FLOOR, NATIVE, NO_WAIT
from ipcbench.bench.results.files import write_atomically
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.slowdowns import PROCESSOR
from ipcbench.bench.results.units import (
    human_rate,
    human_seconds,
    human_span,
    named_size,
    short_size,
)
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.gallery import KINDS, all_charts
from ipcbench.reports.charts.style import css_variables, family_class
from ipcbench.reports.drawing import figures
from ipcbench.reports.model import Measured, loop_of, measured
from ipcbench.reports.page.rows import newest, paces, tables, tails, verdict_tables
from ipcbench.reports.page.texts import (
    phrases,
    script,
    single_phrases,
    statement_phrases,
    verdict_phrases,
)
from ipcbench.reports.verdicts import cost_model, headlines, python_cost, spinning
from ipcbench.reports.verdicts.anew import anew
from ipcbench.reports.verdicts.answers import answers
from ipcbench.reports.verdicts.chapter import SHM_FASTEST, SOURCE, STATEMENTS
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.decisions import Outcome, decide
from ipcbench.reports.verdicts.single import files, set_up
from ipcbench.reports.verdicts.statements.judging import Material, judge
from ipcbench.reports.verdicts.trust import assess

REPORT = "report.html"
FIGURES = "figures"
MOST_ORDERS = 32  # of accesses to a file
LONGEST_TEXT = 600  # characters of one string from the data
_CHART_NAME = re.compile(f"(?:{'|'.join(KINDS)})-[a-z0-9-]{{1,64}}")
_FURTHER = (  # sections of charts that are shown only if they have a chart
    (
        "placement",
        "One core and two",
        "The same work and the same facility; only the CPUs differ. Look here before you "
        "attribute a latency to a facility.",
    ),
    (
        "waiting",
        "Waiting and copying",
        "The receiver matters as much as the facility: it sleeps or spins, calls poll(2) before "
        "it reads or not, copies the bytes out or reads them in place.",
    ),
    ("depth", "Depth", "The number of messages that a facility holds before the sender must wait."),
    (
        "signal",
        "Wake-ups without bytes",
        "Facilities that carry no data: two processes wake each other in turn. Shared memory "
        "has this cost for each message whose receiver sleeps.",
    ),
    (
        "counter",
        "Guarding a counter",
        "Two or more processes increment one variable, with a guard and without.",
    ),
)
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart and its drawing, as an element of the page."""

    chart: Chart
    svg: Markup


def write(results: Results, folder: Path) -> Path:
    """Write `report.html`, and each chart as SVG and PNG under `figures`; return the page's path.

    `folder` must exist; files of these names are replaced, each as a whole.
    The same results give the same bytes. Raises: OSError.
    """
    cells = measured(results)
    charts, more_charts = all_charts(cells)
    shown = []
    _no_link(folder / FIGURES)
    if charts:
        (folder / FIGURES).mkdir(mode=0o755, exist_ok=True)
    _remove_stale(folder / FIGURES, {chart.name for chart in charts})
    for chart in charts:
        drawn = figures.draw(chart)
        write_atomically(folder / FIGURES / f"{chart.name}.svg", drawn.svg)
        write_atomically(folder / FIGURES / f"{chart.name}.png", drawn.png)
        shown.append(Shown(chart, Markup(drawn.inline)))  # safe: matplotlib escapes its texts
    page = render(results, cells, shown, more_charts)
    write_atomically(folder / REPORT, page.encode("utf-8", "replace"))
    return folder / REPORT


def _no_link(folder: Path) -> None:
    """Refuse a symbolic link, so that files stay in the run's folder. Raises: OSError."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "a link, which may lead anywhere: remove it", str(folder))


def _remove_stale(folder: Path, names: Collection[str]) -> None:
    """Remove charts of an earlier report; only files with the names of charts."""
    for path in folder.glob("*.*") if folder.is_dir() else ():
        drawn = path.suffix in (".svg", ".png") and _CHART_NAME.fullmatch(path.stem)
        if drawn and path.stem not in names and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


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
        _environment()
        .get_template("report.html")
        .render(
            policy=script.policy(),
            script=script.source(),
            header=results.header,
            machine=results.header.machine,
            results=results,
            trust=trust,
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
            further=_FURTHER,
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


def repeat(results: Results) -> str:
    """Write the command line that repeats the measurement, in the same order.

    It has no folder: the one of this run is refused, since it holds a run.
    """
    words = _without_folder(results.header.command)
    command = shlex.join(words)
    if any(word.partition("=")[0] == "--seed" for word in words):
        return command
    return f"{command} --seed {results.header.seed}"


def _without_folder(words: Iterable[str]) -> list[str]:
    """Leave out `-o DIR`, `-oDIR`, `--output DIR` and `--output=DIR`."""
    kept, rest = [], iter(words)
    for word in rest:
        if word in ("-o", "--output"):
            next(rest, None)
        elif not word.startswith(("-o", "--output=")):
            kept.append(word)
    return kept


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        seconds=human_seconds,
        nanoseconds=lambda value: human_seconds(value * 1e-9),
        size=short_size,
        named_size=named_size,
        span=human_span,
        rate=human_rate,
        family_class=family_class,
        loop_of=loop_of,
        **phrases.FILTERS,
        **verdict_phrases.FILTERS,
        **statement_phrases.FILTERS,
    )
    environment.globals.update(
        headline_lacks=headlines.lacking,
        LEVEL=LEVEL,
        BLOCK=BLOCK,
        FILE_WAYS=files.WAYS,
        FILE_MAPS=files.MAPS,
        SET_UP_PHASES=set_up.NAMES,
        crossing=single_phrases.crossing,
        FAMILIES=FAMILIES,
        FLOOR=FLOOR,
        NO_WAIT=NO_WAIT,
        PROCESSOR=PROCESSOR,
        Outcome=Outcome,
        css_light=Markup(css_variables(dark=False)),
        css_dark=Markup(css_variables(dark=True)),
        **phrases.GLOBALS,
        **verdict_phrases.GLOBALS,
        **statement_phrases.GLOBALS,
    )
    return environment


_SUSPECT = re.compile(r"[^\t\n\x20-\x7e]")


def _clean(value: object) -> object:
    """Cut and clean a string for the page, before it is escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    cut = value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    # Replace control characters, changes of the text's direction, and what no font has.
    return _SUSPECT.sub(lambda found: found[0] if found[0].isprintable() else "\ufffd", cut)
