"""ipcbench.bench.workers.attempt: the worker that waits for the next job of its fork server."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.machine.settling import settle
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers import attempt
from ipcbench.bench.workers.fork_parent import ForkServer, starting_ahead
from ipcbench.bench.workers.job import Job, Reply
from ipcbench.transports.kernel_objects.ledger import current

PATIENCE = 10.0


def a_job(transport: str = "pipe", number: int = 1) -> Job:
    cpu = max(os.sched_getaffinity(0))
    return Job(
        cell=Cell(transport=transport, pattern="latency", size=64, placement="same-core"),
        round=number,
        loops=3,
        settings=Settings(values=1, warmups=1, block=0.001, stamps=0, rounds=1),
        cpus=[[cpu], [cpu]],
        awake=False,
        clock=FAKE,
        deadline=30.0,
    )


@contextmanager
def a_server() -> Iterator[ForkServer]:
    current()
    server = ForkServer()
    try:
        yield server
    finally:
        server.close()


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never holds"
        time.sleep(0.01)


def waiting(server: ForkServer) -> int:
    """Return the one process below a fork server, once all others have ended."""
    until(lambda: len(children(server.pid)) == 1 and is_asleep(children(server.pid)[0]))
    (worker,) = children(server.pid)
    return worker


def is_asleep(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/wchan").read_text() in ("pipe_read", "anon_pipe_read")
    except OSError:
        return False


def cpus_of(reply: Reply) -> list[list[int]]:
    assert reply.failure is None, reply.failure
    assert reply.outcome is not None
    return reply.outcome.cpus


def test_a_worker_waits_for_the_next_job_and_no_other_process_of_the_last_run_is_left() -> None:
    with a_server() as server:
        for number in (1, 2, 3):
            job = a_job(number=number)
            assert cpus_of(server.run(job)) == job.cpus
            assert not children(waiting(server))


def test_the_waiting_worker_does_the_next_job(tmp_path: Path) -> None:
    with a_server() as server:
        server.run(a_job())
        worker = waiting(server)
        server.run(a_job(number=2))
        assert waiting(server) != worker
        assert not Path(f"/proc/{worker}").exists()


def test_a_worker_that_is_killed_while_it_waits_is_replaced() -> None:
    with a_server() as server:
        server.run(a_job())
        os.kill(waiting(server), signal.SIGKILL)
        assert server.run(a_job(number=2)).failure is None


def test_a_transport_that_is_not_loaded_gets_another_worker() -> None:
    """A worker that was forked before would import it by itself, in each run."""
    with a_server() as server:
        server.run(a_job())
        assert server.run(a_job("unix-stream", 2)).failure is None
        waiting(server)


@pytest.mark.parametrize("way", ["closed", "killed"])
def test_the_waiting_worker_ends_with_its_server(way: str) -> None:
    with a_server() as server:
        server.run(a_job())
        worker = waiting(server)
        if way == "closed":
            server.close()
        else:
            os.kill(server.pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{worker}").exists() or is_zombie(worker))


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def servers() -> set[int]:
    return {
        child
        for child in children(os.getpid())
        if "workers.fork_parent" in Path(f"/proc/{child}/cmdline").read_text()
    }


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU imports for one server alone")
def test_a_second_server_starts_beside_the_first_and_is_the_next_one() -> None:
    current()
    before = servers()
    with starting_ahead():
        first = ForkServer()
        (kept,) = servers() - before - {first.pid}
        first.close()
        second = ForkServer()
        assert second.pid == kept
        assert second.run(a_job()).failure is None
        second.close()
        ForkServer().close()
        assert servers() - before
    assert servers() == before


def cpu_time(pid: int) -> float:
    """Return the seconds that a process had of a CPU: proc_pid_schedstat(5)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU imports for one server alone")
def test_the_second_server_sleeps_when_the_first_one_is_ready() -> None:
    """It would import its modules beside timed blocks otherwise."""
    current()
    before = servers()
    with starting_ahead():
        for _ in range(3):
            with closing(ForkServer()) as first:
                kept = servers() - before - {first.pid}
                spent = {pid: cpu_time(pid) for pid in kept}
                time.sleep(0.3)
                assert all(cpu_time(pid) - spent[pid] < 0.01 for pid in kept)


def test_a_server_that_was_killed_while_it_was_kept_is_no_loss() -> None:
    current()
    with starting_ahead():
        first = ForkServer()
        for kept in servers() - {first.pid}:
            os.kill(kept, signal.SIGKILL)
            until(lambda pid=kept: is_zombie(pid))  # type: ignore[misc]
        first.close()
        with closing(ForkServer()) as second:
            assert second.run(a_job()).failure is None


def test_a_worker_that_is_killed_when_its_job_lies_in_the_pipe_is_replaced() -> None:
    """Its end of the pipe is still open, so the job is written to no purpose."""
    with a_server() as server:
        server.run(a_job())
        worker = waiting(server)
        os.kill(worker, signal.SIGSTOP)
        killer = threading.Timer(0.2, os.kill, (worker, signal.SIGKILL))
        killer.start()
        assert server.run(a_job(number=2)).failure is None
        killer.join()


def test_the_last_line_of_a_worker_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """All workers of a round write to one file, which is cut to nothing before each."""

    def work(job: Job, *rest: object) -> None:
        os.write(2, f"words of round {job.round}\n".encode())
        os._exit(3)

    monkeypatch.setattr("ipcbench.bench.workers.worker.work", work)
    current()
    with closing(os.fdopen(attempt.open_log(), "wb")) as log:
        for number in (1, 2):
            job = a_job(number=number)
            worker = attempt.Attempt(None, log.fileno())
            assert worker.start(job, job.encoded())
            failure = worker.reply().failure
            assert failure is not None
            assert failure.what == f"exited with 3: words of round {number}"


def test_a_server_rests_when_its_next_worker_waits() -> None:
    """It would prepare beside the run of another server otherwise."""
    with a_server() as server:
        for number in range(1, 6):
            assert server.run(a_job(number=number)).failure is None
            settle(server.pid)
            worker = waiting(server)
            spent = {pid: cpu_time(pid) for pid in (server.pid, worker)}
            time.sleep(0.05)
            assert {pid: cpu_time(pid) for pid in (server.pid, worker)} == spent
