"""The loops that write messages anew and read them: checks, and breaks that they find."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipcbench.transports.native import built
from tests import sampling
from tests.native import breaks, fresh
from tests.native.ring_breaks import Break


def runtime(name: str) -> object:
    lacking = built() if name == fresh.NATIVE else None
    return pytest.param(name, marks=pytest.mark.skipif(lacking is not None, reason=str(lacking)))


@pytest.mark.parametrize("name", [runtime(name) for name in fresh.RUNTIMES])
@pytest.mark.parametrize("check", fresh.CHECKS, ids=lambda check: check.__name__)
def test_a_check(check: Callable[[str], None], name: str) -> None:
    check(name)


@pytest.mark.parametrize("one", sampling.some(fresh.BREAKS, 1), ids=lambda one: one.name)
def test_a_break_is_found(one: Break) -> None:
    if breaks.lacking(one):
        pytest.skip(breaks.lacking(one))
    said = breaks.run_broken(one, "tests.native.fresh", one.shape, sampling.SEED)
    assert said.startswith("found"), f"{one.name} is not found: {said}"


@pytest.mark.parametrize("one", fresh.BREAKS, ids=lambda one: one.name)
def test_the_text_of_a_break_is_there(one: Break) -> None:
    assert breaks.applied(one)
