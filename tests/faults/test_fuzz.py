"""A seeded sample of what `python -m tests.fuzz` plays for as long as one likes."""

from __future__ import annotations

import importlib
import random
import time

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests import sampling
from tests.fuzz import guard
from tests.fuzz.__main__ import READERS

SECONDS = 1.5
LEAST = 20  # inputs, however slow the machine


@pytest.mark.parametrize("name", READERS)
def test_a_sample_of_mutated_documents(name: str) -> None:
    """Taken, or refused as documented: no traceback, no warning, no hang."""
    reader = importlib.import_module(f"tests.fuzz.{name}")
    rng = random.Random(f"{sampling.SEED}/{name}")
    until = time.monotonic() + SECONDS
    played = 0
    while played < LEAST or time.monotonic() < until:
        seed = rng.getrandbits(32)
        data = reader.mutated(rng.choice(reader.SEEDS), random.Random(seed))
        try:
            guard.play(reader.outcome, data)
        except BaseException as error:
            error.add_note(f"{name}, mutated by {seed}: {data[:2000]!r}")
            raise
        played += 1


@pytest.mark.parametrize("name", READERS)
@seed(sampling.SEED)
@settings(max_examples=50, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(rng=st.randoms(use_true_random=False))
def test_what_breaks_a_reader_is_made_small(name: str, rng: random.Random) -> None:
    """The same mutations, drawn by hypothesis, which knows how to shrink them."""
    reader = importlib.import_module(f"tests.fuzz.{name}")
    guard.play(reader.outcome, reader.mutated(rng.choice(reader.SEEDS), rng))


@pytest.mark.parametrize("name", READERS)
def test_each_seed_is_taken(name: str) -> None:
    """Else what is mutated would never get far."""
    reader = importlib.import_module(f"tests.fuzz.{name}")
    for data in reader.SEEDS:
        said = guard.play(reader.outcome, data)
        assert said == "" or "selects no cell of this run" in said
