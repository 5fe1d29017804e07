"""Program that says which cells an interpreter's ipcbench cannot play, as lines of JSON.

It is read as text and run by `python -c` in an arm, as `describe.py` is: the ipcbench there may be
older than this file. It reads the cells as a list, and prints for each the reason why it cannot be
played, or "": first by the names in it alone, at once, and then by what this machine has as well.
"""

import json
import sys

if "" in sys.path[:1] and not sys.flags.safe_path:  # the current folder
    del sys.path[0]

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

import msgspec

Cell = dict[str, Any]


def lacking(cell: Cell) -> str:
    """Return the reason by the names of a cell; "" if there is none, or if that cannot be told."""
    known = import_module("ipcbench.bench.results.cell").Cell
    table = import_module("ipcbench.bench.patterns.table")
    registry = import_module("ipcbench.transports.registry")

    def patterned(one: Cell) -> object:
        return table.pattern_of(msgspec.convert(one, known))

    try:
        found = msgspec.convert(cell, known)
    except msgspec.ValidationError as error:
        named = _axis(cell, lambda one: msgspec.convert(one, known), cell)
        return f"it has no {named}" if named else str(error)
    if found.pattern not in table.PATTERNS:
        return f"it has no pattern {found.pattern}"
    try:
        pattern: Any = patterned(cell)
    except Exception:  # KeyError, in older versions
        named = _axis(cell, patterned, PATTERNED) or _listed(cell, PATTERNED)
        return f"it has no {found.pattern} with {named}"
    try:
        transport = registry.get(found.transport)
    except registry.UnknownTransport:
        return f"it has no transport {found.transport}"
    traits = getattr(transport, "traits", None)  # a plug-in that does not load has none
    return "" if traits is None else _refusal(found, pattern, traits)


PATTERNED = ("payload", "pace", "batch", "slowed")  # the axes of which a pattern may lack a value


def _axis(cell: Cell, accept: Callable[[Cell], object], names: Iterable[str]) -> str:
    """Return the axis without which a cell is accepted, with its value; "" if no single one is."""
    for name in names:
        with suppress(Exception):
            accept({axis: value for axis, value in cell.items() if axis != name})
            return f"{name} {cell[name]}"
    return ""


def _listed(cell: Cell, names: Iterable[str]) -> str:
    return " and ".join(f"{name} {cell[name]}" for name in names if name in cell)


def _refusal(cell: Any, pattern: Any, traits: Any) -> str:
    """Return the reason why a transport there has no such cell; "" if it has one."""
    with suppress(ImportError, AttributeError):  # a version of before these names
        if pattern.topology not in traits.topologies:
            return f"it has no {cell.pattern} over {cell.transport}"
    with suppress(ImportError, AttributeError):
        refused = import_module("ipcbench.bench.plan.refusals").first_refusal(cell, traits)
        if refused is not None:
            return str(refused.reason)
    with suppress(ImportError, AttributeError):
        has_twin = import_module("ipcbench.bench.loops.native_loops").has_twin
        parts = [seat.part for seat in pattern.seats(cell.processes)]
        if cell.runtime == "native" and not all(has_twin(part.loop) for part in parts):
            return f"it has no loops in C for {cell.pattern}"
    return ""


def unavailable(cell: Cell) -> str:
    """Return the reason why this machine cannot play a cell there; "" if it can."""
    limits = _limits(cell["transport"])
    if isinstance(limits, Exception):
        return str(limits)
    return _no_native(limits) if cell.get("runtime") == "native" else ""


@cache
def _limits(name: str) -> Any:
    transport = import_module("ipcbench.transports.registry").get(name)
    lack = getattr(transport, "reason", None)  # of a plug-in that does not load
    return transport.probe() if lack is None else lack


def _no_native(limits: Any) -> str:
    with suppress(ImportError, AttributeError):  # a version of before these names
        missing = import_module("ipcbench.bench.loops.native_loops").missing()
        return str(missing or limits.native or "")
    return ""


def told(reason: Callable[[Cell], str], cell: Cell) -> str:
    """Return the reason that a function finds, or its error: a plug-in may fail in any way."""
    try:
        return reason(cell)
    except Exception as error:
        return str(error) or type(error).__name__


if __name__ == "__main__":
    cells = json.load(sys.stdin)
    names = [told(lacking, cell) for cell in cells]
    print(json.dumps(names), flush=True)  # what follows takes longer, and may fail
    pairs = zip(names, cells, strict=True)
    print(json.dumps([name or told(unavailable, cell) for name, cell in pairs]))
