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
from tests.soak.trials import Trial

HERE = Path(__file__).parents[1] / "contract"
DEADLINE = 1200.0  # seconds for one transport's tests, or for all mutants


def _pytest(node: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", node],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=os.environ | {"IPCBENCH_SOAK": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


def trials(seed: int) -> Iterator[Trial]:
    for name in dict.fromkeys([*names(), *matching("shm:*+*")]):
        node = f"{HERE / 'test_contract.py'}::Test-{name}"
        yield Trial(f"contract/{name}", partial(_pytest, node))
    yield Trial("contract/mutants", partial(_pytest, str(HERE / "test_mutants.py")))
    proof = HERE.parent / "native/test_ring_proof.py"
    yield Trial("contract/ring", partial(_pytest, str(proof)))
    yield Trial("contract/leaks", partial(_pytest, str(proof.with_name("test_leaks.py"))))
    for folder in ("e2e", "faults"):
        for path in sorted((HERE.parent / folder).glob("test_*.py")):
            if path.stem != "test_soak_sample":
                yield Trial(f"contract/{folder}/{path.stem}", partial(_pytest, str(path)))
