"""Tests of tests.parallel and tests.namespaces: tests that disturb each other share a unit."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import namespaces, parallel
from tests.parallel import HUGE, unit

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("test_*.py"))
TAKES_HUGE_PAGES = re.compile(r"\bhuge_pages: None|\"huge_pages\"|none_free\(|set_aside\(")
PLAYS_ALL = re.compile(r"(parametrize\(.*|sample\(|some\()names\(\)")


def test_the_listed_files_are_there() -> None:
    assert {path.stem for path in FILES} >= {*parallel.HUGE_FILES, parallel.CONTRACT}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_that_use_huge_pages_are_listed(path: Path) -> None:
    text = path.read_text()
    if TAKES_HUGE_PAGES.search(text) or PLAYS_ALL.search(text):
        assert path.stem in {*parallel.HUGE_FILES, parallel.CONTRACT, Path(__file__).stem}


def test_a_file_is_a_unit_and_so_is_a_transport_of_the_contract() -> None:
    one, other = "tests/unit/test_plan.py::test_a[/huge]", "tests/unit/test_plan.py::test_b"
    assert unit(one, True) == unit(other, True) == "tests/unit/test_plan.py"
    contract = "tests/contract/test_contract.py::Test-{}::test_size[link-1]"
    pipe, fifo, huge = (contract.format(name) for name in ("pipe", "fifo", "shm:sysv+spin/huge"))
    assert unit(pipe, True) != unit(fifo, True)
    assert unit(huge, True) == unit("tests/e2e/test_sweep.py::test_c", True) == HUGE


def test_the_tests_of_a_browser_are_one_unit() -> None:
    for path in (TESTS / "browser").glob("test_*.py"):
        assert unit(f"tests/browser/{path.name}::test_a", True) == "tests/browser"


def test_no_set_names_tests() -> None:
    """Several processes of one run must collect the same names."""
    with pytest.raises(pytest.UsageError, match="a set names tests"):
        parallel.refuse_unordered([("pipe", {"latency", "stream"})], " ".join)
    parallel.refuse_unordered([("pipe", ["latency", "stream"]), {"one"}], " ".join)
    parallel.refuse_unordered([("pipe", {"latency", "stream"})], lambda value: "")
    parallel.refuse_unordered([("pipe", {"latency", "stream"})], None)


def test_sweeps_and_posix_queues_are_one_unit_where_they_see_each_other() -> None:
    queue = "tests/contract/test_contract.py::Test-posix-queue::test_size[link-1]"
    some = ("tests/e2e/test_commands.py::test_a", "tests/faults/test_kills.py::test_b", queue)
    assert len({unit(one, True) for one in some}) == len(some)
    assert {unit(one, False) for one in some} == {HUGE}


SEEN = """
import os, socket, sys
from tests import namespaces

if sys.argv[1] == "apart":
    namespaces.enter()
with socket.socket(socket.AF_UNIX) as one, socket.create_server(("127.0.0.1", 0)) as server:
    try:
        one.bind(os.fsencode("\\0" + sys.argv[2]))
    except OSError:
        print("sees our name")
    socket.create_connection(server.getsockname()).close()
if os.path.exists(sys.argv[3]):
    print("sees our file")
"""


@pytest.mark.parametrize(("how", "said"), [("apart", []), ("here", ["our name", "our file"])])
def test_a_process_apart_sees_nothing_of_ours(how: str, said: list[str]) -> None:
    """It sees no socket's name and no file in /dev/shm, and can talk to itself over TCP."""
    if not namespaces.possible():
        pytest.skip("namespaces of one's own take root")
    name = f"ipcbench-test-{os.getpid()}"
    with (
        socket.socket(socket.AF_UNIX) as ours,
        tempfile.NamedTemporaryFile(dir="/dev/shm", prefix=name) as file,
    ):
        ours.bind(f"\0{name}")
        done = subprocess.run(
            [sys.executable, "-c", SEEN, how, name, file.name],
            cwd=TESTS.parent, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"sees {what}" for what in said]
