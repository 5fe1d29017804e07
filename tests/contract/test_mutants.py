"""Tests of the contract's tests: each defective transport fails the test meant for it."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

import pytest

from tests import sampling
from tests.contract import mutants

HERE = Path(__file__).parent


OUTDATED = "has no attribute '_"  # such a mutant fails any test, without its defect
AT_ONCE = 10  # in one process
SOME = 3  # mutants in an ordinary run; `make soak` takes all


DRAWN = sampling.some(sorted(mutants.MUTANTS), SOME)


@pytest.mark.parametrize(
    "drawn", [DRAWN[first : first + AT_ONCE] for first in range(0, len(DRAWN), AT_ONCE)]
)
def test_every_mutant_is_caught(drawn: list[str], tmp_path: Path) -> None:
    """Run some at once: collection takes longer than most of the tests."""
    outcome = tmp_path / "outcome.xml"
    wanted = {name.replace(" ", "-"): mutants.MUTANTS[name][0] for name in drawn}
    nodes = [f"{HERE / 'mutants.py'}::Test-{name}::{test}" for name, test in wanted.items()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"]
    run = subprocess.run(
        [*command, f"--junitxml={outcome}", *nodes],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {mutants.SHORT_WAITS: "1"},
    )
    assert run.returncode == 1, run.stdout
    caught = {
        case.get("classname", "").rpartition(".Test-")[2]
        for case in Xml.parse(outcome).iter("testcase")
        if case.find("failure") is not None
        or any("left behind" in error.get("message", "") for error in case.iter("error"))
    }
    assert set(wanted) - caught == set(), run.stdout
    assert OUTDATED not in run.stdout, "a mutant uses a private attribute that was renamed"
