"""A seeded sample of what `make soak` plays with rings (tests/soak/rings.py), and of its breaks."""

from __future__ import annotations

import random

import pytest

from tests.native import breaks
from tests.sampling import SEED
from tests.soak import rings
from transports.shm.kinds import WAITERS

drawn = random.Random(SEED)
SHAPES = [
    shape
    for waiter in WAITERS
    for shape in drawn.sample([one for one in rings.shapes() if one.waiter == waiter], 3)
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_ring_between_processes(shape: rings.Shape) -> None:
    said = rings.games(shape, SEED, 2)
    if said.startswith("not here"):
        pytest.skip(said)


def test_past_the_last_number_of_a_message() -> None:
    said = rings.long_way("spin", 1)
    if said.startswith("not here"):
        pytest.skip(said)


@pytest.mark.parametrize("one", drawn.sample(breaks.RINGS, 1), ids=lambda one: one.name)
def test_a_broken_ring_is_found(one: breaks.Break) -> None:
    said = rings.broken(one, 1)
    if said.startswith("not here"):
        pytest.skip(said)


@pytest.mark.parametrize("one", breaks.ALL, ids=lambda one: one.name)
def test_what_is_to_be_broken_is_there(one: breaks.Break) -> None:
    """A text that was changed since is to be changed in breaks.py, too."""
    assert breaks.applied(one) != (breaks.ROOT / one.file).read_text()
