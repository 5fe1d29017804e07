"""The environment of the templates: their filters and globals, and what cleans a string."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ipcbench.bench.decisions.contest import LEVEL
from ipcbench.bench.decisions.tasks import NAMED
from ipcbench.bench.results.axes import BLOCK, FAMILIES, FLOOR, NO_WAIT
from ipcbench.bench.results.slowdowns import PROCESSOR
from ipcbench.bench.results.units import (
    human_rate,
    human_seconds,
    human_span,
    named_size,
    short_size,
)
from ipcbench.bench.stats import ENOUGH_ROUNDS
from ipcbench.reports.charts.look.palette import css_variables, family_class
from ipcbench.reports.model import loop_of
from ipcbench.reports.names import display
from ipcbench.reports.page.texts import (
    chooser_phrases,
    phrases,
    ratio_phrases,
    single_phrases,
    statement_phrases,
    verdict_phrases,
)
from ipcbench.reports.verdicts import headlines
from ipcbench.reports.verdicts.decisions import Outcome
from ipcbench.reports.verdicts.single import files, set_up

LONGEST_TEXT = 600  # characters of one string from the data
_TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Make the environment of all pages, once."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        seconds=human_seconds,
        nanoseconds=lambda value: human_seconds(value * 1e-9),
        size=short_size,
        date=date,
        display=display,
        command=command,
        sorts=sorts,
        named_size=named_size,
        span=human_span,
        rate=human_rate,
        family_class=family_class,
        loop_of=loop_of,
        **phrases.FILTERS,
        **verdict_phrases.FILTERS,
        **ratio_phrases.FILTERS,
        **statement_phrases.FILTERS,
        **chooser_phrases.FILTERS,
    )
    made.globals.update(
        headline_lacks=headlines.lacking,
        ENOUGH_ROUNDS=ENOUGH_ROUNDS,
        LEVEL=LEVEL,
        BLOCK=BLOCK,
        FILE_WAYS=files.WAYS,
        FILE_MAPS=files.MAPS,
        SET_UP_PHASES=set_up.NAMES,
        crossing=single_phrases.crossing,
        FAMILIES=FAMILIES,
        FLOOR=FLOOR,
        NAMED=NAMED,
        NO_WAIT=NO_WAIT,
        PROCESSOR=PROCESSOR,
        Outcome=Outcome,
        css_light=Markup(css_variables(dark=False)),
        css_dark=Markup(css_variables(dark=True)),
        **phrases.GLOBALS,
        **verdict_phrases.GLOBALS,
        **statement_phrases.GLOBALS,
        **chooser_phrases.GLOBALS,
    )
    return made


def command(text: str) -> Markup:
    """Write a command whose lines break between its words alone, not at the hyphen of an option."""
    words = Markup(" ").join(
        Markup("<span>{}</span>" if "-" in one else "{}").format(_clean(one))
        for one in text.split(" ")
    )
    return Markup('<code class="command">{}</code>').format(words)


def sorts(value: float | None) -> Markup:
    """Write the attribute with the number by which a cell sorts; none where there is no number."""
    return Markup("") if value is None else Markup(' data-value="{:.5g}"').format(value)


def date(started: str) -> str:
    """Write the day of a time stamp: `2026-11-22`."""
    return started.partition("T")[0]


_SUSPECT = re.compile(r"[^\t\n\x20-\x7e]")


def _clean(value: object) -> object:
    """Cut and clean a string for the page, before it is escaped."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    cut = value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    # Replace control characters, changes of the text's direction, and what no font has.
    return _SUSPECT.sub(lambda found: found[0] if found[0].isprintable() else "\ufffd", cut)
