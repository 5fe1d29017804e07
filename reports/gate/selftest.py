"""The result of a selftest in words: its lines in the terminal, and the sentence of a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from ipcbench.bench.decisions.gate.binomial import clopper_pearson
from ipcbench.bench.decisions.gate.sequential import Rule
from ipcbench.bench.results.axes import (
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    SAME_CORE,
    SMT,
    UNPINNED,
)
from ipcbench.bench.results.comparison.selftest import (
    MANY,
    POWER,
    CellOutcome,
    SelftestResult,
    Sight,
)
from ipcbench.bench.results.units import human_span

_GATE = Rule(cells=1)
ALARM, SILENT = _GATE.alarm, 1 / _GATE.passes  # shares that the gate guarantees, at most
ALWAYS = 0.995  # of the cells
MOST_NAMED = 10  # cells of a list
_WHERE = {
    SAME_CORE: "on one core",
    CROSS_CORE: "on two cores with idle states",
    CROSS_CORE_AWAKE: "on two cores without idle states",
    SMT: "on two threads of a core",
    UNPINNED: "without pinning",
    MANY: "with more processes than cores",
}


def where(kind: str) -> str:
    """Return a class of cells in words."""
    return _WHERE.get(kind, kind)


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent: `4 %`."""
    return f"{share * 100:.{digits}f} %"


def counted(found: int, of: int) -> str:
    """Return a count with the interval of its share: `17 of 18 (73 to 100 %)`."""
    if not of:
        return "0 of 0"
    low, high = clopper_pearson(found, of)
    return f"{found} of {of} ({_ends(low, high)})"


def _ends(low: float, high: float) -> str:
    digits = 1 if high < 0.1 or low > 0.9 else 0
    return f"{low * 100:.{digits}f} to {high * 100:.{digits}f} %"


def sentence(result: SelftestResult, kinds: Iterable[str] | None = None) -> str:
    """Say in one line what a gate on this machine could have seen.

    Args:
        result: the selftest of the machine.
        kinds: the classes of the cells that were compared; None: all.
    """
    wanted = None if kinds is None else {*kinds}
    known = [one for one in result.sights if one.curve]  # of others there are too few pairs
    sights = [one for one in known if wanted is None or one.kind in wanted]
    seen = [f"{_smallest(one)} {where(one.kind)}" for one in sights]
    missing = sorted((wanted or set()) - {one.kind for one in known})
    day, lacks = result.ended[:10], ", ".join(map(where, missing)) or "like these"
    equal, alarms = len(result.equal), len(result.alarms)
    counts = f"{alarms} false {'alarm' if alarms == 1 else 'alarms'} in {equal} equal cells"
    if not seen:
        return f"the selftest of this machine ({day}: {counts}) says nothing of cells {lacks}"
    unseen = f"; it says nothing of cells {lacks}" if missing else ""
    what = f"could have seen {_listed(seen)}"
    return f"the gate on this machine {what}: {counts} (selftest of {day}{unseen})"


def _smallest(sight: Sight) -> str:
    if sight.smallest is None:
        return "no slow-down"
    digits = 0 if sight.smallest >= 0.0995 else 1
    return f"slow-downs of {percent(sight.smallest, digits)}"


def _listed(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""


def lines(result: SelftestResult) -> Iterator[str]:
    """Yield the lines of a selftest in the terminal."""
    runs = f"{result.runs} {'run' if result.runs == 1 else 'runs'}"
    cells = len({one.cell for one in result.outcomes})
    each = human_span(result.spent / max(1, result.runs))
    yield f"Selftest of the gate: {runs} of {cells} cells, {each} each, profile {result.profile}"
    yield f"equal arms: {counted(len(result.alarms), len(result.equal))} false alarms" + _undecided(
        result.equal
    )
    for asked in result.asked:
        yield _of_size(result, asked)
    hidden, large = result.hidden, [
        one
        for asked in result.asked for one in result.slowed_by(asked) if one.true >= result.delta
    ]  # fmt: skip
    yield (
        f"silent passes: {counted(len(hidden), len(large))} of the cells that were slower by "
        f"{percent(result.delta)} or more"
    )
    for sight in result.sights:
        yield _of_class(result, sight)
    failed = [one for one in result.outcomes if one.verdict == "not measured"]
    if failed:
        yield f"not measured: {len(failed)}, such as {failed[0].cell} in run {failed[0].run}"
    for name, members in (("false alarm", result.alarms), ("silent pass", hidden)):
        for one in members[:MOST_NAMED]:
            yield f"{name}: {one.cell} in run {one.run}, {_numbers(one)}"


def contradictions(result: SelftestResult) -> list[str]:
    """Say where the counts contradict what the gate guarantees: [] where they do not.

    A count does where the whole interval of its share lies above the guarantee.
    """
    alarmed = len({one.run for one in result.alarms})
    of_size = [one for asked in result.asked for one in result.slowed_by(asked)]
    large = [one for one in of_size if one.true >= result.delta]
    found = []
    if result.runs and clopper_pearson(alarmed, result.runs)[0] > ALARM:
        found.append(
            f"this contradicts the guarantee: {alarmed} of {result.runs} runs had a false alarm, "
            f"where at most {percent(ALARM, 1)} should"
        )
    if large and clopper_pearson(len(result.hidden), len(large))[0] > SILENT:
        found.append(
            f"this contradicts the guarantee: {len(result.hidden)} of {len(large)} cells that were "
            f"slower passed, where at most {percent(SILENT)} should"
        )
    return found


def _undecided(outcomes: Sequence[CellOutcome]) -> str:
    verdicts = Counter(one.verdict for one in outcomes)
    return f"; {verdicts['passed']} passed, {verdicts['inconclusive']} inconclusive"


def _of_size(result: SelftestResult, asked: float) -> str:
    members = result.slowed_by(asked)
    found = sum(one.verdict == "broken" for one in members)
    true = [one.true for one in members]
    sizes = f"{percent(min(true), 1)} to {percent(max(true), 1)}" if true else "none"
    middle = f", {percent(median(true), 1)} in the middle" if true else ""
    passed = sum(one.verdict == "passed" for one in members)
    open_ = sum(one.verdict == "inconclusive" for one in members)
    return (
        f"slower by {percent(asked)}: found {counted(found, len(members))}; {passed} passed, "
        f"{open_} inconclusive; the true sizes are {sizes}{middle}"
    )


def _of_class(result: SelftestResult, sight: Sight) -> str:
    if not sight.curve:
        return f"{where(sight.kind)}: {sight.pairs} pairs of equal arms are too few to tell more"
    smallest = (
        f"a slow-down of {percent(sight.smallest, 1)} is found {percent(POWER)} of the time"
        if sight.smallest is not None
        else f"no slow-down that was tried is found {percent(POWER)} of the time"
    )
    at_delta = next((one for one in sight.curve if one.effect == result.delta), None)
    more = f", one of {percent(result.delta)} {percent(at_delta.found, 1)}" if at_delta else ""
    pairs = f"by resampling {sight.pairs} pairs of equal arms"
    return f"{where(sight.kind)}: {smallest}{more} ({pairs}); {_curve(sight)}"


def _curve(sight: Sight) -> str:
    """Return the power curve, up to the first slow-down that is always found."""
    shown: list[str] = []
    for point in sight.curve:
        shown.append(f"{percent(point.effect)}: {percent(point.found)}")
        if point.found > ALWAYS:
            break
    return f"found by size, {', '.join(shown)}"


def _numbers(one: CellOutcome) -> str:
    true = f", {percent(one.true, 1)} by its long runs" if one.asked else ""
    return f"head / base {one.ratio:.3f} after {one.pairs} pairs{true}"
