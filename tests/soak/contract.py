"""All tests of the contract, for each transport and all combinations of shared memory.

Also every mutant that they must find, the models of the ring, the search for leaks in the compiled
parts, and the tests that run whole commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ipcbench.transports.registry import matching, names
from tests import namespaces, parallel
from tests.soak.trials import Trial

HERE = Path(__file__).parents[1] / "contract"
DEADLINE = 1200.0  # seconds for one transport's tests, or for all mutants


def _pytest(node: str, seed: int) -> str:
    """Run tests in one process of their own, which has namespaces of its own where it may.

    Args:
        seed: of the order in which a file's tests run.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n1", "-p", "no:cacheprovider", node],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=os.environ | {"IPCBENCH_SOAK": "1", "IPCBENCH_SEED": str(seed)},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def trials(seed: int) -> Iterator[Trial]:
    for name in dict.fromkeys([*names(), *matching("shm:*+*")]):
        yield _trial(seed, name, f"test_contract.py::Test-{name}")
    yield _trial(seed, "mutants", "test_mutants.py")
    yield _trial(seed, "ring", "../native/test_ring_proof.py")
    yield _trial(seed, "leaks", "../native/test_leaks.py")
    for folder in ("e2e", "faults"):
        for path in sorted((HERE.parent / folder).glob("test_*.py")):
            if path.stem != "test_soak_sample":
                yield _trial(seed, f"{folder}/{path.stem}", f"../{folder}/{path.name}")


def _trial(seed: int, name: str, node: str) -> Trial:
    """Return the trial of some tests. It runs alone where they need the machine's huge pages."""
    path = (HERE / node.partition("::")[0]).resolve()
    huge = "/huge" in node or path.stem in parallel.HUGE_FILES
    run = partial(_pytest, str(path) + node.removeprefix(node.partition("::")[0]), seed)
    return Trial(f"contract/{name}", run, beside=namespaces.possible() and not huge)
