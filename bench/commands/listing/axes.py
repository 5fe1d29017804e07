"""Lists of the axes of a sweep: patterns, placements and ways of waiting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ipcbench.bench.commands.listing import words
from ipcbench.bench.commands.listing.tables import print_table

if TYPE_CHECKING:
    from ipcbench.bench.patterns.part import Pattern

EXAMPLE = 2  # processes of the placements that are shown
_TRIED = range(1, 9)  # numbers of processes


def patterns() -> list[dict[str, Any]]:
    """Return an entry for each pattern: its meaning, processes, unit, payloads and transports."""
    from ipcbench.bench.commands.listing.transports import able
    from ipcbench.bench.patterns.table import ALL

    entries = []
    for pattern in ALL:
        meaning, whom = words.PATTERNS[pattern.name]
        entries.append(
            {
                "name": pattern.name,
                "meaning": meaning,
                "for": whom,
                "per": pattern.per,
                "processes": _processes(pattern),
                "payloads": _payloads(pattern),
                "transports": able(pattern),
            }
        )
    return entries


def _processes(pattern: Pattern) -> str:
    """Return the numbers of processes that a pattern can have: `2`, `2 or more`."""
    possible = [number for number in _TRIED if not pattern.refuses(number)]
    if len(possible) == 1:
        return str(possible[0])
    if any(number % 2 for number in possible):
        return f"{possible[0]} or more"
    return f"{possible[0]} or more, even"


def _payloads(pattern: Pattern) -> list[str]:
    """Return the payloads that a pattern can have; one that sends no messages has none."""
    from ipcbench.bench.patterns.table import has_payload
    from ipcbench.bench.results.axes import PAYLOADS

    return [one for one in PAYLOADS if has_payload(pattern.name, one)] if pattern.carries else []


def print_patterns(entries: Iterable[dict[str, Any]]) -> None:
    """Print the patterns as a table."""
    rows = (
        (
            one["name"],
            one["meaning"],
            one["for"],
            one["processes"],
            one["per"],
            ", ".join(one["payloads"]) or "none",
            str(len(one["transports"])),
        )
        for one in entries
    )
    heads = ("pattern", "meaning", "for", "processes", "time per", "payloads", "transports")
    print_table(heads, rows)


def placements() -> list[dict[str, Any]]:
    """Return an entry for each placement: its meaning, and its CPUs on this machine."""
    from ipcbench.bench.plan.placement import Impossible, describe_cpus, place
    from ipcbench.bench.results.axes import MEANINGS
    from ipcbench.bench.sweep.candidates import site

    here, entries = site(), []
    for name, meaning in MEANINGS.items():
        found = place(name, EXAMPLE, here)
        entry: dict[str, Any] = {"name": name, "meaning": meaning, "for": words.PLACEMENTS[name]}
        if isinstance(found, Impossible):
            entry |= {"available": False, "reason": found.reason, "remedy": found.remedy}
        else:
            entry |= {"available": True, "here": describe_cpus(found, here)}
        entries.append(entry)
    return entries


def print_placements(entries: Iterable[dict[str, Any]]) -> None:
    """Print the placements as a table."""
    rows = ((one["name"], one["meaning"], one["for"], _here(one)) for one in entries)
    print_table(("placement", "meaning", "for", "here"), rows)


def _here(entry: dict[str, Any]) -> tuple[str, str]:
    if entry["available"]:
        return entry["here"], ""
    return f"skipped: {entry['reason']}; {entry['remedy']}", "yellow"


def waits() -> list[dict[str, Any]]:
    """Return an entry for each way of waiting: its meaning, and the transports that have it."""
    from ipcbench.bench.commands.listing.transports import waiting

    return [
        {"name": name, "meaning": meaning, "for": whom, "transports": waiting(name)}
        for name, (meaning, whom) in words.WAITS.items()
    ]


def print_waits(entries: Iterable[dict[str, Any]]) -> None:
    """Print the ways of waiting as a table."""
    rows = (
        (one["name"], one["meaning"], one["for"], str(len(one["transports"]))) for one in entries
    )
    print_table(("wait", "meaning", "for", "transports"), rows)
