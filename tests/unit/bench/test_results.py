"""bench.results.results: the results in a journal's entries, and the files written from them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import msgspec
import pyperf
import pytest

from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.journal import NAME, Unreadable
from ipcbench.bench.results.records import (
    SCHEMA,
    AnyEntry,
    Calibrated,
    Ended,
    Failed,
    Header,
    PlannedEntry,
    Resumed,
    Round,
    Run,
    Settings,
    Skipped,
)
from ipcbench.bench.results.results import Status, load
from ipcbench.bench.results.suite import write_suite

MACHINE = MachineInfo(
    hostname="host",
    kernel="6.1.0-1",
    cpu_model="CPU",
    cpus=[0, 1],
    cpus_online=2,
    memory_bytes=1 << 30,
    virtualization="kvm",
    python="3.11.7",
)
HEADER = Header(
    schema=SCHEMA,
    version="0",
    started="2026-11-22T12:00:00+01:00",
    command=["ipcbench", "run"],
    profile="quick",
    seed=1,
    budget=None,
    settings=Settings(values=3, warmups=1, block=0.01, stamps=0, rounds=12),
    machine=MACHINE,
    clock="CLOCK_MONOTONIC",
    plan="digest",
    metadata={"hostname": "host", "platform": "Linux"},
)
FACTS = Facts(per="round trip", family="pipe", wait="block", copies=2, framing="stream")


def a_cell(transport: str = "pipe", **axes: object) -> Cell:
    fields = {"pattern": "latency", "size": 64, "placement": "same-core", **axes}
    return msgspec.convert({"transport": transport, **fields}, Cell)


def a_run(cell: Cell, number: int, values: list[float], **changes: object) -> Run:
    run = Run(
        cell=cell.id,
        round=number,
        attempt=1,
        loops=1000,
        inner_loops=1,
        warmups=[values[0] * 1.5] if values else [],
        values=values,
        cpus=[[0], [0]],
        depth=None,
        usage=[],
        foreign=0.0,
        start_up=0.02,
        timed=0.03,
        wall=0.1,
        metadata={"python_version": "3.11.7"},
    )
    return msgspec.structs.replace(run, **changes)


def failed(cell: Cell, number: int = 1) -> Failed:
    return Failed(cell=cell.id, round=number, who="peer 1", where="attach", what="TimedOut")


def a_folder(folder: Path, *lines: AnyEntry, header: Header = HEADER) -> Path:
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in (header, *lines))
    (folder / NAME).write_bytes(data)
    return folder


PIPE, FIFO = a_cell(), a_cell("fifo")
PLANNED = PlannedEntry(cell=PIPE, facts=FACTS)


def a_sweep(folder: Path, factor: float = 1.0) -> Path:
    """Entries of two cells and three rounds, as a real sweep writes them."""
    lines: list[AnyEntry] = [PLANNED, PlannedEntry(cell=FIFO, facts=FACTS)]
    for number in (1, 2, 3):
        for cell, base in ((PIPE, 3e-6), (FIFO, 4e-6)):
            values = [factor * base * (1 + 0.01 * number + 0.001 * k) for k in range(3)]
            lines.append(a_run(cell, number, values, tail={300: 5, 301: number}))
        lines.append(Round(round=number, wall=1.0, timed=0.5, steal=0.0, load=0.1))
    return a_folder(folder, *lines, Ended(reason="complete", wall=3.0))


# The status of each cell.


def test_all_that_was_planned_or_skipped_is_kept(tmp_path: Path) -> None:
    done, void, broken, waiting, left_out = (
        a_cell(name) for name in ("pipe", "fifo", "tcp", "unix-stream", "sysv-queue")
    )
    lines: list[AnyEntry] = [
        PlannedEntry(cell=c, facts=FACTS) for c in (done, void, broken, waiting)
    ]
    lines += [
        Skipped(cell=left_out, reason="msgmax is 8192", remedy="sysctl kernel.msgmax=65536"),
        Calibrated(cell=done.id, loops=4096),
        a_run(done, 1, [1e-6], void="steal"),
        a_run(done, 1, [2e-6, 4e-6, 3e-6], attempt=2),
        failed(done, 2),
        a_run(void, 1, [1e-6], void="steal"),
        failed(broken),
    ]
    results = load(a_folder(tmp_path, *lines))
    found = {name: result.status for name, result in results.cells.items()}
    assert found == {
        done.id: Status.OK,
        void.id: Status.DISTURBED,
        broken.id: Status.FAILED,
        waiting.id: Status.PENDING,
        left_out.id: Status.SKIPPED,
    }
    assert [result.cell for result in results.ok()] == [done]
    assert [result.cell for result in results.with_status(Status.FAILED)] == [broken]
    one = results.cells[done.id]
    assert one.loops == 4096
    assert len(one.runs) == 2
    assert [run.attempt for run in one.good] == [2]
    assert len(one.failures) == 1
    skipped = results.cells[left_out.id].skipped
    assert skipped is not None
    assert "sysctl" in skipped.remedy
    assert results.ended is None


def test_a_round_is_the_median_of_its_blocks_and_a_void_run_does_not_count(tmp_path: Path) -> None:
    lines = [
        a_run(PIPE, 1, [9.0, 1.0, 2.0]),
        a_run(PIPE, 2, [100.0], void="steal"),
        a_run(PIPE, 3, [4.0, 2.0]),
    ]
    results = load(a_folder(tmp_path, PLANNED, *lines))
    assert results.cells[PIPE.id].by_round() == {1: 2.0, 3: 3.0}


def test_each_round_that_counts_has_its_histogram(tmp_path: Path) -> None:
    lines = [
        a_run(PIPE, 1, [1.0], tail={10: 1, 11: 2}),
        a_run(PIPE, 2, [1.0], tail={11: 3}),
        a_run(PIPE, 3, [1.0], tail={99: 9}, void="steal"),
    ]
    results = load(a_folder(tmp_path, PLANNED, *lines))
    tails = [run.tail for run in results.cells[PIPE.id].good]
    assert tails == [{10: 1, 11: 2}, {11: 3}]


def test_the_end_of_a_sweep(tmp_path: Path) -> None:
    again = Resumed(started="later", command=["ipcbench"], dropped="{")
    stopped, complete = Ended(reason="interrupted", wall=1), Ended(reason="complete", wall=2)
    assert load(a_folder(tmp_path, stopped)).ended == stopped
    results = load(a_folder(tmp_path, stopped, again))
    assert (results.ended, results.resumed) == (None, [again])
    assert load(a_folder(tmp_path, stopped, again, complete)).ended == complete


def test_a_twin_and_another_depth_are_cells_of_their_own(tmp_path: Path) -> None:
    cells = [PIPE, a_cell(twin=True), a_cell(depth=4)]
    results = load(a_folder(tmp_path, *(PlannedEntry(cell=cell, facts=FACTS) for cell in cells)))
    assert len(results.cells) == 3


def test_a_void_round_voids_the_runs_without_foreign_time(tmp_path: Path) -> None:
    """Same-core runs have their foreign time; other runs have only the round's steal."""
    lines = [
        a_run(PIPE, 1, [1.0], foreign=None),
        a_run(PIPE, 2, [2.0], foreign=None),
        a_run(PIPE, 2, [3.0], foreign=0.0, attempt=2),
        Round(round=2, wall=1.0, timed=0.5, steal=0.5, load=0.1, void="steal"),
    ]
    results = load(a_folder(tmp_path, PLANNED, *lines))
    assert [run.void for run in results.cells[PIPE.id].runs] == ["", "steal", ""]


# Refusals, in one line.


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(a_run(FIFO, 1, [1.0]), id="a cell that was not planned"),
        pytest.param(failed(FIFO), id="a failure of a cell that was not planned"),
        pytest.param(Calibrated(cell="\x1b[2J\n" * 1000, loops=1), id="control characters"),
        pytest.param(a_run(PIPE, 1, []), id="no values"),
        pytest.param(a_run(PIPE, 1, [1.0, 0.0]), id="a zero"),
        pytest.param(a_run(PIPE, 1, [1.0, -1.0]), id="a negative value"),
        pytest.param(a_run(PIPE, 1, [1.7e308, 1.7e308]), id="a median that overflows"),
        pytest.param(a_run(PIPE, 1, [5e-324]), id="a ratio that overflows"),
        pytest.param(a_run(PIPE, 1, [1.0], loops=0), id="no loops"),
        pytest.param(a_run(PIPE, 1, [1.0], inner_loops=-1), id="negative loops"),
        pytest.param(a_run(PIPE, 1, [1.0], warmups=[-1.0]), id="a negative warm-up"),
        pytest.param(a_run(PIPE, 1, [1.0], tail={-1: 1}), id="a negative bucket"),
        pytest.param(a_run(PIPE, 1, [1.0], tail={10**15: 1}), id="a bucket beyond memory"),
        pytest.param(a_run(PIPE, 1, [1.0], tail={1: -5}), id="a negative count"),
        pytest.param(PLANNED, id="a cell planned twice, its runs forgotten"),
        pytest.param(Skipped(cell=PIPE, reason="no", remedy=""), id="skipped after its runs"),
    ],
)
def test_lines_that_make_no_sense_are_refused(tmp_path: Path, line: AnyEntry) -> None:
    folder = a_folder(tmp_path, PLANNED, a_run(PIPE, 1, [1e-6]), line)
    with pytest.raises(Unreadable) as caught:
        load(folder)
    message = str(caught.value)
    assert message.startswith(str(tmp_path))
    assert message.isprintable()
    assert len(message) < 1000


@pytest.mark.parametrize(
    "axes",
    [
        {"transport": ""},
        {"transport": "pi\x1b[2Jpe"},
        {"placement": "same\ncore"},
        {"runtime": " python"},
        {"pattern": "p" * 100_000},
        {"size": -1},
        {"processes": 0},
        {"depth": 0},
    ],
    ids=lambda axes: next(iter(axes)),
)
def test_a_cell_that_cannot_be_is_refused(tmp_path: Path, axes: dict[str, object]) -> None:
    cell = {"pattern": "latency", "size": 64, "placement": "same-core", "transport": "pipe"} | axes
    line = {"kind": "cell", "cell": cell, "facts": msgspec.to_builtins(FACTS)}
    with (a_folder(tmp_path) / NAME).open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")
    with pytest.raises(Unreadable) as caught:
        load(tmp_path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


def test_another_schema_is_refused_with_a_remedy(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, header=msgspec.structs.replace(HEADER, schema=SCHEMA + 1))
    with pytest.raises(Unreadable, match="measure again"):
        load(folder)


@pytest.mark.parametrize("data", [b"", b"{", msgspec.json.encode(HEADER), b"\x7fELF\n"])
def test_a_folder_without_a_whole_header_is_unreadable(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    with pytest.raises(Unreadable):
        load(tmp_path)


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path)


# suite.json


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write suite.json of a sweep, and of one that took twice as long."""
    paths = []
    for name, factor in (("base", 1.0), ("slow", 2.0)):
        folder = a_sweep(tmp_path_factory.mktemp(name), factor)
        paths.append(folder / "suite.json")
        assert write_suite(load(folder), paths[-1])
    return paths[0], paths[1]


def test_pyperf_reads_the_suite(suites: tuple[Path, Path]) -> None:
    suite = pyperf.BenchmarkSuite.load(str(suites[0]))
    assert suite.get_benchmark_names() == [PIPE.id, FIFO.id]
    benchmark = suite.get_benchmark(PIPE.id)
    assert benchmark.get_nrun() == 3
    assert benchmark.get_unit() == "second"
    assert benchmark.get_values() == pytest.approx(
        [3e-6 * (1 + 0.01 * number + 0.001 * k) for number in (1, 2, 3) for k in range(3)]
    )
    metadata = benchmark.get_metadata()
    axes = {
        "transport": "pipe",
        "runtime": "python",
        "pattern": "latency",
        "size": 64,
        "processes": 2,
        "placement": "same-core",
        "per": "round trip",
        "wait": "block",
        "pace": "closed",
        "copies": 2,
        "loops": 1000,
        "hostname": "host",
        "pinned_to": "0; 0",
    }
    assert {name: metadata.get(name) for name in axes} == axes
    assert [run.get_metadata()["round"] for run in benchmark.get_runs()] == [1, 2, 3]


@pytest.mark.parametrize("command", ["stats", "hist", "check", "show", "metadata", "dump"])
def test_pyperfs_commands_read_the_suite(suites: tuple[Path, Path], command: str) -> None:
    done = _pyperf(command, suites[0])
    assert done.returncode == 0, done.stderr
    assert PIPE.id in done.stdout or command == "check"


def test_pyperf_compares_two_suites(suites: tuple[Path, Path]) -> None:
    done = _pyperf("compare_to", *suites)
    assert done.returncode == 0, done.stderr
    assert "2.00x slower" in done.stdout


def _pyperf(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pyperf", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_suite_has_the_good_runs_alone(tmp_path: Path) -> None:
    lines = [a_run(PIPE, 1, [1.0]), a_run(PIPE, 2, [2.0], void="steal")]
    folder = a_folder(tmp_path, PLANNED, PlannedEntry(cell=FIFO, facts=FACTS), *lines, failed(FIFO))
    assert write_suite(load(folder), tmp_path / "suite.json")
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / "suite.json"))
    assert suite.get_benchmark_names() == [PIPE.id]
    assert suite.get_benchmark(PIPE.id).get_values() == (1.0,)


def test_no_suite_is_written_of_nothing(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, PLANNED)
    assert not write_suite(load(folder), tmp_path / "suite.json")
    assert sorted(os.listdir(tmp_path)) == [NAME]


def test_a_suite_is_replaced_as_a_whole_and_nothing_is_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = load(a_sweep(tmp_path))
    path = tmp_path / "suite.json"
    path.write_text("old")

    def torn(self: pyperf.BenchmarkSuite, file: IO[str], **options: object) -> None:
        file.write("{")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pyperf.BenchmarkSuite, "dump", torn)
        with pytest.raises(OSError, match="No space"):
            write_suite(results, path)
    assert path.read_text() == "old"
    assert write_suite(results, path)
    assert json.loads(path.read_text())["benchmarks"]
    assert sorted(os.listdir(tmp_path)) == [NAME, "suite.json"]


@pytest.mark.parametrize(
    "changes",
    [{"metadata": {"note": ""}}, {"metadata": {"note": "a\nb"}}, {"cpus": []}, {"cpus": [[]]}],
    ids=str,
)
def test_refused_metadata_does_not_prevent_the_suite(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    folder = a_folder(tmp_path, PLANNED, a_run(PIPE, 1, [1.0], **changes))
    assert write_suite(load(folder), tmp_path / "suite.json")
    assert pyperf.BenchmarkSuite.load(str(tmp_path / "suite.json")).get_benchmark_names()


# Disturbed cells, and steal of the CPUs of a run.


@pytest.mark.parametrize(
    ("void", "disturbed", "status"),
    [
        ([], False, Status.OK),
        ([1, 2], False, Status.OK),  # half of them count
        ([1, 2, 3], True, Status.OK),
        ([1, 2, 3, 4], True, Status.DISTURBED),
    ],
)
def test_a_cell_with_few_good_rounds_is_disturbed(
    tmp_path: Path, void: list[int], disturbed: bool, status: Status
) -> None:
    lines = [
        a_run(PIPE, number, [1.0], void="9% …" if number in void else "", attempt=attempt)
        for number in range(1, 5)
        for attempt in (1, 2)
    ]
    found = load(a_folder(tmp_path, PLANNED, *lines)).cells[PIPE.id]
    assert (found.disturbed, found.status) == (disturbed, status)


@pytest.mark.parametrize(
    ("cpus", "void"),
    [
        ([[0], [1]], "steal"),
        ([[1], [1]], ""),
        ([[0, 1], [0, 1]], ""),  # 0.2 of both, in the mean
        ([[0, 2], [0, 2]], "steal"),
        ([[7], [7]], ""),
    ],
)
def test_steal_voids_the_runs_whose_cpus_it_took(
    tmp_path: Path, cpus: list[list[int]], void: str
) -> None:
    """The limit is that of the journal, not of this version."""
    stolen = {0: 0.4, 1: 0.0, 2: 0.3}
    end = Round(
        round=1, wall=1.0, timed=0.5, steal=0.4, load=0.1, void="steal", stolen=stolen, limit=0.2
    )
    lines = [a_run(PIPE, 1, [1.0], cpus=cpus), end]
    (run,) = load(a_folder(tmp_path, PLANNED, *lines)).cells[PIPE.id].runs
    assert run.void == void


def test_the_steal_of_a_run_in_an_older_journal_is_left_out(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, PLANNED, a_run(PIPE, 1, [1.0]))
    path = folder / NAME
    text = path.read_text().replace('"foreign":0.0,', '"foreign":0.0,"steal":0.25,')
    assert '"steal":0.25' in text
    path.write_text(text)
    (run,) = load(folder).cells[PIPE.id].runs
    assert run.values == [1.0]
    path.write_text(text.replace('"steal":0.25', '"stale":0.25'))
    with pytest.raises(Unreadable):
        load(folder)


@pytest.mark.parametrize("at", [1e300, -1e300])
def test_a_failure_at_no_plausible_time_is_refused(tmp_path: Path, at: float) -> None:
    """A resumed sweep would go on from it, and write numbers that are never read again."""
    line = msgspec.structs.replace(failed(PIPE), at=at)
    with pytest.raises(Unreadable, match=r"= -?1e\+18"):
        load(a_folder(tmp_path, PLANNED, line))
