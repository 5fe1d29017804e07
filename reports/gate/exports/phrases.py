"""Phrases that several formats of the gate's report share.

Names and reasons come from a journal or a file of promises, which may be anyone's: each format
escapes them in its own way, after `one_line` has removed control characters.
"""

from __future__ import annotations

import math

from ipcbench.bench.results.units import human_seconds
from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.promises.kinds import times
from ipcbench.reports.gate.report import GateLine, GateReport, GateVerdict, Interval, Measure

LONGEST = 600  # characters of a text
LONGEST_NAME = 200
SEEN = 0.02  # a difference of two changes that a reader sees, as a logarithm
TWICE = 2.0  # from here on, a change is said as a factor instead of percents

OF_EXIT = {
    0: GateVerdict.PASSED,
    1: GateVerdict.BROKEN,
    2: GateVerdict.INCONCLUSIVE,
    3: GateVerdict.NOT_MEASURED,
}


def headline(report: GateReport) -> str:
    """Return the verdict and all counts in one line."""
    verdict = OF_EXIT[report.exit_code]
    if not report.lines:
        return f"{verdict.value}: nothing was compared"
    counts = [_count(report, one, n) for one, n in report.counts.items()]
    number = len(report.lines)
    what = f"{number} {report.noun}{'' if number == 1 else 's'}"
    return f"{verdict.value}: {what}, {', '.join(counts)}"


def _count(report: GateReport, verdict: GateVerdict, number: int) -> str:
    advisory = sum(line.advisory for line in report.of(verdict))
    if verdict is not GateVerdict.BROKEN or not advisory:
        return f"{number} {verdict.value}"
    return f"{number} {verdict.value} ({advisory} advisory)"


def name(line: GateLine) -> str:
    """Return the name of a line, on one line."""
    return one_line(line.name, LONGEST_NAME)


def ratio(value: float | None, measure: Measure, *, factor: bool = False) -> str:
    """Write a ratio: a speed as `1.5x`, a change as `+12.3 %` or `0.0 %`; `-` for none.

    `factor`: a change as a factor as well, since another number beside it is one.
    """
    if value is None:
        return "-"
    if measure is Measure.SPEED or factor or _is_large(value):
        return times(value)
    percent = round(100 * (value - 1), 1)
    return f"{percent:+.1f} %" if percent else "0.0 %"


def _is_large(value: float) -> bool:
    return not 1 / TWICE < value < TWICE


def _in_factors(effect: Interval) -> bool:
    """Tell if an effect and its limits are written as factors: all three, or none of them."""
    known = (effect.ratio, effect.low, effect.high)
    return any(_is_large(value) for value in known if value is not None)


def change(line: GateLine) -> str:
    """Write the effect of a line, in the unit of its interval; `-` for none."""
    if line.effect is None:
        return ratio(None, line.measure)
    return ratio(line.effect.ratio, line.measure, factor=_in_factors(line.effect))


def interval(effect: Interval | None, measure: Measure) -> str:
    """Write an interval: `+10.1 % to +14.6 %`; "" where it has no limit on either side."""
    if effect is None or (effect.low is None and effect.high is None):
        return ""
    factor = _in_factors(effect)
    low, high = (ratio(one, measure, factor=factor) for one in (effect.low, effect.high))
    if effect.high is None:
        return f"{low} or more"
    if effect.low is None:
        return f"{high} or less"
    return f"{low} to {high}"


def effect_of(line: GateLine) -> str:
    """Write the effect with its interval, for a sentence; "" where there is none."""
    if line.effect is None:
        return ""
    limits = interval(line.effect, line.measure)
    return f"{change(line)}{f' ({limits})' if limits else ''}"


def trials(line: GateLine) -> str:
    """Write the number of rounds or pairs: `9 pairs`."""
    return f"{line.count} {line.counted.removesuffix('s') if line.count == 1 else line.counted}"


def seconds_of(line: GateLine) -> str:
    """Write the times of both sides: `base 2.68 µs, head 3.01 µs a round trip`; "" for none."""
    known = [(one.name, one.seconds) for one in line.sides if one.seconds is not None]
    if not known:
        return ""
    text = ", ".join(f"{side} {human_seconds(seconds)}" for side, seconds in known)
    return f"{text} a {one_line(line.per, 40)}" if line.per else text


def _cells(line: GateLine) -> list[str]:
    named = {one.cell: one.name for one in line.sides if one.cell and one.cell != line.name}
    return [f"{side}: {one_line(cell, LONGEST_NAME)}" for cell, side in named.items()]


def cells_of(line: GateLine) -> str:
    """Name the cells of both sides where the name of the line does not; "" where it does."""
    return ", ".join(_cells(line))


def sides_of(line: GateLine) -> list[str]:
    """Describe both sides: their times, and each cell that is not the name of the line."""
    return [text for text in (seconds_of(line), *_cells(line)) if text]


def common_bound(report: GateReport) -> str:
    """Return the bound that all cells of a comparison have; "" where they differ."""
    if report.noun != "cell":
        return ""
    bounds = {line.bound for line in report.lines if line.bound}
    return one_line(bounds.pop(), LONGEST_NAME) if len(bounds) == 1 else ""


def figures(line: GateLine) -> str:
    """Write the effect, the bound and the number of trials, for a sentence."""
    bound = f"bound: {one_line(line.bound, LONGEST_NAME)}" if line.bound else ""
    return "; ".join(filter(None, (effect_of(line), bound, trials(line))))


def texts(line: GateLine) -> list[str]:
    """Return all that explains a line: the reason of the verdict first, with its remedy."""
    remedy = f": {line.remedy}" if line.remedy else ""
    first = one_line(f"{line.reason}{remedy}", LONGEST)
    return [text for text in (first, *asides_of(line)) if text]


def asides_of(line: GateLine) -> list[str]:
    """Return the remarks about a line."""
    why = f"promised because: {line.why}" if line.why else ""
    advisory = "advisory: it does not count for the exit code" if line.advisory else ""
    found = (advisory, *line.remarks, why)
    return [one_line(text, LONGEST) for text in found if text]


def order_of(report: GateReport) -> str:
    """Say how much the order within a pair matters; "" where it is not known."""
    if report.order is None:
        return ""
    low, high = report.order.low, report.order.high
    limits = "" if low is None or high is None else f" ({low:.3f} to {high:.3f})"
    return (
        f"The second run of a pair took {report.order.ratio:.3f} of the time of the first{limits}, "
        "whatever the arm; a coin chose the order of each pair."
    )


def medians_of(report: GateReport) -> str:
    """Say why a change is not that of the two times beside it; "" where they agree."""
    differs = any(_disagrees(line) for line in report.lines)
    if not differs:
        return ""
    return "A change is the median over the pairs: it can differ from that of the two times."


def _disagrees(line: GateLine) -> bool:
    times_of = [one.seconds for one in line.sides if one.seconds]
    if line.measure is not Measure.CHANGE or line.effect is None or len(times_of) != 2:
        return False
    return abs(math.log(times_of[1] / times_of[0] / line.effect.ratio)) > SEEN


def asides(report: GateReport) -> list[str]:
    """Return the sentences about the whole report: power, order, notes."""
    found = (medians_of(report), report.could_see, order_of(report), *report.notes)
    return [one_line(text, LONGEST) for text in found if text]


def machine_of(report: GateReport) -> str:
    """Describe the machine in one line; "" where it is not known."""
    machine = report.machine
    if machine is None:
        return ""
    parts = (
        f"{machine.cpu_model}, {machine.cpus_online} CPUs", machine.virtualization,
        f"Linux {machine.kernel}", f"Python {machine.python}",
    )  # fmt: skip
    return one_line(", ".join(filter(None, parts)), LONGEST)


def arms_of(report: GateReport) -> list[str]:
    """Describe each arm in one line."""
    return [
        one_line(f"{arm.name}: {arm.spec}{f' ({arm.described})' if arm.described else ''}", LONGEST)
        for arm in report.arms
    ]
