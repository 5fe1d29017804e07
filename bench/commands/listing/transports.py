"""List of the transports: what each can do, and its limits on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Any

from ipcbench.bench.commands.listing.tables import Cells, is_narrow, print_note, print_table

if TYPE_CHECKING:
    from ipcbench.bench.patterns.part import Pattern
    from ipcbench.bench.plan.planner import Candidate
    from ipcbench.transports.contract import Limit, Limits, Traits

HEADINGS = (
    "transport", "kind", "framing", "patterns", "waits", "peer death", "native", "limits",
)  # fmt: skip
NARROW_HEADINGS = ("transport", "kind", "patterns", "waits")


def transports() -> list[dict[str, Any]]:
    """Return an entry for each transport, as it is printed in JSON."""
    from ipcbench.transports.registry import names

    return [entry_of(name) for name in names()]


def entry_of(name: str) -> dict[str, Any]:
    """Return the entry of a transport."""
    from ipcbench.bench.sweep.candidates import candidate
    from ipcbench.transports.contract import Unavailable
    from ipcbench.transports.registry import meaning

    found = candidate(name)
    entry: dict[str, Any] = {"name": name, "available": not isinstance(found.found, Unavailable)}
    target, wait = meaning(name)
    if target != name:
        entry["alias"] = {"transport": target, "wait": wait.value}
    if found.traits is not None:
        entry["traits"] = _plain_traits(found.traits)
        entry["patterns"] = patterns_of(entry["traits"])
        entry["waits"] = _waits(found.traits)
        entry["native"] = _native_entry(found)
    if isinstance(found.found, Unavailable):
        return entry | {"reason": found.found.reason, "remedy": found.found.remedy}
    return entry | {"limits": _limits(found.found)}


def able(pattern: Pattern) -> list[str]:
    """List the transports that can do a pattern, by their traits."""
    return [name for name, traits in _known() if pattern.name in patterns_of(traits)]


def waiting(wait: str) -> list[str]:
    """List the transports whose processes can wait in a way."""
    from ipcbench.bench.sweep.candidates import candidate

    found = ((name, candidate(name).traits) for name, _ in _known())
    return [name for name, traits in found if traits is not None and wait in _waits(traits)]


def _known() -> list[tuple[str, dict[str, Any]]]:
    """List the transports that could be loaded, with their traits."""
    from ipcbench.bench.sweep.candidates import candidate
    from ipcbench.transports.registry import names

    found = ((name, candidate(name).traits) for name in names())
    return [(name, _plain_traits(traits)) for name, traits in found if traits is not None]


def patterns_of(traits: dict[str, Any]) -> list[str]:
    """List the patterns that a transport with these traits can do."""
    from ipcbench.bench.patterns.table import ALL

    apart = traits["attach_waits"] or traits["synchronous"] or traits["delayed"]
    return [
        pattern.name
        for pattern in ALL
        if pattern.topology.value in traits["topologies"]
        and not (pattern.both_ends and apart)
        and not (pattern.alone and traits["carries"])
    ]


def _waits(traits: Traits) -> list[str]:
    """List the ways in which its processes can wait, its own one first."""
    from ipcbench.transports.contract import Wait

    others = (Wait.POLL, Wait.SPIN_BLOCK, Wait.SPIN)
    possible = [wait for wait in others if wait is not traits.waiting and traits.can_wait(wait)]
    return [wait.value for wait in (traits.waiting, *possible)]


def _limits(limits: Limits) -> list[dict[str, Any]]:
    depth = () if limits.depth is None else (limits.depth,)
    found = [_plain_limit(limit) for limit in (limits.message, *depth, *limits.others)]
    for limit, name in (
        (limits.fan_in_message, "message of several senders"),
        (limits.fan_out_message, "message of competing receivers"),
    ):
        if limit is not None:
            found.append(_plain_limit(limit) | {"name": name})
    return found


def _plain_limit(limit: Limit) -> dict[str, Any]:
    return {key: getattr(limit, key) for key in ("name", "value", "source", "remedy")}


def _native_entry(found: Candidate) -> dict[str, Any]:
    """Tell whether compiled loops can drive a transport here, with the reason if not."""
    if found.traits is not None and not found.traits.native:
        return {"available": False, "reason": "it has no native operations", "remedy": ""}
    if found.native is not None:
        return {"available": False, "reason": found.native.reason, "remedy": found.native.remedy}
    return {"available": True}


def _plain_traits(traits: Traits) -> dict[str, Any]:
    return {key: _plain(value) for key, value in asdict(traits).items()}


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(member.value for member in value)
    return value.value if isinstance(value, Enum) else value


# The table.


def print_transports(entries: Iterable[dict[str, Any]]) -> None:
    """Print the transports as a table; a narrow terminal shows a part of its columns."""
    from ipcbench.bench.sweep.candidates import native_reasons

    headings = NARROW_HEADINGS if is_narrow() else HEADINGS
    print_table(headings, (row_of(entry, headings) for entry in entries))
    for missing in native_reasons():
        print_note(f"{missing.reason}; {missing.remedy}")
    print_note("All about one, with its limits: ipcbench list TRANSPORT")


def row_of(entry: dict[str, Any], headings: tuple[str, ...] = HEADINGS) -> Cells:
    """Return the texts of a row."""
    if not entry["available"]:
        reason = f"unavailable: {because(entry)}"
        before = [""] * (len(headings) - 2)
        return [entry["name"], *before, (reason, "yellow")]
    traits = entry["traits"]
    texts = {
        "transport": entry["name"],
        "kind": traits["family"],
        "framing": traits["framing"],
        "patterns": ", ".join(entry["patterns"]),
        "waits": "\n".join(entry["waits"]),
        "peer death": traits["peer_death"],
        "native": "yes" if entry["native"]["available"] else "no",
        "limits": "\n".join([*_meant(entry), *map(limit_text, entry["limits"])]),
    }
    return [texts[heading] for heading in headings]


def _meant(entry: dict[str, Any]) -> list[str]:
    alias = entry.get("alias")
    return [f"it is {alias['transport']} that waits by {alias['wait']}"] if alias else []


def because(entry: dict[str, Any]) -> str:
    """Return the reason why something is unavailable, with its remedy."""
    return f"{entry['reason']}; {entry['remedy']}" if entry["remedy"] else str(entry["reason"])


def limit_text(limit: dict[str, Any]) -> str:
    """Return a limit with its origin: `message 8192 (kernel.msgmax)`."""
    value = "none" if limit["value"] is None else limit["value"]
    return f"{limit['name']} {value} ({limit['source']})"
