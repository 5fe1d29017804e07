"""Sweeps of the command: messages at a rate, watched for long, refused, and resumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.results.records import OFFERED, REACHED, WATCHED
from ipcbench.bench.results.results import Status, load
from ipcbench.transports.native import built
from tests.e2e.command import ipcbench

RUNTIMES = ["python"] if built() else ["python", "native"]
PROFILE = f"""about = "Messages at a rate."
[run]
rounds = 2
values = 2
block = "2ms"
[[cells]]
patterns = ["paced"]
transports = ["pipe", "shm:posix+futex"]
sizes = ["64"]
placements = ["cross-core"]
runtimes = {RUNTIMES}
paces = PACES
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "paced.toml"
    path.write_text(PROFILE.replace("PACES", '["load:50", "poisson:50", "rate:2000"]'))
    return path


def test_messages_are_sent_at_the_rates_of_the_capacity(profile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    done = ipcbench("run", "--clock", "fake", "--profile", profile, "--tail", "200ms", "-o", folder)
    assert done.returncode == 0, done.stderr
    found = load(folder)
    assert found.header.settings.watch == pytest.approx(0.2)
    assert len(found.cells) == 6 * len(RUNTIMES)
    for result in found.cells.values():
        capacity, rate = result.rates
        share = {"rate": 2000 / capacity}.get(result.cell.pace.partition(":")[0], 0.5)
        assert rate == pytest.approx(share * capacity)
        assert result.status is Status.OK
        assert result.stamps == round(0.1 * rate)  # of each of two rounds
        for run in result.good:
            assert sum(run.tail.values()) == 2 * run.loops + result.stamps
            assert run.observations[OFFERED] == pytest.approx(rate, rel=0.5)
            assert run.observations[REACHED] == pytest.approx(run.observations[OFFERED])
            assert run.observations[WATCHED] == pytest.approx(0.1, rel=0.5)
    page = (folder / "report.html").read_text()
    assert 'id="paced"' in page
    assert (folder / f"figures/cells-{'-'.join(RUNTIMES)}.svg").exists()


def test_a_rate_beyond_any_capacity_has_no_figure(profile: Path, tmp_path: Path) -> None:
    profile.write_text(PROFILE.replace("PACES", '["rate:10000000"]'))
    done = ipcbench(
        *("run", "--profile", profile, "--keep-disturbed", "-t", "pipe", "--runtime", "python"),
        *("-o", tmp_path / "run"),
    )
    assert "Traceback" not in done.stderr
    (result,) = load(tmp_path / "run").cells.values()
    reason = "messages a second of 10,000,000, less than 98 %"
    assert result.good == []  # where other processes have its CPUs, it is void, and else it fails
    assert result.runs or result.failures
    assert all(reason in one.what for one in result.failures)
    assert {one.who for one in result.failures} <= {"the sender"}
    page = (tmp_path / "run/report.html").read_text()
    assert not result.failures or "ask for a lower rate or load" in page


def test_a_stopped_sweep_keeps_its_rates(profile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    sweep = ("run", "--clock", "fake", "--profile", profile, "-t", "pipe", "--runtime", "python")
    assert ipcbench(*sweep, "-o", folder).returncode == 0
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if b'"kind":"round"' in line)
    journal.write_bytes(b"".join(lines[: first + 1]))
    rates = {identity: result.rates for identity, result in load(folder).cells.items()}
    assert all(capacity > 0 and rate > 0 for capacity, rate in rates.values())
    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    again = load(folder)
    assert {identity: result.rates for identity, result in again.cells.items()} == rates
    for result in again.cells.values():
        assert {run.round for run in result.good} == {1, 2}
        offered = {run.round: run.observations[OFFERED] for run in result.good}
        assert offered[2] == pytest.approx(offered[1], rel=0.6)  # at random it varies


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["pipe", "--pattern", "paced", "--pace", "closed"],
            "paced sends at a rate, such as load:50",
        ),
        (
            ["pipe", "--pattern", "stream", "--pace", "load:50"],
            "a closed loop, which sends at no rate",
        ),
        (["--pattern", "paced", "--pace", "load:0"], "is no pace: write closed"),
        (["--pattern", "stream", "--tail", "60s"], "--tail watches the cells of the pattern paced"),
    ],
)
def test_what_has_no_schedule_is_refused_in_one_line(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    done = ipcbench("run", "--profile", "smoke", *arguments, "-o", tmp_path / "run")
    assert done.returncode != 0
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
