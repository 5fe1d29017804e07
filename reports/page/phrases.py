"""Numbers and verdicts -> the words of the page: short, and the same wherever they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ipcbench.bench.results.units import human_seconds, human_size
from ipcbench.bench.stats import Interval
from ipcbench.reports.model import Measured, Winner, loop_of
from ipcbench.reports.verdicts.claims import Claim, Holds, Judged, Outcome, Verdict
from ipcbench.reports.verdicts.python_cost import Sum
from ipcbench.reports.verdicts.statements import Compared, Judgement, Truth
from ipcbench.reports.verdicts.trust import Trust

TIMES = "\N{MULTIPLICATION SIGN}"
TO = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


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
        f"{max(claim.families.values())} tests at once: {claim.enough} rounds would decide."
    )


def claim_mark(one: Judged) -> str:
    """Filled where it is decided, hollow where all rounds agree and are too few."""
    if one.outcome is Outcome.OPEN:
        return {Outcome.FASTEST: "△", Outcome.BEATEN: "▽"}.get(one.always, "?")
    return {Outcome.FASTEST: "▲", Outcome.BEATEN: "▼"}.get(one.outcome, "?")


def claim_class(one: Judged) -> str:
    """The name under which style.css knows an outcome."""
    return {Outcome.FASTEST: "fastest", Outcome.BEATEN: "beaten"}.get(one.outcome, "tie")


def apart(one: Claim | Judgement) -> list[tuple[str, Verdict]]:
    """(whose loop, verdict): each loop's where they differ, else one for all, of nobody's."""
    parts = [(loop_of(runtime), part.verdict) for runtime, part in one.by_runtime()]
    return parts if len({verdict for _, verdict in parts}) > 1 else [("", one.verdict)]


def summaries(one: Claim | Judgement) -> str:
    """The counts under a verdict; each loop's for itself where there are several."""
    say: Callable[[Any], str] = claim_summary if isinstance(one, Claim) else statement_summary
    parts = one.by_runtime()
    if len(parts) < 2:
        return say(one)
    return " ".join(f"{sentence(loop_of(runtime))}: {_small(say(part))}" for runtime, part in parts)


def sentence(text: str) -> str:
    """With a capital at its beginning, and all else as it is."""
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def families(counts: Mapping[str, int], what: str) -> str:
    """`120 tests`; `80 tests of the Python loop and 40 of the native loop`."""
    if len(counts) < 2:
        number = sum(counts.values())
        return f"{number} {_plural(number, what)}"
    first, *others = counts.items()
    named = [f"{first[1]} {_plural(first[1], what)} of the {loop_of(first[0])}"]
    named += [f"{number} of the {loop_of(runtime)}" for runtime, number in others]
    return " and ".join(named)


def cost_headline(one: Sum) -> str:
    """`1.20 µs of a round trip of 64 B`."""
    middle = one.added[1]
    if middle <= 0:
        return f"Nothing of a {one.per} of {human_size(one.size)}"
    return f"{human_seconds(middle)} of a {one.per} of {human_size(one.size)}"


def cost_sentence(one: Sum) -> str:
    """What the Python loop adds in one placement, over all its transports."""
    low, middle, high = one.added
    where = f"{sentence(one.placement)}, {human_size(one.size)}"
    longer = f"the {one.per} {_longer(middle)} with the Python loop than with the native one"
    if one.transports == 1:
        return f"{where}: {longer}, {times(one.ratio[1])} its time."
    return (
        f"{where}: {longer} (median of {one.transports} transports; the least {signed(low)}, the "
        f"most {signed(high)}), which is {times(one.ratio[0])} to {times(one.ratio[2])} its time."
    )


def _longer(seconds: float) -> str:
    if seconds < 0:
        return f"takes {human_seconds(-seconds)} less"
    return f"takes {human_seconds(seconds)} longer"


def signed(seconds: float) -> str:
    """A difference: `+1.20 µs`, with a proper minus."""
    if seconds == 0:
        return "0"
    return f"{'+' if seconds > 0 else MINUS}{human_seconds(abs(seconds))}"


def signed_span(one: Interval) -> str:
    """`+1.10 to +1.30 µs`, the ends of a difference's interval."""
    low, high = signed(one.low), signed(one.high)
    if low.partition(" ")[2] == high.partition(" ")[2]:
        low = low.partition(" ")[0]
    return f"{low} to {high}"


def copying(one: Measured) -> str:
    """A transport's name where the row already says that it is read in place."""
    name = one.cell.transport
    return name.removesuffix("/in-place") if one.facts.in_place else name


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


FILTERS: Mapping[str, Callable[..., str]] = {
    "bounds": bounds,
    "copying": copying,
    "count": count,
    "memory": memory,
    "percent": percent,
    "sentence": sentence,
    "signed": signed,
    "signed_span": signed_span,
    "stretches": stretches,
    "times": times,
}
GLOBALS: Mapping[str, Callable[..., object]] = {
    "apart": apart,
    "claim_class": claim_class,
    "claim_mark": claim_mark,
    "cost_headline": cost_headline,
    "cost_sentence": cost_sentence,
    "families": families,
    "lead": lead,
    "span_of": span_of,
    "summaries": summaries,
    "truth_class": truth_class,
    "truth_mark": truth_mark,
    "verdict_class": verdict_class,
}
