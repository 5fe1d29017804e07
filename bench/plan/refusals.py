"""Reasons why a transport or a pattern cannot have a value of an axis: one function an axis."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench.loops.payloads.pool import FRESH_BUFFERS, LEAST
from ipcbench.bench.patterns.table import (
    BATCHED,
    PATTERNS,
    SLOWED,
    has_pace,
    has_payload,
    writes_in_place,
)
from ipcbench.bench.results.axes import ARRAY, BLOCK, HOT, PYTHON, SPIN_BLOCK
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pace import CLOSED, RATE, offered
from ipcbench.bench.results.units import human_size
from ipcbench.transports.contract import Traits, Wait
from ipcbench.transports.registry import meaning, same_as


@dataclass(frozen=True, slots=True)
class Skip:
    """The reason why a cell is not measured, and a remedy."""

    reason: str
    remedy: str = ""


def first_refusal(cell: Cell, traits: Traits) -> Skip | None:
    """Return the first reason why a cell cannot have its values, or None."""
    rules = (depth, wait, looks, batch, payload, pace, open_loop, both_ends, slowed)
    return next((skip for rule in rules if (skip := rule(cell, traits)) is not None), None)


def depth(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse a depth where a transport does not count messages."""
    if cell.depth is None:
        return None
    if not traits.depth:
        return Skip(f"{cell.transport} has no depth to set")
    if cell.payload == ARRAY and traits.pickles_late and cell.depth >= FRESH_BUFFERS:
        most = FRESH_BUFFERS - 1
        return Skip(
            f"{cell.transport} pickles an array after it was sent: of {FRESH_BUFFERS} arrays that "
            f"are written in turn, its queue may hold {most}",
            f"ask for a depth of {most} or less, or of none",
        )
    return None


def wait(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse a way of waiting that a transport does not have, or in which it is another one."""
    way = Wait(cell.wait)
    meant, own = meaning(cell.transport)
    if meant != cell.transport and way not in (Wait.BLOCK, own):
        return Skip(f"{cell.transport} is {meant} that waits by {own.value}, not by {cell.wait}")
    if not traits.can_wait(way):
        return Skip(f"a receiver of {cell.transport} cannot wait by {cell.wait}")
    same = same_as(cell.transport, way)
    if same == cell.transport:
        return None
    return Skip(
        f"{cell.transport} is {same} if it waits by {cell.wait}: no process sleeps",
        f"measure that one: ipcbench run {same} --wait {cell.wait}",
    )


def counts_looks(cell: Cell, traits: Traits | None) -> bool:
    """Tell whether the receivers of a cell look some number of times before they sleep."""
    own = traits is not None and traits.waiting is Wait.SPIN_BLOCK
    return cell.wait == SPIN_BLOCK or (cell.wait == BLOCK and own)


def looks(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse looks where receivers count none."""
    if cell.looks is None or counts_looks(cell, traits):
        return None
    return Skip(f"only receivers that wait by {SPIN_BLOCK} count looks")


def batch(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse several messages a call where pattern, transport or runtime has no call for them."""
    if cell.batch == 1:
        return None
    if cell.pattern not in BATCHED:
        return Skip(f"{cell.pattern} sends one message a call")
    if not traits.batch:
        return Skip(f"{cell.transport} has no call for several messages")
    if traits.in_place:
        return Skip(f"{cell.transport} reads messages in place, one by one")
    if cell.runtime == PYTHON:
        return Skip("Python has no call for several messages", "ask for --runtime native")
    if cell.payload != HOT:
        return Skip("one call sends the same bytes several times: no message of it is new")
    return None


def payload(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse a payload that the pattern, the transport or the size cannot have."""
    if cell.payload == HOT:
        return None
    if not PATTERNS[cell.pattern].carries:
        return Skip(f"{cell.pattern} sends no messages")
    if not has_payload(cell.pattern, cell.payload):
        does = "has arrays" if cell.payload == ARRAY else "writes a message anew before it sends it"
        return Skip(f"no timed loop of {cell.pattern} {does}")
    if cell.size < LEAST:
        return Skip(f"messages are written anew from {human_size(LEAST)} on")
    if not traits.carries and not PATTERNS[cell.pattern].alone:
        return Skip(f"{cell.transport} carries nothing: no byte of a message arrives")
    if traits.in_place and cell.payload != ARRAY and not writes_in_place(cell.pattern):
        return Skip(f"no timed loop of {cell.pattern} writes and reads a message in place")
    if cell.pace != CLOSED:
        return Skip("no timed loop pauses between messages that it writes anew")
    if cell.payload == ARRAY and cell.runtime != PYTHON:
        return Skip("arrays are Python's: no compiled loop has them", "ask for --runtime python")
    return None


def pace(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse pauses where the pattern makes none, and rates but in an open loop."""
    if has_pace(cell.pattern, cell.pace):
        return None
    if PATTERNS[cell.pattern].open_loop:
        return Skip(f"{cell.pattern} sends at a rate", "ask for one: --pace load:50")
    if offered(cell.pace) is not None:
        return Skip(f"{cell.pattern} is a closed loop: it sends at no rate")
    return Skip(f"{cell.pattern} makes no pauses: its pace is {CLOSED}")


def open_loop(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse an open loop where nothing arrives, and a twin that would have another rate."""
    if not PATTERNS[cell.pattern].open_loop:
        return None
    if not traits.carries:
        return Skip(f"{cell.transport} carries nothing: no message arrives")
    rate = offered(cell.pace)
    if cell.twin and rate is not None and rate.kind != RATE:
        return Skip("a twin has a capacity of its own, so its load is another rate")
    return None


def both_ends(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse a process that holds both ends where a send or an attach waits for the other one."""
    if not PATTERNS[cell.pattern].both_ends:
        return None
    if traits.synchronous:
        return Skip(f"a sender of {cell.transport} waits for the receiver, which is itself here")
    if traits.delayed:
        return Skip(
            f"another thread sends the messages of {cell.transport}: their time would include "
            "switches to it"
        )
    if traits.attach_waits:
        return Skip(
            f"an end of {cell.transport} waits for the other one when it attaches: one process "
            "cannot hold both"
        )
    return None


def slowed(cell: Cell, traits: Traits) -> Skip | None:
    """Refuse to slow what has no loop with a delay."""
    if not cell.slowed:
        return None
    usual = cell.batch == 1 and cell.payload == HOT and cell.pace == CLOSED
    if usual and cell.pattern in SLOWED:
        return None
    return Skip(f"only {' and '.join(SLOWED)} with hot messages and no pauses can be slowed")
