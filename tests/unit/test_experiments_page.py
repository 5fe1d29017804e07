"""The page about the experiments names each of them, and their figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ipcbench.bench.experiments.memory import map_keeps, segment_life
from ipcbench.bench.experiments.pipes import pipe_deadlock, pipe_multiplex
from ipcbench.bench.experiments.queues import queue_types, what_stays
from ipcbench.bench.experiments.table import EXPERIMENTS, Experiment

TEXT = (Path(__file__).parents[2] / "docs/experiments.md").read_text()
NAMED = set(re.findall(r"`([^`]+)`", TEXT))


@pytest.mark.parametrize("one", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_each_experiment_has_its_row(one: Experiment) -> None:
    statements = ", ".join(f"`{name}`" for name in one.statements)
    assert f"| `{one.name}` | {one.question} | {statements} |" in TEXT.splitlines()
    assert re.search(f"^## .*`{one.name}`", TEXT, re.MULTILINE)


@pytest.mark.parametrize(
    "one", [segment_life, map_keeps, pipe_deadlock, pipe_multiplex, queue_types, what_stays]
)
def test_its_figures_are_described(one: object) -> None:
    """By their whole name, or with FACILITY in place of the last part."""
    found = one.EXPERIMENT.play()  # type: ignore[attr-defined]
    for name in found.figures:
        assert {name, f"{name.rpartition(', ')[0]}, FACILITY"} & NAMED, name
