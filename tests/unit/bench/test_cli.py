"""bench.cli: a command is a file that the group finds, and the help imports quickly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from ipcbench.bench import commands
from ipcbench.bench.cli import ORDER, cli
from ipcbench.bench.commands.errors import (
    COULD_NOT_MEASURE,
    CommandError,
    Group,
    carry_out,
    guarded,
)
from ipcbench.bench.errors import BenchError
from ipcbench.transports.contract import Unavailable

SHARED = {
    "__init__", "completion", "errors", "options", "output", "outputs",
}  # fmt: skip
SLOW = (
    "rich", "msgspec", "numpy", "pyperf", "matplotlib", "jinja2", "ipcbench.transports.registry",
)  # fmt: skip


def test_every_file_is_a_command_of_its_name_or_shared() -> None:
    files = {path.stem for path in Path(*commands.__path__).glob("*.py")}
    assert set(cli.commands) == files - SHARED


def test_the_help_lists_commands_in_the_order_of_use() -> None:
    assert cli.list_commands(click.Context(cli))[: len(ORDER)] == list(ORDER)


def test_help_imports_nothing_slow() -> None:
    program = (
        "import sys, ipcbench.bench.cli\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BenchError("it is wrong", "do that"), "it is wrong: do that"),
        (BenchError("it is wrong"), "it is wrong"),
        (Unavailable("it is missing", "install it"), "it is missing: install it"),
        (FileNotFoundError(2, "No such file", "a"), "a: No such file"),
    ],
)
def test_an_expected_error_becomes_one_line(error: Exception, message: str) -> None:
    def action() -> None:
        raise error

    with pytest.raises(CommandError) as caught:
        guarded(action)
    assert caught.value.format_message() == message


def test_an_unexpected_error_stays_a_traceback() -> None:
    def action() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        guarded(action)


def test_an_unexpected_error_has_not_the_exit_code_of_a_broken_promise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.group(cls=Group)
    def faulty() -> None:
        pass

    @faulty.command()
    def check() -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(sys, "argv", ["ipcbench", "check"])
    with pytest.raises(SystemExit) as caught:
        carry_out(faulty)
    assert caught.value.code == COULD_NOT_MEASURE
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("KeyError: 'a bug'\n")


@pytest.mark.parametrize(
    ("option", "begun", "completed"),
    [
        ("--wait", "sp", ["spin", "spin-block"]),
        ("--payload", "", ["hot", "fresh", "cold", "array"]),
        ("--placement", "cross-", ["cross-core", "cross-core-awake", "cross-node"]),
        ("--runtime", "n", ["native"]),
        ("--pattern", "pairs", ["pairs-latency", "pairs"]),
        ("-t", "sysv", ["sysv-queue", "sysv-queue:types", "sysv-sem"]),
    ],
)
def test_a_shell_completes_the_values_of_an_axis(
    option: str, begun: str, completed: list[str]
) -> None:
    shell = ShellComplete(cli, {}, "ipcbench", "_IPCBENCH_COMPLETE")
    found = [item.value for item in shell.get_completions(["run", option], begun)]
    assert sorted(found) == sorted(completed)
