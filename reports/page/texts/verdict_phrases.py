"""Texts of the page for verdicts: of contests, of statements, and of the answers to tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ipcbench.bench.decisions.contest import LEVEL, LOOKS, Asks, Extent, Verdict
from ipcbench.bench.decisions.ranks import Entrant, Standing
from ipcbench.bench.decisions.situation import Situation
from ipcbench.bench.decisions.verdicts import ContestVerdict, Why
from ipcbench.bench.results.results import Results
from ipcbench.bench.results.units import human_share, short_size
from ipcbench.bench.stats import CONFIDENCE
from ipcbench.reports.charts.captions import manner_phrases, wait_phrase
from ipcbench.reports.model import Measured, loop_of
from ipcbench.reports.page.texts.phrases import bounds, sentence, times
from ipcbench.reports.verdicts.answers import Answer, Tier
from ipcbench.reports.verdicts.contests import Comparison
from ipcbench.reports.verdicts.decisions import Decision, Outcome, Stretch
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict, Kind

EARLY = "\N{DOUBLE DAGGER}"  # at the ratio of a contest that stopped early
MOST_MEMBERS = 5  # of a tier that are named
MOST_LOOKS = 12  # that are named
_MARKS = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.ALIKE: "≈"}
_CLAIM_MARKS = {Outcome.HOLDS: "▲", Outcome.FAILS: "▼", Outcome.ALIKE: "≈"}
_CLASSES = {Outcome.HOLDS: "fastest", Outcome.FAILS: "beaten"}  # in style.css


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def verdict(one: Comparison) -> str:
    """Write the verdict on a contest, about its first side: `slower, by less than 5 %`."""
    if one.is_open:
        return "undecided"
    band = _percent(one.contest.band)
    if one.verdict is Verdict.TIE:
        return f"tie within {band}"
    word = one.verdict.value
    if one.contest.asks is Asks.BAND and one.ratio is not None:
        return f"{word}, {_EXTENTS[one.judged.extent]} {band}"
    return f"{word}, by less than {band}" if one.small else word


_EXTENTS = {
    Extent.INSIDE: "by less than",
    Extent.OUTSIDE: "by more than",
    Extent.UNTOLD: "perhaps by less than",
}


def lacking(one: Comparison) -> str:
    """Say what an undecided contest lacks: `would take about 40 rounds`; "" for a verdict."""
    if one.judged.needed:
        return f"would take about {one.judged.needed:,} rounds"
    return "" if one.judged.why is None else one.judged.why.value


_SHORT = {
    Why.NO_FIGURE: "no figure",
    Why.TOO_FEW: "too few rounds",
    Why.DISTURBED: "disturbed",
    Why.LOST: "lost updates",
    Why.OUT_OF_REACH: "out of reach",
}


def note(decision: Decision, one: Comparison) -> str:
    """Say in a few words what a contest's mark leaves open: `about 40 rounds`."""
    word = ""
    if not one.is_open and decision.outcome(one) is Outcome.UNDECIDED:  # but not as to the band
        word = f"{one.verdict.value}, perhaps by less than {_percent(one.contest.band)}"
    if one.judged.needed:
        return "; ".join(filter(None, (word, f"about {one.judged.needed:,} rounds")))
    if one.judged.why is not None:
        return "; ".join(filter(None, (word, _SHORT.get(one.judged.why, ""))))
    if word:
        return word
    return verdict(one) if one.small else ""


def ratio(one: Comparison) -> str:
    """Format the ratio of a contest, with a mark where it is too extreme: `1.45x`, or nothing."""
    if one.ratio is None:
        return ""
    return f"{times(one.ratio.value)}{EARLY if one.judged.stopped_early else ''}"


def interval(one: Comparison) -> str:
    """Format the interval of a contest's ratio: `1.41-1.49x`, with an en dash."""
    return "" if one.ratio is None else bounds(one.ratio, "ratio")


def side(cells: Sequence[str], left_out: Sequence[str]) -> str:
    """Say of how many cells that took part one stands for its side: `, of 5`; "" for one."""
    number = len(set(cells) - set(left_out))
    return f", of {number}" if number > 1 else ""


def apart(one: Measured, situation: Situation) -> str:
    """Name what a contest crosses on purpose, of one of its cells: `, C loop`."""
    parts = (
        "" if situation.runtime else loop_of(one.cell.runtime),
        "" if situation.wait else wait_phrase(one.wait),
    )
    return "".join(f", {part}" for part in parts if part)


def conditions(one: Situation) -> list[str]:
    """Describe a situation but its pattern, placement and size, in a few lines."""
    wait = wait_phrase(one.wait) if one.wait else "waiting in any way"
    place = "read in place" if one.in_place else ""
    processes = f"{one.processes} processes" if one.processes else "any number of processes"
    loop = loop_of(one.runtime) if one.runtime else "both loops"
    return [f"{processes}, {loop}", ", ".join(filter(None, (wait, place, *manner_phrases(one))))]


def absent(one: Comparison) -> str:
    """Count the cells that took no part: `1 cell without a figure`; "" for none."""
    number = len(one.judged.absent)
    return f"{number} {plural(number, 'cell')} without a figure" if number else ""


def early_note(comparisons: Iterable[Comparison]) -> str:
    """Explain the mark of ratios that are too extreme; "" where there is none."""
    if not any(one.judged.stopped_early for one in comparisons):
        return ""
    return (
        f"{EARLY} the contest stopped early, since it was decided before its last look: such "
        "ratios are too extreme."
    )


def claim_mark(one: Decision, contest: Comparison) -> str:
    """Mark a contest of shared memory with all others."""
    return _CLAIM_MARKS.get(one.outcome(contest), "?")


def pair_mark(one: Decision, contest: Comparison) -> str:
    """Mark a contest of a pair of transports."""
    return _MARKS.get(one.outcome(contest), "?")


def outcome_class(one: Decision, contest: Comparison) -> str:
    """Return the class of an outcome in style.css."""
    return _CLASSES.get(one.outcome(contest), "tie")


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
    number = len(one.comparisons)
    return f"Of {number} {plural(number, 'contest')}: {_counts(one)}."


def _counts(one: Decision) -> str:
    fastest = one.statement.kind is Kind.FASTEST
    texts = (
        (Outcome.HOLDS, "shared memory is the fastest in {}" if fastest else "it holds in {}"),
        (Outcome.FAILS, "another facility is faster in {}" if fastest else "it fails in {}"),
        (Outcome.ALIKE, "the difference is below the band in {}"),
        (Outcome.UNDECIDED, "{} undecided"),
    )
    found = [text.format(number) for kind, text in texts if (number := one.count(kind))]
    needed = _needed_by(one.comparisons)
    return f"{', '.join(found)}{needed}"


def _needed_by(comparisons: Iterable[Comparison]) -> str:
    found = [one.judged.needed for one in comparisons if one.judged.needed]
    if not found:
        return ""
    least, most = min(found), max(found)
    span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f" (about {span} rounds would decide)"


def by_loop(one: Decision) -> list[tuple[str, ClaimVerdict]]:
    """List (loop, verdict) where the loops differ, else one verdict for all, with loop ""."""
    parts = [(loop_of(runtime), part.verdict) for runtime, part in one.by_runtime()]
    return parts if len({found for _, found in parts}) > 1 else [("", one.verdict)]


def tier(one: Tier) -> str:
    """Say what is known of a tier: `2 alike within 5 %; 9 out`."""
    alike, unclear, out = (
        one.count(each) for each in (Standing.ALIKE, Standing.OPEN, Standing.OUT)
    )
    parts = (
        f"{alike} alike within {_percent(one.found.band)}" if alike else "",
        f"{unclear} not told apart from the first" if unclear else "",
        f"{out} out" if out else "",
    )
    return "; ".join(filter(None, parts))


def standing(one: Entrant) -> str:
    """Mark a member of a tier: ≈ alike, ? not told apart, nothing for the first."""
    return {Standing.ALIKE: "≈ ", Standing.OPEN: "? "}.get(one.standing, "")


def answer_summary(one: Answer) -> str:
    """Count the verdicts of a task's contests in one sentence."""
    number = len(one.comparisons)
    if not number:
        return "" if one.tiers else "No contest has both sides."
    decided = number - sum(each.is_open for each in one.comparisons)
    text = f"{decided} of {number} {plural(number, 'contest')} decided"
    return f"{text}{_needed_by(one.comparisons)}."


def multiplicity(verdicts: Sequence[ContestVerdict], results: Results) -> str:
    """Say how many families were judged, at which level, and after which looks."""
    families = {one.contest.family for one in verdicts}
    number = len(verdicts)
    several = f"{len(families)} families, each" if len(families) != 1 else "one family,"
    missing = sum(one.why is Why.NO_FIGURE for one in verdicts)
    sides = f"In {missing}, a side has no figure. " if missing else ""
    return (
        f"{number} {plural(number, 'contest')} in {several} judged at a level of {LEVEL}. "
        f"{sides}{_looks(results)}"
    )


def _looks(results: Results) -> str:
    found = sorted({look.rounds for look in results.looks})
    if not found and results.header.settings.adaptive:
        return f"The sweep ended before its first look, which comes after {LOOKS[0]} rounds."
    if not found and results.contests:
        return (
            "The sweep stopped before its look, which comes after its last round: these verdicts "
            "are those of the rounds so far, and a resumed sweep judges anew."
        )
    if not found:
        return "All contests were judged once, after the last round."
    shown = [str(one) for one in found[:MOST_LOOKS]]
    if len(found) == 1:
        return f"There was one look, after {shown[0]} rounds of each contest."
    return f"Looks were taken after {', '.join(shown[:-1])} and {shown[-1]} rounds of a contest."


def rounds_of(results: Results) -> str:
    """Count the rounds: `8 rounds and 40 mini-rounds`."""
    mini = sum(one.mini for one in results.rounds)
    whole = len(results.rounds) - mini
    text = f"{whole} {plural(whole, 'round')}"
    return f"{text} and {mini} mini-{plural(mini, 'round')}" if mini else text


RATIO_NOTE = (
    f"Ratios and differences here are estimates by Hodges and Lehmann, over the rounds that both "
    f"cells have and not paired by round; below is the interval of each one alone, at "
    f"{human_share(CONFIDENCE)}. They are not corrected for their number."
)
CROSSING_NOTE = (
    "Here a process that spins is compared with one that sleeps, as in the task of the lowest "
    "latency, and nowhere else on this page. "
)
METHOD_NOTE = (
    "Tests: rank-sum on the logarithms of the times of single runs, freed of the drift that the "
    "other cells of a round show; the larger p-value of Mann-Whitney (exact) and Brunner-Munzel "
    "counts. Holm's correction covers the contests of a family, which are those of one task in "
    f"one runtime and one placement, at a level of {LEVEL} each. On recorded noise, at most 5 % "
    "of families have a wrong verdict at that level."
)


def plural(number: int, word: str) -> str:
    return word if number == 1 else word + "s"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


FILTERS: Mapping[str, Callable[..., object]] = {
    "absent": absent,
    "apart": apart,
    "conditions": conditions,
    "contest_interval": interval,
    "contest_ratio": ratio,
    "lacking": lacking,
    "side": side,
    "stretches": stretches,
    "standing": standing,
    "tier": tier,
    "verdict": verdict,
}
GLOBALS: Mapping[str, object] = {
    "MOST_MEMBERS": MOST_MEMBERS,
    "answer_summary": answer_summary,
    "by_loop": by_loop,
    "claim_mark": claim_mark,
    "crossing_note": CROSSING_NOTE,
    "early_note": early_note,
    "method_note": METHOD_NOTE,
    "note": note,
    "outcome_class": outcome_class,
    "pair_mark": pair_mark,
    "ratio_note": RATIO_NOTE,
    "rounds_of": rounds_of,
    "summaries": summaries,
}
