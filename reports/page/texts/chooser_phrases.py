"""Texts of the chooser."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ipcbench.bench.decisions.tasks import SMALL
from ipcbench.bench.results.units import human_rate, human_seconds
from ipcbench.reports.names import PLACES, a_unit, language, place
from ipcbench.reports.page.chooser import differing
from ipcbench.reports.page.glossary import MEANINGS
from ipcbench.reports.verdicts.cases.case import FRAME
from ipcbench.reports.verdicts.cases.choice import Choice
from ipcbench.reports.verdicts.cases.missing import further
from ipcbench.reports.verdicts.cases.rates import Loaded, Room
from ipcbench.reports.verdicts.cases.recommend import Recommendation
from ipcbench.reports.verdicts.places import percent

FIRST_CHOICES = 2  # of a tier, in the row itself
MOST_CHOICES = 8
FRAMES = 60  # a second


def rates(one: Choice) -> str:
    """Write the rate, and the percentiles of single times: `186 k/s; p50 4.90 µs, p99 7.30 µs`."""
    rate = human_rate(one.per_second, "")
    if one.size >= SMALL:
        rate = f"{rate}, {human_rate(one.bytes_per_second, 'B')}"
    return "; ".join(filter(None, (rate, single_times(one))))


def single_times(one: Choice) -> str:
    """Write the percentiles of single times, those that a round has enough of."""
    found = (("p50", one.p50), ("p99", one.p99))
    text = ", ".join(f"{name} {human_seconds(time)}" for name, time in found if time is not None)
    return text if one.single == one.per or not text else f"{one.single}: {text}"


def compared(one: Recommendation) -> str:
    """Say how many facilities were compared, and with what result."""
    if one.measured == 1:
        return "It is the only facility that was measured here, so nothing says that it is best."
    told = len(one.members)
    if told == 1 and one.measured == 2:
        return "It is told apart from the other one that was measured here."
    if told == 1:
        return f"It is told apart from the other {one.measured - 1} that were measured here."
    if told == one.measured:
        every = "Both" if told == 2 else f"All {told}"
        return f"{every} that were measured here are not told apart."
    return f"These {told} of {one.measured} that were measured here are not told apart."


def room(one: Room) -> str:
    """Say how many facilities carry a rate in a closed loop."""
    if one.easily == one.measured > 1:
        every = "both" if one.measured == 2 else f"all {one.measured}"
        return f"{every} carry twice that, in closed loops"
    return f"{one.carry} of {one.measured} carry it, in closed loops"


def under_load(one: Loaded) -> str:
    """Write the latency under a load that was measured."""
    choice, here = one.choice, one.situation
    p99 = "" if choice.p99 is None else f", p99 {human_seconds(choice.p99)}"
    where = f"{language(here.runtime)}, {place(here.placement)}"
    return (
        f"{choice.name} at {human_rate(choice.per_second, '')} ({where}): "
        f"p50 {human_seconds(choice.seconds)}{p99}"
    )


def frames(one: Recommendation) -> str:
    """Say what frames at a usual rate take; "" for other messages."""
    if one.case.order.size != FRAME or not one.best.cpu:
        return ""
    cpu, most = percent(one.best.cpu * FRAMES), one.best.per_second / FRAMES
    number = f"{most:,.0f}" if most >= 10 else f"{most:.1f}"
    return f"{FRAMES} frames a second take {cpu} of a CPU; it carries {number} times as many."


def cpu_at_rate(one: Recommendation) -> str:
    """Write the share of a CPU that a rate takes at least."""
    assert one.room is not None
    return percent(one.best.cpu * one.room.rate)


FILTERS: Mapping[str, Callable[..., object]] = {
    "a_unit": a_unit,
    "compared": compared,
    "cpu_at_rate": cpu_at_rate,
    "differing": differing,
    "frames": frames,
    "further": further,
    "language": language,
    "place": place,
    "room": room,
    "rates": rates,
    "under_load": under_load,
}
GLOBALS: Mapping[str, object] = {
    "FIRST_CHOICES": FIRST_CHOICES,
    "MOST_CHOICES": MOST_CHOICES,
    "PLACE_MEANINGS": {one: MEANINGS[name] for one, name in PLACES.items() if name in MEANINGS},
}
