"""bench.plan.filters: options leave out cells of a profile, add none, and are never ignored."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcbench.bench.commands.orders import ordering
from ipcbench.bench.commands.run import command
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.plan.profile import BadConfig, load_profile
from ipcbench.bench.results.axes import PAYLOADS, PLACEMENTS, RUNTIMES
from ipcbench.bench.sweep.plans import planning

QUICK = load_profile("quick")
ALL = {cell.id for cell in planning.planned(QUICK).all_cells()}


def some(values: Iterable[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.one_of(
        st.just(()), st.lists(st.sampled_from(list(values)), min_size=1, max_size=2).map(tuple)
    )


OPTIONS = st.builds(
    Options,
    transports=some(["pipe", "shm:*", "shm:posix+spin", "tcp", "mp-queue", "*", "vmsplice"]),
    sizes=some(["64", "4K", "1M", "96", "0"]),
    processes=some([1, 2, 3, 4]),
    patterns=some(["latency", "stream", "fan-in", "pairs-latency", "counter"]),
    placements=some(PLACEMENTS),
    waits=some(["block", "spin", "poll"]),
    looks=some([100]),
    batches=some([1, 16]),
    payloads=some(PAYLOADS),
    paces=some(["closed", "pause:1ms", "load:50"]),
    runtimes=some(RUNTIMES),
    depths=some([8]),
    tasks=some(["small-request", "frames", "arrays", "named"]),
)


def filtered(options: Options) -> Plan:
    return planning.planned(QUICK, options=options)


def refusal(options: Options) -> str:
    with pytest.raises(BadConfig) as caught:
        filtered(options)
    return str(caught.value)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(options=OPTIONS)
def test_a_filter_leaves_cells_out_and_adds_none(options: Options) -> None:
    try:
        found = planning.of_profile(QUICK, options, lambda *_: ": leave it out")
    except BadConfig as error:
        assert "\n" not in str(error)
        assert "leave it out" in str(error) or "it has" in str(error)
        return
    ids = {cell.id for cell in found.all_cells()}
    assert ids
    assert ids <= ALL
    for cell in found.all_cells():
        assert not options.sizes or cell.size in {64, 4096, 1 << 20, 0}
        assert not options.processes or cell.processes in options.processes
        assert not options.patterns or cell.pattern in options.patterns
        assert not options.placements or cell.placement in options.placements
        assert not options.runtimes or cell.runtime in options.runtimes
        assert not options.payloads or cell.payload in options.payloads
        assert not options.paces or cell.pace in options.paces
    for axis, values in (
        ("processes", options.processes),
        ("pattern", options.patterns),
        ("placement", options.placements),
        ("payload", options.payloads),
        ("pace", options.paces),
    ):
        assert {*values} <= {getattr(cell, axis) for cell in found.all_cells()} or not values


def test_two_sizes_of_a_family_are_a_part_of_the_profile() -> None:
    found = filtered(Options(transports=("pipe", "shm:*"), sizes=("64", "64K")))
    assert 20 < len(found.cells) < len(planning.planned(QUICK).cells) / 2


def test_a_task_keeps_its_cells_and_the_controls_beside_them() -> None:
    found = filtered(Options(tasks=("small-request",)))
    assert {task for one in found.cells for task in one.tasks} == {"small-request"}
    assert any(one.cell.twin for one in found.cells)
    assert {one.cell.pattern for one in found.cells} == {"latency"}


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (
            Options(sizes=("96",)),
            "-s 96: profile quick has only 0, 64, 4K, 64K, 1M, 6075K: leave it out, or measure it "
            "with ipcbench run pipe fifo -s 96",
        ),
        (
            Options(transports=("pipe",), sizes=("96",)),
            "-s 96: profile quick has only 0, 64, 4K, 64K, 1M, 6075K: leave it out, or measure it "
            "with ipcbench run pipe -s 96",
        ),
        (
            Options(patterns=("pairs-latency",), transports=("tcp",)),
            "--pattern pairs-latency: profile quick has only ",
        ),
        (Options(transports=("vmsplice",)), "-t vmsplice: profile quick has only "),
        (
            Options(depths=(8,)),
            "--depth 8: profile quick has none: leave it out, or measure it with ipcbench run ",
        ),
        (Options(looks=(100,)), "--looks 100: profile quick has none: leave it out, or measure it"),
        (Options(batches=(16,)), "--batch 16: profile quick has only 1: leave it out, or "),
        (
            Options(transports=("tcp",), patterns=("fan-in",)),
            "-t tcp: profile quick has it, but no cell with --pattern fan-in as well: leave it ",
        ),
        (Options(payloads=("array",)), "--payload array: profile quick has only hot, fresh: "),
        (Options(tasks=("arrays",)), "--task arrays: profile quick has no cell for it; it has "),
        (
            Options(processes=(3,)),
            "-P 3: profile quick has only 1, 2, 4, 8: leave it out, or measure it with ipcbench "
            "run pipe fifo -P 3 --pattern fan-in",
        ),
        (Options(processes=(3,), patterns=("counter",)), "-P 3: profile quick has only 1, 2, 4, 8"),
    ],
    ids=str,
)
def test_a_value_that_the_profile_lacks_is_refused_with_a_way(options: Options, start: str) -> None:
    message = refusal(options)
    assert message.startswith(start)
    # Whatever it says measures something.
    if way := re.search(r"measure it with ipcbench run (.*?)(, or ask for|$)", message):
        given = command.make_context("run", shlex.split(way[1])).params
        named = Options(**{name: given[name] for name in Options.__struct_fields__})
        assert planning.planned(planning.settings_of_named(None), options=named).cells
    if "ask for --profile standard" in message:
        bare = msgspec.structs.replace(options)
        assert planning.planned(load_profile("standard"), options=bare).cells


@pytest.mark.parametrize(
    ("options", "start"),
    [
        (Options(named=("pipe",), depths=(3,)), "pipe has no depth to set"),
        (Options(named=("mp-queue",), waits=("spin",)), "a receiver of mp-queue cannot wait by "),
        (
            Options(named=("posix-queue",), batches=(4,), runtimes=("native",)),
            "posix-queue has no call for several messages",
        ),
        (Options(named=("vmsplice",), patterns=("fan-in",)), "vmsplice cannot do fan-in: "),
    ],
    ids=str,
)
def test_what_named_transports_cannot_do_names_others_that_can(
    options: Options, start: str
) -> None:
    message = refusal(options)
    assert message.startswith(f"all cells would be skipped: {start}")
    _, way = message.split(": measure it with others: ipcbench run ")
    given = command.make_context("run", shlex.split(way)).params
    named = Options(**{name: given[name] for name in Options.__struct_fields__})
    assert planning.planned(planning.settings_of_named(None), options=named).cells


def test_names_and_filters_do_not_go_together() -> None:
    for options in (
        Options(named=("pipe",), transports=("tcp",)),
        Options(named=("pipe",), tasks=("small-request",)),
    ):
        with pytest.raises(BadConfig, match="leave it out, or name no transport"):
            planning.planned(planning.settings_of_named(None), options=options)


def test_an_unknown_word_has_its_own_message() -> None:
    assert "unknown task 'small-requests' (did you mean" in refusal(
        Options(tasks=("small-requests",))
    )
    assert "unknown pattern 'latenzy'" in refusal(Options(patterns=("latenzy",)))


def test_rounds_fix_the_number_of_rounds() -> None:
    given = ordering.Given(
        profile="quick",
        rounds=5,
        budget=None,
        tail=None,
        options=Options(),
        promised=None,
        until_decided=False,
        experiments=(),
        no_experiments=True,
    )
    order = ordering.order(
        given, command=[], seed=None, folder=None, clock="fake", keep_disturbed=False
    )
    settings_ = order.profile.settings
    assert (settings_.rounds, settings_.adaptive, order.profile.budget) == (5, False, None)
