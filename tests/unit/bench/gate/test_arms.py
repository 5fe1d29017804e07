"""Arms that need no building, and the refusals of specifications."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.arms.arm import Arm, ArmError
from ipcbench.bench.arms.checks import check_here
from ipcbench.bench.arms.description import ask
from ipcbench.bench.arms.making import Made
from ipcbench.bench.arms.preparing import prepare
from ipcbench.bench.arms.specs import AtRevision, PluginFile, Release, parsed
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers.job import PROTOCOL


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set the variable that the command sets for its processes; keep no arm elsewhere."""
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


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


def test_a_bare_word_is_a_revision() -> None:
    assert parsed("base", "main") == parsed("base", "rev:main") == AtRevision("main")
    assert parsed("base", "rev:here") == AtRevision("here")
    assert parsed("base", "feature/env") == AtRevision("feature/env")


def test_plugins_by_version_and_by_path(tmp_path: Path) -> None:
    assert parsed("base", "plugin:a_b.c==1.2rc1+local") == Release(
        "a_b.c==1.2rc1+local", "a_b.c", "1.2rc1+local"
    )
    assert parsed("base", f"plugin:{tmp_path}") == PluginFile(tmp_path)
    for spec in ("plugin:a==1.*", "plugin:a>=1", "plugin:a", "plugin:--index==1", "plugin:a==1;b"):
        with pytest.raises(ArmError, match="no NAME==VERSION"):
            parsed("base", spec)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("python:/nowhere/python", "/nowhere/python is no program"),
        ("python:nowhere-python", "nowhere-python is no program"),
        ("python:/bin/false", "it exits with 1"),
        ("plugin:/nowhere/a.whl", "/nowhere/a.whl does not exist"),
        ("plugin:.", "no pyproject.toml"),
        ("main", "no git repository"),
    ],
)
def test_what_cannot_be_prepared_is_refused_in_one_line(
    spec: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArmError, match=reason) as refused:
        prepare(spec, "here", print)
    assert str(refused.value).startswith(f"base ({spec}): ")
    assert len(str(refused.value).splitlines()) == 1
    assert refused.value.remedy


def fake(place: Path, body: str) -> str:
    """Write a program in the place of an interpreter; return its specification."""
    program = place / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return f"python:{program}"


def answer(**more: object) -> str:
    found = {"python": "3.99 (main)", "prefix": "/", "failure": "", "version": "0.9",
             "package": "/p", "protocol": PROTOCOL, "native": "", "code": "1", "newer": "",
             "plugins": []}  # fmt: skip
    return f"echo 'hello from sitecustomize'; echo '{json.dumps(found | more)}'"


def test_an_interpreter_is_described_by_itself(tmp_path: Path) -> None:
    base, head = prepare(fake(tmp_path, answer()), "here", print)
    assert (base.version, base.python, base.package) == ("0.9", "3.99", "/p")
    assert "ipcbench 0.9, Python 3.99" in base.described
    assert base.digest != head.digest


def test_what_python_reads_is_not_handed_to_another_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    notes: list[str] = []
    spec = fake(tmp_path, f'[ -z "$PYTHONPATH" ] || exit 1\n{answer()}')
    base, _ = prepare(spec, "here", notes.append)
    assert "PYTHONPATH" not in base.environment
    assert any("without PYTHONPATH" in note for note in notes)


@pytest.mark.parametrize(
    ("told", "reason", "remedy"),
    [
        ({"protocol": PROTOCOL - 1}, f"version {PROTOCOL - 1} of the protocol", "the same one"),
        ({"failure": "ModuleNotFoundError: no x"}, "no ipcbench.*ModuleNotFoundError", "install"),
    ],
)
def test_an_arm_that_cannot_be_played_is_refused(
    told: dict[str, object], reason: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(ArmError, match=reason) as refused:
        prepare("here", fake(tmp_path, answer(**told)), print)
    assert remedy in refused.value.remedy
    assert len(str(refused.value).splitlines()) == 1


def test_an_answer_that_is_none_is_refused(tmp_path: Path) -> None:
    for body in ("echo nonsense", "echo '{\"python\": 1}'", "printf '\\377'", "exit 3"):
        with pytest.raises(ArmError, match="does not say which ipcbench it has"):
            prepare(fake(tmp_path, body), "here", print)


def test_sources_newer_than_what_is_compiled_are_reported(tmp_path: Path) -> None:
    notes: list[str] = []
    found = ask(sys.executable, os.environ)
    here = msgspec.structs.replace(found, newer="/p/ring.c")
    check_here("head", here, Made("x", "x"), notes.append)
    (note,) = notes
    assert note.startswith("head: /p/ring.c is newer than what is compiled of it")
