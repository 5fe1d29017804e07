"""Native ends of passed memory: checks of them, and a sample of their breaks."""

from __future__ import annotations

import random

import pytest

from ipcbench.transports.native import built
from tests.native import breaks, passing
from tests.native.ring_breaks import Break
from tests.sampling import SEED, some

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))


@pytest.mark.parametrize("name", passing.CHECKS)
def test_an_end_of_passed_memory(name: str) -> None:
    passing.CHECKS[name]()


@pytest.mark.parametrize(
    "one", some(passing.BREAKS, 1, random.Random(SEED)), ids=lambda one: one.name
)
def test_a_broken_end_is_found(one: Break) -> None:
    reason = breaks.lacking(one)
    if reason:
        pytest.skip(reason)
    said = breaks.run_broken(one, "tests.native.passing", one.shape, SEED)
    assert said.startswith("found"), said


@pytest.mark.parametrize("one", passing.BREAKS, ids=lambda one: one.name)
def test_the_text_of_a_break_is_in_the_source(one: Break) -> None:
    assert breaks.applied(one) != (breaks.ROOT / one.file).read_text()
