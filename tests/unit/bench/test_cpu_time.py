"""bench.machine.cpu_time: counters of CPU time, read from folders made for the test."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcbench.bench.machine import cpu_time
from ipcbench.bench.machine.cpu_time import KernelWorkers, Ticks, busy, stolen, ticks, waited


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# Processes.


def test_the_cpu_time_of_another_process_is_read_without_a_message() -> None:
    pid = os.fork()
    if not pid:
        while True:
            pass
    try:
        before = cpu_time.process_time(pid)
        time.sleep(0.05)
        after = cpu_time.process_time(pid)
        assert before is not None
        assert after is not None
        assert 0 < after - before < 10
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert cpu_time.process_time(pid) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5000000 2000000 7\n", 0.002),
        ("5000000 0 7\n", 0.0),
        ("0 0 0\n", None),  # a kernel that does not count
        ("", None),
        ("nonsense\n", None),
    ],
)
def test_the_wait_for_a_cpu(tmp_path: Path, text: str, seconds: float | None) -> None:
    put(tmp_path, {"proc/7/schedstat": text})
    assert waited(7, tmp_path) == seconds


def test_threads_are_counted(tmp_path: Path) -> None:
    before = cpu_time.threads(os.getpid())
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    assert cpu_time.threads(os.getpid()) == before + 1
    done.set()
    thread.join()
    assert cpu_time.threads(7, tmp_path) == 1


def test_a_process_without_a_file_has_no_wait(tmp_path: Path) -> None:
    assert waited(7, tmp_path) is None


# The kernel's workers.

WORKERS = {
    11: "ksoftirqd/0",
    12: "ksoftirqd/1",
    13: "kworker/1:0-events",
    14: "kworker/1:1H-kblockd",
    15: "kworker/u8:3-ext4-rsv-conversion",
    16: "kworker/R-writeback",
    17: "kswapd0",
    18: "kworker/10:0-events",
}


def write_workers(root: Path, ran: dict[int, int], last_cpu: int = 1) -> None:
    """Write kernel threads with their time, in milliseconds."""
    put(root, {"proc/2/task/2/children": " ".join(map(str, WORKERS))})
    for pid, name in WORKERS.items():
        stat = f"{pid} ({name}) S 2 " + " ".join(["0"] * 34) + f" {last_cpu} 0 0"
        put(
            root,
            {
                f"proc/{pid}/comm": f"{name}\n",
                f"proc/{pid}/schedstat": f"{ran.get(pid, 0) * 1_000_000} 0 0\n",
                f"proc/{pid}/stat": stat,
            },
        )


@pytest.mark.parametrize(
    ("worker", "times"),
    [
        (11, {0: 0.005, 1: 0.0}),
        (12, {0: 0.0, 1: 0.005}),
        (13, {0: 0.0, 1: 0.005}),
        (14, {0: 0.0, 1: 0.005}),
        (15, {0: 0.0, 1: 0.005}),  # it ran last on CPU 1
        (16, {0: 0.0, 1: 0.005}),
        (17, {0: 0.0, 1: 0.0}),  # no worker
        (18, {0: 0.0, 1: 0.0}),  # bound to a CPU that is not measured
    ],
    ids=WORKERS.values(),
)
def test_a_worker_counts_at_its_cpu(tmp_path: Path, worker: int, times: dict[int, float]) -> None:
    write_workers(tmp_path, dict.fromkeys(WORKERS, 100))
    workers = KernelWorkers(tmp_path)
    workers.begin([0, 1])
    write_workers(tmp_path, dict.fromkeys(WORKERS, 100) | {worker: 105})
    assert workers.since() == pytest.approx(times)


def test_a_worker_that_is_created_later_counts(tmp_path: Path) -> None:
    write_workers(tmp_path, {})
    workers = KernelWorkers(tmp_path)
    workers.begin([0])
    put(
        tmp_path,
        {
            "proc/2/task/2/children": "11 12 99",
            "proc/99/comm": "kworker/0:7-events\n",
            "proc/99/schedstat": "3000000 0 0\n",
        },
    )
    assert workers.since() == pytest.approx({0: 0.003})


def test_the_past_of_a_worker_that_was_created_before_does_not_count(tmp_path: Path) -> None:
    """A fork server finds the workers once a round; others are created before its last run."""
    write_workers(tmp_path, {})
    workers = KernelWorkers(tmp_path)
    created = {
        "proc/2/task/2/children": "11 12 99",
        "proc/99/comm": "kworker/0:7-events\n",
        "proc/99/schedstat": "900000000 0 0\n",
    }
    put(tmp_path, created)
    workers.begin([0])
    put(tmp_path, created | {"proc/99/schedstat": "902000000 0 0\n"})
    assert workers.since() == pytest.approx({0: 0.002})


def test_a_process_with_the_pid_of_a_worker_that_has_ended_does_not_count(tmp_path: Path) -> None:
    write_workers(tmp_path, {})
    workers = KernelWorkers(tmp_path)
    put(tmp_path, {"proc/2/task/2/children": "11 12"})
    workers.begin([1])
    write_workers(tmp_path, {14: 30})
    put(tmp_path, {"proc/2/task/2/children": "11 12"})
    assert workers.since() == pytest.approx({1: 0.0})


@pytest.mark.parametrize(
    "files",
    [{}, {"proc/2/task/2/children": "5\n", "proc/5/comm": "bash\n"}],
    ids=["no /proc", "a container"],
)
def test_workers_may_be_hidden(tmp_path: Path, files: dict[str, str]) -> None:
    put(tmp_path, files)
    workers = KernelWorkers(tmp_path)
    workers.begin([0])
    assert not workers.visible
    assert workers.since() is None


# CPUs.

SCHEDSTAT = """version 15
timestamp 4295000000
cpu0 0 0 0 0 0 0 2000000000 500 9
domain0 3 1 2 3
cpu1 0 0 0 0 0 0 7000000000 500 9
"""


def with_schedstat(root: Path) -> None:
    put(root, {"proc/schedstat": SCHEDSTAT})


def with_cpuacct(root: Path) -> None:
    folder = "sys/fs/cgroup/cpuacct"
    put(root, {f"{folder}/cpuacct.usage_percpu": "2000000000 7000000000 \n"})
    put(root, {f"{folder}/release_agent": ""})


@pytest.mark.parametrize(
    ("write", "source"),
    [
        (with_schedstat, "schedstat"),
        (with_cpuacct, "cpuacct"),
    ],
    ids=["schedstat", "cpuacct"],
)
def test_the_time_that_cpus_were_busy(
    tmp_path: Path, write: Callable[[Path], None], source: str
) -> None:
    write(tmp_path)
    found = busy([0, 1], tmp_path)
    assert found is not None
    assert found.source == source
    assert found.times == pytest.approx({0: 2.0, 1: 7.0})
    assert busy([0, 5], tmp_path) is None  # a CPU that the file does not name


def test_the_groups_of_a_container_tell_nothing_about_a_cpu(tmp_path: Path) -> None:
    with_cpuacct(tmp_path)
    (tmp_path / "sys/fs/cgroup/cpuacct/release_agent").unlink()
    assert busy([0], tmp_path) is None


def test_without_files_nothing_is_known(tmp_path: Path) -> None:
    assert busy([0], tmp_path) is None
    assert ticks(tmp_path) == {}


# Ticks.


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        # user nice system idle iowait irq softirq steal guest guest_nice: proc_stat(5)
        ("cpu3 1 2 3 4 5 6 7 8 9 10", {3: Ticks(36, 6, 13, 8)}),  # guest is in user already
        ("cpu3 1 2 3 4", {3: Ticks(10, 6, 0, 0)}),  # an old kernel, which does not count steal
        ("", {}),
    ],
)
def test_ticks_are_of_each_cpu(tmp_path: Path, line: str, wanted: dict[int, Ticks]) -> None:
    put(tmp_path, {"proc/stat": f"cpu  9 9 9 9 9 9 9 9 9 9\n{line}\nintr 1 2\n"})
    assert ticks(tmp_path) == wanted


def test_ticks_go_forward() -> None:
    before = ticks()
    assert set(os.sched_getaffinity(0)) <= set(before)
    assert all(one.total >= before[cpu].total for cpu, one in ticks().items())


@pytest.mark.parametrize(
    ("total", "steal", "share"),
    [
        (100, 0, 0.0),
        (100, 1, 0.0),  # it may be less than a tick
        (100, 6, 0.05),
        (1600, 80, 79 / 1600),
        (0, 0, 0.0),  # no tick has passed
    ],
)
def test_the_share_that_was_stolen_from_a_cpu(total: int, steal: int, share: float) -> None:
    before = {0: Ticks(500, 0, 0, 7), 1: Ticks(500, 0, 0, 7)}
    after = {0: Ticks(500 + total, 0, 0, 7 + steal), 1: Ticks(500 + total, 0, 0, 7)}
    assert stolen(before, after, [0, 1, 9]) == pytest.approx({0: share, 1: 0.0})


def test_of_many_files_some_stay_open(tmp_path: Path) -> None:
    """A machine with many CPUs has hundreds of kworkers, and a process 1024 descriptors."""
    number = cpu_time.kept() + 20
    put(tmp_path, {f"file{n}": f"{n}" for n in range(number)})
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        found = [cpu_time.text_again(tmp_path / f"file{n}") for n in range(number)]
        assert found == [f"{n}" for n in range(number)]
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + cpu_time.kept()


def test_a_file_is_read_to_its_end() -> None:
    """A call gives a page of a file of several records: seq_read_iter() in fs/seq_file.c."""
    number = 20000
    wanted = Path("/proc/kallsyms").read_text()[:number]
    with open("/proc/kallsyms", "rb") as file:
        assert len(os.pread(file.fileno(), 1 << 20, 0)) < number
        assert cpu_time._whole(file.fileno()).decode()[:number] == wanted
