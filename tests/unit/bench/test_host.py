"""bench.machine.host: the description of the machine, also where files are missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcbench.bench.machine import host, interpreter, settings, topology
from ipcbench.bench.machine.host import Ticks, machine, may_forbid_idle, ticks
from ipcbench.bench.results.slowdowns import NICE, POLICY


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with an empty /sys and /proc, and an interpreter that does not answer."""
    monkeypatch.setattr(topology, "DEVICES", tmp_path)
    monkeypatch.setattr(host, "DEVICES", tmp_path)
    monkeypatch.setattr(host, "text_of", lambda path: "")
    for name in ("SYS", "PROC"):
        monkeypatch.setattr(settings, name, tmp_path)
    monkeypatch.setattr(interpreter, "of_workers", dict)
    return tmp_path


# The machine.


def test_the_machine_is_described() -> None:
    found = machine()
    assert found.hostname
    assert found.cpus == sorted(os.sched_getaffinity(0))
    assert found.cpus_online >= len(found.cpus)
    assert found.memory_bytes > 1 << 20
    assert all(found.settings.values())
    assert machine().fingerprint == found.fingerprint
    assert "\n" not in found.fingerprint


def test_a_machine_without_any_file_is_described(bare: Path) -> None:
    found = machine()
    assert set(found.settings) <= {NICE, POLICY, "preemption"}  # from system calls
    assert found.virtualization == ""
    assert found.cpu_model  # at least its architecture
    assert found.hidden == ["CPU frequency", "which CPUs share a cache"]


def test_noise_in_its_files_is_no_error(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    found = machine()
    found.fingerprint.encode()
    monkeypatch.setattr(host, "text_of", lambda path: "model name\t: \n:::\nflags : hypervisor")
    assert machine().virtualization.startswith("virtual machine")


# Idle states.


def test_idle_states_may_be_forbidden_or_not_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host, "IDLE_LATENCY", tmp_path / "none")
    assert may_forbid_idle() == f"{tmp_path / 'none'}: No such file or directory"
    (tmp_path / "none").touch()
    assert may_forbid_idle() == ""


def test_idle_states_are_forbidden_as_long_as_the_file_is_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "latency"
    path.touch()
    monkeypatch.setattr(host, "IDLE_LATENCY", path)
    fd = host.forbid_idle()
    assert path.read_bytes() == bytes(4)  # a request of 0 µs, as a 32-bit number
    assert not os.get_inheritable(fd)
    os.close(fd)


# Steal.


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        (Ticks(0, 0), Ticks(100, 5), 0.05),
        (Ticks(0, 0), Ticks(1, 1), 1.0),
        (Ticks(1000, 50), Ticks(1100, 50), 0.0),
        (Ticks(1000, 50), Ticks(1000, 50), 0.0),  # no tick has passed
        (Ticks(1000, 50), Ticks(1010, 60), 1.0),
    ],
)
def test_the_share_of_stolen_time(before: Ticks, after: Ticks, share: float) -> None:
    assert after.steal_since(before) == pytest.approx(share)


@pytest.mark.parametrize(
    ("line", "total", "steal"),
    [
        # user nice system idle iowait irq softirq steal guest guest_nice: proc_stat(5)
        ("cpu  1 2 3 4 5 6 7 8 9 10", 36, 8),  # guest time is in user time already
        ("cpu  1 2 3 4 5 6 7 8", 36, 8),
        ("cpu  1 2 3 4", 10, 0),  # an old kernel, which does not count steal
        ("", 0, 0),
    ],
)
def test_ticks_are_of_all_cpus(
    monkeypatch: pytest.MonkeyPatch, line: str, total: int, steal: int
) -> None:
    monkeypatch.setattr(host, "text_of", lambda path: f"{line}\ncpu0 9 9 9 9 9 9 9 9 9 9")
    assert ticks() == Ticks(total, steal)


def test_ticks_go_forward() -> None:
    before = ticks()
    assert before.total > before.steal >= 0
    assert 0 <= ticks().steal_since(before) <= 1
