"""Installation of a project in an arm: without the network first, then with it."""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Mapping, Sequence
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from ipcbench.bench.arms import making
from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.cache import Entry
from ipcbench.bench.arms.environments import Environment, behind, identity
from ipcbench.bench.arms.making import Made, Maker
from ipcbench.bench.arms.programs import Failed, Programs
from ipcbench.bench.arms.specs import Release

TOO_OLD = """
  Getting requirements to build wheel did not run successfully.
      configuration error: `tool.setuptools` must not contain {'ext-modules'} properties
"""
NO_NETWORK = "ERROR: No matching distribution found for setuptools>=77"


class Pip(Programs):
    """Programs that fail one after the other, and then succeed."""

    def __init__(self, *failures: str) -> None:
        super().__init__()
        self.failures = list(failures)
        self.commands: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []

    def run(  # type: ignore[override]
        self, command: Sequence[str | Path], *, environment: Mapping[str, str], **_: object
    ) -> str:
        self.commands.append(list(map(str, command)))
        self.environments.append(environment)
        if self.failures:
            raise Failed(self.failures.pop(0))
        return ""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def isolated(pip: Pip) -> list[bool]:
    return ["--no-build-isolation" not in command for command in pip.commands]


def test_a_build_tool_that_is_too_old_is_downloaded() -> None:
    """A new environment of Python 3.11 has setuptools 65."""
    pip = Pip(TOO_OLD)
    Environment(pip, Entry("key")).install("source")
    assert isolated(pip) == [False, True]


@pytest.mark.parametrize(
    ("failures", "reason"),
    [
        ((TOO_OLD, NO_NETWORK), "must not contain"),
        ((NO_NETWORK, NO_NETWORK), "No matching distribution"),
        ((TOO_OLD, "ValueError: no name"), "ValueError: no name"),
        (("part.c:3:2: error: expected",), "part.c:3:2: error: expected"),
    ],
)
def test_the_failure_that_says_more_is_reported(failures: tuple[str, ...], reason: str) -> None:
    entry = Entry("key")
    with pytest.raises(ArmError, match=reason):
        Environment(Pip(*failures), entry).install("source")
    assert all(each in entry.log.read_text() for each in failures)


def test_a_build_of_a_hook_does_not_see_its_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/.git/index")
    pip = Pip()
    Environment(pip, Entry("key")).install("source")
    (environment,) = pip.environments
    assert not {"GIT_DIR", "GIT_INDEX_FILE"} & set(environment)


@pytest.mark.parametrize("flag", ["CFLAGS", "CXXFLAGS", "CMAKE_ARGS"])
def test_other_flags_are_another_build(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity()
    monkeypatch.setenv(flag, "-O3")
    assert identity() != before


def test_an_isolated_build_has_its_own_tools(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of the running environment are behind the arm, and pip appends the others."""
    entry = Entry("key")
    arm = Environment(Programs(), entry)
    arm.make()
    tools = tmp_path / "pip-build-env-1/site"
    tools.mkdir(parents=True)
    command = [arm.python, "-c", "import sys; print(*sys.path, sep='\\n')"]
    paths = [
        set(subprocess.run(command, env=env, check=True, capture_output=True, text=True)
            .stdout.splitlines())
        for env in ({}, {"PYTHONPATH": str(tools)})
    ]  # fmt: skip
    sites = set(behind()[1])
    assert sites <= paths[0]
    assert not sites & paths[1]


def made(monkeypatch: pytest.MonkeyPatch, folder: Path, origin: str) -> list[str]:
    """Make the arm of a version that is installed here, from that origin; return the notes."""
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (folder / "direct_url.json").write_text(origin)
    monkeypatch.setattr(making, "distribution", lambda name: PathDistribution(folder))
    monkeypatch.setattr(Maker, "_built", lambda *args: Made("built", ""))
    arm = Maker(print, print).make("base", Release("thing==1.0", "thing", "1.0"))
    return ["built"] if arm.executable == "built" else []


def test_an_editable_version_is_not_taken_for_the_released_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editable = '{"dir_info": {"editable": true}, "url": "file:///work"}'
    assert made(monkeypatch, tmp_path / "a.dist-info", editable) == ["built"]
    assert made(monkeypatch, tmp_path / "b.dist-info", '{"dir_info": {}}') == []


def test_an_interpreter_without_pip_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(builder: venv.EnvBuilder, folder: Path) -> None:
        assert builder.with_pip
        raise subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"])

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(venv.EnvBuilder, "create", create)
    with pytest.raises(ArmError, match="neither pip nor ensurepip") as refused:
        Environment(Programs(), Entry("key")).make()
    assert refused.value.remedy == "install pip for it"
