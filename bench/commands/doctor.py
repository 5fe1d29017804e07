"""What there is here: the transports with their traits and limits, and the machine's fitness."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from rich.table import Table
from rich.text import Text

from ipcbench.bench.commands.console import PipeConsole
from ipcbench.bench.loops import native_loops
from ipcbench.bench.machine import host
from ipcbench.bench.machine.lock import SweepInProgress, SweepLock
from ipcbench.bench.plan.placement import Impossible, place
from ipcbench.bench.plan.planner import Candidate
from ipcbench.bench.results.axes import CROSS_CORE_AWAKE, SAME_CORE
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.bench.sweep.schedule import FOREIGN_MAX, STEAL_MAX
from ipcbench.transports.contract import Limit, Traits, Unavailable
from ipcbench.transports.kernel_objects.ledger import abandoned
from ipcbench.transports.registry import names

LISTEN = 1.0  # seconds that `doctor` listens to the machine's noise
GAP = 50e-6  # seconds without us in a busy loop, from which on somebody else had the CPU


def transports() -> list[dict[str, Any]]:
    """One entry a transport, as JSON."""
    return [_entry(name) for name in names()]


def _entry(name: str) -> dict[str, Any]:
    found = candidate(name)
    entry: dict[str, Any] = {"name": name, "available": not isinstance(found.found, Unavailable)}
    if found.traits is not None:
        entry["traits"] = _traits(found.traits)
        entry["native"] = _native_entry(found)
    if isinstance(found.found, Unavailable):
        entry |= {"reason": found.found.reason, "remedy": found.found.remedy}
    else:
        limits = found.found
        entry["limits"] = [asdict(limit) for limit in (limits.message, *limits.others)]
        if limits.fan_in_message is not None:
            entry["limits"].append(
                asdict(limits.fan_in_message) | {"name": "message of several senders"}
            )
        if limits.fan_out_message is not None:
            entry["limits"].append(
                asdict(limits.fan_out_message) | {"name": "message of competing receivers"}
            )
    return entry


def _native_entry(found: Candidate) -> dict[str, Any]:
    """Whether compiled loops can drive it here, else why not."""
    if found.traits is not None and not found.traits.native:
        return {"available": False, "reason": "it has no native operations", "remedy": ""}
    if found.native is not None:
        return {
            "available": False,
            "reason": found.native.reason,
            "remedy": found.native.remedy,
        }
    return {"available": True}


def _traits(traits: Traits) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in asdict(traits).items():
        if isinstance(value, Enum):
            plain[key] = value.value
        elif isinstance(value, frozenset):
            plain[key] = sorted(member.value for member in value)
        else:
            plain[key] = value
    return plain


def print_transports(entries: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("transport", "kind", "framing", "patterns", "waits", "peer death", "native")
    for heading in (*headings, "limits"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        if not entry["available"]:
            why = Text(f"unavailable: {entry['reason']}", style="yellow")
            if entry["remedy"]:
                why.append(f"; {entry['remedy']}")
            table.add_row(Text(entry["name"]), *([""] * 6), why)
            continue
        traits = entry["traits"]
        table.add_row(
            Text(entry["name"]),
            traits["family"],
            traits["framing"],
            ", ".join(traits["topologies"]),
            traits["waiting"],
            traits["peer_death"],
            "yes" if entry["native"]["available"] else "no",
            Text("\n".join(_limit(Limit(**limit)) for limit in entry["limits"])),
        )
    _console().print(table)
    for missing in _native_reasons():
        _console().print(Text(f"{missing.reason}; {missing.remedy}", style="yellow"))


def _native_reasons() -> list[Unavailable]:
    """Why transports that have native operations cannot be driven by them here, each once."""
    missing = native_loops.missing()
    if missing is not None:
        return [missing]
    found = [one for one in map(candidate, names()) if one.traits and one.traits.native]
    own = [one.native for one in found if one.native is not None]
    return list({(one.reason, one.remedy): one for one in own}.values())


def _limit(limit: Limit) -> str:
    value = "none" if limit.value is None else str(limit.value)
    return f"{limit.name} {value} ({limit.source})"


class Weight(Enum):
    FINE = "fine"
    MIND = "mind"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    weight: Weight
    topic: str
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return {
            "weight": self.weight.value,
            "topic": self.topic,
            "text": self.text,
            "remedy": self.remedy,
        }


def examine() -> list[Finding]:
    """Look at the machine, and listen to its noise for `LISTEN` seconds."""
    return [
        *_placements(),
        *_hardware(),
        *_noise(),
        *_others(),
        *_native(),
        *_missing(),
    ]


def _placements() -> Iterator[Finding]:
    here = site()
    numbers = ", ".join(str(cpu.number) for cpu in here.cpus)
    yield Finding(Weight.FINE, "CPUs", f"we may use {len(here.cpus)}: {numbers}")
    for placement in (SAME_CORE, CROSS_CORE_AWAKE):
        found = place(placement, 2, here)
        if isinstance(found, Impossible):
            yield Finding(Weight.MIND, placement, f"skipped: {found.reason}", found.remedy)
        else:
            yield Finding(
                Weight.FINE, placement, f"processes on CPUs {found[0][0]} and {found[1][0]}"
            )


def _hardware() -> Iterator[Finding]:
    machine = host.machine()
    if machine.virtualization:
        yield Finding(
            Weight.MIND, "virtual", f"{machine.virtualization}: an idle CPU wakes slowly, and a "
            "neighbour may take time; cross-core figures are the hypervisor's as much as Linux's",
        )  # fmt: skip
    governor = machine.settings.get("governor", "")
    if governor and governor != "performance":
        yield Finding(
            Weight.MIND, "governor", f"{governor}: the clock rate changes with the load",
            "cpupower frequency-set -g performance",
        )  # fmt: skip
    for hidden in machine.hidden:
        yield Finding(Weight.MIND, "hidden", f"the machine does not tell: {hidden}")


def _noise() -> Iterator[Finding]:
    before = host.ticks()
    foreign = _foreign_share()
    steal = host.ticks().steal_since(before)
    load = os.getloadavg()[0]
    yield Finding(
        Weight.FINE if foreign <= FOREIGN_MAX else Weight.BAD,
        "foreign time",
        f"{foreign:.2%} of a busy second went to others",
        "" if foreign <= FOREIGN_MAX else "stop other programs, or isolate CPUs (isolcpus)",
    )
    yield Finding(
        Weight.FINE if steal <= STEAL_MAX else Weight.BAD,
        "steal",
        f"the hypervisor took {steal:.2%} of that second",
        "" if steal <= STEAL_MAX else "measure at another hour, or on another machine",
    )
    yield Finding(
        Weight.FINE if load < 0.5 else Weight.MIND, "load", f"{load:.2f} over the last minute"
    )


def _foreign_share() -> float:
    """Share of a busy loop's time in which somebody else had the CPU."""
    now = time.perf_counter
    start = before = now()
    lost = 0.0
    while before - start < LISTEN:
        current = now()
        if current - before > GAP:
            lost += current - before
        before = current
    return lost / (before - start)


def _others() -> Iterator[Finding]:
    lock = SweepLock()
    try:
        lock.acquire()
    except SweepInProgress as error:
        yield Finding(Weight.BAD, "another sweep", str(error))
    finally:
        lock.release()
    left = len(abandoned())
    if left:
        yield Finding(Weight.MIND, "leftovers", f"of {left} killed sweeps", "ipcbench clean")


def _native() -> Iterator[Finding]:
    why = native_loops.missing()
    if why is None:
        yield Finding(Weight.FINE, "native runtime", "the compiled loops are there")
        for own in _native_reasons():
            yield Finding(Weight.MIND, "native runtime", f"skipped: {own.reason}", own.remedy)
    else:
        yield Finding(Weight.MIND, "native runtime", f"skipped: {why.reason}", why.remedy)


def _missing() -> Iterator[Finding]:
    for name in names():
        found = candidate(name)
        if isinstance(found.found, Unavailable):
            yield Finding(
                Weight.MIND, name, f"unavailable: {found.found.reason}", found.found.remedy
            )
        elif found.found.message.value is not None:
            limit = found.found.message
            yield Finding(
                Weight.FINE,
                name,
                f"messages up to {limit.value} bytes ({limit.source})",
                limit.remedy,
            )


def print_findings(findings: list[Finding]) -> None:
    styles = {Weight.FINE: "green", Weight.MIND: "yellow", Weight.BAD: "red bold"}
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.weight.value, style=styles[finding.weight]),
            Text(finding.topic),
            Text(finding.text),
            Text(finding.remedy, style="dim"),
        )
    _console().print(table)


def _console() -> PipeConsole:
    console = PipeConsole()
    if not console.is_terminal:
        console = PipeConsole(width=170)  # a file or a pipe has no width of its own
    return console
