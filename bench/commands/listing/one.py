"""All about one transport, in words."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ipcbench.bench.commands.listing.tables import print_note, print_table
from ipcbench.bench.commands.listing.transports import because, entry_of, limit_text

_FRAMING: Mapping[str, str] = {
    "stream": "bytes without boundaries: the receiver must know the length",
    "message": "whole messages: a boundary is kept",
}
_PEER_DEATH: Mapping[str, str] = {
    "reported": "the other process sees an end of file or an error",
    "silent": "the other process waits for ever: use a time limit",
}
_SHARING: Mapping[str, str] = {
    "name": "by a name: any process of the user can attach",
    "descriptors": "file descriptors have to be handed over",
    "inherit": "by fork(2) alone: parent and children",
}
_LIFETIME: Mapping[str, str] = {
    "process": "until the last process that holds it ends",
    "kernel": "until it is removed, or the machine restarts",
    "file system": "until its file is removed",
}


def chosen(words: Sequence[str]) -> list[dict[str, Any]]:
    """Return the entries of the transports that some names or patterns match.

    Raises: UnknownTransport.
    """
    from ipcbench.transports.registry import matching

    names = dict.fromkeys(name for word in words for name in matching(word))
    return [entry_of(name) | {"profiles": _profiles_with(name)} for name in names]


def _profiles_with(name: str) -> list[str]:
    """List the profiles that measure a transport."""
    from ipcbench.bench.plan.profile import PROFILES, load_profile
    from ipcbench.transports.registry import matching

    def has(profile: str) -> bool:
        words = {word for axes in load_profile(profile).axes for word in axes.transports}
        return any(name in matching(word) for word in words)

    return [profile for profile in PROFILES if has(profile)]


def print_chosen(entries: Iterable[dict[str, Any]]) -> None:
    """Print all about each, with a blank line between two."""
    for number, entry in enumerate(entries):
        if number:
            print_note("")
        print_table(("transport", entry["name"]), _lines(entry))


def _lines(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if alias := entry.get("alias"):
        yield "stands for", f"{alias['transport']} with --wait {alias['wait']}"
    if not entry["available"]:
        yield "unavailable", because(entry)
    if "traits" in entry:
        yield from _properties(entry, entry["traits"])
    for number, limit in enumerate(entry.get("limits", ())):
        more = f"; for more: {limit['remedy']}" if limit["remedy"] else ""
        yield "" if number else "limits here", limit_text(limit) + more
    yield "measured by", ", ".join(entry["profiles"]) or "no profile: name it"
    if entry["available"]:
        yield "measure it", f"ipcbench run {shlex.quote(entry['name'])}"


def _properties(entry: dict[str, Any], traits: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "kind", traits["family"]
    if traits["carries"]:
        yield "framing", _FRAMING.get(traits["framing"], traits["framing"])
        copies = traits["copies"]
        yield "copies", f"{copies} of each message" if copies else "none: read where it was written"
    yield "patterns", ", ".join(entry["patterns"])
    yield "waits", ", ".join(entry["waits"]) + "; the first is its own way"
    native = entry["native"]
    yield "runtimes", "python, native" if native["available"] else f"python; {_no(native)}"
    yield "shared", _SHARING.get(traits["sharing"], traits["sharing"])
    yield "exists", _LIFETIME.get(traits["lifetime"], traits["lifetime"])
    if traits["carries"]:
        yield "peer's death", _PEER_DEATH.get(traits["peer_death"], traits["peer_death"])
    if traits["pollable"]:
        yield "poll(2)", "yes: it fits into an event loop"


def _no(native: dict[str, Any]) -> str:
    return f"no native runtime: {because(native)}"
