"""The remedy of an undecided comparison: the same command with another budget."""

from __future__ import annotations

import pytest

from ipcbench.bench.commands.orders.comparing import longer


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--base main -o results/a", "--budget 5m --base main"),
        ("--base main -oresults/a pipe", "--budget 5m --base main pipe"),
        ("--output=a --budget=1m --base main", "--budget 5m --base main"),
        ("--budget 1m --base main --seed 3", "--budget 5m --base main --seed 3"),
        ("--base main -- pipe -o", "--budget 5m --base main -- pipe -o"),
    ],
)
def test_its_folder_is_another_one_and_its_budget_larger(words: str, wanted: str) -> None:
    command = ["ipcbench", "compare", *words.split()]
    assert longer(command, 290.0) == f"ipcbench compare {wanted}"
    assert command[2:] == words.split()


def test_a_journal_without_a_command_has_a_remedy() -> None:
    assert longer([], 60.0) == "ipcbench compare --budget 1m"
