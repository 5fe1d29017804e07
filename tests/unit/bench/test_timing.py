"""bench.plan.timing: blocks, values and warm-ups, from a cell and the settings of its profile."""

from __future__ import annotations

from collections import Counter

import pytest

from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.machine.host import Cpu
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.placement import Site
from ipcbench.bench.plan.planner import cells_of, plan
from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.plan.timing import (
    AGREEMENT,
    CONTENDED_BLOCK,
    CROWDED_BLOCK,
    IDLE_WARM_UP,
    IDLE_WARM_UP_MOST,
    Timing,
    WarmUp,
    is_crowded,
    is_idle,
    timing_of,
)
from ipcbench.bench.results.axes import (
    BLOCK,
    CROSS_CORE,
    CROSS_CORE_AWAKE,
    CROSS_NODE,
    FRESH,
    SAME_CORE,
    SMT,
    UNPINNED,
)
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.pace import CLOSED
from ipcbench.bench.results.records import Settings
from ipcbench.bench.sweep.candidates import candidate
from ipcbench.transports.registry import matching

QUICK = Settings(values=2, warmups=1, block=0.0055, rounds=12)
CPUS = {
    SAME_CORE: [[1]] * 64,
    CROSS_CORE: [[1], [0]] * 32,
    CROSS_CORE_AWAKE: [[1], [0]] * 32,
    SMT: [[1], [0]] * 32,
    CROSS_NODE: [[1], [0]] * 32,
    UNPINNED: [[0, 1]] * 64,
}


def a_timing(
    pattern: str = "latency",
    placement: str = SAME_CORE,
    processes: int = 2,
    settings: Settings = QUICK,
    pace: str = CLOSED,
    wait: str = BLOCK,
    clock: str = "perf_counter",
) -> Timing:
    cell = Cell(
        transport="pipe",
        pattern=pattern,
        size=64,
        placement=placement,
        processes=processes,
        pace=pace,
        wait=wait,
    )
    return timing_of(cell, CPUS[placement][:processes], settings, clock)


@pytest.mark.parametrize("placement", [SAME_CORE, CROSS_CORE_AWAKE])
@pytest.mark.parametrize("pattern", ["latency", "stream", "signal", "fan-in", "echo"])
def test_two_processes_without_idle_states_have_the_profiles_timing(
    pattern: str, placement: str
) -> None:
    found = a_timing(pattern, placement)
    assert (found.settings, found.warm_up) == (QUICK, WarmUp())
    assert found.warm_up.enough([0.0055])
    assert found.warm_up.loops(90) == 90


@pytest.mark.parametrize("placement", [SMT, CROSS_CORE, CROSS_NODE, UNPINNED])
@pytest.mark.parametrize("pattern", ["latency", "stream", "signal", "counter"])
def test_where_idle_states_decide_the_warm_up_is_long(pattern: str, placement: str) -> None:
    found = a_timing(pattern, placement)
    assert found.settings == QUICK
    assert (found.warm_up.least, found.warm_up.most) == (IDLE_WARM_UP, IDLE_WARM_UP_MOST)
    assert found.longest == pytest.approx(3 * 0.0055 + IDLE_WARM_UP_MOST)


def test_a_pause_lets_a_cpu_go_idle_on_one_core_too() -> None:
    assert a_timing(pace="pause:1ms").warm_up.least == IDLE_WARM_UP
    assert a_timing(pace="pause:1ms", placement=CROSS_CORE_AWAKE).warm_up == WarmUp()


@pytest.mark.parametrize("placement", [SMT, CROSS_CORE, CROSS_NODE, UNPINNED])
def test_a_cpu_of_processes_that_spin_never_goes_idle(placement: str) -> None:
    assert a_timing(placement=placement, wait="spin").warm_up == WarmUp()
    assert a_timing(placement=placement, wait="spin-block").warm_up.least == IDLE_WARM_UP
    assert a_timing(placement=placement, wait="spin", pace="pause:1ms").warm_up.least


def test_pauses_make_a_block_longer() -> None:
    assert a_timing(pace="pause:10ms").block == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(
    ("pattern", "placement", "processes", "crowded"),
    [
        ("counter", SAME_CORE, 2, True),  # both run at any time: they are in each other's way
        ("counter", CROSS_CORE, 2, False),
        ("counter", UNPINNED, 4, True),
        ("pairs", SAME_CORE, 2, False),
        ("pairs", CROSS_CORE, 4, True),
        ("pairs-latency", CROSS_CORE_AWAKE, 4, True),
        ("fan-in", CROSS_CORE, 2, False),
        ("fan-in", CROSS_CORE, 3, True),
        ("fan-out", SAME_CORE, 3, True),
        ("echo", CROSS_CORE, 8, True),
    ],
)
def test_more_processes_than_cpus_have_long_blocks(
    pattern: str, placement: str, processes: int, crowded: bool
) -> None:
    found = a_timing(pattern, placement, processes)
    if not crowded:
        assert found.settings.block == QUICK.block
        return
    contended = pattern == "counter"
    assert found.settings.block == (CONTENDED_BLOCK if contended else CROWDED_BLOCK)
    assert found.settings.values == (1 if contended else 2)
    assert found.warm_up.loops(1000) == (50 if contended else 200)  # 20 ms of 400, or of 100
    assert found.warm_up.enough([0.02])


@pytest.mark.parametrize(
    "pattern",
    # The processes of an open loop have a CPU each.
    sorted(
        name
        for name, one in PATTERNS.items()
        if not (one.refuses(2) or one.open_loop or name == "counter")
    ),
)
def test_two_processes_of_a_pattern_take_turns(pattern: str) -> None:
    """A new pattern whose two processes run independently is crowded on one CPU."""
    cell = Cell(transport="pipe", pattern=pattern, size=64, placement=SAME_CORE)
    assert not is_crowded(cell, CPUS[SAME_CORE][:2])


@pytest.mark.parametrize(
    ("values", "block", "warmups", "expected"),
    [(1, 0.002, 0, (1, 0.1, 1)), (4, 0.02, 1, (2, 0.1, 1)), (2, 1.0, 3, (2, 1.0, 3))],
)
def test_the_profile_is_the_base(
    values: int, block: float, warmups: int, expected: tuple[int, float, int]
) -> None:
    settings = Settings(values=values, warmups=warmups, block=block, rounds=1)
    found = a_timing("pairs", CROSS_CORE, 8, settings).settings
    assert (found.values, found.block, found.warmups) == expected
    found = a_timing("latency", CROSS_CORE, 2, settings).settings
    assert (found.values, found.block, found.warmups) == (values, block, max(1, warmups))
    assert a_timing(settings=settings).settings == settings


def test_a_warm_up_of_short_blocks_has_longer_ones() -> None:
    """Between blocks, the barrier leaves the CPUs idle."""
    short = Settings(values=1, warmups=1, block=0.001, rounds=1)
    assert a_timing("latency", CROSS_CORE, settings=short).warm_up.loops(10) == 50


@pytest.mark.parametrize(
    ("blocks", "pauses", "enough"),
    [
        ([], 0.0, False),
        ([0.2], 0.0, False),  # nothing to compare it with
        ([0.4], 0.0, True),
        ([0.03] * 2, 0.0, False),  # they agree, but too soon
        ([0.03] * 4, 0.0, True),
        ([0.03, 0.03, 0.03, 0.03 * (1 + 0.9 * AGREEMENT)], 0.0, True),
        ([0.03, 0.03, 0.03, 0.03 * (1 + 1.1 * AGREEMENT)], 0.0, False),
        ([0.03, 0.03, 0.03, 0.03 * (1 - 1.1 * AGREEMENT)], 0.0, False),
        ([0.03, 0.04] * 4, 0.0, False),
        ([0.03, 0.04] * 5, 0.0, True),  # they never agree
        ([0.01, 0.01], 0.05, True),  # a pause is part of the warm-up
        ([0.01, 0.02], 0.05, False),  # and tells nothing
    ],
)
def test_a_warm_up_ends_when_its_blocks_agree(
    blocks: list[float], pauses: float, enough: bool
) -> None:
    warm_up = WarmUp(least=IDLE_WARM_UP, most=IDLE_WARM_UP_MOST)
    assert warm_up.enough(blocks, pauses) is enough


def test_a_fake_clock_needs_no_real_time() -> None:
    assert a_timing("pairs", CROSS_CORE, 8, clock=FAKE).settings.block == QUICK.block
    found = a_timing("latency", CROSS_CORE, clock=FAKE)
    assert not found.warm_up.enough([0.0055])
    assert found.warm_up.enough([0.0055] * 2)


FRAMES = 0.225  # seconds of the blocks of a run: the shortest block is a frame or two
TWO_CPUS = Site([Cpu(0, (0,), (0, 1)), Cpu(1, (1,), (0, 1))], "")


def test_quick_stays_within_its_budget() -> None:
    """Three minutes on two CPUs: 8 rounds of 12 s, a calibration, and mini-rounds."""
    profile = load_profile("quick")
    found = plan(cells_of(profile.axes, matching), candidate, TWO_CPUS)
    kinds: Counter[str] = Counter()
    seconds = 0.0
    for one in found.cells:
        crowded, idle = is_crowded(one.cell, one.cpus), is_idle(one.cell)
        alone, frame = one.cell.processes == 1, one.cell.payload == FRESH
        kind = "crowded" if crowded else "idle" if idle else one.cell.placement
        kinds["frame" if frame else "alone" if alone else kind] += 1
        timing = timing_of(one.cell, one.cpus, profile.settings)
        warm_up = 0.02 if crowded else timing.warm_up.least or timing.block
        of_blocks = FRAMES if frame else timing.block * timing.settings.values + warm_up
        seconds += 0.025 + of_blocks
    assert profile.settings.rounds == 8
    assert profile.settings.adaptive
    assert profile.budget == 180
    most = {SAME_CORE: 75, CROSS_CORE_AWAKE: 65, "idle": 12, "crowded": 8, "frame": 8, "alone": 30}
    assert {kind: number for kind, number in kinds.items() if number > most.get(kind, 5)} == {}
    assert seconds <= 12
