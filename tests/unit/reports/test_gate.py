"""Tests of `reports.gate`: reading promises, selecting cells, verdicts and exit codes."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.comparison import log_ratio_limits
from ipcbench.bench.decisions.contest import LEVEL
from ipcbench.bench.decisions.promises.looks import PromiseVerdict
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.records import SCHEMA, Ended, Failed, Header, Run, Settings, Skipped
from ipcbench.bench.results.results import CellResult, Results
from ipcbench.bench.results.severity import Severity
from ipcbench.reports.gate.checked import report_of
from ipcbench.reports.gate.exports.json import to_data
from ipcbench.reports.gate.exports.table import to_table
from ipcbench.reports.gate.judge import GateResult, PromiseResult, check_promises
from ipcbench.reports.gate.promises.axes import AXES
from ipcbench.reports.gate.promises.pairs import ratios as ratios_of
from ipcbench.reports.gate.promises.written import Cells, Selector
from ipcbench.reports.gate.report import GateReport
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds, load_thresholds

KEPT, BROKEN = PromiseVerdict.KEPT, PromiseVerdict.BROKEN
INCONCLUSIVE, NOT_MEASURED = PromiseVerdict.INCONCLUSIVE, PromiseVerdict.NOT_MEASURED

HEADER = Header(
    schema=SCHEMA,
    version="0",
    started="2026-11-22T12:00:00+01:00",
    command=["ipcbench", "run"],
    profile="quick",
    seed=1,
    budget=None,
    settings=Settings(values=3, warmups=1, block=0.01, stamps=0, rounds=12),
    machine=MachineInfo(
        hostname="host",
        kernel="6.1.0",
        cpu_model="CPU",
        cpus=[0],
        cpus_online=1,
        memory_bytes=1 << 30,
        virtualization="",
        python="3.11.7",
    ),
    clock="CLOCK_MONOTONIC",
    plan="digest",
)
FACTS = Facts(per="round trip", family="f", wait="block", copies=2, framing="stream")
MESSAGE = msgspec.structs.replace(FACTS, per="message")

PROMISE = """
[[promise]]
name = "shm beats a pipe"
faster = { transport = "shm" }
than = { transport = "pipe" }
where = { pattern = "latency", size = "64K", processes = 2, placement = "same-core" }
at_least = "1.5x"
"""


def a_cell(transport: str, **axes: object) -> Cell:
    fields = {"pattern": "latency", "size": 65536, "placement": "same-core", **axes}
    return msgspec.convert({"transport": transport, **fields}, Cell)


SHM, PIPE = a_cell("shm"), a_cell("pipe")


def a_run(cell: Cell, number: int, value: float, void: str = "") -> Run:
    return Run(
        cell=cell.id,
        round=number,
        attempt=1,
        loops=1,
        inner_loops=1,
        warmups=[],
        values=[value],
        cpus=[[0], [0]],
        depth=None,
        usage=[],
        foreign=0.0,
        void=void,
        start_up=0.0,
        timed=0.0,
        wall=0.0,
    )


def measured(cell: Cell, times: Mapping[int, float], facts: Facts = FACTS) -> CellResult:
    return CellResult(cell, facts, runs=[a_run(cell, n, value) for n, value in times.items()])


def a_run_of(*cells: CellResult) -> Results:
    return Results(HEADER, {result.cell.id: result for result in cells})


def rounds(*times: float) -> dict[int, float]:
    return dict(enumerate(times, 1))


def with_ratios(ratios: Sequence[float]) -> Results:
    """Make a run with shm at 10 µs and a pipe at `ratio` times that."""
    slow = [1e-5 * ratio for ratio in ratios]
    return a_run_of(measured(SHM, rounds(*[1e-5] * len(slow))), measured(PIPE, rounds(*slow)))


@pytest.fixture
def given_file(tmp_path: Path) -> Path:
    return tmp_path / "thresholds.toml"


def written(path: Path, text: str | bytes) -> Thresholds:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_thresholds(path)


def bounded(path: Path, bounds: str) -> Thresholds:
    return written(path, PROMISE.replace('at_least = "1.5x"', bounds))


def select(thresholds: Thresholds, cells: Iterable[Cell]) -> set[str]:
    """Return the ids of the cells that ratios name."""
    return {cell for one in ratios_of(thresholds, cells) for cell in (one.faster, one.than)}


def report(result: GateResult) -> GateReport:
    return report_of(result, Results(HEADER), Path("run"), Path("thresholds.toml"))


def exit_code(result: GateResult) -> int:
    return report(result).exit_code


def render(result: GateResult) -> str:
    return to_table(report(result))


def check(thresholds: Thresholds, results: Results) -> list[PromiseResult]:
    return list(check_promises(thresholds, results).promises)


def trusted(*found: PromiseResult) -> GateResult:
    return GateResult(found, Severity.OK)


def refused(path: Path, text: str | bytes, results: Results | None = None) -> str:
    """Return the message: one printable line of limited length."""
    with pytest.raises(BadThresholds) as caught:
        thresholds = written(path, text)
        check(thresholds, results or with_ratios([2.0] * 12))
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= 600
    assert message.startswith(str(path))
    return message


# Verdicts.


@pytest.mark.parametrize(
    ("bounds", "low", "high", "verdict"),
    [
        ('at_least = "1.5x"', 1.6, 1.8, KEPT),
        ('at_least = "1.5x"', 1.2, 1.4, BROKEN),
        ('at_least = "1.5x"', 1.4, 1.6, INCONCLUSIVE),
        ('at_most = "1.5x"', 1.2, 1.4, KEPT),
        ('at_most = "1.5x"', 1.6, 1.8, BROKEN),
        ('at_most = "1.5x"', 1.4, 1.6, INCONCLUSIVE),
        ('at_least = "0.95x"\nat_most = "1.05x"', 0.97, 1.03, KEPT),
        ('at_least = "0.95x"\nat_most = "1.05x"', 1.06, 1.08, BROKEN),
        ('at_least = "0.95x"\nat_most = "1.05x"', 0.90, 0.94, BROKEN),
        ('at_least = "0.95x"\nat_most = "1.05x"', 1.00, 1.10, INCONCLUSIVE),
        ('at_least = "0.95x"\nat_most = "1.05x"', 0.90, 1.00, INCONCLUSIVE),
        ('at_least = "0.95x"\nat_most = "1.05x"', 0.80, 1.20, INCONCLUSIVE),
        ("at_least = 1.0", 0.2, 0.3, BROKEN),
        ("at_least = 1", 2.0, 2.0, KEPT),
    ],
)
def test_a_verdict_takes_the_whole_interval(
    given_file: Path, bounds: str, low: float, high: float, verdict: PromiseVerdict
) -> None:
    ratios = [low + (high - low) * k / 11 for k in range(12)]
    random.Random(3).shuffle(ratios)
    (one,) = check(bounded(given_file, bounds), with_ratios(ratios))
    assert one.verdict is verdict
    assert bool(one.reason) is (verdict is not KEPT)


def test_the_interval_has_the_ratios_that_the_tests_do_not_reject(given_file: Path) -> None:
    ratios = [1.0, 1.4, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 9.0, 9.5]
    (one,) = check(written(given_file, PROMISE), with_ratios(ratios[::-1]))
    logs = np.log(ratios)
    low, high = log_ratio_limits(np.zeros(12), logs, LEVEL / 2, LEVEL / 2)
    assert (one.low, one.high) == (pytest.approx(np.exp(low)), pytest.approx(np.exp(high)))
    assert one.ratio == pytest.approx(math.sqrt(1.9 * 2.0))
    assert one.coverage == pytest.approx(1 - LEVEL)
    assert one.rounds == 12
    assert (one.faster, one.than) == (SHM.id, PIPE.id)
    assert one.per == "round trip"
    assert (one.seconds_faster, one.seconds_than) == (1e-5, pytest.approx(1.95e-5))


def test_times_are_not_paired_by_round(given_file: Path) -> None:
    """The same times in another order of rounds have the same verdict."""
    shm = [1e-5 * (1 + k / 100) for k in range(12)]
    pipe = [1.8 * value for value in shm]
    thresholds = written(given_file, PROMISE)
    for order in (1, -1):
        found = a_run_of(measured(SHM, rounds(*shm)), measured(PIPE, rounds(*pipe[::order])))
        (one,) = check(thresholds, found)
        assert one.verdict is KEPT
        assert one.low == pytest.approx(1.734, abs=0.001)


def test_the_faster_side_is_the_one_named_so(given_file: Path) -> None:
    swapped = PROMISE.replace('"shm" }', '"x" }').replace('"pipe" }', '"shm" }')
    thresholds = written(given_file, swapped.replace('"x" }', '"pipe" }'))
    (one,) = check(thresholds, with_ratios([2.0] * 12))
    assert one.verdict is BROKEN
    assert one.ratio == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("count", "verdict"), [(1, INCONCLUSIVE), (5, INCONCLUSIVE), (6, KEPT), (7, KEPT)]
)
def test_under_six_rounds_nothing_is_decided(
    given_file: Path, count: int, verdict: PromiseVerdict
) -> None:
    (one,) = check(written(given_file, PROMISE), with_ratios([3.0] * count))
    assert one.verdict is verdict
    assert one.rounds == count
    assert one.ratio == pytest.approx(3)
    if count < 6:
        assert one.reason.startswith(f"{count} rounds in common, a verdict takes 6")
        assert exit_code(trusted(one)) == 2


def test_too_few_rounds_do_not_break_a_promise_either(given_file: Path) -> None:
    (one,) = check(written(given_file, PROMISE), with_ratios([0.5] * 5))
    assert one.verdict is INCONCLUSIVE


def test_only_common_rounds_count(given_file: Path) -> None:
    even, odd = range(0, 24, 2), range(1, 24, 2)
    apart = a_run_of(
        measured(SHM, dict.fromkeys(even, 1e-6)), measured(PIPE, dict.fromkeys(odd, 2e-6))
    )
    (one,) = check(written(given_file, PROMISE), apart)
    assert one.verdict is INCONCLUSIVE
    assert (one.rounds, one.ratio) == (0, None)
    overlapping = a_run_of(
        measured(SHM, dict.fromkeys(range(10), 1e-6)),
        measured(PIPE, dict.fromkeys(range(3, 20), 2e-6)),
    )
    (one,) = check(written(given_file, PROMISE), overlapping)
    assert (one.verdict, one.rounds) == (KEPT, 7)


def test_void_runs_do_not_count(given_file: Path) -> None:
    results = with_ratios([2.0] * 12)
    results.cells[PIPE.id].runs += [a_run(PIPE, n, 1e-9, void="steal") for n in range(1, 13)]
    (one,) = check(written(given_file, PROMISE), results)
    assert (one.verdict, one.ratio) == (KEPT, pytest.approx(2))


def test_a_promise_at_its_bound_is_seldom_broken_or_kept(given_file: Path) -> None:
    """With a true ratio of 1.5, each has half of the level, 1.25 %."""
    chance = random.Random(11)
    thresholds = written(given_file, PROMISE)
    trials = 1500

    def noisy(value: float) -> dict[int, float]:
        return rounds(*(value * math.exp(chance.gauss(0, 0.05)) for _ in range(12)))

    found = [
        check(thresholds, a_run_of(measured(SHM, noisy(1e-5)), measured(PIPE, noisy(1.5e-5))))
        for _ in range(trials)
    ]
    for verdict in (KEPT, BROKEN):
        share = sum(one.verdict is verdict for (one,) in found) / trials
        assert 0.003 < share < 0.022


# Cells that were not measured.


def test_a_skipped_cell_is_not_measured_for_its_reason(given_file: Path) -> None:
    skipped = Skipped(cell=SHM, reason="no /dev/shm", remedy="mount one")
    results = a_run_of(CellResult(SHM, skipped=skipped), measured(PIPE, rounds(*[1e-6] * 12)))
    (one,) = check(written(given_file, PROMISE), results)
    assert one.verdict is NOT_MEASURED
    assert "was skipped: no /dev/shm (mount one)" in one.reason
    assert SHM.id in one.reason
    assert exit_code(trusted(one)) == 3


def test_a_failed_a_void_and_a_pending_cell_are_not_measured(given_file: Path) -> None:
    thresholds = written(given_file, PROMISE)
    good = measured(SHM, rounds(*[1e-6] * 12))
    failure = Failed(cell=PIPE.id, round=3, who="peer 1", where="attach", what="TimedOut: 5 s")
    failed = CellResult(PIPE, FACTS, failures=[failure])
    (one,) = check(thresholds, a_run_of(good, failed))
    assert one.verdict is NOT_MEASURED
    assert one.reason == f"{PIPE.id} failed: peer 1, attach: TimedOut: 5 s"
    failure = msgspec.structs.replace(failure, what="no descriptor", remedy="ulimit -n 1024")
    (one,) = check(thresholds, a_run_of(good, CellResult(PIPE, FACTS, failures=[failure])))
    assert one.reason.endswith(" failed: peer 1, attach: no descriptor (ulimit -n 1024)")
    void = CellResult(PIPE, FACTS, runs=[a_run(PIPE, 1, 1e-6, void="steal of 40 %")])
    (one,) = check(thresholds, a_run_of(good, void))
    assert one.verdict is NOT_MEASURED
    assert "steal of 40 %" in one.reason
    (one,) = check(thresholds, a_run_of(CellResult(SHM, FACTS), CellResult(PIPE, FACTS)))
    assert one.verdict is NOT_MEASURED
    assert SHM.id in one.reason
    assert PIPE.id in one.reason


def test_a_kept_promise_of_a_cell_that_sometimes_fails_is_noted(given_file: Path) -> None:
    results = with_ratios([2.0] * 12)
    failure = Failed(cell=PIPE.id, round=3, who="worker", where="loop", what="PeerGone")
    results.cells[PIPE.id].failures += [failure, failure]
    found = check(written(given_file, PROMISE), results)
    assert found[0].verdict is KEPT
    assert len(found[0].remarks) == 1
    assert "2 runs" in found[0].remarks[0]
    assert "PeerGone" in render(trusted(*found))


# Exit codes.


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([KEPT], 0),
        ([KEPT, KEPT], 0),
        ([KEPT, BROKEN], 1),
        ([KEPT, INCONCLUSIVE], 2),
        ([KEPT, NOT_MEASURED], 3),
        ([INCONCLUSIVE, NOT_MEASURED, KEPT], 3),
        ([NOT_MEASURED, INCONCLUSIVE, BROKEN, KEPT], 1),
        ([], 3),
    ],
)
def test_exit_codes(verdicts: list[PromiseVerdict], code: int) -> None:
    found = [a_result(verdict=verdict) for verdict in verdicts]
    assert exit_code(trusted(*found)) == code
    assert exit_code(trusted(*found[::-1])) == code


def a_result(**fields: object) -> PromiseResult:
    values = {
        "promise": "name",
        "verdict": KEPT,
        "reason": "",
        "faster": SHM.id,
        "than": PIPE.id,
        "bound": "at least 1.5x",
        "at_least": 1.5,
        "at_most": None,
        "per": "round trip",
        "rounds": 12,
        **fields,
    }
    return PromiseResult(**values)  # type: ignore[arg-type]


# Trust in the run itself.


def with_twin(ratios: Sequence[float], of_twin: Sequence[float]) -> Results:
    """Add to `with_ratios` a control of the pipe that takes `of_twin` times as long."""
    results = with_ratios(ratios)
    twin = a_cell("pipe", twin=True)
    times = results.cells[PIPE.id].by_round().items()
    twice = {number: time * k for (number, time), k in zip(times, of_twin, strict=True)}
    results.cells[twin.id] = measured(twin, twice)
    return results


def spread(middle: float) -> list[float]:
    return [middle * (1 + (k - 5.5) / 1000) for k in range(12)]


@pytest.mark.parametrize("twin", [0.9, 1.1])
@pytest.mark.parametrize(("ratio", "code"), [(2.0, 2), (1.0, 1)])
def test_a_bad_control_lets_nothing_pass(
    given_file: Path, twin: float, ratio: float, code: int
) -> None:
    thresholds = written(given_file, PROMISE)
    result = check_promises(thresholds, with_twin([ratio] * 12, spread(twin)))
    assert result.promises[0].verdict is (INCONCLUSIVE if ratio == 2.0 else BROKEN)
    assert ("identical cells differ on one core" in result.promises[0].reason) is (code == 2)
    assert exit_code(result) == code
    assert result.trust is Severity.PROBLEM and "trusted, because" in result.doubt
    assert f"{PIPE.id}~twin took {twin:.3g}x the time of its original" in result.doubt
    lines = render(result).split("\n")
    assert lines[0].endswith("1 inconclusive" if code == 2 else "1 broken")
    assert result.doubt in " ".join(lines)
    data = to_data(report(result))
    assert (data["exit_code"], data["notes"][-1]) == (code, result.doubt)


def test_a_missing_cell_is_worse_than_a_bad_control(given_file: Path) -> None:
    results = with_twin([2.0] * 12, spread(1.1))
    results.cells[SHM.id] = CellResult(SHM, FACTS)
    assert exit_code(check_promises(written(given_file, PROMISE), results)) == 3


@pytest.mark.parametrize(("placement", "code"), [("same-core", 2), ("cross-core", 0)])
def test_a_bad_control_counts_on_its_placement(given_file: Path, placement: str, code: int) -> None:
    results = with_ratios([2.0] * 12)
    for twin, value in ((False, 1e-6), (True, 1.2e-6)):
        cell = a_cell("fifo", placement=placement, twin=twin)
        results.cells[cell.id] = measured(cell, rounds(*[value] * 12))
    result = check_promises(written(given_file, PROMISE), results)
    assert exit_code(result) == code
    assert ("cannot be trusted" in result.doubt) is (code == 2)


@pytest.mark.parametrize("of_twin", [spread(1.0), [1.0] * 6 + [1.2] * 6], ids=["good", "undecided"])
def test_a_control_that_is_not_bad_forbids_nothing(given_file: Path, of_twin: list[float]) -> None:
    result = check_promises(written(given_file, PROMISE), with_twin([2.0] * 12, of_twin))
    assert exit_code(result) == 0
    assert render(result).startswith("passed: 1 promise, 1 kept\n")


def test_a_run_without_controls_has_a_doubt(given_file: Path) -> None:
    result = check_promises(written(given_file, PROMISE), with_ratios([2.0] * 12))
    assert exit_code(result) == 0
    assert "no control was measured" in result.doubt
    assert result.doubt in " ".join(render(result).split())


def test_a_good_run_has_no_doubt(given_file: Path) -> None:
    results = with_twin([2.0] * 12, spread(1.0))
    results.ended = Ended(reason="complete", wall=1.0)
    result = check_promises(written(given_file, PROMISE), results)
    assert (result.trust, result.doubt) == (Severity.OK, "")
    assert report(result).notes == [result.note]


def test_a_doubt_cannot_control_a_terminal(given_file: Path) -> None:
    results = with_twin([2.0] * 12, spread(1.0))
    results.ended = Ended(reason="complete", wall=1.0)
    results.cells[PIPE.id].runs += [a_run(PIPE, n, 1e-6, void="\x1b[2J\r") for n in range(9)]
    result = check_promises(written(given_file, PROMISE), results)
    assert "\\x1b[2J" in result.doubt
    assert all(line.isprintable() for line in render(result).split("\n"))


# Selection of cells.


def test_select_names_both_sides_and_nothing_else(given_file: Path) -> None:
    others = [a_cell("fifo"), a_cell("pipe", size=64), a_cell("pipe", twin=True)]
    assert select(written(given_file, PROMISE), iter([*others, SHM, PIPE])) == {SHM.id, PIPE.id}


def test_a_twin_is_selected_where_it_is_asked_for(given_file: Path) -> None:
    text = PROMISE.replace('{ transport = "shm" }', '{ transport = "pipe", twin = true }')
    twin = a_cell("pipe", twin=True)
    assert select(written(given_file, text), [SHM, PIPE, twin]) == {PIPE.id, twin.id}
    assert "twin" in refused(given_file, text)


def test_a_depth_is_selected_by_number_or_as_the_default(given_file: Path) -> None:
    deep = a_cell("shm", depth=8)
    cells = [SHM, deep, PIPE]
    with pytest.raises(BadThresholds, match="write its depth too"):
        select(written(given_file, PROMISE), cells)
    by_default = PROMISE.replace('"shm" }', '"shm", depth = "default" }')
    assert select(written(given_file, by_default), cells) == {SHM.id, PIPE.id}
    by_number = PROMISE.replace('"shm" }', '"shm", depth = 8 }')
    with pytest.raises(BadThresholds, match="sides differ in depth"):
        select(written(given_file, by_number), cells)
    meant = by_number.replace('"pipe" }', '"pipe", depth = "default" }')
    assert select(written(given_file, meant), cells) == {deep.id, PIPE.id}


@pytest.mark.parametrize("size", ['"64K"', '"64KiB"', "65536", '"65536"', "0x10000"])
def test_a_size_is_text_with_a_unit_or_bytes(given_file: Path, size: str) -> None:
    text = PROMISE.replace('"64K"', size)
    assert select(written(given_file, text), [SHM, PIPE]) == {SHM.id, PIPE.id}


def test_a_selector_without_a_cell_lists_the_values(given_file: Path) -> None:
    message = refused(given_file, PROMISE.replace('"shm"', '"shmm"'))
    assert "'shm beats a pipe'" in message
    assert '`faster` selects no cell of this run: nothing has transport = "shmm"' in message
    assert 'size = "64K"' in message
    assert '"shm", "pipe"' in message
    assert '"64K"' in refused(given_file, PROMISE.replace('"64K"', '"4K"'))
    assert "there is nothing at all" in refused(given_file, PROMISE, a_run_of())


def test_a_selector_of_several_cells_names_the_missing_axis(given_file: Path) -> None:
    native = a_cell("pipe", runtime="native")
    results = with_ratios([2.0] * 12)
    results.cells[native.id] = measured(native, rounds(1.0))
    message = refused(given_file, PROMISE, results)
    assert "`than` selects 2 cells of this run, write its runtime too" in message
    assert native.id in message


def test_sides_differ_only_where_that_is_written_in_both(given_file: Path) -> None:
    small = a_cell("pipe", size=64)
    cells = [SHM, small]
    without = PROMISE.replace('size = "64K", ', "")
    with pytest.raises(BadThresholds, match=r'sides differ in size \("64K", "64"\)'):
        select(written(given_file, without), cells)
    one_side = without.replace('"shm" }', '"shm", size = "64K" }')
    with pytest.raises(BadThresholds, match="sides differ in size"):
        select(written(given_file, one_side), cells)
    meant = one_side.replace('"pipe" }', '"pipe", size = 64 }')
    assert select(written(given_file, meant), cells) == {SHM.id, small.id}


@pytest.mark.parametrize("axis", ["placement", "runtime", "processes", "pattern"])
def test_no_axis_differs_by_accident(given_file: Path, axis: str) -> None:
    value: object = 4 if axis == "processes" else "other"
    other = msgspec.structs.replace(PIPE, **{axis: value})
    text = PROMISE
    for key in ('pattern = "latency", ', "processes = 2, ", ', placement = "same-core"'):
        text = text.replace(key, "")
    with pytest.raises(BadThresholds, match=f"sides differ in {axis}"):
        select(written(given_file, text), [SHM, other])
    assert select(written(given_file, text), [SHM, PIPE])


def test_a_round_trip_is_never_compared_with_a_message(given_file: Path) -> None:
    streamed = a_cell("pipe", pattern="stream")
    text = PROMISE.replace('pattern = "latency", ', "")
    text = text.replace('"shm" }', '"shm", pattern = "latency" }')
    text = text.replace('"pipe" }', '"pipe", pattern = "stream" }')
    times = rounds(*[1e-6] * 12)
    results = a_run_of(measured(SHM, times), measured(streamed, times, MESSAGE))
    message = refused(given_file, text, results)
    assert "time of one round trip" in message
    assert "that of one message" in message
    alike = a_run_of(measured(SHM, times), measured(streamed, times))
    assert check(written(given_file, text), alike)


def test_a_cell_is_not_compared_with_itself(given_file: Path) -> None:
    assert "the same cell" in refused(given_file, PROMISE.replace('"shm"', '"pipe"'))


# Aliases of transports, and the axes of waiting and payloads.

SPINNING = """
[[promise]]
name = "memory that spins beats a pipe that spins"
faster = {FASTER}
than = { transport = "pipe", wait = "spin" }
where = { pattern = "latency", size = "64K" }
at_least = "1.5x"
"""
ALIAS = '{ transport = "shm:posix+spin" }'
PRESENT = '{ transport = "shm:posix+futex", wait = "spin" }'
SPINNING_PIPE = a_cell("pipe", wait="spin")


@pytest.mark.parametrize("faster", [ALIAS, PRESENT])
@pytest.mark.parametrize(
    "cell",
    [a_cell("shm:posix+futex", wait="spin"), a_cell("shm:posix+spin")],
    ids=["new journal", "old journal"],
)
def test_an_alias_selects_what_it_means(given_file: Path, faster: str, cell: Cell) -> None:
    thresholds = written(given_file, SPINNING.replace("{FASTER}", faster))
    others = [a_cell("shm:posix+futex"), a_cell("shm:posix+spin-block"), PIPE, SPINNING_PIPE]
    assert select(thresholds, [cell, *others]) == {cell.id, SPINNING_PIPE.id}


def test_an_alias_in_where_is_resolved_with_the_wait_of_a_side(given_file: Path) -> None:
    text = PROMISE.replace('"shm" }', '"pipe" }').replace('at_least = "1.5x"', "at_most = 2")
    text = text.replace('{ transport = "pipe" }', "{ twin = true }", 1)
    text = text.replace('{ transport = "pipe" }', "{ twin = false }", 1)
    text = text.replace("{ pattern", '{ transport = "shm:posix+spin-block", pattern')
    cell = a_cell("shm:posix+futex", wait="spin-block")
    twin = msgspec.structs.replace(cell, twin=True)
    assert select(written(given_file, text), [cell, twin, PIPE]) == {cell.id, twin.id}


@pytest.mark.parametrize(
    ("axis", "value", "given"),
    [
        ("looks", 2000, "2000"),
        ("looks", None, '"default"'),
        ("batch", 16, "16"),
        ("payload", "fresh", '"fresh"'),
    ],
)
def test_looks_batch_and_payload_select(
    given_file: Path, axis: str, value: object, given: str
) -> None:
    asked = a_cell("pipe", **{axis: value})
    variants = [
        PIPE,
        a_cell("pipe", looks=9),
        a_cell("pipe", batch=2),
        a_cell("pipe", payload="cold"),
    ]
    text = PROMISE.replace('{ transport = "pipe" }', f'{{ transport = "pipe", {axis} = {given} }}')
    selected = select(
        written(given_file, text), {one.id: one for one in [SHM, asked, *variants]}.values()
    )
    assert selected == {SHM.id, asked.id}


@pytest.mark.parametrize(
    ("written_axis", "said"),
    [
        ('payload = "warm"', "payload = 'warm': there are hot, fresh, cold, array"),
        ("batch = 0", "batch = 0: write 1 or more"),
        ("looks = 0", "looks = 0: write 1 or more"),
        ('looks = "many"', "looks = 'many': write a number, or \"default\""),
    ],
)
def test_looks_batches_and_payloads_that_there_are_not(
    given_file: Path, written_axis: str, said: str
) -> None:
    text = PROMISE.replace('{ transport = "pipe" }', f'{{ transport = "pipe", {written_axis} }}')
    assert said in refused(given_file, text)


def test_the_axes_are_those_of_a_cell_and_the_comment_names_them() -> None:
    assert set(AXES) == set(Selector.__struct_fields__) == set(Cells.__struct_fields__)
    comment = (Path(__file__).parents[3] / "thresholds.toml").read_text()
    for axis in AXES:
        assert re.search(rf"^#   {axis} ", comment, re.MULTILINE), axis


# The file.


def test_this_repositorys_promises_can_be_read() -> None:
    path = Path(__file__).parents[3] / "thresholds.toml"
    thresholds = load_thresholds(path)
    assert len(thresholds.promises) >= 3
    cells = [
        Cell(
            transport=transport,
            pattern=pattern,
            size=size,
            placement=placement,
            runtime=runtime,
            processes=processes,
        )
        for transport in ("pipe", "unix-stream", "shm:posix+posix-sem", "null")
        for pattern in ("latency", "stream")
        for size in (64, 4096, 65536)
        for placement in ("same-core", "cross-core")
        for runtime in ("python", "native")
        for processes in (2, 4)
    ]
    assert select(thresholds, cells) <= {cell.id for cell in cells}


@pytest.mark.parametrize(
    ("text", "ratio"),
    [('"1.5x"', 1.5), ("1.5", 1.5), ("2", 2), ('"2x"', 2), ('"0.95"', 0.95), ('" 1.5 x "', 1.5)],
)
def test_ratios(given_file: Path, text: str, ratio: float) -> None:
    assert bounded(given_file, f"at_least = {text}").ratios[0].at_least == ratio


@pytest.mark.parametrize(
    "ratio",
    [
        *('"50%"', '"1.5s"', '""', '"x"', '"-1x"', '"1e3x"', '"nan"', '"inf"', '"٣x"', '"0x"'),
        *("nan", "-nan", "inf", "-inf", "0", "0.0", "-1.5", "1e300", "1e-300", "1e999"),
        *("true", "[]", "{}", "1979-05-27", "9" * 400, '"' + "9" * 400 + 'x"', '"1.5x\\u001b"'),
    ],
)
@pytest.mark.parametrize("key", ["at_least", "at_most"])
def test_no_other_ratio_is_taken(given_file: Path, key: str, ratio: str) -> None:
    message = refused(given_file, PROMISE.replace('at_least = "1.5x"', f"{key} = {ratio}"))
    assert key in message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('at_least = "1.5x"', ""),
        ('at_least = "1.5x"', 'at_least = "1.5x"\nat_most = "1.2x"'),
        ('at_least = "1.5x"', 'at_least = "1.5x"\nat_leest = 1'),
        ('at_least = "1.5x"', 'at_least = "1.5x"\nat_least = "1.6x"'),
        ("[[promise]]", "[[promises]]"),
        ("[[promise]]", "[promise]"),
        ("[[promise]]", "promise = 1\n[other]"),
        ("[[promise]]", "schema = 7\n[[promise]]"),
        ("[[promise]]", '[[promise]]\n"\\u001b[2J\\n" = 1'),
        ('name = "shm beats a pipe"', ""),
        ('name = "shm beats a pipe"', 'name = ""'),
        ('name = "shm beats a pipe"', "name = 1"),
        ('name = "shm beats a pipe"', f'name = "{"n" * 121}"'),
        ('name = "shm beats a pipe"', 'name = "\\u001b[31m"'),
        ('name = "shm beats a pipe"', 'name = "a\\nb"'),
        ('name = "shm beats a pipe"', 'name = "\\u202egnp"'),
        ('faster = { transport = "shm" }', ""),
        ('faster = { transport = "shm" }', 'faster = "shm"'),
        ('faster = { transport = "shm" }', "faster = { transport = 1 }"),
        ('faster = { transport = "shm" }', 'faster = { transport = ["shm"] }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", sise = 1 }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", size = "64K" }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", depth = 0 }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", depth = "deep" }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", twin = 1 }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", poll = true }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", wait = "sleep" }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "shm", pace = "slow" }'),
        ('faster = { transport = "shm" }', 'faster = { transport = "\\u001b[2J\\n" }'),
        ('size = "64K"', "size = -1"),
        ('size = "64K"', "size = 64.5"),
        ('size = "64K"', "size = nan"),
        ('size = "64K"', "size = true"),
        ('size = "64K"', 'size = "big"'),
        ('size = "64K"', 'size = "4\\u212A"'),
        ('size = "64K"', f"size = {'9' * 480}"),
        ("processes = 2", "processes = 0"),
        ("processes = 2", "processes = 2.5"),
        ("processes = 2", 'processes = "2"'),
        ("where = {", "where = { unknown = 1, "),
    ],
)
def test_an_invalid_promise_is_refused(given_file: Path, old: str, new: str) -> None:
    assert PROMISE.count(old) == 1
    refused(given_file, PROMISE.replace(old, new))


def test_the_axis_of_earlier_versions_is_called_by_its_present_values(given_file: Path) -> None:
    old = PROMISE.replace('transport = "shm" }', 'transport = "shm", poll = false }')
    assert 'write wait = "poll" for true, wait = "block" for false' in refused(given_file, old)


def test_names_are_different(given_file: Path) -> None:
    assert "two promises are named" in refused(given_file, PROMISE + PROMISE)


def test_a_message_names_the_promise(given_file: Path) -> None:
    second = PROMISE.replace("shm beats a pipe", "the second").replace("processes = 2", "depth = 0")
    assert "promise 'the second': depth" in refused(given_file, PROMISE + second)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"promise = []", id="no promises"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(b"[[promise", id="no TOML"),
        pytest.param(b"# \x1b[2J\n", id="control character in a comment"),
        pytest.param(b"a = [\n" + b"[\n" * 50_000, id="deep lists"),
        pytest.param(b"promise = " + b"{a=" * 100, id="deep tables"),
        pytest.param(b"a = " + b"9" * 490, id="a long number"),
        pytest.param(b"a" * 501, id="a long line"),
        pytest.param(b"# comment\n" * 30_000, id="a large file"),
    ],
)
def test_an_invalid_file_is_refused(given_file: Path, data: bytes) -> None:
    refused(given_file, data)


def test_dotted_keys_cost_little(given_file: Path) -> None:
    """The time of tomllib grows with the square of a key's length: without a limit, hours."""
    refused(given_file, b".".join([b"a"] * 120_000) + b" = 1")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadThresholds, match="No such file"):
        load_thresholds(tmp_path / "none.toml")
    with pytest.raises(BadThresholds, match="Is a directory"):
        load_thresholds(tmp_path)
    with pytest.raises(BadThresholds, match="only a regular file"):
        load_thresholds(Path("/dev/zero"))
    (tmp_path / "large").write_bytes(b"#" * (1 << 20))
    with pytest.raises(BadThresholds, match="over 262144 bytes"):
        load_thresholds(tmp_path / "large")


VALUES = st.one_of(
    st.text(max_size=30).map(json.dumps),  # JSON's strings are TOML's, but for a rare escape
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(["true", "[]", "{}", "[{}]", "1979-05-27", "07:32:00", "'x'", '"""\n"""']),
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    key=st.sampled_from(
        ["name", "at_least", "at_most", "faster", "than", "where"]
        + [f"where.{axis}" for axis in ("size", "processes", "depth", "twin", "runtime")]
    ),
    value=VALUES,
)
def test_any_value_is_taken_or_refused_in_one_line(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "fuzz.toml"
    line = next((one for one in PROMISE.split("\n") if one.startswith(f"{key} =")), "at_least = 1")
    path.write_text(PROMISE.replace(line, f"{key} = {value}"), errors="replace")
    try:
        found = check(load_thresholds(path), with_ratios([2.0] * 6))
    except BadThresholds as error:
        assert str(error).isprintable()
        assert len(str(error)) <= 600
    else:
        assert exit_code(trusted(*found)) in (0, 1, 2, 3)
        assert all(line.isprintable() for line in render(trusted(*found)).split("\n"))


@settings(suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=100))
def test_noise_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "fuzz.toml"
    path.write_bytes(data)
    with pytest.raises(BadThresholds):
        load_thresholds(path)


# Output.


def three_results(path: Path) -> list[PromiseResult]:
    other = PROMISE.replace("shm beats a pipe", "shm is twice as fast as a fifo")
    other = other.replace('"pipe"', '"fifo"').replace("1.5x", "2x")
    third = PROMISE.replace("shm beats a pipe", "skip").replace('"pipe"', '"tcp"')
    results = with_ratios([1.8] * 12)
    fifo, tcp = a_cell("fifo"), a_cell("tcp")
    results.cells[fifo.id] = measured(fifo, results.cells[PIPE.id].by_round())
    skipped = Skipped(cell=tcp, reason="no network", remedy="")
    results.cells[tcp.id] = CellResult(tcp, skipped=skipped)
    return check(written(path, PROMISE + other + third), results)


def test_the_table_is_complete(given_file: Path) -> None:
    found = three_results(given_file)
    assert [one.verdict for one in found] == [KEPT, BROKEN, NOT_MEASURED]
    lines = render(trusted(*found)).split("\n")
    assert lines[0] == "broken: 3 promises, 1 broken, 1 not measured, 1 kept"
    rest = "\n".join(lines[2:])
    for text in ("1.8x", "1.8x to 1.8x", "12 rounds", "at least 2x"):
        assert text in rest
    assert "the whole interval lies below 2x" in rest
    assert "no network" in rest
    assert "a round trip" in rest
    assert not any(line != line.rstrip() for line in lines)


def test_the_table_cannot_control_a_terminal(given_file: Path) -> None:
    results = with_ratios([1.0] * 12)
    failure = Failed(cell=PIPE.id, round=1, who="\x1b[2J", where="\r\n", what="\u202e" * 9)
    results.cells[PIPE.id].failures.append(failure)
    results.cells[PIPE.id].facts = msgspec.structs.replace(FACTS, per="\x1b]0;")
    results.cells[SHM.id].facts = results.cells[PIPE.id].facts
    found = check(written(given_file, PROMISE), results)
    found.append(a_result(promise="\x1b[31m", faster="\x9b", reason="\x07"))
    text = render(trusted(*found))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b[2J" in text


def test_json_is_plain_and_whole(given_file: Path) -> None:
    found = three_results(given_file)
    data = json.loads(json.dumps(to_data(report(trusted(*found))), allow_nan=False))
    assert data["exit_code"] == 1
    counts = {word: number for word, number in data["counts"].items() if number}
    assert counts == {"kept": 1, "broken": 1, "not measured": 1}
    kept, broken, missing = data["lines"]
    words = (kept["verdict"], broken["verdict"], missing["verdict"])
    assert words == ("kept", "broken", "not measured")
    assert kept["effect"]["ratio"] == pytest.approx(1.8)
    assert kept["coverage"] == pytest.approx(0.988, abs=0.001)
    assert (kept["sides"][0]["cell"], kept["count"], kept["bound"]) == (SHM.id, 12, "at least 1.5x")
    assert missing["effect"] is None


def test_no_promises_are_reported() -> None:
    assert render(trusted()).startswith("not measured: nothing was compared\n")
    assert to_data(report(trusted()))["exit_code"] == 3


def test_a_disturbed_side_has_no_verdict(given_file: Path) -> None:
    results = with_ratios([2.0] * 12)
    results.cells[PIPE.id].runs += [a_run(PIPE, n, 1e-9, void="9% …") for n in range(13, 25)]
    (one,) = check(written(given_file, PROMISE), results)
    assert one.verdict is KEPT  # half of the rounds count
    results.cells[PIPE.id].runs.append(a_run(PIPE, 25, 1e-9, void="9% …"))
    (one,) = check(written(given_file, PROMISE), results)
    assert one.verdict is INCONCLUSIVE
    assert one.reason.startswith(f"disturbed, fewer than half of the rounds count: {PIPE.id}; ")
    assert "on an idle machine: ipcbench run --promised" in one.reason
    assert one.reason.endswith("with --keep-disturbed")
