"""Guards and the counter in shared memory: checks, and breaks that they find."""

from __future__ import annotations

import pytest

from ipcbench.transports.native import built
from tests import sampling
from tests.native import breaks, exclusion
from tests.native.ring_breaks import Break

missing = built()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))


@pytest.mark.parametrize("what", exclusion.ALL)
def test_a_check(what: str) -> None:
    exclusion.run(what)


@pytest.mark.parametrize("one", sampling.some(exclusion.BREAKS, 1), ids=lambda one: one.name)
def test_a_break_is_found(one: Break) -> None:
    if breaks.lacking(one):
        pytest.skip(breaks.lacking(one))
    said = breaks.run_broken(one, "tests.native.exclusion", one.shape, sampling.SEED)
    assert said.startswith("found"), f"{one.name} is not found: {said}"
