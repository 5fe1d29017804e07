"""A cell: one point of the sweep, and what is true of it whatever the machine."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ipcbench.bench.results.axes import PYTHON
from ipcbench.bench.results.units import LARGEST

MOST_CELLS = 10_000  # of a sweep
MOST = 1 << 20  # processes, or messages in a queue


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured. `size` in bytes; `depth` as asked for, None: the transport's own.

    `poll`: the receiver waits with poll(2), then reads.
    A `twin` is a control: the same measurement a second time under another name.
    """

    transport: str
    pattern: str
    size: int
    processes: int = 2
    placement: str
    runtime: str = PYTHON
    depth: int | None = None
    poll: bool = False
    twin: bool = False

    def __post_init__(self) -> None:
        """Raises: ValueError (a journal may come from anybody)."""
        for name in (self.transport, self.pattern, self.placement, self.runtime):
            if not 0 < len(name) <= 200 or not name.isprintable() or _folded(name) != name:
                raise ValueError(f"{name[:200]!r} names nothing")
        depth = 1 if self.depth is None else self.depth
        if not (0 <= self.size <= LARGEST and 1 <= self.processes <= MOST and 1 <= depth <= MOST):
            raise ValueError("a cell's size, processes or depth is out of range")

    @property
    def original(self) -> Cell:
        """What a twin is measured against; any other cell itself."""
        return msgspec.structs.replace(self, twin=False) if self.twin else self

    @property
    def id(self) -> str:
        """`latency/pipe/python/64B/2p/same-core`: the benchmark's name in the suite."""
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
        if self.poll:
            parts.append("poll")
        return "/".join(parts) + ("~twin" if self.twin else "")


def _folded(name: str) -> str:
    """One space between words: two names that read alike are one in pyperf's file."""
    return " ".join(name.split())


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decides a cell's result beside its axes, and stands in a column of it.

    `per`: what a value is the time of ("round trip", "message"). `wait`: how
    the receiver waits. `copies`: times a payload is copied on a hop. `in_place`:
    the receiver reads where the sender wrote. `differs`: a native cell whose
    operations are not the calls that Python makes, but others that do the same.
    """

    per: str
    family: str
    wait: str
    copies: Annotated[int, msgspec.Meta(ge=0, le=MOST)]
    framing: str
    in_place: bool = False
    differs: bool = False
