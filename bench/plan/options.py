"""Options of the command line that choose cells, and the patterns that can have their values.

Beside transports that are named (`named.py`), the values are those that are measured: they take
the place of the usual ones in all cells that can have them, and the other cells are left out.
Without, they only leave out cells of a profile (`filters.py`). In both ways each measured cell has
a value of every option given, and a value that no cell has is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.patterns.table import BATCHED, PATTERNS, has_pace, has_payload
from ipcbench.bench.plan.profile import (
    ASKED_WAITS,
    Axes,
    BadConfig,
    Profile,
    check_batches,
    check_depths,
    check_looks,
    check_processes,
    known_names,
)
from ipcbench.bench.results.axes import ARRAY, HOT, PAYLOADS, PLACEMENTS, RUNTIMES, SPIN_BLOCK
from ipcbench.bench.results.pace import offered, parse_pace
from ipcbench.bench.results.units import format_size, parse_size

T = TypeVar("T")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The axes on the command line, as they were typed.

    `named`: the transports that are arguments; `transports`: those of the option.
    """

    named: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    processes: tuple[int, ...] = ()
    patterns: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    looks: tuple[int, ...] = ()
    batches: tuple[int, ...] = ()
    payloads: tuple[str, ...] = ()
    paces: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    depths: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Return the options as they are typed, without the transports."""
        return [
            word
            for name, flag in FLAGS.items()
            for value in getattr(self, name)
            for word in (flag, str(value))
        ]


FLAGS = {
    "sizes": "-s",
    "processes": "-P",
    "patterns": "--pattern",
    "placements": "--placement",
    "waits": "--wait",
    "looks": "--looks",
    "batches": "--batch",
    "payloads": "--payload",
    "paces": "--pace",
    "runtimes": "--runtime",
    "depths": "--depth",
    "tasks": "--task",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Options, parsed. `transports`: those that are named, or those of the option."""

    transports: tuple[str, ...]
    sizes: tuple[int, ...]
    processes: tuple[int, ...]
    patterns: tuple[str, ...]
    placements: tuple[str, ...]
    waits: tuple[str, ...]
    looks: tuple[int, ...]
    batches: tuple[int, ...]
    payloads: tuple[str, ...]
    paces: tuple[str, ...]
    runtimes: tuple[str, ...]
    depths: tuple[int, ...]
    tasks: tuple[str, ...]


def parse_options(options: Options) -> Asked:
    """Parse and check options. Raises: BadConfig."""
    try:
        return Asked(
            transports=options.named or options.transports,
            sizes=tuple(map(parse_size, options.sizes)),
            processes=check_processes(options.processes),
            patterns=known_names("pattern", options.patterns, PATTERNS),
            placements=known_names("placement", options.placements, PLACEMENTS),
            waits=known_names("wait", options.waits, ASKED_WAITS),
            looks=check_looks(options.looks),
            batches=check_batches(options.batches),
            payloads=known_names("payload", options.payloads, PAYLOADS),
            paces=tuple(map(parse_pace, options.paces)),
            runtimes=known_names("runtime", options.runtimes, RUNTIMES),
            depths=check_depths(options.depths),
            tasks=known_names("task", options.tasks, TASKS),
        )
    except ValueError as error:
        raise BadConfig(str(error)) from error


# Replacing.


def with_options(profile: Profile, options: Options) -> Profile:
    """Replace axes of a profile by those of the command line; leave out what cannot have them.

    Raises: BadConfig.
    """
    asked = parse_options(options)
    replaced = (part for axes in profile.axes for part in _replaced(axes, asked))
    return msgspec.structs.replace(profile, axes=tuple(replaced))


def _replaced(axes: Axes, asked: Asked) -> Iterator[Axes]:
    """Yield the parts of a table that can have what is asked for, with it."""
    patterns = [name for name in axes.patterns if name in (asked.patterns or axes.patterns)]

    def values(name: str) -> dict[str, tuple[Any, ...]]:
        """Return the values of the axes on which a pattern decides."""
        return {
            axis: tuple(v for v in getattr(asked, axis) if not refuses(name, v))
            or getattr(axes, axis)
            for axis, refuses in _BY_PATTERN.items()
        }

    able = (name for name in patterns if not any(lacks(name, asked)))
    for own, names in groupby(able, key=values):
        yield msgspec.structs.replace(
            axes,
            **own,
            patterns=tuple(names),
            placements=asked.placements or axes.placements,
            waits=asked.waits or axes.waits,
            looks=asked.looks or _kept_looks(axes, asked),
            depths=asked.depths or axes.depths,
            runtimes=asked.runtimes or axes.runtimes,
            tasks=None if any(msgspec.structs.astuple(asked)) else axes.tasks,  # other cells
        )


def _kept_looks(axes: Axes, asked: Asked) -> tuple[int | None, ...]:
    """Return a table's looks; the transport's own if it waits in other ways now."""
    return axes.looks if asked.waits in ((), (SPIN_BLOCK,)) else (None,)


def no_size(pattern: str, size: int) -> str:
    """Return why a pattern has no messages of a size, or ""."""
    return f"{pattern} sends no messages" if size and not PATTERNS[pattern].sized else ""


def no_number(pattern: str, processes: int) -> str:
    """Return why a pattern does not have so many processes, or ""."""
    refusal = PATTERNS[pattern].refuses(processes)
    return f"{pattern} {refusal}" if refusal else ""


def no_pace(pattern: str, pace: str) -> str:
    """Return why a pattern does not have a pace, or ""."""
    if has_pace(pattern, pace):
        return ""
    if PATTERNS[pattern].open_loop:
        return f"{pattern} sends at a rate, such as load:50"
    if offered(pace) is not None:
        return f"{pattern} is a closed loop, which sends at no rate"
    return f"{pattern} makes no pauses"


def no_batch(pattern: str, batch: int) -> str:
    """Return why a pattern does not have so many messages in a call, or ""."""
    return f"{pattern} sends one message a call" if batch > 1 and pattern not in BATCHED else ""


def no_payload(pattern: str, payload: str) -> str:
    """Return why a pattern does not have a payload, or ""."""
    if payload == HOT or has_payload(pattern, payload):
        return ""
    if not PATTERNS[pattern].carries:
        return f"{pattern} sends no messages"
    return f"{pattern} {'sends no arrays' if payload == ARRAY else 'writes no message anew'}"


_BY_PATTERN: dict[str, Callable[[str, Any], str]] = {
    "sizes": no_size,
    "processes": no_number,
    "batches": no_batch,
    "payloads": no_payload,
    "paces": no_pace,
}


def lacks(pattern: str, asked: Asked) -> Iterator[str]:
    """Yield the reason for each option of which the pattern can have no value."""
    yield from _none_fits(pattern, "-s", asked.sizes, no_size, format_size)
    yield from _none_fits(pattern, "-P", asked.processes, no_number, str)
    yield from _none_fits(pattern, "--batch", asked.batches, no_batch, str)
    yield from _none_fits(pattern, "--payload", asked.payloads, no_payload, str)
    yield from _none_fits(pattern, "--pace", asked.paces, no_pace, str)


def _none_fits(
    pattern: str,
    flag: str,
    values: Sequence[T],
    refuses: Callable[[str, T], str],
    text: Callable[[T], str],
) -> Iterator[str]:
    reasons = [refuses(pattern, value) for value in values]
    if reasons and all(reasons):
        yield f"{reasons[0]} ({' '.join(f'{flag} {text(value)}' for value in values)})"
