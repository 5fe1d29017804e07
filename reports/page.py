"""One page that tells a sweep: self-contained, and readable without a network.

No script, no request: charts are inline SVG, the style is inline, and a
content security policy says so to the browser, since a journal may come from
anybody. Every string from the data is cut, cleaned and escaped on its way.
"""

from __future__ import annotations

import errno
import re
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.results import (
    Results,
    human_rate,
    human_seconds,
    human_size,
    human_span,
    write_atomically,
)
from bench.stats import Interval
from reports import figures, tables
from reports.charts import Chart
from reports.claims import Claim, Holds, Judged, Outcome, shm_fastest
from reports.gallery import KINDS, all_charts
from reports.model import ALPHA, SYNCHRONISATION, Measured, Winner, measured, winners
from reports.statements import Compared, Judgement, Truth, judged
from reports.style import css_variables, family_class
from reports.trust import Trust, judge

REPORT = "report.html"
FIGURES = "figures"
TIMES = "\N{MULTIPLICATION SIGN}"
TO = "\N{EN DASH}"
LONGEST_TEXT = 600  # characters of one string from the data
_OURS = re.compile(f"(?:{'|'.join(KINDS)})-[a-z0-9-]{{1,64}}")
_FURTHER = (  # sections of charts that are there only where something of theirs was measured
    (
        "placement",
        "One core against two",
        "The same work, the same facility, and only the CPUs differ. Before one facility is "
        "blamed for its latency, look here.",
    ),
    (
        "waiting",
        "Waiting and copying",
        "What the receiver does decides as much as what carries the bytes: whether it sleeps or "
        "spins, polls before it reads, copies the bytes out or reads them where they lie.",
    ),
    ("depth", "Depth", "How much a facility can hold before its sender has to wait."),
    (
        "signal",
        "Wake-ups without bytes",
        "What carries no data is measured in ping-pong with itself. Shared memory pays this for "
        "each message whose receiver sleeps.",
    ),
    (
        "counter",
        "Guarding a counter",
        "Two or more processes count up one variable: with a guard, and without one.",
    ),
)
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Shown:
    """A chart and its drawing, as an element of the page."""

    chart: Chart
    svg: Markup


def write(results: Results, folder: Path) -> Path:
    """Write `report.html`, and each chart as SVG and PNG under `figures`; the page's path.

    `folder` must exist; what stood there under these names is replaced, each
    file as a whole. The same results give the same bytes. Raises: OSError.
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
        shown.append(Shown(chart, Markup(drawn.inline)))  # made by us; its texts are escaped
    page = render(results, cells, shown, more_charts)
    write_atomically(folder / REPORT, page.encode("utf-8", "replace"))
    return folder / REPORT


def _no_link(folder: Path) -> None:
    """What is written stays in the run's folder. Raises: OSError."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "a link, which may lead anywhere: remove it", str(folder))


def _remove_stale(folder: Path, names: Collection[str]) -> None:
    """Remove what an earlier report drew and this one does not; only files named as ours are."""
    for path in folder.glob("*.*") if folder.is_dir() else ():
        ours = path.suffix in (".svg", ".png") and _OURS.fullmatch(path.stem)
        if ours and path.stem not in names and path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def render(
    results: Results, cells: list[Measured], shown: list[Shown], more_charts: int = 0
) -> str:
    """The page as text. Pure."""
    found = winners(cells)
    claim = shm_fastest(cells)
    return (
        _environment()
        .get_template("report.html")
        .render(
            header=results.header,
            machine=results.header.machine,
            results=results,
            trust=judge(results, cells),
            claim=claim,
            claim_grid=tables.claim_grid(claim),
            claim_rows=tables.bounded(claim.judged),
            alone=tables.alone(claim, cells),
            holds={outcome: tables.bounded(claim.where(outcome), 40) for outcome in Outcome},
            winners_grid=tables.winners_grid(one for one in found if one.second and _carry(one)),
            signals_grid=tables.winners_grid(
                one for one in found if one.second and not _carry(one)
            ),
            winners_alone=sum(one.second is None for one in found),
            winners_family=sum(one.p is not None for one in found),
            statements=[(one, tables.statement_grids(one)) for one in judged(cells)],
            charts=shown,
            further=_FURTHER,
            sections={one.chart.section for one in shown},
            more_charts=more_charts,
            tails=tables.tails(cells),
            quantiles=tables.QUANTILES,
            figures=tables.figures(cells),
            skipped=tables.skipped(results),
            failures=tables.failures(results),
            pending=tables.pending(results),
            command=repeat(results),
        )
    )


def repeat(results: Results) -> str:
    """The command line that measures this again, in the same order."""
    command = shlex.join(results.header.command)
    if any(word.partition("=")[0] == "--seed" for word in results.header.command):
        return command
    return f"{command} --seed {results.header.seed}"


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
        size=human_size,
        span=human_span,
        rate=human_rate,
        times=times,
        percent=percent,
        bounds=bounds,
        count=count,
        memory=memory,
        copying=copying,
        family_class=family_class,
        stretches=stretches,
    )
    environment.globals.update(
        ALPHA=ALPHA,
        Outcome=Outcome,
        css_light=Markup(css_variables(dark=False)),
        css_dark=Markup(css_variables(dark=True)),
        claim_summary=claim_summary,
        claim_mark=claim_mark,
        claim_class=claim_class,
        lead=lead,
        span_of=span_of,
        statement_summary=statement_summary,
        truth_class=truth_class,
        truth_mark=truth_mark,
        verdict_class=verdict_class,
    )
    return environment


_SUSPECT = re.compile(r"[^\t\n\x20-\x7e]")


def _clean(value: object) -> object:
    """Every string on its way into the page, before it is escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    cut = value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    # Controls, what turns the direction of the text that follows, what no font can show.
    return _SUSPECT.sub(lambda found: found[0] if found[0].isprintable() else "\ufffd", cut)


def times(ratio: float) -> str:
    """1.453 -> `1.45x`, with a proper sign."""
    if ratio >= 1000:
        return f"{ratio:.3g}{TIMES}"
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    return f"{ratio:.{digits}f}{TIMES}" if ratio >= 0.01 else f"{ratio:.2g}{TIMES}"


def percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f} %"


def bounds(interval: Interval, kind: str) -> str:
    """`1.41-1.49x` or `2.1-2.3 µs`, with proper signs: an interval's ends."""
    if kind == "ratio":
        return f"{times(interval.low).removesuffix(TIMES)}{TO}{times(interval.high)}"
    return span_of(interval.low, interval.high)


def span_of(first: float, last: float) -> str:
    """Seconds -> `2.1-2.3 µs`: the unit once where both have the same."""
    low, high = human_seconds(first), human_seconds(last)
    same_unit = low.split(" ")[1] == high.split(" ")[1]
    return f"{low.split(' ')[0]}{TO}{high}" if same_unit else f"{low} {TO} {high}"


def count(value: float) -> str:
    """Events per unit: `0`, `0.0021`, `1.00`."""
    if value == 0:
        return "0"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def memory(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def stretches(holds: Holds) -> str:
    """`4 KiB to 1 MiB; 64 B`: the sizes of an outcome."""
    return ", ".join(
        human_size(first) if first == last else f"{human_size(first)} to {human_size(last)}"
        for first, last in holds.sizes
    )


def claim_summary(claim: Claim) -> str:
    """One sentence of counts under the verdict."""
    decided = len(claim.judged) - claim.count(Outcome.TOO_FEW)
    if not claim.judged:
        return "No cell has shared memory and another facility side by side."
    if not decided:
        return "Fewer than 6 rounds: ratios are shown below, and nothing is decided."
    parts = list(_counts(claim))
    counts = f"Of {decided} {_plural(decided, 'cell')} with both sides: {'; '.join(parts)}."
    if not claim.starved:
        return counts
    return (
        f"{counts} In {claim.starved} of these all rounds agree, but they are too few for "
        f"{claim.family} tests at once: {claim.enough} rounds would decide."
    )


def claim_mark(one: Judged) -> str:
    """Filled where it is decided, hollow where all rounds agree and are too few."""
    if one.outcome is Outcome.OPEN:
        return {Outcome.FASTEST: "△", Outcome.BEATEN: "▽"}.get(one.always, "?")
    return {Outcome.FASTEST: "▲", Outcome.BEATEN: "▼"}.get(one.outcome, "?")


def claim_class(one: Judged) -> str:
    """The name under which style.css knows an outcome."""
    return {Outcome.FASTEST: "fastest", Outcome.BEATEN: "beaten"}.get(one.outcome, "tie")


def copying(one: Measured) -> str:
    """A transport's name where the row already says that it is read in place."""
    name = one.cell.transport
    return name.removesuffix("/in-place") if one.facts.in_place else name


def _carry(one: Winner) -> bool:
    return one.best.facts.family != SYNCHRONISATION


def _counts(claim: Claim) -> Iterator[str]:
    for outcome, text in (
        (Outcome.FASTEST, "in {} shared memory is the fastest"),
        (Outcome.BEATEN, "in {} another facility is faster"),
        (Outcome.OPEN, "{} cannot be told"),
    ):
        if number := claim.count(outcome):
            yield text.format(number)


def statement_summary(one: Judgement) -> str:
    """One sentence of counts under a statement."""
    decided = len(one.compared) - one.count(Truth.TOO_FEW)
    if not decided:
        return "Fewer than 6 rounds: ratios are shown, and nothing is decided."
    parts = [
        f"{text} in {number}"
        for truth, text in (
            (Truth.HOLDS, "it holds"),
            (Truth.DIFFERS, "it does not hold"),
            (Truth.OPEN, "it cannot be told"),
        )
        if (number := one.count(truth))
    ]
    counts = f"Of {decided} {_plural(decided, 'cell')} with both: {', '.join(parts)}."
    if one.rounds >= one.enough:
        return counts
    return f"{counts} {one.family} tests at once need {one.enough} rounds, and there are fewer."


def truth_mark(one: Compared) -> str:
    return {Truth.HOLDS: "✓", Truth.DIFFERS: "✗"}.get(one.truth, "?")


def truth_class(one: Compared) -> str:
    """The name under which style.css knows it."""
    return {Truth.HOLDS: "fastest", Truth.DIFFERS: "beaten"}.get(one.truth, "tie")


def _plural(number: int, word: str) -> str:
    return word if number == 1 else word + "s"


def lead(one: Winner) -> str:
    """How far the winner is ahead: `1.45x`, or nothing where it was alone."""
    return times(one.ratio.median) if one.ratio else ""


def verdict_class(trust: Trust) -> str:
    """The name under which style.css knows a weight."""
    return ("good", "good", "warning", "bad")[trust.weight]
