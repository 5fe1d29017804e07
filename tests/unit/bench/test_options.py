"""bench.plan.options, .named, .unused: each value is that of a cell, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import filter as matching
from itertools import product

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.patterns.part import kind_of
from ipcbench.bench.patterns.table import BATCHED, PATTERNS, has_pace, has_payload
from ipcbench.bench.plan.named import LOADS, named_profile, settings_of_named, usual_patterns
from ipcbench.bench.plan.options import Options, with_options
from ipcbench.bench.plan.planner import Candidate, Plan, cells_of, plan
from ipcbench.bench.plan.profile import MOST_PROCESSES, BadConfig
from ipcbench.bench.plan.service import with_tasks
from ipcbench.bench.plan.unused import refuse_unpromised, refuse_unused
from ipcbench.bench.results.axes import PLACEMENTS, RUNTIMES
from ipcbench.bench.results.units import parse_size
from ipcbench.bench.sweep.plans import planning
from ipcbench.transports import registry
from ipcbench.transports.contract import Family, Topology, Unavailable, Wait
from tests.unit.bench.test_planner import SITE, TRAITS, limits
from tests.unit.bench.test_profile import PROFILE, parsed

# Replacing.


def test_a_wait_and_a_pace_on_the_command_line_are_those_of_all_cells() -> None:
    found = with_options(parsed(PROFILE), Options(waits=("poll",), paces=("pause:1000us",))).axes
    assert {(axes.waits, axes.paces) for axes in found} == {(("poll",), ("pause:1ms",))}
    for options in (
        Options(waits=("sleep",)),
        Options(paces=("open",)),
        Options(looks=(0,)),
        Options(batches=(0,)),
        Options(payloads=("warm",)),
    ):
        with pytest.raises(BadConfig):
            with_options(parsed(PROFILE), options)


def test_a_runtime_on_the_command_line_is_that_of_all_cells() -> None:
    for words in (("native",), ("python", "native")):
        found = with_options(parsed(PROFILE), Options(runtimes=words)).axes
        assert len(found) == 3
        assert {axes.runtimes for axes in found} == {words}


def test_no_options_change_nothing() -> None:
    assert with_options(parsed(PROFILE), Options()) == parsed(PROFILE)


def test_options_take_the_place_of_the_usual_values() -> None:
    options = Options(sizes=("1", "2K"), placements=("unpinned",), depths=(3,))
    links, several, control = with_options(parsed(PROFILE), options).axes
    for axes in (links, several, control):
        assert axes.sizes == (1, 2048)
        assert axes.placements == ("unpinned",)
        assert axes.depths == (3,)
    assert links.processes == control.processes == (2,)
    assert several.processes == (4, 8)
    assert control.twin


def test_a_number_of_processes_leaves_out_the_patterns_of_two() -> None:
    for number in (6, MOST_PROCESSES):
        (several,) = with_options(parsed(PROFILE), Options(processes=(number,))).axes
        assert (several.patterns, several.processes) == (("fan-in",), (number,))
    links, several, control = with_options(parsed(PROFILE), Options(processes=(2, 6))).axes
    assert links.processes == control.processes == (2,)
    assert several.processes == (2, 6)


def test_patterns_choose_among_those_of_the_profile() -> None:
    (links,) = with_options(parsed(PROFILE), Options(patterns=("stream",))).axes
    assert links.patterns == ("stream",)
    both, control = with_options(parsed(PROFILE), Options(patterns=("latency",))).axes
    assert (both.patterns, control.twin) == (("latency",), True)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_named_pattern_has_its_usual_cells(name: str) -> None:
    found = PATTERNS[name]
    word = "null" if found.alone else "*"
    profile = settings_of_named(None)
    options = Options(named=(word,), patterns=(name,))
    axes, *controls = named_profile(
        profile, options, planning.candidate, registry.matching, SITE
    ).axes
    sizes = (1 << 20,) if found.alone else (64,) if name == "set-up" else (64, 4096, 65536)
    assert (axes.patterns, axes.transports) == ((name,), (word,))
    assert axes.sizes == (sizes if found.sized else (0,))
    (number,) = axes.processes
    assert number == next(most for most in (4, 2, 1) if not found.refuses(most))
    assert [one.twin for one in controls][:1] == ([] if found.open_loop else [True])
    assert [one.slowed for one in controls][1:] == ([5] if name == "latency" else [])
    assert axes.paces == (LOADS if found.open_loop else ("closed",))
    real = planning.planned(profile, options=options)
    assert {cell.pattern for cell in real.all_cells()} == {name}


def test_a_transport_is_measured_in_what_shows_it() -> None:
    options = Options(named=("link", "signal", "guard", "file", "newest", "hub", "broken"))
    patterns: dict[str, set[str]] = {}
    for cell in planned(options).all_cells():
        patterns.setdefault(cell.transport, set()).add(cell.pattern)
    assert patterns == {
        "link": {"latency", "stream"},
        "broken": {"latency", "stream"},
        "hub": {"echo"},
        "file": {"file", "file-random"},
        "newest": {"latest"},
        "signal": {"signal"},
        "guard": {"counter"},
    }


def test_two_named_transports_have_contests_and_controls_of_their_own() -> None:
    traits = replace(TRAITS, family=Family.PIPE, waiting=Wait.BLOCK)

    def candidate(name: str) -> Candidate:
        return Candidate(name, traits, limits())

    found = planned(Options(named=("link", "null")), candidate)
    ids = {one.cell.id for one in found.cells}
    for placement in ("same-core", "cross-core-awake"):
        assert {
            f"latency/link/python/64B/2p/{placement}~twin",
            f"latency/null/python/64B/2p/{placement}~twin",
            f"latency/link/python/64B/2p/{placement}~slowed5",
        } <= ids
    assert len(found.cells) == 2 * 2 * 3 * 2 + 6
    entrants = [one for one in found.cells if not one.cell.is_control]
    assert all("named" in one.tasks for one in entrants)
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    own = [one for one in contests if one.task == "named"]
    assert len(own) == 2 * 3 * 2  # in each pattern, size and placement
    assert all(one.id.startswith("named: link or null: ") for one in own)


def test_controls_have_the_first_values_that_can_be_measured() -> None:
    traits = replace(TRAITS, family=Family.PIPE, waiting=Wait.BLOCK, carries=True)

    def candidate(name: str) -> Candidate:
        return Candidate(name, traits, limits(4096 if name == "link" else None))

    named = ("link", "null")
    for options, shown in (
        (Options(named=named, payloads=("fresh",)), {("link", 4096), ("null", 4096)}),
        (Options(named=named, sizes=("1M", "64")), {("link", 64), ("null", 1 << 20)}),
    ):
        cells = [one.cell for one in planned(options, candidate).cells]
        twins = {(cell.transport, cell.size) for cell in cells if cell.twin}
        assert twins == shown


def test_a_value_on_the_command_line_is_that_of_named_transports() -> None:
    options = Options(
        named=("link",),
        patterns=("pairs-latency", "stream"),
        sizes=("4K",),
        runtimes=("native",),
    )
    cells = planned(options).all_cells()
    assert {cell.pattern for cell in cells} == {"pairs-latency", "stream"}
    assert {(cell.transport, cell.size, cell.runtime) for cell in cells} == {
        ("link", 4096, "native")
    }


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (Options(patterns=("latenzy",)), "latenzy"),
        (Options(placements=("same-cores",)), "same-cores"),
        (Options(runtimes=("rust",)), "rust"),
        (Options(processes=(0,)), "1 to 64 processes, not 0"),
        (Options(processes=(65,)), "1 to 64 processes, not 65"),
        (Options(sizes=("4X",)), "4X"),
        (Options(sizes=("-1",)), "-1"),
        (Options(sizes=("",)), "not a size"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: Options, word: str) -> None:
    with pytest.raises(BadConfig, match=word) as caught:
        with_options(parsed(PROFILE), options)
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=list(HealthCheck))
@given(
    words=st.lists(st.text(max_size=12), max_size=2).map(tuple),
    numbers=st.lists(st.integers(), max_size=2).map(tuple),
)
def test_any_option_is_taken_or_refused(words: tuple[str, ...], numbers: tuple[int, ...]) -> None:
    for options in (
        Options(sizes=words),
        Options(patterns=words),
        Options(placements=words),
        Options(runtimes=words),
        Options(processes=numbers),
        Options(waits=words),
        Options(payloads=words),
        Options(looks=numbers),
        Options(batches=numbers),
    ):
        try:
            with_options(parsed(PROFILE), options)
        except BadConfig as error:
            assert str(error)


# Each value in each combination.

KINDS = {
    "link": frozenset({Topology.LINK, Topology.FAN_IN}),
    "spins": frozenset({Topology.LINK}),
    "hub": frozenset({Topology.HUB, Topology.FAN_OUT}),
    "signal": frozenset({Topology.SIGNAL}),
    "guard": frozenset({Topology.GUARD}),
    "file": frozenset({Topology.FILE}),
    "newest": frozenset({Topology.NEWEST}),
    "null": frozenset({Topology.LINK}),
}
CANDIDATES = {
    name: Candidate(
        name,
        replace(
            TRAITS,
            topologies=found,
            waiting=Wait.SPIN if name == "spins" else Wait.BLOCK,
            carries=name in ("link", "spins", "hub"),
        ),
        limits(4096),
    )
    for name, found in KINDS.items()
} | {"broken": Candidate("broken", None, Unavailable("it does not load"))}


def names(word: str) -> list[str]:
    return matching(CANDIDATES, word)


def some(values: Iterable[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.one_of(st.just(()), st.lists(st.sampled_from(list(values)), max_size=2).map(tuple))


WORDS = [*CANDIDATES, "*", "s*"]
OPTIONS = st.builds(
    Options,
    named=st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(tuple),
    sizes=some(("0", "64", "1M")),
    processes=some((1, 2, 3, 4)),
    patterns=some(PATTERNS),
    placements=some(PLACEMENTS),
    waits=some(("block", "spin", "spin-block")),
    looks=some((100, 2000)),
    batches=some((1, 16)),
    payloads=some(("hot", "fresh", "array")),
    paces=some(("closed", "pause:1ms", "load:50")),
    runtimes=some(RUNTIMES),
)


def planned(
    options: Options, candidate: Callable[[str], Candidate] = CANDIDATES.__getitem__
) -> Plan:
    profile = named_profile(settings_of_named(None), options, candidate, names, SITE)
    found = plan(cells_of(profile.axes, names), candidate, SITE)
    refuse_unused(options, found, candidate, names)
    return with_tasks(found, profile.axes, names, candidate)


FLAGS = {
    "": "named", "-s": "sizes", "-P": "processes", "--pace": "paces",
    "--pattern": "patterns", "--placement": "placements", "--wait": "waits",
    "--runtime": "runtimes", "--looks": "looks", "--batch": "batches", "--payload": "payloads",
}  # fmt: skip


def given_values(options: Options) -> set[tuple[str, object]]:
    return {(flag, value) for flag, axis in FLAGS.items() for value in getattr(options, axis)}


def possible(options: Options) -> set[tuple[str, object]]:
    """The values that some cell can have together with a value of each other option."""
    found: set[tuple[str, object]] = set()
    for word, size, number, batch, payload, pace, wait in product(
        options.named,
        options.sizes or (None,),
        options.processes or (None,),
        options.batches or (None,),
        options.payloads or (None,),
        options.paces or (None,),
        options.waits or ("block",),
    ):
        for one, name in (
            (each, name)
            for each in names(word)
            for name in options.patterns or usual_patterns(CANDIDATES[each])
        ):
            pattern = PATTERNS[name]
            meant = kind(one) in (None, pattern.kind)
            if pattern.alone:
                meant = one in ("null", "broken")
            if options.looks and wait != "spin-block":
                meant = False
            if (
                meant
                and (size in (None, "0") or pattern.sized)
                and (number is None or not pattern.refuses(number))
                and (batch in (None, 1) or name in BATCHED)
                and (payload in (None, "hot") or has_payload(name, payload))
                and (pace is None or has_pace(name, pace))
            ):
                found |= {
                    ("--pattern", name), ("", word), ("-s", size), ("-P", number),
                    ("--pace", pace), ("--batch", batch), ("--payload", payload), ("--wait", wait),
                    *(("--placement", one) for one in options.placements),
                    *(("--runtime", one) for one in options.runtimes),
                    *(("--looks", one) for one in options.looks),
                }  # fmt: skip
    return found


def kind(name: str) -> str | None:
    return None if name not in KINDS else kind_of(min(KINDS[name], key=str))


@settings(max_examples=400, deadline=None)
@given(options=OPTIONS)
def test_each_value_is_that_of_a_cell_or_is_refused(options: Options) -> None:
    impossible = given_values(options) - possible(options)
    try:
        found = planned(options)
    except BadConfig as error:
        message = str(error)
        assert "\n" not in message
        value = message.partition(" leads to no cell")[0]
        assert value in {f"{flag} {value}".strip() for flag, value in impossible}, message
        return
    assert not impossible
    cells = found.all_cells()
    assert cells
    for cell in cells:
        assert any(cell.transport in names(word) for word in options.named)
        assert not options.sizes or cell.size in map(parse_size, options.sizes)
        assert cell.processes in (options.processes or (1, 2, 4))
        assert not options.patterns or cell.pattern in options.patterns
        usual = ("same-core", "cross-core", "cross-core-awake")
        assert cell.placement in (options.placements or usual)
        assert cell.runtime in (options.runtimes or RUNTIMES)
        assert cell.looks in (options.looks or (None,))
        assert cell.batch in (options.batches or (1,))
        assert cell.payload in (options.payloads or ("hot",))
        paces = (*LOADS, "closed") if PATTERNS[cell.pattern].open_loop else ("closed",)
        assert cell.pace in (options.paces or paces)
        waits = {cell.wait, "spin"} if cell.transport == "spins" else {cell.wait}
        assert waits & set(options.waits or ("block",))
    had: dict[str, set[object]] = {
        "": {word for word in options.named for c in cells if c.transport in names(word)},
        "-s": {word for word in options.sizes for c in cells if c.size == parse_size(word)},
        "-P": {cell.processes for cell in cells},
        "--pattern": {cell.pattern for cell in cells},
        "--placement": {cell.placement for cell in cells},
        "--runtime": {cell.runtime for cell in cells},
        "--looks": {cell.looks for cell in cells},
        "--batch": {cell.batch for cell in cells},
        "--payload": {cell.payload for cell in cells},
        "--pace": {cell.pace for cell in cells},
        "--wait": {
            wait
            for cell in cells
            for wait in (cell.wait, "spin" if cell.transport == "spins" else cell.wait)
        },
    }
    for flag, value in given_values(options):
        assert value in had[flag]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(options=OPTIONS)
@example(  # fill has one process, and only the transport null
    options=Options(
        named=("s*", "link"),
        processes=(1, 2),
        patterns=("latency",),
        payloads=("fresh",),
    ),
)
def test_another_pattern_that_is_advised_can_have_the_value(options: Options) -> None:
    try:
        planned(options)
    except BadConfig as error:
        advice = re.search(r"ask (also )?for --pattern (\S+)", str(error))
        if advice is None:
            return
        kept = options.patterns if advice[1] else ()
        try:
            planned(msgspec.structs.replace(options, patterns=(*kept, advice[2])))
        except BadConfig as again:
            assert str(again).split(" leads ")[0] != str(error).split(" leads ")[0]


def test_a_value_that_a_pattern_cannot_have_is_left_out_of_its_cells() -> None:
    patterns = ("pairs", "fan-in", "counter")
    options = Options(
        named=("link", "guard"), patterns=patterns, processes=(3, 4), sizes=("0", "64")
    )
    found = planned(options).all_cells()
    had = {(cell.pattern, cell.processes, cell.size) for cell in found}
    assert had == {
        ("pairs", 4, 0),
        ("pairs", 4, 64),
        *(("fan-in", number, size) for number in (3, 4) for size in (0, 64)),
        *(("counter", number, 0) for number in (3, 4)),
    }


def refusal(options: Options) -> str:
    options = msgspec.structs.replace(options, named=options.named or ("*",))
    with pytest.raises(BadConfig) as caught:
        planning.planned(settings_of_named(None), options=options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            Options(processes=(4,), patterns=("latency",)),
            "-P 4 leads to no cell: latency has 2 processes: leave it out, or ask for "
            "--pattern pairs-latency instead",
        ),
        (
            Options(sizes=("64",), patterns=("counter",)),
            "-s 64 leads to no cell: counter sends no messages: leave it out, or ask for "
            "--pattern latency instead",
        ),
        (
            Options(processes=(4,), patterns=("latency", "fan-in")),
            "--pattern latency leads to no cell: latency has 2 processes (-P 4): leave one of "
            "the options out",
        ),
        (
            Options(named=("pipe",), patterns=("latency", "signal")),
            "--pattern signal leads to no cell: signal sends no messages, as pipe would: "
            "leave it out",
        ),
        (
            Options(paces=("pause:1ms",), patterns=("stream",)),
            "--pace pause:1ms leads to no cell: stream makes no pauses: leave it out, or ask for "
            "--pattern latency instead",
        ),
        (
            Options(batches=(16,), patterns=("latency",)),
            "--batch 16 leads to no cell: latency sends one message a call: leave it out, or ask "
            "for --pattern stream instead",
        ),
        (
            Options(payloads=("fresh",), patterns=("counter",)),
            "--payload fresh leads to no cell: counter sends no messages: leave it out, or ask for "
            "--pattern latency instead",
        ),
        (
            Options(named=("pipe",), looks=(100,)),
            "--looks 100 leads to no cell: only receivers that wait by spin-block count looks: ask "
            "also for --wait spin-block, or leave it out",
        ),
        (
            Options(looks=(100,), waits=("poll", "spin-block")),
            "--wait poll leads to no cell: only receivers that wait by spin-block count looks: "
            "leave it out, or --looks",
        ),
        (
            Options(named=("pipe", "mp-lock"), patterns=("latency",)),
            "mp-lock leads to no cell: mp-lock carries no messages, and latency sends some: "
            "leave it out, or ask also for --pattern counter",
        ),
        (
            Options(named=("mp-lock",), sizes=("64",), patterns=("latency", "counter")),
            "mp-lock leads to no cell: counter sends no messages (-s 64): leave one of the "
            "options out",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_refusal_says_why_and_what_to_do(options: Options, message: str) -> None:
    assert refusal(options) == message


def test_a_value_without_a_promised_cell_is_refused() -> None:
    options = Options(sizes=("64", "4K"))
    found = planned(msgspec.structs.replace(options, named=("link",)))
    candidate = CANDIDATES.__getitem__
    refuse_unpromised(options, found, candidate, names)
    with pytest.raises(BadConfig, match="-s 4K leads to no cell that a promise names"):
        refuse_unpromised(options, found.only(lambda cell: cell.size == 64), candidate, names)


@pytest.mark.parametrize("topology", Topology)
@pytest.mark.parametrize("name", PATTERNS)
def test_a_transport_of_another_kind_is_refused_in_a_sentence(
    topology: Topology, name: str
) -> None:
    """Whatever the kinds of the transport and of the pattern are."""
    one = Candidate("one", replace(TRAITS, topologies=frozenset({topology})), limits(4096))
    options = Options(named=("one",), patterns=(name,))

    def listed(word: str) -> list[str]:
        return [word]

    profile = named_profile(settings_of_named(None), options, lambda _: one, listed, SITE)
    found = plan(cells_of(profile.axes, listed), lambda _: one, SITE)
    if PATTERNS[name].kind == kind_of(topology):
        refuse_unused(options, found, lambda _: one, listed)
        return
    with pytest.raises(BadConfig, match=r"^(one|--pattern) ") as refused:
        refuse_unused(options, found, lambda _: one, listed)
    assert len(str(refused.value).splitlines()) == 1
