"""The experiments of a run, as the command line chooses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.results.results import load
from tests.e2e.command import ipcbench

PROFILE = """
about = "All experiments, and one cell."
run = { rounds = 1, values = 1, warmups = 0, block = "1ms", stamps = 0, experiments = %s }

[[cells]]
patterns = ["latency"]
transports = ["null"]
sizes = ["64"]
placements = ["same-core"]
"""
ONE = "lost-updates"


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ((), list(EXPERIMENTS)),
        (("--no-experiments",), []),
        (("--experiment", ONE), [ONE]),
        (("--experiment", "pipe-*", "--experiment", ONE), [ONE, "pipe-deadlock", "pipe-multiplex"]),
        (("-s", "64"), []),
        (("-s", "64", "--experiment", ONE), [ONE]),
    ],
    ids=" ".join,
)
def test_options_choose_the_experiments(
    tmp_path: Path, options: tuple[str, ...], wanted: list[str]
) -> None:
    profile = tmp_path / "all.toml"
    profile.write_text(PROFILE % '["*"]')
    folder = tmp_path / "run"
    done = ipcbench(
        "run", "--profile", profile, "--clock", "fake", *options, "-o", folder, "--json"
    )
    assert done.returncode == 0, done.stderr
    results = load(folder)
    assert results.header.experiments == wanted
    assert list(results.observations) == wanted
    counts = {"skipped": len(wanted)} if wanted else {}
    assert json.loads(done.stdout)["experiments"] == counts


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ('["*"]', ("--experiment", "lost-update"), "did you mean 'lost-updates'?"),
        ('["*"]', ("--experiment", ONE, "--no-experiments"), "leave one of them out"),
        ('["no-such-*"]', (), "unknown experiment 'no-such-*'"),
        ("3", (), "experiments"),
    ],
)
def test_a_wrong_choice_is_refused_in_one_line(
    tmp_path: Path, names: str, options: tuple[str, ...], message: str
) -> None:
    profile = tmp_path / "all.toml"
    profile.write_text(PROFILE % names)
    done = ipcbench("run", "--profile", profile, *options, "-o", tmp_path / "run")
    assert done.returncode not in (0, 1)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()
