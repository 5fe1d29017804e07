"""Texts of the page for the statements of the chapter: what to take home, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.results.units import human_seconds, rounded_size, short_size
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.charts.captions import manner_phrases, wait_phrase
from ipcbench.reports.model import loop_of
from ipcbench.reports.names import place
from ipcbench.reports.page.texts.phrases import percent, sentence, times
from ipcbench.reports.page.texts.verdict_phrases import plural
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.decisions import Decision, Outcome
from ipcbench.reports.verdicts.statements.asides import Cost
from ipcbench.reports.verdicts.statements.dependence import Dependence, Part
from ipcbench.reports.verdicts.statements.facts import Fact, Missing
from ipcbench.reports.verdicts.statements.judging import Judged
from ipcbench.reports.verdicts.statements.statement import Aside, ClaimVerdict, Kind, Speed

MOST_PARTS = 6  # of a dependence that are named
MOST_FACTS = 4  # in a sentence
LONGEST_REASON = 100  # characters of a failure, which lists all processes


def _memory(mib: float) -> str:
    """Format MiB with three significant digits: `15.6 GiB`, `16 EiB`."""
    for unit in ("MiB", "GiB", "TiB", "PiB"):
        if mib < 1000:
            return f"{mib:.3g} {unit}"
        mib /= 1024
    return f"{mib:,.3g} EiB"


_FORMS: Mapping[str, Callable[[float], str]] = {
    "": lambda value: f"{value:,.10g}",
    "ns": lambda value: human_seconds(value * 1e-9),
    "mib": _memory,
    "bytes": lambda value: rounded_size(int(value)),
    "seconds": human_seconds,
    "share": percent,
    "times": times,
    "yes": lambda value: "yes" if value else "no",
    "waits": lambda value: "waits for ever" if value else "goes on",
}


_FIELD = re.compile(r"\{([^{}|]+)(?:\|([a-z]+))?\}")  # {name|form}: a name may hold any other sign


def filled(text: str, figures: Mapping[str, float | str]) -> str:
    """Fill figures into a text; "" where one is missing."""
    if not all(name in figures for name in names_in(text)):
        return ""
    return _FIELD.sub(lambda found: _form(figures[found[1]], found[2] or ""), text)


def _form(value: float | str, form: str) -> str:
    return value if isinstance(value, str) else _FORMS[form](value)


def names_in(text: str) -> list[str]:
    """List the figures that a text names."""
    return [found[1] for found in _FIELD.finditer(text)]


def take_home(one: Judged) -> str:
    """Write the sentence to take home, with its number."""
    if one.verdict is ClaimVerdict.NONE:
        return "Not measured by this run."
    parts = [_of_facts(one), _of_speed(one), _of_costs(one)]
    return " ".join(filter(None, parts)) or "No number yet."


def _of_facts(one: Judged) -> str:
    row = one.statement
    if not one.facts.found:
        return ""
    verdict = one.facts.verdict
    texts = {
        ClaimVerdict.SUPPORTED: row.take_home,
        ClaimVerdict.DEPENDS: row.take_home,
        ClaimVerdict.REFUTED: row.if_refuted,
    }
    text = filled(texts.get(verdict, ""), {**one.facts.texts, **one.facts.figures})
    if text:
        return text
    found = one.facts.found
    if verdict is ClaimVerdict.DEPENDS:  # `why` tells those that do not hold
        found = [fact for fact in found if fact.holds]
    elif verdict is not ClaimVerdict.SUPPORTED:
        found = [fact for fact in found if fact.holds is False]
    return f"{sentence('; '.join(map(fact_text, found[:MOST_FACTS])))}." if found else ""


def fact_text(one: Fact) -> str:
    """Write a finding: `updates lost with a semaphore: 0`."""
    if one.holds is None:
        lacking = [name for name in one.rule.figures if name not in one.figures]
        return f"{one.rule.source}: no figure {' and no '.join(map(repr, lacking))}"
    return filled(one.rule.text, one.figures) or one.rule.figure


def wanted(one: Fact) -> str:
    """Write what is found where the statement is true: `0`, `more than 0`, `at most 100 ms`."""
    rule = one.rule
    bound = one.figures.get(rule.bound, 0.0) if isinstance(rule.bound, str) else rule.bound
    forms = {found[1]: found[2] or "" for found in _FIELD.finditer(rule.text)}
    return f"{rule.relation.value}{_form(bound, forms.get(rule.figure, ''))}"


def _of_speed(one: Judged) -> str:
    speed = one.statement.speed
    if speed is None:
        return ""
    if speed.kind is Kind.SCALES:
        return _by_clients(one.trusted, speed)
    if len(speed.about) > 1:
        return _by_group(one.trusted, speed)
    return _ratios(one.trusted.comparisons, f"{sentence(speed.first)} is", speed.second)


def _by_group(decision: Decision, speed: Speed) -> str:
    """Write the median ratio of each group of contests, such as those of queues."""
    texts = []
    for name in speed.about:
        group = [one for one in decision.comparisons if one.contest.statement == name]
        values = [one.ratio.value for one in group if one.ratio is not None]
        if values:
            ends = f"{times(min(values))} to {times(max(values))}"
            texts.append(f"{times(median(values))} for {name.rpartition(', ')[2]} ({ends})")
    if not texts:
        return ""
    head = f"Speed of {speed.first} relative to {speed.second}, in the median contest"
    return f"{head}: {_listed(texts)}."


def _ratios(comparisons: Iterable[Comparison], first: str, second: str) -> str:
    """Write the median ratio of contests, and the extremes with their situations."""
    judged = [(one.ratio.value, one) for one in comparisons if one.ratio is not None]
    if not judged:
        return ""
    values = [value for value, _ in judged]
    head = f"{first} {times(median(values))} as fast as {second}"
    if len(judged) == 1:
        return f"{head} ({short_situation(judged[0][1].situation)})."
    low, high = (pick(judged, key=lambda each: each[0]) for pick in (min, max))
    ends = [f"{times(value)} ({short_situation(one.situation)})" for value, one in (low, high)]
    return f"{head} in the median of {len(judged)} contests, from {ends[0]} to {ends[1]}."


def _by_clients(decision: Decision, speed: Speed) -> str:
    """Write the ratios by the number of clients, which is one less than the processes."""
    found = [
        (number - 1, median(values))
        for number, part in decision.by_processes.items()
        if (values := [one.ratio.value for one in part.comparisons if one.ratio is not None])
    ]
    if not found:
        return ""
    clients = _listed([str(number) for number, _ in found])
    noun = plural(found[-1][0], "client")
    return (
        f"With {clients} {noun}, {speed.first} is {_listed([times(value) for _, value in found])} "
        f"as fast as {speed.second}."
    )


def short_situation(one: Situation) -> str:
    """Describe a situation in a few words: `stream, 64 KiB, two cores awake, C loop`."""
    parts = (
        one.pattern,
        short_size(one.size) if one.size else "",
        place(one.placement) if one.placement else "",
        f"{one.processes} processes" if one.processes > 2 else "",
        loop_of(one.runtime) if one.runtime else "",
        "read in place" if one.in_place else "",
        wait_phrase(one.wait) if one.wait not in ("", "block") else "",
        *manner_phrases(one),
    )
    return ", ".join(filter(None, parts))


def _of_costs(one: Judged) -> str:
    """Write the first cost of each aside."""
    firsts: dict[Aside, Cost] = {}
    for cost in one.costs:
        firsts.setdefault(cost.aside, cost)
    return " ".join(f"{sentence(cost_text(cost))}." for cost in firsts.values())


def cost_text(one: Cost) -> str:
    """Write a cost: `a guarded update takes 210 ns (posix-sem, two cores, 2 processes)`."""
    where = f"{one.transport}, {short_situation(one.situation)}"
    if one.seconds is not None:
        return f"{one.aside.value} takes {human_seconds(one.seconds)} ({where})"
    assert one.ratio is not None  # a cost has one of both
    return f"{one.aside.value} makes a round trip take {times(one.ratio.value)} the time ({where})"


def why(one: Judged) -> str:
    """Say on what a verdict depends, or what it lacks; "" for the others."""
    lacks = [missing_text(each) for each in one.facts.missing if each.reason]
    if one.verdict is not ClaimVerdict.NONE:
        absent = [each.source for each in one.facts.missing if not each.reason]
        lacks += [f"not played by this run: {_listed(absent)}"] if absent else []
    if one.verdict is ClaimVerdict.UNDECIDED:
        lacks += [fact_text(each) for each in one.facts.found if each.holds is None]
        lacks += _undecided(one)
    parts = [_against(one), f"{sentence('; '.join(lacks))}." if lacks else ""]
    return " ".join(filter(None, parts))


def missing_text(one: Missing) -> str:
    """Say why an experiment has no figures, in a few words."""
    what = f"the experiment {one.source} was not played: {one.reason}"
    if one.failed:
        what = f"the experiment {one.source} failed: {one_line(one.reason, LONGEST_REASON)}"
    return f"{what} ({one.remedy})" if one.remedy else what


def _undecided(one: Judged) -> Iterable[str]:
    if one.untrusted and not one.trusted.comparisons:
        yield f"this run cannot be trusted on {_listed(list(one.untrusted))}"
    contests = one.trusted.comparisons
    number = one.trusted.count(Outcome.UNDECIDED)
    if number:
        needed = [each.judged.needed for each in contests if each.judged.needed]
        rounds = f", which takes up to {max(needed):,} rounds" if needed else ""
        whys = dict.fromkeys(each.judged.why for each in contests if each.judged.why)
        reasons = "" if needed or not whys else f": {'; '.join(each.value for each in whys)}"
        counted = f"{number} of {len(contests)} {plural(len(contests), 'contest')} undecided"
        yield f"{counted}{rounds}{reasons}"
    if one.statement.kind is Kind.SCALES and len(one.trusted.by_processes) == 1:
        yield "one number of clients alone shows no growth"
    if one.statement.rules and one.statement.speed and not contests:
        yield "its contests were not measured"


def _against(one: Judged) -> str:
    """Say what speaks against a statement, as far as the sentence to take home does not."""
    if one.verdict not in (ClaimVerdict.DEPENDS, ClaimVerdict.REFUTED):
        return ""
    facts = [fact_text(each) for each in one.facts.against(ClaimVerdict.DEPENDS)]
    parts = ["; ".join(facts), _where(one)]
    return " ".join(f"{sentence(part)}." for part in parts if part)


def _where(one: Judged) -> str:
    """Say where the contests of a statement have which outcome."""
    if one.dependence is not None:
        return dependence_text(one.dependence)
    total = len(one.trusted.comparisons)
    if not one.trusted.count(Outcome.FAILS) + one.trusted.count(Outcome.ALIKE):
        return ""
    counts = [
        f"{text} in {number}"
        for outcome, text in _OUTCOMES.items()
        if (number := one.trusted.count(outcome))
    ]
    against = [
        short_situation(each.situation)
        for each in one.trusted.comparisons
        if one.trusted.outcome(each) is Outcome.FAILS
    ]
    such = f" ({'' if len(against) == 1 else 'such as '}{against[0]})" if against else ""
    return f"of {total} {plural(total, 'contest')}, it {_listed(counts)}{such}"


_OUTCOMES = {
    Outcome.HOLDS: "holds",
    Outcome.ALIKE: "makes no difference",
    Outcome.UNDECIDED: "is undecided",
    Outcome.FAILS: "fails",
}


def dependence_text(one: Dependence) -> str:
    """Write on what a statement depends: `on the size: it holds in 8 of 8 contests at 64 B …`."""
    ordered = sorted(one.parts, key=lambda part: (-part.holds / part.total, str(part.value)))
    if one.axis in ("size", "processes"):
        ordered = sorted(one.parts, key=lambda part: int(str(part.value)))
    shown = [
        f"{part.holds} of {part.total} {_value(one.axis, part)}" for part in ordered[:MOST_PARTS]
    ]
    left = len(ordered) - len(shown)
    more = f", and so on for {left} more" if left else ""
    mostly = "" if one.share == 1 else "mostly "
    return f"it depends {mostly}on the {_AXES[one.axis]}: it holds in {_listed(shown)}{more}"


_AXES = {
    "about": "facility",
    "batch": "messages a call",
    "in_place": "place of reading",
    "pace": "pace",
    "pattern": "pattern",
    "payload": "payload",
    "placement": "placement",
    "processes": "number of processes",
    "runtime": "language of the loop",
    "size": "size",
    "wait": "way of waiting",
}


def _value(axis: str, part: Part) -> str:
    text = str(part.value)
    if axis == "size":
        return f"at {short_size(int(text))}"
    if axis == "in_place":
        return "read in place" if part.value else "copied out"
    return _VALUES[axis](text) if axis in _VALUES else f"for {text}"


_VALUES: Mapping[str, Callable[[str], str]] = {
    "about": lambda text: f"for {text.rpartition(', ')[2]}",
    "batch": lambda text: f"with {text} messages a call",
    "placement": lambda text: f"on {place(text)}",
    "processes": lambda text: f"with {text} processes",
    "runtime": lambda text: f"with the {loop_of(text)}",
    "wait": lambda text: f"with receivers {wait_phrase(text)}",
}


def command(one: Judged) -> str:
    """Write the command that measures what a verdict lacks; "" where it lacks nothing."""
    if one.verdict is ClaimVerdict.NONE or one.facts.missing:
        return one.statement.command
    return one.statement.command if one.verdict is ClaimVerdict.UNDECIDED else ""


def aim(one: Judged) -> str:
    """Say what the command is for."""
    aims = {ClaimVerdict.NONE: "To measure it", ClaimVerdict.UNDECIDED: "To decide it"}
    return aims.get(one.verdict, "To measure what is missing")


def summary(judged: Sequence[Judged]) -> str:
    """Count the verdicts: `18 statements: 7 supported, 3 refuted, 8 not measured`."""
    counts = [
        f"{number} {_COUNTED.get(verdict, verdict.value)}"
        for verdict in ClaimVerdict
        if (number := sum(one.verdict is verdict for one in judged))
    ]
    return f"{len(judged)} statements: {', '.join(counts)}."


_COUNTED = {ClaimVerdict.DEPENDS: "depending", ClaimVerdict.ALIKE: "without a difference"}


def cell(value: float | str) -> str:
    """Format a cell of an experiment's table."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.4g}"


def _listed(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


FILTERS: Mapping[str, Callable[..., object]] = {
    "cost_text": cost_text,
    "fact_text": fact_text,
    "figure": cell,
    "missing_text": missing_text,
    "take_home": take_home,
    "wanted": wanted,
    "why": why,
}
GLOBALS: Mapping[str, Callable[..., object]] = {
    "statement_aim": aim,
    "statement_command": command,
    "statement_summary": summary,
}
