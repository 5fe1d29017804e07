"""Failures under compiled loops, recorded as under Python: process, place and reason.

The faulty endpoint has a capsule made in Python (tests/plugins/capsules.py); the other
endpoint has the real one and is in a compiled loop, which no Python signal handler interrupts.
"""

from __future__ import annotations

import pytest

from ipcbench.bench.results.results import Results
from ipcbench.transports.native import built
from tests.faults.failing import Expected, check_failure, swept

FAULTS: dict[str, Expected] = {
    "leaves": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-queue": (
        "peer 1 (server)",
        "block",
        "exited with 7",
    ),  # the facility does not report it
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
def test_failure_is_recorded(name: str, results: Results) -> None:
    check_failure(results, name, "native", FAULTS[name])
