"""`ipcbench check --baseline`, and the promises that no run decides, from the user's side."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcbench.bench.results.entries.fingerprint import fingerprint_of
from ipcbench.bench.results.journal import NAME
from ipcbench.bench.results.results import load
from tests import synthetic
from tests.e2e.command import ipcbench

SMOKE = ("--clock", "fake", "--profile", "smoke", "--pattern", "latency", "--runtime", "python")
CELLS = 'cells = { transport = "pipe", size = 64, placement = "same-core" }'
BASELINE = f'[[promise]]\nname = "as ever"\n{CELLS}\nof_baseline_at_most = "1.1x"\n'
CHANGE = f'[[promise]]\nname = "no change"\n{CELLS}\nslower_by_at_most = "5%"\n'
COMPARE = "ipcbench compare --base REVISION --thresholds t.toml"


def test_a_run_is_checked_against_a_stored_one(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(BASELINE + CHANGE)
    run = ("run", *SMOKE, "--promised", "t.toml", "--rounds", "6", "-o", "now")
    done = ipcbench(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    notes = done.stderr.splitlines()
    assert "decided beside a stored run: 'as ever': ipcbench check --baseline DIR" in notes
    assert f"not decided by a run: 'no change': {COMPARE}" in notes
    found = load(tmp_path / "now")
    measured = [one.cell.id for one in found.ok() if not one.cell.is_control]
    assert measured == ["latency/pipe/python/64B/2p/same-core"]
    assert found.header.fingerprint is not None
    assert found.header.fingerprint.cpu_model == found.header.machine.cpu_model
    shutil.copytree(tmp_path / "now", tmp_path / "stored")
    check = ("check", "now", "--thresholds", "t.toml")
    done = ipcbench(*check, "--baseline", "stored", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "as ever" in done.stdout
    assert COMPARE in done.stdout
    without = ipcbench(*check, cwd=tmp_path)  # nothing is decided
    assert without.returncode == 3
    assert "--baseline DIR" in without.stdout


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two runs of machines of one name, the second one twice as slow."""
    for name, factor in (("stored", 1), ("now", 2)):
        made = synthetic.sweep(
            lambda *axes, factor=factor: 1e-6 * factor,  # type: ignore[misc]
            synthetic.cells(["pipe"], sizes=[64]),
            twins=synthetic.cells(["pipe"], sizes=[64]),
        )
        made.header.fingerprint = fingerprint_of(made.header.machine, 1e-7 * factor, 1e-6)
        synthetic.write_journal(made, tmp_path / name)
    (tmp_path / "t.toml").write_text(BASELINE)
    return tmp_path


def test_another_machine_is_refused_unless_the_check_is_advice(folders: Path) -> None:
    check = ("check", "now", "--thresholds", "t.toml", "--baseline", "stored")
    done = ipcbench(*check, cwd=folders)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(
        "Error: stored: no baseline for this run: a system call took 100 ns, takes 200 ns: measure"
    )
    assert done.stderr.count("\n") == 1
    done = ipcbench(*check, "--advisory", cwd=folders)
    assert done.returncode == 0, done.stderr
    assert "broken (1 advisory)" in " ".join(done.stdout.split())
    assert "advisory: it does not count for the exit code" in done.stdout


@pytest.mark.parametrize(
    ("options", "text", "said"),
    [
        (["--advisory"], BASELINE, "--advisory: name the stored run with --baseline DIR"),
        (["--baseline", "stored"], CHANGE, "t.toml has no promise about one: write `cells` and"),
        (["--baseline", "now"], BASELINE, "--baseline: now is the run itself: name another one"),
        (["--baseline", "."], BASELINE, f". holds no run: it has no {NAME}"),
        (["--baseline", "stored"], BASELINE.replace('"pipe"', '"pip"'), 'there is "pipe"'),
    ],
)
def test_what_a_baseline_cannot_decide_is_refused_in_one_line(
    folders: Path, options: Sequence[str], text: str, said: str
) -> None:
    (folders / "t.toml").write_text(text)
    done = ipcbench("check", "now", "--thresholds", "t.toml", "--advisory", *options, cwd=folders)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "text", "said"),
    [
        ([], CHANGE, f"t.toml: not decided by a run: 'no change': {COMPARE}"),
        (
            ["--until-decided"],
            BASELINE,
            "no ratio that a run goes on for: leave --until-decided out",
        ),
        ([], BASELINE + 'machines = ["no such CPU"]', "made on other machines than this one"),
    ],
)
def test_a_run_that_would_decide_nothing_is_refused(
    tmp_path: Path, options: Sequence[str], text: str, said: str
) -> None:
    (tmp_path / "t.toml").write_text(text)
    done = ipcbench("run", *SMOKE, "--promised", "t.toml", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["t.toml"]
