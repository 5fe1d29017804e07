"""Arms that need no building, and the refusals of specifications."""

from __future__ import annotations

import os
import sys

import pytest

from ipcbench.bench.arms.arm import Arm, ArmError
from ipcbench.bench.arms.preparing import prepare
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers.job import PROTOCOL


@pytest.fixture(autouse=True)
def safe_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variable that the command sets for its processes."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")


@pytest.fixture(scope="module")
def pair() -> tuple[Arm, Arm]:
    return prepare("env:MALLOC_ARENA_MAX=1,GREETING=one, two", "here", print)


def test_here_is_this_interpreter(pair: tuple[Arm, Arm]) -> None:
    _, head = pair
    assert (head.name, head.spec, head.executable) == ("head", "here", sys.executable)
    assert (head.version, head.protocol) == (VERSION, PROTOCOL)
    assert head.environment == dict(os.environ)
    assert head.python == sys.version.partition(" ")[0]


def test_variables_are_set_in_one_arm_alone(pair: tuple[Arm, Arm]) -> None:
    base, head = pair
    assert base.changes == {"MALLOC_ARENA_MAX": "1", "GREETING": "one, two"}
    assert base.environment == {**os.environ, **base.changes}
    assert base.executable == head.executable
    assert base.digest != head.digest


def test_the_environment_is_that_of_the_moment(
    pair: tuple[Arm, Arm], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger's variable is set after the arms are prepared."""
    monkeypatch.setenv("SET_LATER", "yes")
    assert pair[0].environment["SET_LATER"] == "yes"


@pytest.mark.parametrize(
    "spec",
    ["env:", "env:NAME", "env:1A=b", "env:A=1,A=2", "env:IPCBENCH_LEDGER=x", "env:A=\0", "x:y"],
)
def test_what_is_no_arm_is_refused_in_one_line(spec: str) -> None:
    with pytest.raises(ArmError) as refused:
        prepare("here", spec, print)
    assert "--head" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert refused.value.remedy
