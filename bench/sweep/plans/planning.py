"""Plan of a sweep on this machine, from its profile and the options of the command line."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from ipcbench.bench.errors import BenchError, SweepError
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.filters import filtered, for_tasks
from ipcbench.bench.plan.named import named_profile, settings_of_named
from ipcbench.bench.plan.options import Options, parse_options
from ipcbench.bench.plan.planner import Plan, cells_of, plan
from ipcbench.bench.plan.profile import Axes, BadConfig, Profile, load_profile
from ipcbench.bench.plan.service import with_tasks
from ipcbench.bench.plan.unused import refuse_unpromised, refuse_unused, refuse_unwatched
from ipcbench.bench.results.axes import NATIVE, SPIN_BLOCK
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.untrusted import one_line
from ipcbench.bench.sweep.candidates import candidate, site
from ipcbench.transports import registry
from ipcbench.transports.contract import TransportError

RUN = ("ipcbench", "run")
LARGER = "standard"  # the profile with most cells
NAMED = 2  # transports of a command that is recommended
# Options that some values take besides: looks are counted by spin-block alone, and the calls for
# several messages are native.
_MORE = ({"waits": (SPIN_BLOCK,)}, {"runtimes": (NATIVE,)})


def planned(
    profile: Profile,
    only: Callable[[Cell], bool] = lambda cell: True,
    options: Options | None = None,
    command: Sequence[str] = RUN,
) -> Plan:
    """Plan a profile with options on this machine: the cells for which `only` is true.

    Where transports are named, the profile gives the settings alone. `command`: the words of one
    that measures other cells, for a message.

    Raises: UnknownTransport; BadConfig, also if an option leads to no cell; SweepError if the
    plan is empty.
    """
    options = options or Options()
    parse_options(options)
    if options.named:
        found = _of_named(profile, options, command)
    else:
        found = of_profile(profile, options, _Instead(profile.name, command))
    found = found.only(only)
    refuse_unpromised(options, found, candidate, registry.matching)
    refuse_unwatched(profile.settings.watch, found)
    if not found.all_cells():
        raise SweepError(
            f"profile {profile.name} has no cell: where its patterns send messages, its "
            "transports must carry them, and the reverse: `ipcbench list` shows their patterns"
        )
    return found


def _of_named(profile: Profile, options: Options, command: Sequence[str] = RUN) -> Plan:
    if options.tasks or options.transports:
        flag = "-t" if options.transports else "--task"
        raise BadConfig(
            f"{flag} chooses cells of a profile, and the transports that are named have cells of "
            "their own: leave it out, or name no transport"
        )
    axes = named_profile(profile, options, candidate, registry.matching, site()).axes
    found = _cells(axes)
    refuse_unused(options, found, candidate, registry.matching)
    _refuse_what_others_can(options, found, command)
    return with_tasks(found, axes, registry.matching, candidate)


def _refuse_what_others_can(options: Options, found: Plan, command: Sequence[str]) -> None:
    """Refuse an order that leaves no cell, for reasons that no remedy mends, if another one does.

    Raises: BadConfig.
    """
    whys = [why for _, why in found.skipped]
    if found.cells or not whys or any(why.remedy for why in whys):
        return
    others = _able(options, registry.names())
    if others:
        order = msgspec.structs.replace(options, named=())
        raise BadConfig(
            f"all cells would be skipped: {whys[0].reason}: measure it with others: "
            f"{_line(command, others, order)}"
        )


def _line(command: Sequence[str], transports: Iterable[str], order: Options) -> str:
    """Write the command line that measures transports with the options of an order."""
    return shlex.join([*command, *map(one_line, transports), *order.words()])


def _able(options: Options, transports: Iterable[str]) -> tuple[str, ...]:
    """Return the first two transports that have a cell to measure with these options."""
    axes = partial(named_profile, settings_of_named(None))

    def has_cells(name: str) -> bool:
        order = msgspec.structs.replace(options, named=(name,), transports=(), tasks=())
        with contextlib.suppress(BenchError, TransportError):
            found = _cells(axes(order, candidate, registry.matching, site()).axes)
            refuse_unused(order, found, candidate, registry.matching)
            return bool(found.cells)
        return False

    return tuple(islice(filter(has_cells, transports), NAMED))


def of_profile(
    profile: Profile, options: Options, instead: Callable[[Options, Sequence[str]], str]
) -> Plan:
    """Plan a profile, and leave out what options do. Raises: as `filtered`."""
    found = with_tasks(_cells(profile.axes), profile.axes, registry.matching, candidate)
    found = for_tasks(found, profile.name, options.tasks)
    return filtered(found, profile.name, options, candidate, registry.matching, instead)


def _cells(axes: Sequence[Axes]) -> Plan:
    return plan(cells_of(axes, registry.matching), candidate, site())


class _Instead:
    """The commands that measure what a profile lacks."""

    def __init__(self, profile: str, command: Sequence[str]) -> None:
        self._profile, self._command = profile, command

    def __call__(self, options: Options, near: Sequence[str]) -> str:
        options = msgspec.structs.replace(options, tasks=())
        named, larger = self._named(options, near), self._larger(options)
        ways = ("leave it out", f"measure it with {named}" if named else "", larger)
        return f": {', or '.join(filter(None, ways))}"

    def _named(self, options: Options, near: Sequence[str]) -> str:
        """Return a command that has a cell to measure, with the options that it takes, or ""."""
        bare = msgspec.structs.replace(options, transports=())
        patterns: tuple[Mapping[str, Any], ...] = tuple({"patterns": (one,)} for one in PATTERNS)
        for more in ({}, *_MORE, *patterns):
            if any(getattr(options, name) for name in more):
                continue
            order = msgspec.structs.replace(bare, **more)
            every = ("*",) if options.patterns else ()
            for transports in dict.fromkeys((options.transports, tuple(near[:NAMED]), every)):
                own = msgspec.structs.replace(order, named=transports)
                if transports and _measures(partial(_of_named, settings_of_named(None), own)):
                    return _line(self._command, transports, order)
        able = () if options.transports else _able(bare, registry.names())
        return _line(self._command, able, bare) if able else ""

    def _larger(self, options: Options) -> str:
        larger = partial(of_profile, load_profile(LARGER), options, lambda *_: "")
        has = self._profile != LARGER and _measures(larger)
        return f"ask for --profile {LARGER}" if has else ""


def _measures(planning: Callable[[], Plan]) -> bool:
    with contextlib.suppress(BenchError, TransportError):
        return bool(planning().cells)
    return False
