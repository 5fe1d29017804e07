"""Program that says which cells an interpreter's ipcbench cannot play, as one line of JSON.

It is read as text and run by `python -c` in an arm, as `describe.py` is. It reads the cells as
a list, and prints for each the reason why it cannot be played, or "".
"""

import json
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import msgspec


def reason(cell: Any) -> str:
    """Return the reason why a cell cannot be played; "" if it can, or if that cannot be told."""
    known = import_module("ipcbench.bench.results.cell").Cell
    get = import_module("ipcbench.transports.registry").get
    table = import_module("ipcbench.bench.patterns.table")
    try:
        found = msgspec.convert(cell, known)
        table.pattern_of(found)
        transport = get(found.transport)
        lack = getattr(transport, "reason", None)  # of a plug-in that does not load
        limits = transport.probe() if lack is None else lack
    except KeyError as error:
        return f"it has no {error.args[0] if error.args else error}"
    except Exception as error:  # of a plug-in, or of a name that is not known there
        return str(error) or type(error).__name__
    if isinstance(limits, Exception):
        return str(limits)
    return _no_native(limits) if found.runtime == "native" else ""


def _no_native(limits: Any) -> str:
    with suppress(ImportError, AttributeError):  # a version of before these names
        missing = import_module("ipcbench.bench.loops.native_loops").missing()
        return str(missing or limits.native or "")
    return ""


if __name__ == "__main__":
    print(json.dumps([reason(cell) for cell in json.load(sys.stdin)]))
