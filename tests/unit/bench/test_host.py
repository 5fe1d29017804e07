"""bench.machine.host: the description of the machine, also where files are missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcbench.bench.machine import host, idle_states, topology
from ipcbench.bench.machine.host import machine
from ipcbench.bench.machine.idle_states import may_forbid_idle
from ipcbench.bench.machine.settings import interpreter, settings
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
    assert machine().identity == found.identity
    assert "\n" not in found.identity


def test_a_machine_without_any_file_is_described(bare: Path) -> None:
    found = machine()
    assert set(found.settings) <= {NICE, POLICY, "preemption"}  # from system calls
    assert found.virtualization == ""
    assert found.cpu_model  # at least its architecture
    assert found.hidden == ["CPU frequency", "which CPUs share a cache"]


def test_noise_in_its_files_is_no_error(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    found = machine()
    found.identity.encode()
    monkeypatch.setattr(host, "text_of", lambda path: "model name\t: \n:::\nflags : hypervisor")
    assert machine().virtualization.startswith("virtual machine")


# Idle states.


def test_idle_states_may_be_forbidden_or_not_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(idle_states, "IDLE_LATENCY", tmp_path / "none")
    assert may_forbid_idle() == f"{tmp_path / 'none'}: No such file or directory"
    (tmp_path / "none").touch()
    assert may_forbid_idle() == ""


def test_idle_states_are_forbidden_as_long_as_the_file_is_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "latency"
    path.touch()
    monkeypatch.setattr(idle_states, "IDLE_LATENCY", path)
    fd = idle_states.forbid_idle()
    assert path.read_bytes() == bytes(4)  # a request of 0 µs, as a 32-bit number
    assert not os.get_inheritable(fd)
    os.close(fd)
