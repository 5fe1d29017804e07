"""Texts of the page for numbers and verdicts: short, and the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcbench.bench.results.units import (
    human_seconds,
    human_size,
    named_size,
    rounded_size,
    short_size,
)
from ipcbench.bench.stats import CONFIDENCE, Interval
from ipcbench.reports.charts.captions import (
    label,
    manner_phrases,
    pause_phrase,
    placed,
    wait_phrase,
)
from ipcbench.reports.model import Measured, Situation, Winner, loop_of
from ipcbench.reports.verdicts.chapter import Kind
from ipcbench.reports.verdicts.decisions import (
    ClaimVerdict,
    Comparison,
    Decision,
    Outcome,
    Stretch,
)
from ipcbench.reports.verdicts.python_cost import Sum
from ipcbench.reports.verdicts.spinning import MEMORY, PIPE, Split
from ipcbench.reports.verdicts.trust import Trust

TIMES = "\N{MULTIPLICATION SIGN}"
TO = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def times(ratio: float) -> str:
    """Format a ratio: 1.453 as `1.45x`, with a multiplication sign."""
    if ratio >= 1000:
        return f"{ratio:.3g}{TIMES}"
    digits = 0 if ratio >= 100 else 1 if ratio >= 10 else 2
    return f"{ratio:.{digits}f}{TIMES}" if ratio >= 0.01 else f"{ratio:.2g}{TIMES}"


def percent(share: float, digits: int = 1) -> str:
    """Format a share: 0.961 as `96.1 %`."""
    return f"{share * 100:.{digits}f} %"


def bounds(interval: Interval, kind: str) -> str:
    """Format the ends of an interval: `1.41-1.49x` or `2.1-2.3 µs`, with an en dash."""
    if kind == "ratio":
        return f"{times(interval.low).removesuffix(TIMES)}{TO}{times(interval.high)}"
    return span_of(interval.low, interval.high)


def span_of(first: float, last: float) -> str:
    """Format two times: `2.1-2.3 µs`, the unit once if both have the same."""
    low, high = human_seconds(first), human_seconds(last)
    same_unit = low.split(" ")[1] == high.split(" ")[1]
    return f"{low.split(' ')[0]}{TO}{high}" if same_unit else f"{low} {TO} {high}"


def count(value: float) -> str:
    """Format a number of events per unit: `0`, `0.0021`, `1.00`."""
    if value == 0:
        return "0"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def memory(size: int) -> str:
    """Format an amount of memory in GiB."""
    return f"{size / 2**30:.1f} GiB"


def in_flight(one: Measured) -> str:
    """Format the bytes that a direction of a cell's channels held: `64 KiB`, or nothing."""
    return "; ".join(map(rounded_size, one.in_flight[:3]))


def stretches(one: Stretch) -> str:
    """Format the sizes of an outcome: `64 B, 4 KiB to 1 MiB`."""
    return ", ".join(
        short_size(first) if first == last else f"{short_size(first)} to {short_size(last)}"
        for first, last in one.sizes
    )


def summaries(one: Decision) -> str:
    """Count the outcomes in one sentence, or in one for each loop where there are several."""
    parts = one.by_runtime()
    if len(parts) < 2:
        return _summary(one)
    return " ".join(
        f"{sentence(loop_of(runtime))}: {_lower(_summary(part))}" for runtime, part in parts
    )


def _summary(one: Decision) -> str:
    if not one.comparisons:
        return "No cell has both shared memory and another facility."
    decided = sum(each.tested for each in one.comparisons)
    if not decided:
        return "Fewer than 6 rounds: ratios are shown, and nothing is decided."
    counts = f"Of {decided} {_plural(decided, 'cell')} with both sides: {_counts(one)}."
    tests = max(one.families.values())
    if one.statement.kind is Kind.FASTEST and one.underpowered:
        return (
            f"{counts} In {one.underpowered} undecided {_plural(one.underpowered, 'cell')} all "
            f"rounds agree, but they are too few for {tests} tests at once: "
            f"{one.rounds_needed} rounds would decide."
        )
    if one.statement.pairs and one.rounds < one.rounds_needed:
        return (
            f"{counts} {tests} tests at once take {one.rounds_needed} rounds, "
            f"and this run has {one.rounds}."
        )
    return counts


def _counts(one: Decision) -> str:
    fastest = one.statement.kind is Kind.FASTEST
    are = "is" if one.count(Outcome.UNDECIDED) == 1 else "are"
    texts = (
        (Outcome.HOLDS, "shared memory is the fastest in {}" if fastest else "it holds in {}"),
        (Outcome.FAILS, "another facility is faster in {}" if fastest else "it fails in {}"),
        (Outcome.UNDECIDED, f"{{}} {are} undecided"),
    )
    return ", ".join(
        text.format(number) for outcome, text in texts if (number := one.count(outcome))
    )


def claim_mark(one: Comparison) -> str:
    """Mark a comparison of shared memory: filled if decided, hollow if all rounds agree."""
    if one.outcome is Outcome.UNDECIDED:
        return {Outcome.HOLDS: "△", Outcome.FAILS: "▽"}.get(one.unanimous, "?")
    return {Outcome.HOLDS: "▲", Outcome.FAILS: "▼"}.get(one.outcome, "?")


def pair_mark(one: Comparison) -> str:
    """Mark a comparison of a pair of transports."""
    return {Outcome.HOLDS: "✓", Outcome.FAILS: "✗"}.get(one.outcome, "?")


def outcome_class(one: Comparison) -> str:
    """Return the class of an outcome in style.css."""
    return {Outcome.HOLDS: "fastest", Outcome.FAILS: "beaten"}.get(one.outcome, "tie")


def by_loop(one: Decision) -> list[tuple[str, ClaimVerdict]]:
    """List (loop, verdict) where the loops differ, else one verdict for all, with loop ""."""
    parts = [(loop_of(runtime), part.verdict) for runtime, part in one.by_runtime()]
    return parts if len({verdict for _, verdict in parts}) > 1 else [("", one.verdict)]


def sentence(text: str) -> str:
    """Write the first letter as a capital, and leave the rest as it is."""
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def families(counts: Mapping[str, int], noun: str) -> str:
    """Write counts by runtime: `80 tests of the Python loop and 40 of the native loop`."""
    if len(counts) < 2:
        number = sum(counts.values())
        return f"{number} {_plural(number, noun)}"
    first, *others = counts.items()
    named = [f"{first[1]} {_plural(first[1], noun)} of the {loop_of(first[0])}"]
    named += [f"{number} of the {loop_of(runtime)}" for runtime, number in others]
    return " and ".join(named)


def cost_headline(one: Sum) -> str:
    """Write the cost of Python: `1.20 µs of a round trip of 64 B`."""
    middle = one.added[1]
    cost = human_seconds(middle) if middle > 0 else "Nothing"
    return f"{cost} of a {one.per} of {human_size(one.size)}"


def cost_sentence(one: Sum) -> str:
    """Describe the time that the Python loop adds in one placement."""
    low, middle, high = one.added
    head = ", ".join(
        filter(None, (sentence(one.placement), named_size(one.size), pause_phrase(one.pace)))
    )
    longer = f"the {one.per} {_longer(middle)} with the Python loop than with the native one"
    if one.transports == 1:
        return f"{head}: {longer} (ratio {times(one.ratio[1])})."
    return (
        f"{head}: {longer}. This is the median of {one.transports} transports, between "
        f"{signed(low)} and {signed(high)}; ratios {times(one.ratio[0])} to {times(one.ratio[2])}."
    )


def _longer(seconds: float) -> str:
    if seconds < 0:
        return f"takes {human_seconds(-seconds)} less"
    return f"takes {human_seconds(seconds)} longer"


def signed(seconds: float) -> str:
    """Format a difference: `+1.20 µs`, with a minus sign (not a hyphen)."""
    if seconds == 0:
        return "0"
    return f"{'+' if seconds > 0 else MINUS}{human_seconds(abs(seconds))}"


def signed_span(one: Interval) -> str:
    """Format the ends of a difference's interval: `+1.10 to +1.30 µs`."""
    low, high = signed(one.low), signed(one.high)
    if low.partition(" ")[2] == high.partition(" ")[2]:
        low = low.partition(" ")[0]
    return f"{low} to {high}"


def split_headline(one: Split) -> str:
    """Write the two shares of a lead: `40.1x by spinning, 5.80x by the memory`."""
    if one.spinning is None or one.memory is None:
        return "No common round"
    return f"{marked_ratio(one.spinning)} by spinning, {marked_ratio(one.memory)} by the memory"


def marked_ratio(one: Interval) -> str:
    """Format a ratio, marked where its interval contains 1, or where the rounds are too few."""
    decided = one.verdict_possible and not one.low <= 1 <= one.high
    return times(one.median) if decided else f"≈ {times(one.median)}"


def split_sentence(one: Split) -> str:
    """Describe the shares of a lead, with their intervals, and the CPU time of each side."""
    cell = one.blocking_pipe.cell
    head = f"{sentence(loop_of(cell.runtime))}, {cell.placement}, {named_size(cell.size)}"
    if one.spinning is None or one.memory is None or one.lead is None:
        return f"{head}: no round has all three."
    cpu = ", ".join(human_seconds(each.cpu) for each in one.cells)
    return (
        f"{head}: a {PIPE} is {_ratio(one.spinning)} as fast if both ends spin, and shared memory "
        f"({MEMORY}) that spins {_ratio(one.memory)} as fast as that; together "
        f"{_ratio(one.lead)}. CPU time of both processes in a round trip: {cpu}."
    )


def _ratio(one: Interval) -> str:
    return f"{marked_ratio(one)} ({bounds(one, 'ratio')})"


def entrant(one: Measured, situation: Situation) -> str:
    """Name a transport in a row of a table: by its wait as well, where the row has several."""
    return copying(one) if situation.wait else label(one)


def copying(one: Measured) -> str:
    """Name a transport in a row whose head says that it is read in place."""
    name = one.cell.transport
    return name.removesuffix("/in-place") if one.facts.in_place else name


def _plural(number: int, word: str) -> str:
    return word if number == 1 else word + "s"


def lead(one: Winner) -> str:
    """Format the winner's margin: `1.45x`, or nothing where there is no other."""
    return times(one.ratio.median) if one.ratio else ""


def trust_class(trust: Trust) -> str:
    """Return the class of a severity in style.css."""
    return ("good", "good", "warning", "bad")[trust.severity]


RATIO_NOTE = (
    "Ratios and differences are estimates by Hodges and Lehmann, over the rounds that both cells "
    f"have and not paired by round; the interval of each one alone is at {percent(CONFIDENCE, 0)}, "
    "not corrected for their number."
)

FILTERS: Mapping[str, Callable[..., object]] = {
    "bounds": bounds,
    "copying": copying,
    "count": count,
    "entrant": entrant,
    "in_flight": in_flight,
    "memory": memory,
    "percent": percent,
    "placed": placed,
    "sentence": sentence,
    "marked_ratio": marked_ratio,
    "signed": signed,
    "signed_span": signed_span,
    "stretches": stretches,
    "times": times,
    "waiting": wait_phrase,
    "manner": manner_phrases,
}
GLOBALS: Mapping[str, object] = {
    "by_loop": by_loop,
    "claim_mark": claim_mark,
    "cost_headline": cost_headline,
    "cost_sentence": cost_sentence,
    "families": families,
    "lead": lead,
    "outcome_class": outcome_class,
    "pair_mark": pair_mark,
    "ratio_note": RATIO_NOTE,
    "span_of": span_of,
    "split_headline": split_headline,
    "split_sentence": split_sentence,
    "summaries": summaries,
    "trust_class": trust_class,
}
