"""Resumption of a selftest: on the same machine, by the same version, with the same cells."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec import structs

from ipcbench.bench.errors import SweepError
from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.machine import host
from ipcbench.bench.plan.options import Options
from ipcbench.bench.results.journal import Unreadable
from ipcbench.bench.selftest import selftest
from ipcbench.bench.selftest.records import SELFTEST, SelftestHeader, load
from ipcbench.bench.version import VERSION
from tests.unit.bench.selftest.results import fingerprint


def header(**changes: Any) -> SelftestHeader:
    machine = host.machine()
    found = SelftestHeader(
        schema=1, version=VERSION, started="now", command=[], seed=1, runs=1, budget=None,
        each=180.0, profile="gate", options=Options(), delta=0.05, clock=FAKE, machine=machine,
        fingerprint=fingerprint(), plan="0" * 16,
    )  # fmt: skip
    return structs.replace(found, **changes)


def folder_with(found: SelftestHeader, folder: Path) -> Path:
    (folder / SELFTEST.name).write_bytes(msgspec.json.encode(found) + b"\n")
    return folder


def resume(folder: Path, plan: str = "0" * 16) -> None:
    planned: Any = SimpleNamespace(
        plan=SimpleNamespace(digest=lambda: plan, cells=[]), settings=None
    )
    selftest.resume(folder, ["ipcbench"], lambda header: planned, lambda: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"version": "0.0.1"}, f"it is of ipcbench 0.0.1, this is {VERSION}: start a new one"),
        ({"cpus_online": 4096}, "it is of another machine: start a new one"),
        ({"hostname": "elsewhere"}, "it is of another host: start a new one"),
        ({"clock": "a sundial"}, "its clock is unknown"),
        ({"plan": "1" * 16}, "its cells would be others: start a new one"),
    ],
)
def test_another_one_is_refused_and_left_as_it_is(
    changes: dict[str, Any], what: str, tmp_path: Path
) -> None:
    machine = host.machine()
    own = {name: changes.pop(name) for name in [*changes] if hasattr(machine, name)}
    folder = folder_with(header(machine=structs.replace(machine, **own), **changes), tmp_path)
    before = (folder / SELFTEST.name).read_bytes()
    with pytest.raises(SweepError, match=what):
        resume(folder)
    assert (folder / SELFTEST.name).read_bytes() == before


def test_more_runs_than_a_selftest_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="jsonl:1: over 1000 runs, more than a selftest has"):
        load(folder_with(header(runs=10**9), tmp_path))


@pytest.mark.parametrize("delta", [0.0, 1e9])
def test_an_impossible_bound_is_refused(delta: float, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="delta"):
        load(folder_with(header(delta=delta), tmp_path))
