"""bench.sweep.fitness.examination: what `doctor` says of cores, placements and settings."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ipcbench.bench.commands.listing.axes import placements
from ipcbench.bench.machine import host
from ipcbench.bench.machine.topology import Cpu, Kind
from ipcbench.bench.plan.placement import Site
from ipcbench.bench.results.axes import PLACEMENTS
from ipcbench.bench.results.severity import Severity
from ipcbench.bench.sweep import candidates
from ipcbench.bench.sweep.fitness import examination as fitness
from ipcbench.bench.sweep.fitness.finding import Finding
from tests.synthetic import machine

FAST, SLOW = Kind(0, "performance cores"), Kind(1, "efficiency cores")


def by_topic(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {one.topic: one for one in findings}


def placed(monkeypatch: pytest.MonkeyPatch, *kinds: Kind, idle: str = "") -> dict[str, Finding]:
    every = tuple(range(len(kinds)))
    cpus = [Cpu(number, (number,), every, kind) for number, kind in enumerate(kinds)]
    monkeypatch.setattr(fitness, "site", lambda: Site(cpus, idle))
    return by_topic(fitness._placements())


def test_placements_name_their_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    found = placed(monkeypatch, Kind(), Kind(), idle="/dev/cpu_dma_latency: no")
    assert found["same-core"].text == "2 processes on CPU 1"
    assert found["cross-core"].text == "2 processes on CPUs 1 and 0"
    assert found["cross-core-awake"].severity is Severity.WARNING
    assert "cores" not in found


def test_the_kind_of_core_that_is_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = placed(monkeypatch, FAST, FAST, SLOW, SLOW)
    assert found["cores"].severity is Severity.OK
    assert found["cores"].text == (
        "pinned processes use performance cores, and no efficiency cores"
    )
    assert found["cross-core"].text == "2 processes on CPUs 1 and 0 (performance cores)"


def test_slow_cores_alone_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = placed(monkeypatch, SLOW, SLOW)
    assert found["cores"].severity is Severity.WARNING
    assert "faster cores" in found["cores"].text
    assert "taskset" in found["cores"].remedy


def told(monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, Finding]:
    found = machine()
    monkeypatch.setattr(host, "machine", lambda: found)
    found.settings.update(settings)
    return by_topic(fitness._settings())


def test_a_setting_that_makes_calls_dear_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, seccomp="1 filter", PYTHONMALLOC="debug", nice="0")
    for topic in ("seccomp", "PYTHONMALLOC"):
        assert found[topic].severity is Severity.WARNING
        assert found[topic].remedy
    assert found["nice"].severity is Severity.OK


def test_other_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, mitigations="meltdown: PTI", preemption="full")
    assert (found["mitigations"].text, found["preemption"].text) == ("meltdown: PTI", "full")
    assert {one.severity for one in found.values()} == {Severity.OK}


def test_the_placements_are_listed_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    cpus = [
        Cpu(number, (number,), (0, 1, 2), kind) for number, kind in enumerate((FAST, FAST, SLOW))
    ]
    monkeypatch.setattr(candidates, "site", lambda: Site(cpus, "/dev/cpu_dma_latency: no"))
    found = {entry["name"]: entry for entry in placements()}
    assert list(found) == list(PLACEMENTS)
    assert all(entry["meaning"] for entry in found.values())
    assert found["same-core"]["here"] == "2 processes on CPU 1 (performance cores)"
    assert found["unpinned"]["here"] == (
        "2 processes on CPUs 0, 1 and 2 (performance cores, efficiency cores)"
    )
    assert not found["cross-core-awake"]["available"]
