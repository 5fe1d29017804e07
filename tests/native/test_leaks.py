"""Tests of leaks.py: the compiled parts leave nothing, and a leak made on purpose is found."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ipcbench.transports.native import built
from tests import sampling
from tests.native import breaks, leaks

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

BREAKS = sampling.some(breaks.LEAKS, 1)


# All blocks from malloc(3), and none in its caches: leaks.py.
COUNTABLE = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


@pytest.fixture(autouse=True, scope="module")
def counted() -> None:
    try:
        leaks.in_use()
    except AttributeError:
        pytest.skip("the C library has no mallinfo2(3): glibc 2.33 has")


def test_nothing_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.native.leaks"],
        cwd=breaks.ROOT,
        env=os.environ | COUNTABLE,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_what_is_left_is_seen(one: breaks.Break) -> None:
    if breaks.lacking(one):
        pytest.skip(breaks.lacking(one))
    said = breaks.run_broken(one, "tests.native.leaks", "", "1", **COUNTABLE)
    assert said.startswith("found"), f"{one.name} goes unnoticed: {said}"
