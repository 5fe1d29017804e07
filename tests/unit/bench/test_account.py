"""bench.workers.account: foreign time and its parts, from counters made for the test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from ipcbench.bench.machine import cpu_time
from ipcbench.bench.results.records import Disturbance
from ipcbench.bench.sweep.disturbance import usual_share, why_void
from ipcbench.bench.workers import account
from ipcbench.bench.workers.account import SETTLE, Account
from tests.unit.bench.test_cpu_time import put

SAME = [[1], [1]]
APART = [[1], [0]]
ANYWHERE = [[0, 1], [0, 1]]
QUOTA = {
    "proc/self/cgroup": "0::/\n",
    "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "sys/fs/cgroup/cpu.max": "50000 100000\n",
}


@dataclass
class Machine:
    """Two CPUs, two processes (10 and 11), and ksoftirqd; times in seconds.

    `source`: the file that shows how long a CPU was busy. `hidden`: the kernel's workers are.
    """

    root: Path
    source: str = "schedstat"
    hidden: bool = False
    now: float = 0.0
    own: dict[int, float] = field(default_factory=lambda: {10: 0.0, 11: 0.0})
    waits: dict[int, float] = field(default_factory=lambda: {10: 0.0, 11: 0.0})
    tasks: dict[int, float] = field(default_factory=lambda: {0: 0.0, 1: 0.0})
    kernel: dict[int, float] = field(default_factory=lambda: {0: 0.0, 1: 0.0})
    interrupts: dict[int, float] = field(default_factory=lambda: {0: 0.0, 1: 0.0})
    throttled: float = 0.0

    def write(self) -> None:
        files = {}
        if not self.hidden:
            files["proc/2/task/2/children"] = "50 51"
            for cpu, ran in self.kernel.items():
                files[f"proc/{50 + cpu}/comm"] = f"ksoftirqd/{cpu}\n"
                files[f"proc/{50 + cpu}/schedstat"] = f"{ran * 1e9:.0f} 0 0\n"
        for pid, wait in self.waits.items():
            files[f"proc/{pid}/schedstat"] = f"1 {wait * 1e9:.0f} 1\n"
        if self.source == "schedstat":
            lines = [f"cpu{cpu} 0 0 0 0 0 0 {t * 1e9:.0f} 0 0" for cpu, t in self.tasks.items()]
            files["proc/schedstat"] = "\n".join(lines) + "\n"
        files["proc/stat"] = "".join(
            f"cpu{cpu} {self.tasks[cpu] * 100:.0f} 0 0 "
            f"{(self.now - self.tasks[cpu] - self.interrupts[cpu]) * 100:.0f} 0 0 "
            f"{self.interrupts[cpu] * 100:.0f} 0\n"
            for cpu in self.tasks
        )
        files["sys/fs/cgroup/cpu.stat"] = f"throttled_usec {self.throttled * 1e6:.0f}\n"
        put(self.root, files)

    def outcome(
        self, cpus: list[list[int]], block: Block, blocks: int = 4, *, idles: bool = False
    ) -> tuple[float | None, Disturbance]:
        """Account some blocks that are all alike."""
        self.write()
        found = Account([10, 11], cpus, idles=idles, root=self.root)
        found.begin()
        for _ in range(blocks):
            found.enter()
            self.pass_by(block)
            self.write()
            found.leave()
        found.end()
        assert found.wall == pytest.approx(blocks * block.wall)
        return found.outcome()

    def pass_by(self, block: Block) -> None:
        self.now += block.wall
        for pid, used in zip((10, 11), block.own, strict=True):
            self.own[pid] += used
        for pid, wait in zip((10, 11), block.waits, strict=True):
            if pid in self.waits:
                self.waits[pid] += wait
        for cpu in (0, 1):
            self.tasks[cpu] += block.tasks[cpu]
            self.kernel[cpu] += block.kernel[cpu]
            self.interrupts[cpu] += block.interrupts[cpu]
        self.throttled += block.throttled


@dataclass(frozen=True)
class Block:
    """Time in a block of 100 ms: of the processes, then of the CPUs 0 and 1."""

    own: tuple[float, float] = (0.05, 0.05)
    waits: tuple[float, float] = (0.0, 0.0)
    tasks: tuple[float, float] = (0.0, 0.0)
    kernel: tuple[float, float] = (0.0, 0.0)
    interrupts: tuple[float, float] = (0.0, 0.0)
    throttled: float = 0.0
    wall: float = 0.1


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    found = Machine(tmp_path)

    def sleep(seconds: float) -> None:
        assert seconds == SETTLE

    monkeypatch.setattr(cpu_time, "process_time", lambda pid: found.own[pid])
    clock = SimpleNamespace(monotonic=lambda: found.now, sleep=sleep)
    monkeypatch.setattr(account, "time", clock)
    account.kernel_workers.cache_clear()
    account.limits.cache_clear()
    yield found
    account.kernel_workers.cache_clear()
    account.limits.cache_clear()


# On one CPU.


@pytest.mark.parametrize(
    ("block", "foreign", "kernel"),
    [
        (Block(), 0.0, 0.0),
        (Block(own=(0.03, 0.03)), 0.4, 0.0),
        (Block(own=(0.04, 0.04), kernel=(0.0, 0.02)), 0.0, 0.2),  # ksoftirqd receives for them
        (Block(own=(0.04, 0.04), kernel=(0.02, 0.0)), 0.2, 0.0),  # that is another CPU's
        (Block(own=(0.03, 0.03), kernel=(0.0, 0.02)), 0.2, 0.2),
    ],
)
def test_one_cpu(machine: Machine, block: Block, foreign: float, kernel: float) -> None:
    share, parts = machine.outcome(SAME, block)
    assert share == pytest.approx(foreign)
    assert (parts.others, parts.kernel) == (pytest.approx(foreign), pytest.approx(kernel))
    assert (parts.waited, parts.source) == (None, "")


def test_workers_that_are_hidden_count_as_others(machine: Machine) -> None:
    machine.hidden = True
    share, parts = machine.outcome(SAME, Block(own=(0.04, 0.04), kernel=(0.0, 0.02)))
    assert (share, parts.kernel) == (pytest.approx(0.2), None)


def test_interrupts_that_the_kernel_accounts_apart_are_usual(machine: Machine) -> None:
    """CONFIG_IRQ_TIME_ACCOUNTING: a softirq is no part of any process's time."""
    tcp = Block(own=(0.04, 0.04), interrupts=(0.0, 0.02))
    attempts = [SimpleNamespace(foreign=f, disturbance=d) for f, d in [machine.outcome(SAME, tcp)]]
    assert why_void(attempts[0])
    usual = usual_share(attempts)
    assert usual == pytest.approx(0.2, abs=0.01)
    again = machine.outcome(SAME, tcp)
    assert why_void(SimpleNamespace(foreign=again[0], disturbance=again[1]), usual) == ""
    beside = machine.outcome(SAME, Block(own=(0.02, 0.02), interrupts=(0.0, 0.01)))
    assert why_void(SimpleNamespace(foreign=beside[0], disturbance=beside[1]), usual)


def test_a_busy_process_beside_the_calibration_is_not_usual(machine: Machine) -> None:
    found = machine.outcome(SAME, Block(own=(0.02, 0.02), tasks=(0.0, 0.1)))
    assert usual_share([SimpleNamespace(foreign=found[0], disturbance=found[1])]) == 0.0


# On several.


@pytest.mark.parametrize(
    ("block", "foreign"),
    [
        (Block(tasks=(0.05, 0.05)), 0.0),  # half idle
        (Block(tasks=(0.05, 0.09)), 0.4),  # of the CPU of which others had most
        (Block(tasks=(0.08, 0.05)), 0.3),
        (Block(tasks=(0.05, 0.09), kernel=(0.0, 0.04)), 0.0),
        (Block(own=(0.01, 0.01), tasks=(0.1, 0.01)), 0.9),  # a pair that sleeps, and waits not
    ],
)
def test_two_cpus(machine: Machine, block: Block, foreign: float) -> None:
    share, parts = machine.outcome(APART, block)
    assert share == pytest.approx(foreign, abs=1e-4)
    assert parts.source == "schedstat"
    assert parts.waited == 0.0


def test_a_process_that_spins_before_the_block_is_no_other_one(machine: Machine) -> None:
    """/proc/schedstat has the time of a process only when that has left its CPU."""
    machine.write()
    found = Account([10, 11], APART, root=machine.root)
    found.begin()
    for _ in range(4):
        found.enter()
        machine.pass_by(Block(own=(0.0, 0.02), wall=0.02))  # it is ready, and waits
        machine.pass_by(Block(own=(0.05, 0.1), tasks=(0.12, 0.05)))
        machine.write()
        found.leave()
    found.end()
    assert found.outcome()[0] == pytest.approx(0.0, abs=1e-4)


def test_a_cpu_is_busy_for_no_longer_than_the_time_that_passes(machine: Machine) -> None:
    """A process that was alone on its CPU for long leaves it in the middle of a block."""
    block = Block(own=(0.05, 0.05), tasks=(0.1, 7.0))
    share, _ = machine.outcome(ANYWHERE, block)
    assert share == pytest.approx(0.5)


@pytest.mark.parametrize(("source", "foreign"), [("schedstat", 0.1), ("", 0.3)])
def test_a_wait_counts_where_no_counter_shows_the_cpu(
    machine: Machine, source: str, foreign: float
) -> None:
    """A kernel before 6.0 counts an idle CPU's waking as a wait; an exact counter knows better."""
    machine.source = source
    block = Block(waits=(0.03, 0.01), tasks=(0.05, 0.06))
    share, parts = machine.outcome(APART, block)
    assert share == pytest.approx(foreign, abs=1e-4)
    assert parts.waited == pytest.approx(0.3)


def test_a_wait_for_the_kernels_workers_is_the_runs_own(machine: Machine) -> None:
    machine.source = ""
    share, _ = machine.outcome(APART, Block(waits=(0.03, 0.0), kernel=(0.0, 0.02)))
    assert share == pytest.approx(0.1)


@pytest.mark.parametrize(("number", "share"), [(1, 0.3), (2, None)])
def test_a_wait_for_a_thread_of_its_own_is_not_foreign(
    machine: Machine, number: int, share: float | None
) -> None:
    """The thread of a library, or of an mp-queue, runs on the CPU of its process."""
    machine.source = ""
    put(machine.root, {"proc/10/stat": f"10 (a name) S {'0 ' * 16}{number} 0"})
    found, parts = machine.outcome(APART, Block(waits=(0.03, 0.0)))
    assert found == parts.waited == (None if share is None else pytest.approx(share))


def test_waits_that_are_usual_count_only_in_excess(machine: Machine) -> None:
    machine.source = ""
    quiet = Block(waits=(0.02, 0.0), tasks=(0.05, 0.05))
    found = [machine.outcome(APART, quiet) for _ in range(2)]
    usual = usual_share([SimpleNamespace(foreign=f, disturbance=d) for f, d in found])
    assert usual == pytest.approx(0.2)
    busy = machine.outcome(APART, Block(waits=(0.02, 0.0), tasks=(0.05, 0.09)))
    assert usual_share([SimpleNamespace(foreign=busy[0], disturbance=busy[1])]) == 0.0


def test_without_any_counter_foreign_time_is_unknown(machine: Machine) -> None:
    machine.source = ""
    machine.waits.clear()
    share, parts = machine.outcome(ANYWHERE, Block())
    assert (share, parts.others, parts.waited, parts.source) == (None, None, None, "")


@pytest.mark.parametrize("cpus", [SAME, APART, ANYWHERE])
def test_without_the_processes_own_time_foreign_time_is_unknown(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, cpus: list[list[int]]
) -> None:
    """A sandbox may show no process's clock to another one: its runs are not void for that."""
    monkeypatch.setattr(cpu_time, "process_time", lambda pid: None)
    machine.waits.clear()
    share, parts = machine.outcome(cpus, Block(tasks=(0.05, 0.05)), 20)
    assert (share, parts.others, parts.tasks) == (None, None, None)


def test_cpus_of_processes_that_are_not_pinned_count_together(machine: Machine) -> None:
    share, parts = machine.outcome(ANYWHERE, Block(tasks=(0.09, 0.05), waits=(0.09, 0.09)))
    assert (share, parts.waited) == (pytest.approx(0.2), None)


def test_pauses_on_one_cpu_are_no_foreign_time(machine: Machine) -> None:
    idle = Block(own=(0.01, 0.01), tasks=(0.0, 0.02))
    assert machine.outcome(SAME, idle, idles=True)[0] == pytest.approx(0.0)
    beside = Block(own=(0.01, 0.01), tasks=(0.0, 0.09))
    assert machine.outcome(SAME, beside, idles=True)[0] == pytest.approx(0.7)


# Quotas, and ticks.


def test_throttled_time_is_told_with_its_setting(machine: Machine) -> None:
    put(machine.root, QUOTA)
    _, parts = machine.outcome(SAME, Block(throttled=0.03), 2)
    assert (parts.throttled, parts.quota) == (pytest.approx(0.06), "cpu.max")
    assert parts.wall == pytest.approx(0.2)


def test_a_busy_process_on_one_of_several_cpus_is_not_usual(machine: Machine) -> None:
    """In the mean over all CPUs, little is left of it: 100 % of one of 24 are 4 %."""
    share, parts = machine.outcome(APART, Block(tasks=(0.05, 0.059)), 10)
    assert (share, parts.tasks) == (pytest.approx(0.09), pytest.approx(0.09))
    assert usual_share([SimpleNamespace(foreign=share, disturbance=parts)] * 2) == 0.0
    _, parts = machine.outcome(ANYWHERE, Block(tasks=(0.05, 0.059)), 10)
    assert parts.tasks == pytest.approx(0.045)


@pytest.mark.parametrize(("blocks", "known"), [(1, False), (40, True)])
def test_ticks_count_where_enough_time_has_passed(
    machine: Machine, blocks: int, known: bool
) -> None:
    block = Block(own=(0.005, 0.005), tasks=(0.0, 0.01), wall=0.01)
    _, parts = machine.outcome(SAME, block, blocks)
    assert (parts.interrupts is not None, parts.tasks is not None) == (known, known)
