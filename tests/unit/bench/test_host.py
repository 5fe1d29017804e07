"""bench.machine.host: the description of the machine, also where files are missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.machine import host
from ipcbench.bench.machine.host import (
    Cpu,
    Ticks,
    cpu_list,
    machine,
    may_forbid_idle,
    ticks,
    topology,
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with an empty /sys and /proc."""
    monkeypatch.setattr(host, "_SYS", tmp_path)
    monkeypatch.setattr(
        host, "_SETTINGS", {key: tmp_path / str(n) for n, key in enumerate(host._SETTINGS)}
    )
    real = host._text
    monkeypatch.setattr(host, "_text", lambda path: real(path) if tmp_path in path.parents else "")
    return tmp_path


# CPUs.


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("", []),
        ("0", [0]),
        ("0-2,5", [0, 1, 2, 5]),
        ("0,4", [0, 4]),
        ("0-1,8-9", [0, 1, 8, 9]),
        ("63", [63]),
        ("0-0", [0]),
        ("3,", [3]),
    ],
)
def test_a_list_of_cpus(text: str, cpus: list[int]) -> None:
    assert cpu_list(text) == cpus


@given(cpus=st.sets(st.integers(0, 1000)))
def test_a_list_of_cpus_is_read_as_it_was_written(cpus: set[int]) -> None:
    ordered = sorted(cpus)
    assert cpu_list(",".join(map(str, ordered))) == ordered
    starts = [cpu for cpu in ordered if cpu - 1 not in cpus]
    ends = [cpu for cpu in ordered if cpu + 1 not in cpus]
    spans = [f"{a}-{b}" if a < b else f"{a}" for a, b in zip(starts, ends, strict=True)]
    assert cpu_list(",".join(spans)) == ordered


def test_the_topology_is_of_the_cpus_that_we_may_use() -> None:
    cpus = topology()
    assert [cpu.number for cpu in cpus] == sorted(os.sched_getaffinity(0))
    assert all(cpu.number in cpu.core for cpu in cpus)
    assert all(cpu.number in cpu.shares_cache_with for cpu in cpus)


def test_fewer_cpus_may_be_used_than_there_are(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {1, 5})
    for number in (1, 5):
        folder = bare / f"cpu{number}"
        (folder / "topology").mkdir(parents=True)
        (folder / "topology/thread_siblings_list").write_text("1,5\n")
        (folder / "cache/index3").mkdir(parents=True)
        (folder / "cache/index3/shared_cpu_list").write_text("0-7\n")
    shared = tuple(range(8))
    assert topology() == [Cpu(1, (1, 5), shared), Cpu(5, (1, 5), shared)]


def test_hidden_cpus_are_cores_that_share_a_cache(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {2, 0})
    assert topology() == [Cpu(0, (0,), (0, 2)), Cpu(2, (2,), (0, 2))]


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
    assert found.settings == {}
    assert found.virtualization == ""
    assert found.cpu_model  # at least its architecture
    assert found.hidden == ["CPU frequency", "which CPUs share a cache"]


def test_noise_in_its_files_is_no_error(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    for path in host._SETTINGS.values():
        path.write_bytes(b"\xff\xfe\x00 noise")
    found = machine()
    assert len(found.settings) == len(host._SETTINGS)
    found.fingerprint.encode()
    monkeypatch.setattr(host, "_text", lambda path: "model name\t: \n:::\nflags : hypervisor")
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
    monkeypatch.setattr(host, "_text", lambda path: f"{line}\ncpu0 9 9 9 9 9 9 9 9 9 9")
    assert ticks() == Ticks(total, steal)


def test_ticks_go_forward() -> None:
    before = ticks()
    assert before.total > before.steal >= 0
    assert 0 <= ticks().steal_since(before) <= 1
