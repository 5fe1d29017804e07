"""A cell: one point of the sweep, and the facts about it that hold on every machine."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ipcbench.bench.results.axes import BLOCK, HOT, PAYLOADS, PYTHON, WAITS
from ipcbench.bench.results.pace import CLOSED, parse_pace
from ipcbench.bench.results.units import LARGEST
from ipcbench.transports.registry import meaning

MOST_CELLS = 10_000  # of a sweep
MOST_SLOWED = 100  # percent
MOST = 1 << 20  # processes, messages in a queue or in a call, or looks


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One point of the sweep.

    Attributes:
        size: bytes of a message.
        depth: messages in the queue as asked for; None: the transport's own number.
        wait: the receiver's way of waiting, one of `WAITS`; `block`: the transport's own way.
        looks: the number of looks after which a receiver that waits by `spin-block` sleeps; None:
            the transport's own number.
        batch: messages of a call, at most: the receiver takes those that are there.
        payload: the bytes that are sent, one of `PAYLOADS`.
        pace: `closed`, or a pause between round trips (`ipcbench.bench.results.pace`).
        twin: a control: the same measurement a second time under another name.
        slowed: a control: the same measurement, slowed on purpose by so many percent.
    """

    transport: str
    pattern: str
    size: int
    processes: int = 2
    placement: str
    runtime: str = PYTHON
    depth: int | None = None
    wait: str = BLOCK
    looks: int | None = None
    batch: int = 1
    payload: str = HOT
    pace: str = CLOSED
    twin: bool = False
    slowed: int = 0

    def __post_init__(self) -> None:
        """Check the axes, since a journal is untrusted. Raises: ValueError."""
        for name in (self.transport, self.pattern, self.placement, self.runtime):
            if not 0 < len(name) <= 200 or not name.isprintable() or _folded(name) != name:
                raise ValueError(f"{name[:200]!r} is not a valid name")
        numbers = (self.processes, self.depth, self.looks, self.batch)
        if not all(one is None or 1 <= one <= MOST for one in numbers):
            raise ValueError("a cell's processes, depth, looks or batch is out of range")
        if not 0 <= self.size <= LARGEST:
            raise ValueError("a cell's size is out of range")
        if not 0 <= self.slowed <= MOST_SLOWED or (self.twin and self.slowed):
            raise ValueError(f"a control is a twin, or slowed by 1 to {MOST_SLOWED} percent")
        if self.wait not in WAITS:
            raise ValueError(f"no wait {self.wait[:200]!r}: there are {', '.join(WAITS)}")
        if self.payload not in PAYLOADS:
            raise ValueError(f"no payload {self.payload[:200]!r}: there are {', '.join(PAYLOADS)}")
        if parse_pace(self.pace) != self.pace:
            raise ValueError(f"the pace {self.pace!r} is written {parse_pace(self.pace)}")

    @property
    def original(self) -> Cell:
        """Return the cell that a control repeats; any other cell itself."""
        return msgspec.structs.replace(self, twin=False, slowed=0) if self.is_control else self

    @property
    def is_control(self) -> bool:
        """Tell whether the cell repeats another one, as its twin or slowed on purpose."""
        return self.twin or self.slowed > 0

    @property
    def present(self) -> Cell:
        """Return the cell without an alias; journals keep the names that they were written with."""
        transport, wait = present_name(self.transport, self.wait)
        if transport == self.transport:
            return self
        return msgspec.structs.replace(self, transport=transport, wait=wait)

    @property
    def id(self) -> str:
        """Return `latency/pipe/python/64B/2p/same-core`: the benchmark's name in the suite.

        Axes that are not at their default follow: `/depth64/wait-spin-block/looks2000`.
        """
        parts = [
            self.pattern,
            self.transport,
            self.runtime,
            f"{self.size}B",
            f"{self.processes}p",
            self.placement,
        ]
        if self.depth is not None:
            parts.append(f"depth{self.depth}")
        if self.wait != BLOCK:
            parts.append(f"wait-{self.wait}")
        if self.looks is not None:
            parts.append(f"looks{self.looks}")
        if self.batch != 1:
            parts.append(f"batch{self.batch}")
        if self.payload != HOT:
            parts.append(self.payload)
        if self.pace != CLOSED:
            parts.append(self.pace.replace(":", ""))
        control = "~twin" if self.twin else f"~slowed{self.slowed}" if self.slowed else ""
        return "/".join(parts) + control


def present_name(transport: str, wait: str) -> tuple[str, str]:
    """Return the name of a transport and the way of waiting; of an alias, those that it means.

    An alias whose ends are asked to wait in another way than its own keeps its name: no such
    cell can be measured.
    """
    name, own = meaning(transport)
    if name == transport or wait not in (BLOCK, own.value):
        return transport, wait
    return name, own.value


def _folded(name: str) -> str:
    """Return the name with single spaces: pyperf's file takes two names that differ so for one."""
    return " ".join(name.split())


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Properties of a cell that follow from its transport, shown as columns.

    Attributes:
        per: the unit that a value is the time of ("round trip", "message").
        wait: the receiver's way of waiting in effect, one of `WAITS`.
        copies: times a payload is copied on one way.
        in_place: the receiver reads where the sender wrote.
        differs: a native cell whose operations are not the calls that Python makes, but
            others that do the same.
        batch: a call of the native operations may carry several messages. No call does now; in
            older journals those of streams over some rings did.
        signals: waiters that both sides notify for each message; 0: none.
        single: the unit that a time of the tail pass is of ("round trip", "send"), "" where
            there is no such pass, and in older journals, which stamped round trips alone.
    """

    per: str
    family: str
    wait: str
    copies: Annotated[int, msgspec.Meta(ge=0, le=MOST)]
    framing: str
    in_place: bool = False
    differs: bool = False
    batch: bool = False
    signals: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = 0
    single: str = ""
