"""Store of selftests: this machine's, and the reasons why another one is not used."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from ipcbench.bench.commands.selftest import could_see
from ipcbench.bench.loops.clock import REAL
from ipcbench.bench.results.comparison.selftest import SelftestResult
from ipcbench.bench.selftest import result as result_module
from ipcbench.bench.selftest import store
from ipcbench.bench.selftest.judging import GateRun
from ipcbench.bench.selftest.store import Found, StoreError, keep, newest, place
from tests.unit.bench.selftest import results
from tests.unit.bench.selftest.results import ENDED, fingerprint, gate_run

TODAY = datetime.fromisoformat(ENDED) + timedelta(days=1)


def result(runs: list[GateRun]) -> SelftestResult:
    return results.result(runs, sights=False)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_result_is_kept_for_its_machine(tmp_path: Path, home: Path) -> None:
    here = fingerprint()
    assert newest(here).why == newest(None).why == "this machine has no selftest: ipcbench selftest"
    found = result([gate_run(tmp_path, 1, [0.05, 0.10])])
    assert keep(found) == ""
    assert newest(here, TODAY).result == found
    assert place(here) == home / "ipcbench/selftest" / f"{here.key}.json"
    other = structs.replace(here, cpu_model="another")
    assert newest(other).result is None


@pytest.mark.parametrize(
    ("changes", "today", "why"),
    [
        ({"version": "0.0.1"}, TODAY, "is of ipcbench 0.0.1, this is"),
        ({}, TODAY + timedelta(days=90), "is 91 days old"),
        ({"ended": "yesterday"}, TODAY, "has no date"),
        (
            {"fingerprint": structs.replace(fingerprint(), system_call=2e-7)},
            TODAY,
            "is not of this machine (a system call took 200 ns, takes 100 ns)",
        ),
    ],
)
def test_an_old_or_a_foreign_result_is_not_used(
    changes: dict[str, object], today: datetime, why: str, tmp_path: Path
) -> None:
    keep(structs.replace(result([gate_run(tmp_path, 1, [0.05])]), **changes))
    found = newest(fingerprint(), today)
    assert found.result is None
    assert why in found.why
    assert found.why.endswith(": ipcbench selftest")


def test_a_damaged_result_is_said(tmp_path: Path) -> None:
    keep(result([gate_run(tmp_path, 1, [0.05])]))
    path = place(fingerprint())
    assert path is not None
    path.write_bytes(b"{")
    assert "cannot be read" in newest(fingerprint()).why


def test_a_smaller_result_replaces_no_larger_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now().astimezone().isoformat()
    large = structs.replace(result([gate_run(tmp_path, n, [0.05]) for n in (1, 2)]), ended=now)
    small = structs.replace(result([gate_run(tmp_path, 3, [0.05])]), ended=now)
    assert keep(small) == keep(large) == ""
    assert "a larger selftest of this machine stays in use" in keep(small)
    assert newest(fingerprint()).result == large
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/1/none")
    with pytest.raises(StoreError, match="cannot be kept"):
        keep(small)


def test_a_verdict_of_another_bound_has_no_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = gate_run(tmp_path, 1, [0.05, 0.10])
    kept = Found(results.result([run], sights=False))
    monkeypatch.setattr(store, "newest", lambda fingerprint: kept)
    compared = run.comparison
    compared.header.clock = REAL
    assert "0 false alarms in " in could_see(compared)
    assert "bound" not in could_see(compared)
    first, *more = compared.measured
    first.delta = 0.2
    assert could_see(compared).endswith("a bound of 5.0 %, and 1 of these cells have others")
    for one in more:
        one.delta = 0.2
    assert could_see(compared) == (
        "the selftest of this machine has a bound of 5.0 %, and these cells have others: what "
        "could have been seen is not known"
    )


def test_a_selftest_that_is_judged_again_stays_old(tmp_path: Path) -> None:
    run = gate_run(tmp_path, 1, [])
    assert result_module._ended(run) == "2026-11-22T12:00:40+01:00"
    run.comparison.header.started = "some time"
    assert result_module._ended(run) == "some time"
