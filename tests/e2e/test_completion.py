"""Completion in a shell: each option and argument that takes names has values to complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from ipcbench.bench.cli import cli
from tests.e2e.command import environment

# Options whose values are one's own.
FREE = {(command, "seed") for command in ("run", "compare", "selftest")} | {("selftest", "runs")}
VALUES = {
    ("run", "named"): "unix-stream",
    ("run", "profile"): "standard",
    ("run", "transports"): "shm:posix+futex",
    ("run", "sizes"): "64K",
    ("run", "patterns"): "fan-in",
    ("run", "placements"): "cross-core-awake",
    ("run", "runtimes"): "native",
    ("run", "waits"): "spin-block",
    ("run", "payloads"): "cold",
    ("run", "paces"): "load:50",
    ("run", "tasks"): "lowest-latency",
    ("run", "experiments"): "pipe-deadlock",
    ("compare", "base"): "rev:main",
    ("compare", "head"): "here",
    ("compare", "delta"): "5%",
    ("compare", "profile"): "gate",
    ("compare", "budget"): "3m",
    ("list", "what"): "placements",
    ("show", "tasks"): "many-clients",
    ("show", "patterns"): "echo",
    ("show", "runtimes"): "python",
    ("show", "placements"): "same-core",
    ("show", "sizes"): "4K",
}
PARAMETERS = [
    (command, one)
    for command, found in cli.commands.items()
    for one in found.params
    if one.name and not (isinstance(one, click.Option) and one.is_flag)
]


def completed(words: list[str], begun: str) -> list[str]:
    shell = ShellComplete(cli, {}, "ipcbench", "_IPCBENCH_COMPLETE")
    return [item.value for item in shell.get_completions(words, begun)]


@pytest.mark.parametrize(
    ("command", "parameter"),
    PARAMETERS,
    ids=[f"{command} {one.name}" for command, one in PARAMETERS],
)
def test_each_option_has_values(command: str, parameter: click.Parameter) -> None:
    assert parameter.name is not None
    words = [command, *(parameter.opts[-1:] if isinstance(parameter, click.Option) else ())]
    values = completed(words, "")
    assert bool(values) != ((command, parameter.name) in FREE)
    wanted = VALUES.get((command, parameter.name))
    if wanted is not None:
        assert wanted in values
        assert wanted in completed(words, wanted[:-1])


def test_values_stand_for_options_that_exist() -> None:
    known = {(command, one.name) for command, one in PARAMETERS}
    assert known >= VALUES.keys() | FREE


def test_profiles_of_ones_own_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text('extends = "quick"\n')
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.chdir(tmp_path)
    assert completed(["run", "--profile"], "") == [
        "smoke", "quick", "standard", "rigorous", "mine.toml",
    ]  # fmt: skip


BASH = """
eval "$(_IPCBENCH_COMPLETE=bash_source ipcbench)"
COMP_LINE="$1"; COMP_POINT=${#1}; COMPREPLY=()
_ipcbench_completion ipcbench
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("ipcbench run -t shm:posix+f", ["posix+futex"]),  # bash replaces what follows the colon
        ("ipcbench run shm:posix+spin-", ["posix+spin-block"]),
        ("ipcbench run --placement=cross-c", ["cross-core", "cross-core-awake"]),
        ("ipcbench list wai", ["waits"]),
        ("ipcbench run --pace load:5", ["50"]),
        ("ipcbench doc", ["doctor"]),
    ],
)
def test_bash_completes_a_line(line: str, values: list[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", BASH, "bash", line],
        capture_output=True,
        text=True,
        env=environment(PATH=path),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == values


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    script = Path(sys.executable).with_name("ipcbench")
    done = subprocess.run(
        [script],
        capture_output=True,
        text=True,
        env=environment(_IPCBENCH_COMPLETE=f"{shell}_source"),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"_IPCBENCH_COMPLETE={shell}_complete" in done.stdout
