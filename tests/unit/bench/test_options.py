"""bench.plan.options, bench.plan.unused: each value is that of a cell, or is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import filter as matching
from itertools import product

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ipcbench.bench.patterns.part import kind_of
from ipcbench.bench.patterns.table import BATCHED, PATTERNS, has_pace, has_payload
from ipcbench.bench.plan.options import LOADS, Options, with_options
from ipcbench.bench.plan.planner import Candidate, Plan, cells_of, plan
from ipcbench.bench.plan.profile import MOST_PROCESSES, BadConfig, Profile, parse_profile
from ipcbench.bench.plan.unused import refuse_unpromised, refuse_unused
from ipcbench.bench.results.axes import PLACEMENTS, RUNTIMES
from ipcbench.bench.results.units import parse_size
from ipcbench.bench.sweep import sweep
from ipcbench.transports.contract import Topology, Unavailable, Wait
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


def test_options_take_the_profiles_place() -> None:
    options = Options(transports=("tcp",), sizes=("1", "2K"), placements=("unpinned",))
    links, several, control = with_options(parsed(PROFILE), options).axes
    for axes in (links, several, control):
        assert axes.transports == ("tcp",)
        assert axes.sizes == (1, 2048)
        assert axes.placements == ("unpinned",)
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
def test_a_pattern_that_the_profile_lacks_has_cells_of_its_own(name: str) -> None:
    profile = msgspec.structs.replace(parsed(PROFILE), axes=parsed(PROFILE).axes[:0])
    axes, *controls = with_options(profile, Options(patterns=(name,))).axes
    found = PATTERNS[name]
    usual = (("*",), (64 if found.sized else 0,))
    assert axes.patterns == (name,)
    assert (axes.transports, axes.sizes) == ((("null",), (1 << 20,)) if found.alone else usual)
    (number,) = axes.processes
    assert number == next(most for most in (4, 2, 1) if not found.refuses(most))
    assert [control.twin for control in controls] == ([] if found.open_loop else [True])
    assert axes.paces == (LOADS if found.open_loop else ("closed",))
    real = sweep.planned(profile, options=Options(patterns=(name,)))
    assert {one.cell.pattern for one in real.cells} <= {name}
    assert {cell.pattern for cell in real.all_cells()} == {name}


def test_a_pattern_by_name_takes_the_other_options() -> None:
    options = Options(
        patterns=("pairs-latency", "stream"),
        transports=("tcp",),
        sizes=("4K",),
        runtimes=("native",),
    )
    stream, pairs, control = with_options(parsed(PROFILE), options).axes
    assert stream.patterns == ("stream",)
    assert pairs.patterns == control.patterns == ("pairs-latency",)
    for axes in (stream, pairs, control):
        assert (axes.transports, axes.sizes, axes.runtimes) == (("tcp",), (4096,), ("native",))


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

EVERY_PATTERN = f"""
about = "all patterns"
[run]
rounds = 1
[[cells]]
patterns = {list(PATTERNS)}
sizes = [64]
processes = [2, 4]
placements = ["same-core"]
"""
ONLY_LINKS = """
about = "two processes"
[run]
rounds = 1
[[cells]]
patterns = ["latency", "stream"]
sizes = [64]
placements = ["same-core"]
[[controls]]
patterns = ["latency"]
sizes = [64]
placements = ["same-core"]
"""
PROFILES = [parse_profile("test", text.encode()) for text in (EVERY_PATTERN, ONLY_LINKS)]
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


OPTIONS = st.builds(
    Options,
    transports=some([*CANDIDATES, "*", "s*"]),
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


def planned(profile: Profile, options: Options) -> Plan:
    axes = with_options(profile, options).axes
    found = plan(cells_of(axes, names), CANDIDATES.__getitem__, SITE)
    refuse_unused(options, profile, found, CANDIDATES.__getitem__, names)
    return found


FLAGS = {
    "-t": "transports", "-s": "sizes", "-P": "processes", "--pace": "paces",
    "--pattern": "patterns", "--placement": "placements", "--wait": "waits",
    "--runtime": "runtimes", "--looks": "looks", "--batch": "batches", "--payload": "payloads",
}  # fmt: skip


def given_values(options: Options) -> set[tuple[str, object]]:
    return {(flag, value) for flag, axis in FLAGS.items() for value in getattr(options, axis)}


def possible(profile: Profile, options: Options) -> set[tuple[str, object]]:
    """The values that some cell can have together with a value of each other option."""
    patterns = options.patterns or {name for axes in profile.axes for name in axes.patterns}
    found: set[tuple[str, object]] = set()
    for name, word, size, number, batch, payload, pace, wait in product(
        patterns,
        options.transports or ("*",),
        options.sizes or (None,),
        options.processes or (None,),
        options.batches or (None,),
        options.payloads or (None,),
        options.paces or (None,),
        options.waits or ("block",),
    ):
        pattern = PATTERNS[name]
        meant = [one for one in names(word) if kind(one) in (None, pattern.kind)]
        if pattern.alone:
            meant = [one for one in meant if one in ("null", "broken")]
        if options.looks and wait != "spin-block":
            meant = []
        if (
            meant
            and (size in (None, "0") or pattern.sized)
            and (number is None or not pattern.refuses(number))
            and (batch in (None, 1) or name in BATCHED)
            and (payload in (None, "hot") or has_payload(name, payload))
            and (pace is None or has_pace(name, pace))
        ):
            found |= {
                ("--pattern", name), ("-t", word), ("-s", size), ("-P", number), ("--pace", pace),
                ("--batch", batch), ("--payload", payload), ("--wait", wait),
                *(("--placement", one) for one in options.placements),
                *(("--runtime", one) for one in options.runtimes),
                *(("--looks", one) for one in options.looks),
            }  # fmt: skip
    return found


def kind(name: str) -> str | None:
    return None if name not in KINDS else kind_of(min(KINDS[name], key=str))


@settings(max_examples=400, deadline=None)
@given(profile=st.sampled_from(PROFILES), options=OPTIONS)
def test_each_value_is_that_of_a_cell_or_is_refused(profile: Profile, options: Options) -> None:
    impossible = given_values(options) - possible(profile, options)
    try:
        found = planned(profile, options)
    except BadConfig as error:
        message = str(error)
        assert "\n" not in message
        flag, word = message.split()[:2]
        assert (flag, word) in {(flag, str(value)) for flag, value in impossible}, message
        return
    assert not impossible
    cells = found.all_cells()
    assert cells
    for cell in cells:
        assert not options.transports or any(cell.transport in names(w) for w in options.transports)
        assert not options.sizes or cell.size in map(parse_size, options.sizes)
        assert cell.processes in (options.processes or (1, 2, 4))
        assert not options.patterns or cell.pattern in options.patterns
        apart = ("cross-core-awake",) if PATTERNS[cell.pattern].open_loop else ()
        assert cell.placement in (options.placements or ("same-core", "cross-core", *apart))
        assert cell.runtime in (options.runtimes or RUNTIMES)
        assert cell.looks in (options.looks or (None,))
        assert cell.batch in (options.batches or (1,))
        assert cell.payload in (options.payloads or ("hot",))
        usual = (*LOADS, "closed") if PATTERNS[cell.pattern].open_loop else ("closed",)
        assert cell.pace in (options.paces or usual)
        waits = {cell.wait, "spin"} if cell.transport == "spins" else {cell.wait}
        assert waits & set(options.waits or ("block",))
    had: dict[str, set[object]] = {
        "-t": {word for word in options.transports for c in cells if c.transport in names(word)},
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
@given(profile=st.sampled_from(PROFILES), options=OPTIONS)
@example(  # fill has one process, and only the transport null
    profile=PROFILES[1],
    options=Options(
        transports=("s*", "link"),
        processes=(1, 2),
        patterns=("latency",),
        payloads=("fresh",),
    ),
)
def test_another_pattern_that_is_advised_can_have_the_value(
    profile: Profile, options: Options
) -> None:
    try:
        planned(profile, options)
    except BadConfig as error:
        advice = re.search(r"ask (also )?for --pattern (\S+)", str(error))
        if advice is None:
            return
        kept = options.patterns if advice[1] else ()
        try:
            planned(profile, msgspec.structs.replace(options, patterns=(*kept, advice[2])))
        except BadConfig as again:
            assert str(again).split()[:2] != str(error).split()[:2]


def test_a_value_that_a_pattern_cannot_have_is_left_out_of_its_cells() -> None:
    options = Options(processes=(3, 4), sizes=("0", "64"))
    found = planned(PROFILES[0], options).all_cells()
    had = {
        (cell.pattern, cell.processes, cell.size)
        for cell in found
        if cell.pattern in ("pairs", "fan-in", "counter")
    }
    assert had == {
        ("pairs", 4, 0),
        ("pairs", 4, 64),
        *(("fan-in", number, size) for number in (3, 4) for size in (0, 64)),
        *(("counter", number, 0) for number in (3, 4)),
    }


def refusal(options: Options, profile: Profile = PROFILES[1]) -> str:
    with pytest.raises(BadConfig) as caught:
        sweep.planned(profile, options=options)
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
            Options(transports=("pipe",), patterns=("latency", "signal")),
            "--pattern signal leads to no cell: signal sends no messages, as -t pipe would: "
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
            Options(transports=("pipe",), looks=(100,)),
            "--looks 100 leads to no cell: only receivers that wait by spin-block count looks: ask "
            "also for --wait spin-block, or leave it out",
        ),
        (
            Options(looks=(100,), waits=("poll", "spin-block")),
            "--wait poll leads to no cell: only receivers that wait by spin-block count looks: "
            "leave it out, or --looks",
        ),
        (
            Options(transports=("pipe", "mp-lock"), patterns=("latency",)),
            "-t mp-lock leads to no cell: mp-lock carries no messages, and latency sends some: "
            "leave it out, or ask also for --pattern counter",
        ),
        (
            Options(transports=("mp-lock",), sizes=("64",), patterns=("latency", "counter")),
            "-t mp-lock leads to no cell: counter sends no messages (-s 64): leave one of the "
            "options out",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_refusal_says_why_and_what_to_do(options: Options, message: str) -> None:
    assert refusal(options) == message


def test_a_value_without_a_promised_cell_is_refused() -> None:
    options = Options(sizes=("64", "4K"))
    found = planned(PROFILES[1], options)
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
    options = Options(transports=("one",), patterns=(name,))
    profile = msgspec.structs.replace(PROFILES[0], axes=PROFILES[0].axes)

    def listed(word: str) -> list[str]:
        return [word]

    axes = with_options(profile, options).axes
    found = plan(cells_of(axes, listed), lambda _: one, SITE)
    if PATTERNS[name].kind == kind_of(topology):
        refuse_unused(options, profile, found, lambda _: one, listed)
        return
    with pytest.raises(BadConfig, match=r"^(-t one|--pattern) ") as refused:
        refuse_unused(options, profile, found, lambda _: one, listed)
    assert len(str(refused.value).splitlines()) == 1
