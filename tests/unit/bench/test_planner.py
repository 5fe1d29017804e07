"""bench.plan.planner: every combination is planned or skipped, once, in a stable order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.commands.orders.ordering import named_by
from ipcbench.bench.machine.topology import Cpu
from ipcbench.bench.patterns.part import kind_of
from ipcbench.bench.patterns.table import BATCHED, PATTERNS
from ipcbench.bench.plan.placement import Site
from ipcbench.bench.plan.planner import (
    Candidate,
    Plan,
    PlannedCell,
    cells_of,
    plan,
)
from ipcbench.bench.plan.profile import Axes, load_profile, parse_profile
from ipcbench.bench.plan.refusals import Skip
from ipcbench.bench.results.axes import PAYLOADS, PLACEMENTS, SAME_CORE, WAITS
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.sweep.plans import planning
from ipcbench.transports.contract import Framing, Limit, Limits, Topology, Traits, Unavailable, Wait
from ipcbench.transports.null import TRAITS as NULL
from ipcbench.transports.registry import matching

TRAITS = replace(NULL, topologies=frozenset({Topology.LINK, Topology.FAN_IN}))
FAN_OUT = replace(TRAITS, topologies=frozenset(Topology))
SITE = Site([Cpu(0, (0,), (0, 1)), Cpu(1, (1,), (0, 1))], "")
NAMES = ("alpha", "beta", "gamma")


def site(cpus: int, idle: str) -> Site:
    everything = tuple(range(cpus))
    return Site([Cpu(number, (number,), everything) for number in everything], idle)


def limits(message: int | None = None, fan_in: int | None = None) -> Limits:
    several = None if fan_in is None else Limit("several", fan_in, "here", "raise it")
    return Limits(Limit("message", message, "kernel.limit", "sysctl more"), several)


def everything(name: str) -> Candidate:
    return Candidate(name, TRAITS, limits())


def a_cell(**axes: object) -> Cell:
    fields = {"transport": "alpha", "pattern": "latency", "size": 64, "placement": SAME_CORE}
    return msgspec.convert({**fields, **axes}, Cell)


def only(cell: Cell, candidate: Candidate, where: Site = SITE) -> PlannedCell | Skip:
    """Plan a single cell."""
    found = plan([cell], lambda name: candidate, where)
    assert len(found.cells) + len(found.skipped) == 1
    return found.cells[0] if found.cells else found.skipped[0][1]


def refused(cell: Cell, candidate: Candidate, where: Site = SITE) -> Skip:
    skip = only(cell, candidate, where)
    assert isinstance(skip, Skip)
    return skip


def meant(cell: Cell, candidate: Candidate) -> bool:
    """`*` does not mean a semaphore for 64 bytes, nor a pipe for a guard, a file or a value."""
    if cell.looks is not None and cell.wait != "spin-block":
        return False
    if candidate.traits is None:
        return True
    kinds = {kind_of(topology) for topology in candidate.traits.topologies}
    return not kinds or PATTERNS[cell.pattern].kind in kinds


def some(values: Iterable[object], most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(st.sampled_from(list(values)), min_size=1, max_size=most).map(tuple)


# Three of these have 3,456 cells at most: a plan takes 10,000.
AXES = st.builds(
    Axes,
    patterns=some(PATTERNS),
    sizes=some((0, 1, 64, 4096, 1 << 20), most=2),
    placements=some(PLACEMENTS, most=2),
    transports=some(NAMES),
    processes=some((2, 3, 4, 8), most=2),
    depths=some((None, 1, 8), most=2),
    runtimes=some(("python", "native"), most=2),
    waits=some(("block", "poll", "spin-block"), most=2),
    looks=some((None, 100), most=1),
    batches=some((1, 16), most=1),
    payloads=some(("hot", "fresh"), most=1),
    paces=some(("closed", "pause:1ms"), most=2),
    twin=st.booleans(),
    slowed=st.sampled_from((0, 0, 5)),
).map(lambda axes: msgspec.structs.replace(axes, twin=axes.twin and not axes.slowed))
LIMITS = st.builds(
    limits, st.sampled_from([None, 0, 64, 4096]), st.sampled_from([None, 0, 64, 4096])
)
TRAIT = st.builds(
    lambda topologies, zero_length, depth, native: replace(
        TRAITS, topologies=topologies, zero_length=zero_length, depth=depth, native=native
    ),
    st.frozensets(st.sampled_from(Topology)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
NOT_BUILT = Unavailable("not built here", "install a compiler")
CANDIDATES = st.fixed_dictionaries(
    {
        name: st.one_of(
            st.just(Candidate(name, None, Unavailable("not here", "install it"))),
            st.builds(Candidate, st.just(name), TRAIT, LIMITS, st.sampled_from([None, NOT_BUILT])),
        )
        for name in NAMES
    }
)
SITES = st.builds(site, st.integers(1, 5), st.sampled_from(["", "no permission"]))


def can_be_slowed(cell: Cell) -> bool:
    usual = cell.batch == 1 and cell.payload == "hot" and cell.pace == "closed"
    return cell.pattern == "latency" and usual


@given(axes=st.lists(AXES, max_size=3), candidates=CANDIDATES, where=SITES)
def test_every_combination_is_planned_or_skipped_once(
    axes: list[Axes], candidates: dict[str, Candidate], where: Site
) -> None:
    every = list(cells_of(axes, lambda pattern: [pattern]))
    found = plan(every, candidates.__getitem__, where)
    planned = [one.cell for one in found.cells]
    skipped = [cell for cell, _ in found.skipped]
    ids = [cell.id for cell in planned + skipped]
    assert len(ids) == len(set(ids))
    cells = [cell for cell in every if meant(cell, candidates[cell.transport])]
    assert {cell.id for cell in cells if not cell.is_control} == {
        cell.id for cell in planned + skipped if not cell.is_control
    }
    assert not any(cell.is_control for cell in skipped)
    for cell in cells:  # a control is planned where its original is, and in the same way
        if cell.is_control:
            able = not cell.slowed or can_be_slowed(cell)
            assert (cell in planned) is (able and cell.original in planned)
    order_given = list(dict.fromkeys(cell.id for cell in cells))
    assert [cell.id for cell in planned] == [
        identity for identity in order_given if identity in {cell.id for cell in planned}
    ]
    assert all(skip.reason for _, skip in found.skipped)
    for one in found.cells:
        traits, bounds = candidates[one.cell.transport].traits, candidates[one.cell.transport].found
        assert traits is not None
        assert isinstance(bounds, Limits)
        topology = PATTERNS[one.cell.pattern].topology
        assert topology in traits.topologies
        most = bounds.message_for(topology).value
        assert most is None or one.cell.size <= most
        assert len(one.cpus) == one.cell.processes
        if one.cell.runtime == "native":
            assert traits.native
            assert candidates[one.cell.transport].native is None
        assert one.facts.per == PATTERNS[one.cell.pattern].per
    again = plan(every, candidates.__getitem__, where)
    assert again == found
    assert again.digest() == found.digest()


@given(axes=AXES)
def test_cells_are_the_product_of_the_axes(axes: Axes) -> None:
    cells = list(cells_of([axes], lambda pattern: [pattern]))
    wanted = product(
        axes.patterns,
        axes.sizes,
        axes.processes,
        axes.placements,
        axes.runtimes,
        dict.fromkeys(axes.transports),
        axes.depths,
        axes.waits,
        axes.looks,
        axes.batches,
        axes.payloads,
        axes.paces,
    )
    assert [
        (
            c.pattern,
            c.size,
            c.processes,
            c.placement,
            c.runtime,
            c.transport,
            c.depth,
            c.wait,
            c.looks,
            c.batch,
            c.payload,
            c.pace,
        )
        for c in cells
    ] == [
        (pattern, size if PATTERNS[pattern].sized else 0, *others)
        for pattern, size, *others in wanted
    ]
    assert {(cell.twin, cell.slowed) for cell in cells} == {(axes.twin, axes.slowed)}


CELLS = st.builds(
    Cell,
    transport=st.sampled_from(["pipe", "pipe:1M", "shm:posix+futex", "shm:posix+futex/in-place"]),
    pattern=st.sampled_from(["latency", "stream"]),
    size=st.integers(0, 2000),
    processes=st.integers(1, 20),
    placement=st.sampled_from(PLACEMENTS),
    runtime=st.sampled_from(["python", "native"]),
    depth=st.one_of(st.none(), st.integers(1, 20)),
    wait=st.sampled_from(WAITS),
    looks=st.one_of(st.none(), st.integers(1, 20)),
    batch=st.integers(1, 20),
    payload=st.sampled_from(PAYLOADS),
    pace=st.sampled_from(["closed", "pause:100us", "pause:1ms"]),
    twin=st.booleans(),
)


@given(one=CELLS, other=CELLS)
def test_two_cells_share_an_id_only_if_they_are_the_same(one: Cell, other: Cell) -> None:
    assert (one.id == other.id) is (one == other)
    assert one.original.id == one.id.removesuffix("~twin")


def test_names_that_several_patterns_mean_come_once() -> None:
    axes = Axes(("latency",), (64,), (SAME_CORE,), ("a*", "alpha"), (2,), (None,))
    cells = list(
        cells_of([axes], lambda pattern: ["alpha", "alps"] if "*" in pattern else ["alpha"])
    )
    assert [cell.transport for cell in cells] == ["alpha", "alps"]


# Reasons.


def test_an_unavailable_transport_is_skipped_with_reason_and_remedy() -> None:
    skip = refused(a_cell(), Candidate("alpha", None, Unavailable("no module", "pip install it")))
    assert skip == Skip("no module", "pip install it")


def test_a_transport_that_cannot_wait_for_several_has_one_sender_at_most() -> None:
    found = replace(limits(), several=Unavailable("no fences", "measure it natively"))
    alone = Candidate("alpha", replace(TRAITS, topologies=frozenset(Topology)), found)
    where = site(4, "")
    for pattern in ("fan-in", "echo"):
        skip = refused(a_cell(pattern=pattern, processes=3), alone, where)
        assert skip == Skip("no fences", "measure it natively")
        assert isinstance(only(a_cell(pattern=pattern), alone, where), PlannedCell)
        compiled = a_cell(pattern=pattern, processes=3, runtime="native")
        can = replace(alone, traits=replace(alone.traits or TRAITS, native=True))
        assert isinstance(only(compiled, can, where), PlannedCell)
    for pattern in ("pairs", "fan-out"):
        assert isinstance(only(a_cell(pattern=pattern, processes=4), alone, where), PlannedCell)


@pytest.mark.parametrize(
    ("cell", "traits", "found", "words"),
    [
        (a_cell(processes=3), TRAITS, limits(), "latency has 2 processes, not 3"),
        (a_cell(pattern="pairs", processes=3), TRAITS, limits(), "even"),
        (
            a_cell(pattern="fan-in"),
            replace(TRAITS, topologies=frozenset({Topology.LINK})),
            limits(),
            "alpha cannot do fan-in: several senders cannot share a channel of it",
        ),
        (a_cell(depth=2), TRAITS, limits(), "no depth"),
        (a_cell(wait="poll"), TRAITS, limits(), "a receiver of alpha cannot wait by poll"),
        (a_cell(wait="spin"), TRAITS, limits(), "a receiver of alpha cannot wait by spin"),
        (a_cell(batch=16), TRAITS, limits(), "latency sends one message a call"),
        (a_cell(pattern="stream", batch=16), TRAITS, limits(), "no call for several messages"),
        (
            a_cell(pattern="stream", batch=16),
            replace(TRAITS, batch=True),
            limits(),
            "Python has no call for several messages",
        ),
        (
            a_cell(pattern="stream", runtime="native", batch=16),
            replace(TRAITS, batch=True, in_place=True),
            limits(),
            "alpha reads messages in place, one by one",
        ),
        (
            a_cell(pattern="stream", runtime="native", batch=16, payload="fresh"),
            replace(TRAITS, batch=True),
            limits(),
            "one call sends the same bytes several times",
        ),
        (a_cell(payload="fresh"), TRAITS, limits(), "messages are written anew from 4 KiB on"),
        (a_cell(payload="fresh", size=4096), TRAITS, limits(), "no byte of a message arrives"),
        (
            a_cell(payload="array", size=4096, pattern="fan-in"),
            replace(TRAITS, carries=True),
            limits(),
            "no timed loop of fan-in has arrays",
        ),
        (
            a_cell(payload="cold", size=4096, pattern="self", processes=1),
            replace(TRAITS, carries=True),
            limits(),
            "no timed loop of self writes a message anew before it sends it",
        ),
        (
            a_cell(payload="fresh", size=4096, pattern="echo", processes=4),
            replace(FAN_OUT, carries=True, in_place=True),
            limits(),
            "no timed loop of echo writes and reads a message in place",
        ),
        (
            a_cell(payload="cold", size=4096, pattern="fan-out", processes=4),
            replace(FAN_OUT, carries=True, in_place=True),
            limits(),
            "no timed loop of fan-out writes and reads a message in place",
        ),
        (
            a_cell(payload="fresh", size=4096, pace="pause:1ms"),
            replace(TRAITS, carries=True),
            limits(),
            "no timed loop pauses between messages that it writes anew",
        ),
        (
            a_cell(payload="array", size=4096, runtime="native"),
            replace(TRAITS, carries=True),
            limits(),
            "arrays are Python's: no compiled loop has them",
        ),
        (
            a_cell(payload="array", size=4096, depth=8),
            replace(TRAITS, carries=True, depth=True, pickles_late=True),
            limits(),
            "of 8 arrays that are written in turn, its queue may hold 7",
        ),
        (a_cell(pattern="fill"), TRAITS, limits(), "fill has 1 process, not 2"),
        (a_cell(pattern="stream", pace="pause:1ms"), TRAITS, limits(), "its pace is closed"),
        (a_cell(pattern="fan-out", size=0), FAN_OUT, limits(), "0 bytes"),
        (a_cell(size=0), replace(TRAITS, zero_length=False), limits(), "0 bytes"),
        (a_cell(size=65), TRAITS, limits(64), "at most 64 bytes as message (kernel.limit)"),
        (a_cell(pattern="fan-in", size=65), TRAITS, limits(None, 64), "as several (here)"),
        (
            a_cell(runtime="native"),
            replace(TRAITS, native=False),
            limits(),
            "alpha has no native operations",
        ),
    ],
)
def test_each_exclusion_has_its_reason(
    cell: Cell, traits: Traits, found: Limits, words: str
) -> None:
    assert words in refused(cell, Candidate("alpha", traits, found)).reason


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (a_cell(size=64), limits(64)),
        (a_cell(size=65), limits(None, 64)),
        (a_cell(pattern="fan-in", size=64), limits(1, 64)),
        (a_cell(size=0), limits(0)),
    ],
)
def test_a_limit_is_no_sooner_than_it_says(cell: Cell, found: Limits) -> None:
    assert isinstance(only(cell, Candidate("alpha", TRAITS, found)), PlannedCell)


MOST = Limit("depth", 208, "a socket", "raise it", lambda need: f"for {need.depth}")
LENT = replace(TRAITS, carries=True, depth=True, in_place=True)


@pytest.mark.parametrize(
    ("axes", "says", "remedy"),
    [
        ({"payload": "cold"}, "(a socket), and cold messages need 16385", "for 16385"),
        ({"depth": 209}, "alpha holds at most 208 messages in a direction (a socket)", "for 209"),
        ({"depth": 208}, "", ""),
        ({"payload": "fresh"}, "", ""),
    ],
)
def test_a_depth_beyond_the_bound_is_skipped(
    axes: dict[str, object], says: str, remedy: str
) -> None:
    cell = a_cell(pattern="stream", size=4096, **axes)
    where = replace(SITE, cache=32 << 20)
    found = only(cell, Candidate("alpha", LENT, replace(limits(), depth=MOST)), where)
    assert isinstance(found, Skip) is bool(says)
    if isinstance(found, Skip):
        assert found.reason.endswith(says)
        assert found.remedy == remedy


def test_a_bound_of_the_depth_that_nothing_raises_has_a_remedy_all_the_same() -> None:
    found = Candidate("alpha", LENT, replace(limits(), depth=Limit("depth", 8, "one byte")))
    cold = a_cell(pattern="stream", size=4096, payload="cold")
    assert refused(cold, found).remedy == "ask for larger messages"
    assert refused(a_cell(depth=9), found).remedy == "ask for a smaller depth"


def test_a_limit_has_a_remedy() -> None:
    assert refused(a_cell(), Candidate("alpha", TRAITS, limits(1))).remedy == "sysctl more"


def test_a_placement_that_the_machine_lacks_is_a_skip() -> None:
    skip = refused(a_cell(placement="cross-core"), everything("alpha"), site(1, ""))
    assert "core" in skip.reason
    assert "taskset" in skip.remedy


def test_a_depth_may_be_set_where_there_is_one() -> None:
    deep = Candidate("alpha", replace(TRAITS, depth=True), limits())
    assert isinstance(only(a_cell(depth=2), deep), PlannedCell)


def test_a_transports_own_wait_is_measured_once_by_whatever_name() -> None:
    spinning = Candidate("alpha", replace(TRAITS, waiting=Wait.SPIN), limits())
    found = plan(
        [a_cell(wait="spin"), a_cell(), a_cell(wait="spin")], lambda name: spinning, site(2, "")
    )
    assert [planned.cell for planned in found.cells] == [a_cell()]
    assert [planned.facts.wait for planned in found.cells] == ["spin"]
    assert not found.skipped


def test_looks_are_meant_for_one_way_of_waiting() -> None:
    """A cell that would count no looks is left out, as `*` leaves out a semaphore for bytes."""
    both = Candidate("alpha", replace(TRAITS, waiting=Wait.SPIN_BLOCK), limits())
    cells = [a_cell(wait=wait, looks=100) for wait in ("block", "spin-block", "none")]
    found = plan(cells, lambda name: both, site(2, ""))
    assert [planned.cell for planned in found.cells] == [a_cell(looks=100)]
    assert not found.skipped
    assert not plan([a_cell(looks=100)], everything, site(2, "")).all_cells()


def test_a_part_of_a_plan() -> None:
    cells = [a_cell(), a_cell(size=65), a_cell(size=1), a_cell(size=66)]
    found = plan(cells, lambda name: Candidate("alpha", TRAITS, limits(64)), site(2, ""))
    part = found.only(lambda cell: cell.size in (1, 65))
    assert [planned.cell for planned in part.cells] == [a_cell(size=1)]
    assert [cell for cell, _ in part.skipped] == [a_cell(size=65)]


# Runtimes.


def test_native_cells_say_why_there_are_none_here() -> None:
    candidate = Candidate("alpha", TRAITS, limits(), NOT_BUILT)
    assert refused(a_cell(runtime="native"), candidate) == Skip(NOT_BUILT.reason, NOT_BUILT.remedy)
    assert isinstance(only(a_cell(), candidate), PlannedCell)


def test_a_transport_without_native_operations_needs_no_compiler() -> None:
    """The lasting reason is shown, not the one that a compiler would solve."""
    without = replace(TRAITS, native=False)
    skip = refused(a_cell(runtime="native"), Candidate("alpha", without, limits(), NOT_BUILT))
    assert "no native operations" in skip.reason
    assert skip.remedy == ""


def test_a_pattern_without_loops_in_c_is_measured_from_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ipcbench.bench.loops.native_loops.has_twin", lambda loop: False)
    candidate = Candidate("alpha", replace(TRAITS, native=True), limits())
    assert "no loops in C" in refused(a_cell(runtime="native"), candidate).reason
    assert isinstance(only(a_cell(), candidate), PlannedCell)


def test_a_compiled_loop_may_copy_less() -> None:
    traits = replace(TRAITS, copies=3, native_copies=2)
    for runtime, copies in (("python", 3), ("native", 2)):
        found = only(a_cell(runtime=runtime), Candidate("alpha", traits, limits()))
        assert isinstance(found, PlannedCell)
        assert found.facts.copies == copies


def test_other_native_calls_are_marked() -> None:
    traits = replace(TRAITS, native_differs=True, signals=3)
    for runtime, differs in (("python", False), ("native", True)):
        found = only(a_cell(runtime=runtime), Candidate("alpha", traits, limits()))
        assert isinstance(found, PlannedCell)
        assert found.facts.differs == differs
        assert found.facts.signals == 3


@pytest.mark.parametrize("pattern", sorted(BATCHED))
def test_batches_are_planned_natively(pattern: str) -> None:
    """A single time would be that of a call: there is none."""
    traits = replace(TRAITS, native=True, batch=True)
    planned = only(
        a_cell(pattern=pattern, runtime="native", batch=16), Candidate("alpha", traits, limits())
    )
    assert isinstance(planned, PlannedCell)
    assert planned.cell.batch == 16
    assert not planned.facts.single


def test_a_batch_of_a_byte_stream_is_copied_once_more() -> None:
    """The others hand over the same bytes several times."""
    for framing, batch, copies in (
        (Framing.STREAM, 1, 2),
        (Framing.STREAM, 16, 3),
        (Framing.MESSAGE, 16, 2),
    ):
        traits = replace(TRAITS, native=True, batch=True, framing=framing, copies=2)
        cell = a_cell(pattern="stream", runtime="native", batch=batch)
        found = only(cell, Candidate("alpha", traits, limits()))
        assert isinstance(found, PlannedCell)
        assert found.facts.copies == copies


def test_python_has_no_batches_and_says_what_has() -> None:
    candidate = Candidate("alpha", replace(TRAITS, native=True, batch=True), limits())
    assert (
        refused(a_cell(pattern="stream", batch=16), candidate).remedy == "ask for --runtime native"
    )


def test_a_call_transfers_one_message_where_no_batch_is_asked_for() -> None:
    """Also where an end has operations for several."""
    traits = replace(TRAITS, native=True, batch=True)
    for runtime, pattern in product(("python", "native"), ("latency", "stream")):
        found = only(a_cell(pattern=pattern, runtime=runtime), Candidate("alpha", traits, limits()))
        assert isinstance(found, PlannedCell)
        assert not found.facts.batch


# Controls.


def test_a_control_of_nothing_is_left_out() -> None:
    twin = a_cell(twin=True)
    found = plan([twin, a_cell(size=65)], everything, SITE)
    assert [one.cell for one in found.cells] == [a_cell(size=65)]
    assert found.skipped == []


def test_a_control_may_stand_before_its_original() -> None:
    cells = [a_cell(twin=True), a_cell()]
    assert [one.cell for one in plan(cells, everything, SITE).cells] == cells


def test_controls_for_some_cells_are_those_of_their_placements() -> None:
    cells = [
        a_cell(size=size, placement=placement, twin=twin)
        for size in (64, 128)
        for placement in ("same-core", "cross-core")
        for twin in ((False, True) if size == 64 else (False,))
    ]
    found = plan(cells, everything, SITE)
    here, there = a_cell(twin=True), a_cell(placement="cross-core", twin=True)
    small, both = {here.id, here.original.id}, {there.id, there.original.id}
    assert found.controls_for({a_cell(size=128).id}) == small
    assert found.controls_for({a_cell(size=128, placement="cross-core").id}) == both
    assert found.controls_for({one.cell.id for one in found.cells}) == small | both
    assert found.controls_for(set()) == set()


PROFILE = b"""
about = "for tests"
[run]
rounds = 2
[[cells]]
patterns = ["latency", "stream"]
transports = ["null", "pipe", "unix-stream"]
sizes = ["64", "4K"]
placements = ["same-core", "unpinned"]
[[controls]]
patterns = ["stream"]
transports = ["null"]
sizes = ["4K"]
placements = ["same-core", "unpinned"]
"""
PROMISES = """
[[promise]]
name = "a pipe beats a socket"
faster = { transport = "pipe" }
than = { transport = "unix-stream" }
where = { pattern = "latency", size = "64", processes = 2, placement = "same-core" }
at_least = "1x"
"""


def test_a_run_for_promises_keeps_what_shows_whether_it_can_be_trusted(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.toml"
    path.write_text(PROMISES)
    profile = parse_profile("test", PROFILE)
    assert len(planning.planned(profile).cells) == 26
    found = planning.planned(profile, named_by(path, profile).only)
    assert [one.cell.id for one in found.cells] == [
        "latency/pipe/python/64B/2p/same-core",
        "latency/unix-stream/python/64B/2p/same-core",
        "stream/null/python/4096B/2p/same-core",
        "stream/null/python/4096B/2p/same-core~twin",
    ]


def test_this_repositorys_promises_come_with_controls() -> None:
    """`make gate` measures controls, which show whether its run can be trusted."""
    profile = load_profile("quick")
    only_promised = named_by(Path(__file__).parents[3] / "thresholds.toml", profile).only
    found = planning.planned(profile, only_promised)
    named = {cell.cell.placement for cell in found.cells if not cell.cell.twin}
    assert {cell.cell.placement for cell in found.cells if cell.cell.twin} == named


def ours(name: str) -> list[Cell]:
    return list(cells_of(load_profile(name).axes, matching))


@pytest.mark.parametrize("name", ["standard", "rigorous"])
def test_huge_pages_stand_beside_small_ones(name: str) -> None:
    cells = ours(name)
    large = [cell for cell in cells if cell.size == 1 << 20 and "/huge" in cell.transport]
    assert {cell.pattern for cell in large} == {"latency", "stream"}
    for cell in large:
        plain = cell.transport.replace("/huge", "")
        assert msgspec.structs.replace(cell, transport=plain) in cells
    assert not [cell for cell in ours("quick") if "/huge" in cell.transport]


# The plan's digest.


def many(count: int) -> list[PlannedCell]:
    return plan([a_cell(size=size) for size in range(count)], everything, SITE).cells


def test_a_digest_names_what_is_measured_and_where() -> None:
    cells = many(3)

    def digest(planned: list[PlannedCell]) -> str:
        return Plan(planned, []).digest()

    whole = digest(cells)
    assert whole == Plan(list(cells), [(a_cell(), Skip("why"))]).digest()
    changed = [
        cells[:2],
        cells[::-1],
        [*cells[:2], replace(cells[2], cpus=[[0], [0]])],
        [*cells[:2], replace(cells[2], cell=a_cell(size=2, depth=1))],
    ]
    assert len({whole, *map(digest, changed)}) == 5


# Aliases.


def with_aliases(pattern: str) -> list[str]:
    known = [
        "pipe", "shm:posix+futex", "shm:posix+spin", "shm:posix+spin-block",
        "shm:sysv+spin/in-place",
    ]  # fmt: skip
    return [name for name in known if fnmatchcase(name, pattern)]


def planned_for(transports: Iterable[str], waits: Iterable[str]) -> list[tuple[str, str]]:
    axes = Axes(
        ("latency",), (64,), (SAME_CORE,), tuple(transports), (2,), (None,), waits=tuple(waits)
    )
    return [(cell.transport, cell.wait) for cell in cells_of([axes], with_aliases)]


@pytest.mark.parametrize(
    ("transport", "waits", "found"),
    [
        ("shm:posix+spin", ("block",), [("shm:posix+futex", "spin")]),
        ("shm:posix+spin", ("spin",), [("shm:posix+futex", "spin")]),
        ("shm:posix+spin-block", ("block",), [("shm:posix+futex", "spin-block")]),
        ("shm:sysv+spin/in-place", ("block",), [("shm:sysv+futex/in-place", "spin")]),
        # Asked for by its name, an alias in another way is refused in `refusals.wait`.
        ("shm:posix+spin", ("poll",), [("shm:posix+spin", "poll")]),
        ("shm:posix+spin*", ("poll",), []),
        ("shm:posix+spin*", ("spin",), [("shm:posix+futex", "spin")]),
        (
            "shm:posix+*",
            ("block",),
            [
                ("shm:posix+futex", "block"),
                ("shm:posix+futex", "spin"),
                ("shm:posix+futex", "spin-block"),
            ],
        ),
    ],
)
def test_an_alias_is_planned_as_what_it_means(
    transport: str, waits: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    assert planned_for([transport], waits) == found


def test_an_alias_and_what_it_means_are_one_cell() -> None:
    axes = Axes(
        ("latency",), (64,), (SAME_CORE,), ("shm:posix+spin", "shm:posix+futex"), (2,), (None,),
        waits=("block", "spin"),
    )  # fmt: skip
    spins = replace(TRAITS, spins=True)
    cells = cells_of([axes], with_aliases)
    found = plan(cells, lambda name: Candidate(name, spins, limits()), SITE)
    assert [one.cell.id for one in found.cells] == [
        "latency/shm:posix+futex/python/64B/2p/same-core/wait-spin",
        "latency/shm:posix+futex/python/64B/2p/same-core",
    ]


def test_rings_that_never_sleep_are_measured_once() -> None:
    spins = replace(TRAITS, spins=True)
    for name, same in (
        ("shm:posix+posix-sem", "shm:posix+futex"),
        ("shm:memfd+eventfd/huge/in-place", "shm:memfd+futex/huge/in-place"),
    ):
        cell = a_cell(transport=name, wait="spin")
        skip = refused(cell, Candidate(name, spins, limits()))
        assert skip == Skip(
            f"{name} is {same} if it waits by spin: no process sleeps",
            f"measure that one: ipcbench run {same} --wait spin",
        )
        assert isinstance(
            only(a_cell(transport=same, wait="spin"), Candidate(same, spins, limits())), PlannedCell
        )
        assert isinstance(
            only(a_cell(transport=name, wait="spin-block"), Candidate(name, spins, limits())),
            PlannedCell,
        )


def test_an_alias_that_is_asked_to_wait_in_another_way_says_what_it_is() -> None:
    alias = Candidate("shm:posix+spin", replace(TRAITS, waiting=Wait.SPIN), limits())
    assert refused(a_cell(transport="shm:posix+spin", wait="poll"), alias) == Skip(
        "shm:posix+spin is shm:posix+futex that waits by spin, not by poll"
    )
