"""What goes wrong under compiled loops is told as under Python's: who, where and what.

The guilty end has a capsule of its own, made in Python (tests/plugins/capsules.py); the
other one has ours, and sits in a compiled loop that no signal's handler of Python's ends.
"""

from __future__ import annotations

import pytest

from ipcbench.bench.results.results import Results
from ipcbench.transports.native import built
from tests.faults.failing import Told, check_told, swept

FAULTS: dict[str, Told] = {
    "leaves": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-queue": ("peer 1 (server)", "block", "exited with 7"),  # the facility is silent
    "leaves-first": ("the worker", "block", "exited with 7"),
    "dies": ("peer 1 (server)", "block", "was killed by SIGKILL"),
    "garbles": ("the worker", "check", "Corrupt: message 0 of sender 0, 64 bytes: byte 63 is"),
    "cuts": ("the worker", "check", "Corrupt: a message of 64 bytes arrived as one of 63"),
    "hangs": ("watchdog", "block", "no end after 2 s: peer"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    missing = built()
    if missing is not None:
        pytest.skip(f"{missing.reason} ({missing.remedy})")
    return swept(FAULTS, "native", tmp_path_factory.mktemp("faults") / "run")


@pytest.mark.parametrize("name", FAULTS)
def test_who_where_and_what(name: str, results: Results) -> None:
    check_told(results, name, "native", FAULTS[name])
