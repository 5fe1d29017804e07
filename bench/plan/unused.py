"""Values of options: the cells that have each, and refusal of one that no cell of a plan has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from ipcbench.bench.patterns.part import ACCESSES, MESSAGES, VALUES, WAKE_UPS
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.named import ALONE, patterns_of
from ipcbench.bench.plan.options import (
    Asked,
    Options,
    lacks,
    no_batch,
    no_number,
    no_pace,
    no_payload,
    no_size,
    parse_options,
)
from ipcbench.bench.plan.planner import Candidate, Plan, kinds_of
from ipcbench.bench.plan.profile import BadConfig
from ipcbench.bench.results.axes import BLOCK, SPIN_BLOCK
from ipcbench.bench.results.cell import Cell, present_name
from ipcbench.bench.results.untrusted import one_line
from ipcbench.transports.contract import Topology

PATTERN = "--pattern"
_OFFERS = {
    MESSAGES: "carries messages",
    WAKE_UPS: "carries no messages",
    ACCESSES: "is a way of access to a file",
    VALUES: "keeps a newest value",
}
_NEEDS = {
    MESSAGES: "sends messages",
    WAKE_UPS: "wakes processes, or excludes them",
    ACCESSES: "accesses a file",
    VALUES: "reads the newest value",
}
_COUNT = f"only receivers that wait by {SPIN_BLOCK} count looks"
_UNCOUNTED = f"{_COUNT}: ask also for --wait {SPIN_BLOCK}, or leave it out"
_COUNTED_ELSEWHERE = f"{_COUNT}: leave it out, or --looks"

T = TypeVar("T")


class Value(msgspec.Struct, frozen=True):
    """One value of an option: which cells have it, and why a pattern cannot."""

    flag: str
    word: str
    has: Callable[[Cell], bool]
    refuses: Callable[[str], str] = lambda pattern: ""
    because: str = ""  # the other options' fault, with a remedy

    @property
    def text(self) -> str:
        """Return it as it was typed; a named transport has no flag."""
        return f"{self.flag} {one_line(self.word)}".strip()


def refuse_unused(
    options: Options,
    found: Plan,
    candidate: Callable[[str], Candidate],
    names: Callable[[str], Iterable[str]],
) -> None:
    """Refuse a value that no cell of named transports has, with the reason. Raises: BadConfig."""
    asked = parse_options(options)
    cells = found.all_cells()
    patterns = patterns_of(options, candidate, names)
    unused = [
        value
        for value in values_of(options, asked, candidate, names)
        if not any(map(value.has, cells))
    ]
    if not unused:
        return
    # A value that fits no pattern is the cause; the others may be without a cell because of it.
    value = min(unused, key=lambda one: (not all(map(one.refuses, patterns)), not one.because))
    if value.because and not all(map(value.refuses, patterns)):
        raise BadConfig(f"{value.text} leads to no cell: {value.because}")
    if value.flag == PATTERN:
        raise BadConfig(_refusal(value, (value.word,), asked, ""))
    also = bool({cell.pattern for cell in cells} & set(asked.patterns))
    words = list(_transports(asked, candidate, names))
    able = any if also else all  # a word may have its cells in the patterns that are kept
    other = _other(
        value,
        patterns,
        asked,
        lambda pattern: able(not word.refuses(pattern) for word in words) if words else True,
        _topologies(asked, candidate, names),
    )
    hint = f"ask also for --pattern {other}" if also else f"ask for --pattern {other} instead"
    raise BadConfig(_refusal(value, patterns, asked, hint if other else ""))


def refuse_unwatched(watch: float, found: Plan) -> None:
    """Refuse to watch cells for long where none is an open loop. Raises: BadConfig."""
    if watch and not any(PATTERNS[cell.pattern].open_loop for cell in found.all_cells()):
        raise BadConfig(
            "--tail watches the cells of the pattern paced, and there is none: leave it out, or "
            "ask for --pattern paced"
        )


def refuse_unpromised(
    options: Options,
    found: Plan,
    candidate: Callable[[str], Candidate],
    names: Callable[[str], Iterable[str]],
) -> None:
    """Refuse a value that no cell of a plan for promises has. Raises: BadConfig."""
    cells = found.all_cells()
    for value in values_of(options, parse_options(options), candidate, names):
        if not any(map(value.has, cells)):
            raise BadConfig(f"{value.text} leads to no cell that a promise names: leave it out")


def _refusal(value: Value, patterns: Sequence[str], asked: Asked, hint: str) -> str:
    own = [value.refuses(pattern) for pattern in patterns]
    others = [
        lack
        for pattern, reason in zip(patterns, own, strict=True)
        if not reason
        for lack in lacks(pattern, asked)
    ]
    reasons = dict.fromkeys(others or filter(None, own))
    because = f": {'; '.join(reasons)}" if reasons else ""
    remedy = "leave one of the options out" if others else "leave it out"
    if hint and not others:
        remedy += f", or {hint}"
    return f"{value.text} leads to no cell{because}: {remedy}"


def _other(
    value: Value,
    patterns: Sequence[str],
    asked: Asked,
    has_transport: Callable[[str], bool],
    topologies: frozenset[Topology],
) -> str:
    """Return a pattern that can have a value and all other options, or ""."""
    able = (
        pattern.name
        for pattern in PATTERNS.values()
        if pattern.name not in patterns
        and pattern.topology in topologies
        and has_transport(pattern.name)
        and not value.refuses(pattern.name)
        and not any(lacks(pattern.name, asked))
    )
    return next(able, "")


def _topologies(
    asked: Asked, candidate: Callable[[str], Candidate], names: Callable[[str], Iterable[str]]
) -> frozenset[Topology]:
    """Return the topologies of the transports that are asked for; all if none is."""
    found = [candidate(name).traits for word in asked.transports for name in names(word)]
    return frozenset(
        topology
        for topology in Topology
        if not asked.transports or any(one and topology in one.topologies for one in found)
    )


def values_of(
    options: Options,
    asked: Asked,
    candidate: Callable[[str], Candidate],
    names: Callable[[str], Iterable[str]],
) -> Iterator[Value]:
    transports = list(_transports(asked, candidate, names))
    if not options.named:
        transports = [msgspec.structs.replace(one, flag="-t") for one in transports]
    yield from transports
    for word, size in zip(options.sizes, asked.sizes, strict=True):
        yield Value("-s", word, _is("size", size), _with(no_size, size))
    for number in asked.processes:
        yield Value("-P", str(number), _is("processes", number), _with(no_number, number))
    for word, pace in zip(options.paces, asked.paces, strict=True):
        yield Value("--pace", word, _is("pace", pace), _with(no_pace, pace))
    for word in asked.placements:
        yield Value("--placement", word, _is("placement", word))
    for word in asked.runtimes:
        yield Value("--runtime", word, _is("runtime", word))
    aliases = {
        present_name(name, BLOCK)
        for word in asked.transports
        for name in names(word)
        if present_name(name, BLOCK)[0] != name
    }
    for word in asked.waits:
        counted = "" if word == SPIN_BLOCK or not asked.looks else _COUNTED_ELSEWHERE
        yield Value("--wait", word, _waits(word, candidate, aliases), because=counted)
    for number in asked.looks:
        yield Value("--looks", str(number), _is("looks", number), because=_UNCOUNTED)
    for number in asked.batches:
        yield Value("--batch", str(number), _is("batch", number), _with(no_batch, number))
    for number in asked.depths:
        yield Value("--depth", str(number), _is("depth", number))
    for word in asked.payloads:
        yield Value("--payload", word, _is("payload", word), _with(no_payload, word))
    for word in asked.patterns:
        yield Value(PATTERN, word, _is("pattern", word), _with(_no_transport, transports))


def _transports(
    asked: Asked, candidate: Callable[[str], Candidate], names: Callable[[str], Iterable[str]]
) -> Iterator[Value]:
    for word in asked.transports:
        yield _transport(word, [candidate(name) for name in names(word)])


def _is(axis: str, value: object) -> Callable[[Cell], bool]:
    return lambda cell: bool(getattr(cell, axis) == value)


def _with(refuses: Callable[[str, T], str], value: T) -> Callable[[str], str]:
    return lambda pattern: refuses(pattern, value)


def _no_transport(pattern: str, transports: Sequence[Value]) -> str:
    if not transports or not all(one.refuses(pattern) for one in transports):
        return ""
    words = " and ".join(one.text for one in transports)
    kind = PATTERNS[pattern].kind
    if kind == MESSAGES:
        return f"{pattern} sends messages, which {words} cannot carry"
    if kind != WAKE_UPS:
        return f"{pattern} {_NEEDS[kind]}, for which {words} cannot be used"
    return f"{pattern} sends no messages, as {words} would"


def _waits(
    wait: str, candidate: Callable[[str], Candidate], aliases: Collection[tuple[str, str]]
) -> Callable[[Cell], bool]:
    def has(cell: Cell) -> bool:
        """Tell if a cell waits so; a transport's own way of waiting is called `block`."""
        if wait == BLOCK and (cell.transport, cell.wait) in aliases:
            return True
        traits = candidate(cell.transport).traits
        own = traits is not None and traits.waiting.value == wait and cell.wait == BLOCK
        return cell.wait == wait or own

    return has


def _transport(word: str, found: Sequence[Candidate]) -> Value:
    matched = {one.name for one in found}
    meant = {present_name(name, BLOCK) for name in matched}
    each = {kinds_of(one) for one in found}
    kinds = each.pop() if len(each) == 1 else None
    connects = any(one.traits is None or one.traits.carries for one in found)

    def refuses(pattern: str) -> str:
        if PATTERNS[pattern].alone and connects:
            return f"{pattern} uses no channel: its transport is {ALONE}"
        wanted = PATTERNS[pattern].kind
        if kinds is None or wanted in kinds:
            return ""
        if not kinds | {wanted} <= {MESSAGES, WAKE_UPS}:
            offers = " and ".join(_OFFERS[kind] for kind in sorted(kinds))
            return f"{one_line(word)} {offers}, and {pattern} {_NEEDS[wanted]}"
        carries = MESSAGES in kinds
        kind = "carries messages" if carries else "carries no messages"
        sends = "sends none" if carries else "sends some"
        return f"{one_line(word)} {kind}, and {pattern} {sends}"

    def has(cell: Cell) -> bool:
        return cell.transport in matched or (cell.transport, cell.wait) in meant

    return Value("", word, has, refuses)
