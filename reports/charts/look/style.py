"""The look of markers: a colour for each facility, a shape for each family, a filling for the rest.

It depends on names alone, so a facility looks the same in all charts of all runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    CROSS_NODE,
    FILES,
    FLOOR,
    HOT,
    LIBRARY,
    MESSAGE_QUEUE,
    MULTIPROCESSING,
    NO_WAIT,
    PASSING,
    PIPE,
    POLL,
    SAME_CORE,
    SHARED_MEMORY,
    SMT,
    SOCKET,
    SPIN,
    SPIN_BLOCK,
    SYNCHRONISATION,
    UNPINNED,
)
from ipcbench.reports.charts.look.palette import MUTED, known, shades
from ipcbench.reports.model import Measured

FULL, HOLLOW, LEFT, RIGHT, TOP, BOTTOM = FILLS = ("full", "none", "left", "right", "top", "bottom")
"""Fillings of a marker: the whole, nothing, or one half of it."""

_MARKERS = {
    PIPE: "o",
    SOCKET: "s",
    MESSAGE_QUEUE: "^",
    SHARED_MEMORY: "D",
    PASSING: ">",
    MULTIPROCESSING: "v",
    LIBRARY: "h",
    FILES: "p",
    SYNCHRONISATION: "8",
    FLOOR: "d",
}
_OTHER_MARKER = "<"
_LINES = {BLOCK: "-", POLL: "--", SPIN: ":", SPIN_BLOCK: "-.", NO_WAIT: "--"}
_FILLS = {BLOCK: FULL, POLL: RIGHT, SPIN: HOLLOW, SPIN_BLOCK: LEFT, NO_WAIT: FULL}
_KINDS = {(True, False): TOP, (False, True): BOTTOM, (True, True): RIGHT}  # batch, payload
_PLACED = {
    SAME_CORE: FULL,
    SMT: RIGHT,
    CROSS_CORE: HOLLOW,
    CROSS_CORE_AWAKE: LEFT,
    CROSS_NODE: TOP,
    UNPINNED: BOTTOM,
}
_FIRST = (  # facilities of a family in the order of its shades; any other has a shade by its name
    ("pipe", "fifo", "pipe:1M", "fifo:mknod", "vmsplice"),
    (
        "unix-stream",
        "tcp",
        "unix-dgram",
        "socketpair",
        "unix-seqpacket",
        "unix-stream:1M",
        "tcp:1M",
        "socketpair:dgram",
    ),
    ("sysv-queue", "posix-queue", "sysv-queue:types"),
    ("memfd-passed", "memfd-pool", "process-vm"),
    ("mp-queue", "mp-pipe", "mp-simple-queue"),
    ("zmq:ipc", "nng:ipc"),
    ("file-read", "file-map", "file-pread"),
    ("posix-sem", "futex", "sysv-sem", "eventfd", "signal"),
)
_SHADE: Mapping[str, int] = {name: at for names in _FIRST for at, name in enumerate(names)}
# A memory that differs from POSIX's has a shade by itself: charts vary the memory or the waiter.
_WAITERS = ("posix-sem", "futex", "sysv-sem", "eventfd", "pthread-cond")
_SEGMENTS = ("posix", "sysv", "file", "tmpfs", "memfd", "mp")


@dataclass(frozen=True, slots=True)
class Style:
    """The look of a curve: a colour of the light page, matplotlib's marker, line and filling."""

    color: str
    marker: str
    line: str = "-"
    fill: str = FULL


REFERENCE = Style(MUTED, "", "--")


def filling(name: str, index: int) -> str:
    """Return the filling of a series of dots: that of a placement, or the `index`-th one."""
    return _PLACED.get(name) or FILLS[index % len(FILLS)]


def family_style(family: str) -> Style:
    """Return the look of a family."""
    return Style(shades(family)[0], _MARKERS.get(known(family), _OTHER_MARKER))


def facility_style(one: Measured) -> Style:
    """Return the look of a facility, whatever its processes do."""
    colors = shades(one.facts.family)
    color = colors[_shade(one.cell.transport) % len(colors)]
    return Style(color, family_style(one.facts.family).marker)


def _shade(name: str) -> int:
    base = name.removesuffix("/in-place")
    segment, plus, waiter = base.removeprefix("shm:").partition("+")
    if plus and segment in _SEGMENTS and waiter in _WAITERS:
        at = _SEGMENTS.index(segment)
        return len(_WAITERS) + at - 1 if at else _WAITERS.index(waiter)
    return _SHADE[base] if base in _SHADE else zlib.crc32(base.encode())


def in_its_manner(style: Style, one: Measured) -> Style:
    """Style one of the curves of a facility: line and filling by the wait and by the messages.

    Where processes spin, the marker is hollow. Several messages a call, and payloads that are
    written anew, or read in place, fill other halves of it.
    """
    kind = one.cell.batch > 1, one.cell.payload != HOT
    fill = _KINDS.get(kind) or (TOP if one.facts.in_place else _FILLS.get(one.wait, FULL))
    return Style(style.color, style.marker, _LINES.get(one.wait, "-"), fill)
