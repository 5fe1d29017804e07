"""What goes wrong under compiled loops is told as under Python's: who, where and what.

The guilty end has a capsule of its own, made in Python (tests/plugins/capsules.py); the
other one has ours, and sits in a compiled loop that no signal's handler of Python's ends.
"""

from __future__ import annotations

import pytest

from bench.results import Results, Status, load
from tests.e2e.command import ipcbench
from transports.native import built
from transports.testing.leaks import left_since, outliving

# transport -> who, where (as it begins), what (as it begins)
FAULTS = {
    "leaves": ("peer 1 (server)", "block", "exited with 7"),
    "leaves-queue": ("peer 1 (server)", "block", "exited with 7"),  # the facility is silent
    "leaves-first": ("the worker", "block", "exited with 7"),
    "dies": ("peer 1 (server)", "block", "was killed by SIGKILL"),
    "garbles": ("the worker", "check", "Corrupt: message 0 of sender 0, 64 bytes: byte 63 is"),
    "cuts": ("the worker", "check", "Corrupt: a message of 64 bytes arrived as one of 63"),
    "hangs": ("watchdog", "block", "no end after 2 s: peer"),
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One sweep over all that goes wrong, and a healthy pipe between them."""
    missing = built()
    if missing is not None:
        pytest.skip(f"{missing.reason} ({missing.remedy})")
    before = outliving()
    folder = tmp_path_factory.mktemp("faults") / "run"
    arguments = ["run", "--profile", "smoke", "--clock", "fake", "--pattern", "latency", "-s", "64"]
    for name in ("pipe", *FAULTS):
        arguments += ["-t", name]
    done = ipcbench(*arguments, "--runtime", "native", "-o", folder, plugins=True)
    assert done.returncode == 0, done.stderr
    assert not left_since(before, outliving)
    return load(folder)


def test_the_healthy_cell_is_measured(swept: Results) -> None:
    assert len(swept.cells["latency/pipe/native/64B/2p/same-core"].good) == 2


@pytest.mark.parametrize("name", FAULTS)
def test_who_where_and_what(name: str, swept: Results) -> None:
    result = swept.cells[f"latency/{name}/native/64B/2p/same-core"]
    assert result.status is Status.FAILED
    for failure in result.failures:
        who, where, what = FAULTS[name]
        assert failure.who == who, failure
        assert failure.where.startswith(where), failure
        assert failure.what.startswith(what), failure
