"""`ipcbench list`: transports with traits and limits, placements here, tasks and experiments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Any

import click

from ipcbench.bench.commands.errors import guarded
from ipcbench.bench.commands.options import json_option
from ipcbench.bench.commands.output import console, print_json

if TYPE_CHECKING:
    from ipcbench.bench.plan.planner import Candidate
    from ipcbench.transports.contract import Limit, Limits, Traits

HEADINGS = (
    "transport", "kind", "framing", "patterns", "waits", "peer death", "native", "limits",
)  # fmt: skip


LISTS = ("transports", "placements", "tasks", "experiments")
TRANSPORTS, PLACEMENTS, TASKS, EXPERIMENTS = LISTS
EXAMPLE = 2  # processes of the placements that are shown


@click.command("list")
@click.argument("what", type=click.Choice(LISTS), default=TRANSPORTS)
@json_option
def command(what: str, as_json: bool) -> None:
    """List the transports: traits, and limits on this machine; or the placements, the tasks or
    the experiments.

    For a transport that is unavailable, the reason and a remedy are shown.

    \b
    Example:
      ipcbench list placements
    """
    read, show = {
        TRANSPORTS: (transports, _print_table),
        PLACEMENTS: (placements, _print_placements),
        TASKS: (tasks, _print_tasks),
        EXPERIMENTS: (experiments, _print_experiments),
    }[what]
    entries = guarded(read)
    if as_json:
        print_json(entries)
    else:
        show(entries)


def transports() -> list[dict[str, Any]]:
    """Return an entry for each transport, as it is printed in JSON."""
    from ipcbench.transports.registry import names

    return [_entry(name) for name in names()]


def placements() -> list[dict[str, Any]]:
    """Return an entry for each placement: its meaning, and its CPUs on this machine."""
    from ipcbench.bench.plan.placement import Impossible, describe_cpus, place
    from ipcbench.bench.results.axes import MEANINGS
    from ipcbench.bench.sweep.candidates import site

    here, entries = site(), []
    for name, meaning in MEANINGS.items():
        found = place(name, EXAMPLE, here)
        entry: dict[str, Any] = {"name": name, "meaning": meaning}
        if isinstance(found, Impossible):
            entry |= {"available": False, "reason": found.reason, "remedy": found.remedy}
        else:
            entry |= {"available": True, "here": describe_cpus(found, here)}
        entries.append(entry)
    return entries


def tasks() -> list[dict[str, Any]]:
    """Return an entry for each task: its question, and the sides of its contests."""
    from ipcbench.bench.decisions.tasks import TASKS as ALL

    return [
        {
            "name": task.name,
            "question": task.question,
            "contests": [[match.first.name, match.second.name] for match in task.matches],
            "crosses": task.crosses,
        }
        for task in ALL.values()
    ]


def experiments() -> list[dict[str, Any]]:
    """Return an entry for each experiment: its question, its statements, and its seconds."""
    from ipcbench.bench.experiments.table import EXPERIMENTS as ALL

    return [
        {
            "name": one.name,
            "question": one.question,
            "statements": list(one.statements),
            "seconds": one.usual,
            "limit": one.limit,
        }
        for one in ALL.values()
    ]


def _print_experiments(entries: list[dict[str, Any]]) -> None:
    rows = (
        (
            entry["name"],
            entry["question"],
            "\n".join(entry["statements"]),
            f"about {entry['seconds']:g} s",
        )
        for entry in entries
    )
    _print_columns(("experiment", "question", "statements", "time"), rows)


def _print_columns(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)


def _print_tasks(entries: list[dict[str, Any]]) -> None:
    rows = (
        (
            entry["name"],
            entry["question"],
            "\n".join(" or ".join(pair) for pair in entry["contests"]),
        )
        for entry in entries
    )
    _print_columns(("task", "question", "contests"), rows)


def _print_placements(entries: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("placement", "meaning", "here"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        here = Text(entry.get("here", ""))
        if not entry["available"]:
            here = Text(f"skipped: {entry['reason']}; {entry['remedy']}", style="yellow")
        table.add_row(Text(entry["name"]), Text(entry["meaning"]), here)
    console().print(table)


def _entry(name: str) -> dict[str, Any]:
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
        entry["waits"] = _waits(found.traits)
        entry["native"] = _native_entry(found)
    if isinstance(found.found, Unavailable):
        return entry | {"reason": found.found.reason, "remedy": found.found.remedy}
    return entry | {"limits": _limits(found.found)}


def _waits(traits: Traits) -> list[str]:
    """List the ways in which its processes can wait, its own one first."""
    from ipcbench.transports.contract import Wait

    others = (Wait.POLL, Wait.SPIN_BLOCK, Wait.SPIN)
    able = [wait for wait in others if wait is not traits.waiting and traits.can_wait(wait)]
    return [wait.value for wait in (traits.waiting, *able)]


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


def _print_table(entries: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ipcbench.bench.sweep.candidates import native_reasons

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(*(Text(text, style=style) for text, style in _cells(entry)))
    console().print(table)
    for missing in native_reasons():
        console().print(Text(f"{missing.reason}; {missing.remedy}", style="yellow"))


def _cells(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """The texts of a row, each with its style."""
    if not entry["available"]:
        remedy = f"; {entry['remedy']}" if entry["remedy"] else ""
        reason = f"unavailable: {entry['reason']}{remedy}"
        return [(entry["name"], ""), *[("", "")] * (len(HEADINGS) - 2), (reason, "yellow")]
    traits = entry["traits"]
    alias = entry.get("alias")
    meant = [f"it is {alias['transport']} that waits by {alias['wait']}"] if alias else []
    texts = (
        entry["name"],
        traits["family"],
        traits["framing"],
        ", ".join(_patterns(traits)),
        "\n".join(entry["waits"]),
        traits["peer_death"],
        "yes" if entry["native"]["available"] else "no",
        "\n".join([*meant, *map(_limit, entry["limits"])]),
    )
    return [(text, "") for text in texts]


def _patterns(traits: dict[str, Any]) -> list[str]:
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


def _limit(limit: dict[str, Any]) -> str:
    value = "none" if limit["value"] is None else limit["value"]
    return f"{limit['name']} {value} ({limit['source']})"
