"""End of a channel whose calls spend a delay: the selftest of the gate slows cells by it.

The delay lies where the other processes wait for it: before a call that sends, in the processes
that start a block, and behind a call that receives, in the others. So it is in each message of
every pattern: in a round trip twice, and in one way once at each side. A guard spends it inside,
where it is released.

The loops are those of any cell, and take such an end in the place of the channel's. A run without a
delay has none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ipcbench.bench.loops import native_loops

SENDING = (
    "send", "send_to", "send_many", "commit", "notify", "read_at", "write_at", "publish", "create",
)  # fmt: skip
RECEIVING = (
    "recv_into", "recv_from", "recv_many", "recv_object", "peek", "wait", "read_into",
)  # fmt: skip
GUARD, LEAVES = "acquire", "release"  # an end in place has a `release` as well


class SlowEnd:
    """An end with a delay in its calls; all else is the end's own."""

    def __init__(self, end: Any, calls: dict[str, Any]) -> None:
        """`calls`: what takes the place of the end's attributes."""
        self.__dict__.update(calls, _end=end)

    def __getattr__(self, name: str) -> Any:
        """Return what the end itself has."""
        return getattr(self._end, name)

    def __setattr__(self, name: str, value: object) -> None:
        """Set what the loop leaves at its end."""
        setattr(self._end, name, value)


def slow_end(end: Any, turns: int, *, starts: bool) -> SlowEnd:
    """Return an end whose calls spend a delay.

    Args:
        end: that of a process; after `natively`, its operations spend the delay.
        turns: those of a delay.
        starts: the process starts a block, by sending.
    """
    sends = starts or hasattr(end, "publish")
    receives = not starts or hasattr(end, "read_into")
    before, behind = turns * sends, turns * receives
    capsule = getattr(end, "capsule", None)
    if capsule is not None:
        return SlowEnd(end, {"capsule": _slow_capsule(capsule, before, behind)})
    calls: dict[str, Any] = {}
    if sends:
        names = [*SENDING, LEAVES] if hasattr(end, GUARD) else SENDING
        calls |= _calls(end, names, lambda call: slow_call(call, before, 0))
    if receives:
        calls |= _calls(end, RECEIVING, lambda call: slow_call(call, 0, behind))
    return SlowEnd(end, calls)


def _calls(end: Any, names: Any, wrap: Callable[[Any], Any]) -> dict[str, Any]:
    return {name: wrap(getattr(end, name)) for name in names if hasattr(end, name)}


def _slow_capsule(capsule: Any, before: int, behind: int) -> Any:
    """Wrap the operations of a capsule, or those of both ends of a link."""
    if isinstance(capsule, tuple):
        return tuple(_slow_capsule(one, before, behind) for one in capsule)
    return native_loops.compiled.delayed(capsule, before, behind)


def slow_call(call: Callable[..., Any], before: int, behind: int) -> Callable[..., Any]:
    """Wrap a call: a delay of so many turns before it, and one behind it.

    It is compiled where there is a compiler: then a delay may be as short as some nanoseconds.
    """
    if native_loops.compiled is None:
        return partial(_in_python, call, range(before), range(behind))
    slow: Callable[..., Any] = native_loops.compiled.slow_call(call, before, behind)
    return slow


def _in_python(call: Callable[..., Any], before: range, behind: range, *arguments: Any) -> Any:
    for _ in before:
        pass
    result = call(*arguments)
    for _ in behind:
        pass
    return result
