"""bench.sweep.fitness.at_start: one to three lines at the start of a sweep, in no time."""

from __future__ import annotations

import time

import pytest

from ipcbench.bench.machine import others
from ipcbench.bench.machine.others import Busy, Look, Others
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.sweep.fitness import at_start
from ipcbench.bench.sweep.fitness.at_start import MOST, AtStart
from tests.synthetic import machine


def lines(
    monkeypatch: pytest.MonkeyPatch,
    found: Others,
    here: MachineInfo | None = None,
    *,
    keep: bool = False,
) -> list[str]:
    monkeypatch.setattr(others, "between", lambda *_: found)
    monkeypatch.setattr(at_start, "SHORTEST", 0.0)
    return AtStart().lines(here or machine(), keep_disturbed=keep)


def test_a_quiet_machine_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines(monkeypatch, Others(0.01, 0.0, ())) == []


def test_other_processes_are_named_with_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = lines(monkeypatch, Others(0.9, 0.0, (Busy(9, "x", 0.8),)))
    assert line == (
        "other processes: they take 90 % of a CPU, most of it x (process 9, 80 % of a CPU); runs "
        "that they disturb are void, and retaken: stop other programs, these first: ps -fp 9 "
        "shows them"
    )
    (kept,) = lines(monkeypatch, Others(0.9, 0.0, (Busy(9, "x", 0.8),)), keep=True)
    assert "runs that they disturb count, as --keep-disturbed asks: stop" in kept


def test_settings_that_matter_have_a_line_each_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = machine()
    here.settings.update({"governor": "powersave", "CPU quota": "1.5 CPUs (cpu.max)", "nice": "5"})
    here.cpus[:] = [0]
    found = lines(monkeypatch, Others(0.0, 0.2, ()), here)
    assert len(found) == MOST
    assert found[0].startswith("steal: the hypervisor takes 20 % of a CPU")  # the worst first
    assert found[1].startswith("CPUs: one may be used")
    assert found[-1].endswith("(2 more: ipcbench doctor)")


def test_the_checks_delay_a_sweep_by_less_than_half_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(at_start.time, "sleep", slept.append)
    AtStart().lines(machine(), keep_disturbed=False)
    assert sum(slept) <= at_start.SHORTEST
    slept.clear()
    monkeypatch.setattr(others, "look", lambda: Look(time.monotonic() - 1.0, {}, {}))
    AtStart().lines(machine(), keep_disturbed=False)  # planning has taken a second
    assert slept == []
