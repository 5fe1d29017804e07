"""Trust in a run as one line: how well each placement repeats, and what has no figure."""

from __future__ import annotations

from ipcbench.bench.results.results import Results, Status
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.names import place
from ipcbench.reports.verdicts.finding import many
from ipcbench.reports.verdicts.places import PlaceTrust, repeats
from ipcbench.reports.verdicts.trust import Trust

_WITHOUT = {
    Status.SKIPPED: "skipped",
    Status.FAILED: "failed",
    Status.DISTURBED: "without an undisturbed run",
    Status.PENDING: "not reached",
}
_UNKNOWN = "repeatability not known"  # no identical cells were measured there


def trust_line(trust: Trust, results: Results) -> str:
    """Return the line: "One core: repeatable to ±3 %. Two cores: ±9 %. 8 cells skipped."."""
    return " ".join([*_places(trust), *_without_figure(results)])


def short_trust_line(trust: Trust, results: Results) -> str:
    """Return the same in fewer words: "one core ±3 %, two cores ±9 %; 8 cells skipped"."""
    found = ", ".join(_width(one, trust) for one in trust.places)
    without = ", ".join(text.rstrip(".") for text in _without_figure(results))
    return "; ".join(filter(None, (found or "nothing was measured", without)))


def _width(one: PlaceTrust, trust: Trust) -> str:
    name = place(one.placement)
    if trust.trusted(one.placement) is Severity.PROBLEM:
        return f"{name} not to be trusted"
    return f"{name}: {_UNKNOWN}" if one.width is None else f"{name} {repeats(one.width, '')}"


def _places(trust: Trust) -> list[str]:
    if not trust.places:
        return ["Nothing was measured."]
    found: list[str] = []
    for one in trust.places:
        name = place(one.placement)
        first = not found
        found.append(f"{name[:1].upper()}{name[1:]}: {_repeatable(one, trust, first)}.")
    return found


def _repeatable(one: PlaceTrust, trust: Trust, first: bool) -> str:
    if trust.trusted(one.placement) is Severity.PROBLEM:
        return "not to be trusted"
    if one.width is None:
        return _UNKNOWN
    return f"repeatable {repeats(one.width)}" if first else repeats(one.width, "")


def _without_figure(results: Results) -> list[str]:
    counts = ((len(results.with_status(status)), word) for status, word in _WITHOUT.items())
    return [f"{many(number, 'cell')} {word}." for number, word in counts if number]
