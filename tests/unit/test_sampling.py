"""Tests of tests.sampling: each test of the contract is in each sample, on different kinds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ipcbench.transports.registry import names
from ipcbench.transports.testing import ContractTests
from tests.sampling import APART, SHARE, Candidate, commands_left_out, drawn, kind_of, shuffled

CONTRACT = Path(__file__).parents[1] / "contract/test_contract.py"
KINDS = ["pipe", "socket", "eventfd", "futex", "spin"]
VALUES = [(runtime, size) for runtime in ("python", "native") for size in ("one", "largest")]
CANDIDATES = [
    Candidate(f"{test}/{kind}{number}/{'-'.join(values)}", test, kind, values)
    for test, kinds in {"test_size": KINDS, "test_taking_turns": KINDS[:1]}.items()
    for kind in kinds
    for number in range(3)
    for values in VALUES
]
OF = {each.identity: each for each in CANDIDATES}


def sample(seed: str) -> list[Candidate]:
    return [OF[identity] for identity in drawn(CANDIDATES, seed)]


def test_a_seed_draws_the_same_sample() -> None:
    assert drawn(CANDIDATES, "1") == drawn(CANDIDATES[::-1], "1") != drawn(CANDIDATES, "2")


def test_each_test_is_drawn_once_on_a_share_of_its_kinds() -> None:
    for seed in map(str, range(20)):
        kinds = Counter((each.test, each.kind) for each in sample(seed))
        assert set(kinds.values()) == {1}
        tests = Counter(test for test, _ in kinds)
        assert tests == {"test_size": ceil(SHARE * len(KINDS)), "test_taking_turns": 1}


def test_a_test_is_drawn_with_different_values() -> None:
    for seed in map(str, range(20)):
        values = [each.values for each in sample(seed) if each.test == "test_size"]
        assert {runtime for runtime, _ in values} == {"python", "native"}
        assert {size for _, size in values} == {"one", "largest"}


def test_no_test_is_left_out_by_all_seeds() -> None:
    assert {each for seed in range(200) for each in sample(str(seed))} == set(CANDIDATES)


def test_a_part_of_the_commands_is_run_beside_all_other_tests() -> None:
    commands = [f"tests/e2e/test_commands.py::test_input[{number}]" for number in range(3 * APART)]
    alone = "tests/faults/test_kills.py::test_a_kill"
    documents = [f"tests/e2e/test_docs.py::test_command[{number}]" for number in range(4)]
    others = ["tests/unit/test_units.py::test_sizes[1]", "tests/e2e/test_docs_text.py::test_all"]
    every = [*commands, alone, *documents, *others]
    left_out = commands_left_out(every, "1")
    assert left_out < {*commands, alone, *documents}
    assert len(left_out & {*commands, alone}) in (3 * APART - 3, 3 * APART - 2)  # of 3 * APART + 1
    assert len(left_out & set(documents)) == 2
    assert commands_left_out(every[::-1], "1") == left_out
    assert set.intersection(*(commands_left_out(every, str(seed)) for seed in range(200))) == set()
    assert not commands_left_out([*commands, alone], "1")
    few = {alone, documents[0]}
    assert all(not commands_left_out([*few, *others], str(seed)) for seed in range(20))


def test_rings_differ_by_the_way_of_waiting() -> None:
    kinds = {name: kind_of(name) for name in names()}
    assert kinds["shm:posix+sysv-sem"] == "sysv-sem"
    assert kinds["shm:posix+sysv-sem-counted"] == "sysv-sem-counted"
    assert kinds["shm:sysv+posix-sem"] == kinds["shm:memfd+posix-sem/huge"] == "other memory"
    assert kinds["shm:posix+spin/in-place"] == "in place"
    assert kinds["unix-stream"] == kinds["tcp"] == "socket"


def test_the_contract_is_sampled() -> None:
    """A quick run has every test of the contract, and a small part of their products."""
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--collect-only", CONTRACT],
        capture_output=True,
        text=True,
        env={name: text for name, text in os.environ.items() if name != "IPCBENCH_SOAK"},
        check=True,
    )
    found = re.findall(r"::(test_\w+)", done.stdout)
    assert set(found) == {name for name in dir(ContractTests) if name.startswith("test_")}
    assert len(found) < 1000


def test_a_soak_shuffles_the_tests_of_each_file() -> None:
    """A test that needs one before it fails there, and not by chance in a sample."""
    items: list[Any] = [
        SimpleNamespace(parent=file, nodeid=f"{file}::{number}")
        for file in ("b.py", "a.py")
        for number in range(9)
    ]
    one, same, other = (shuffled(items, seed) for seed in ("1", "1", "2"))
    assert one == same != other
    for order in (one, other):
        assert [item.parent for item in order] == [item.parent for item in items]
        assert order != items
        assert sorted(item.nodeid for item in order) == sorted(item.nodeid for item in items)
