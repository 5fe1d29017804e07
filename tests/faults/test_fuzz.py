"""A seeded sample of the inputs of `python -m tests.fuzz`."""

from __future__ import annotations

import importlib
import random
import time

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from ipcbench.reports.page import script
from tests import sampling
from tests.fuzz import guard, harmless
from tests.fuzz.__main__ import READERS

SECONDS = 1.5
MINIMUM = 20  # inputs, however slow the machine


@pytest.mark.parametrize("name", READERS)
def test_a_sample_of_mutated_documents(name: str) -> None:
    """Each is accepted, or refused as documented: no traceback, no warning, no hang."""
    reader = importlib.import_module(f"tests.fuzz.{name}")
    rng = random.Random(f"{sampling.SEED}/{name}")
    until = time.monotonic() + SECONDS
    count = 0
    while count < MINIMUM or time.monotonic() < until:
        seed = rng.getrandbits(32)
        data = reader.mutated(rng.choice(reader.SEEDS), random.Random(seed))
        try:
            guard.run(reader.outcome, data)
        except BaseException as error:
            error.add_note(f"{name}, mutated by {seed}: {data[:2000]!r}")
            raise
        count += 1


@pytest.mark.parametrize("name", READERS)
@seed(sampling.SEED)
@settings(max_examples=50, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(rng=st.randoms(use_true_random=False))
def test_mutations_that_hypothesis_can_shrink(name: str, rng: random.Random) -> None:
    """The same mutations, drawn by hypothesis, so that a failing input is minimized."""
    reader = importlib.import_module(f"tests.fuzz.{name}")
    guard.run(reader.outcome, reader.mutated(rng.choice(reader.SEEDS), rng))


@pytest.mark.parametrize("name", READERS)
def test_each_seed_is_accepted(name: str) -> None:
    """From a refused seed, mutations would not reach the reader's inner code."""
    reader = importlib.import_module(f"tests.fuzz.{name}")
    for data in reader.SEEDS:
        outcome = guard.run(reader.outcome, data)
        assert outcome == "" or "selects no cell of this run" in outcome


@pytest.mark.parametrize(
    "more",
    [
        "<script>1</script>",
        f"<script>{script.source()}</script>",
        '<form id="chooser" hidden></form>',
        '<form action="x"></form>',
        '<input type="radio">',
        '<a href="other.csv">',
        "<button>",
    ],
)
def test_the_check_of_a_page_allows_its_own_script_and_form_alone(more: str) -> None:
    own = (
        f'<meta http-equiv="Content-Security-Policy" content="{script.policy()}">'
        f'<a href="results.csv"><form id="chooser" hidden><input type="radio"></form>'
        f"<script>{script.source()}</script>"
    )
    harmless.page(own)
    with pytest.raises(AssertionError):
        harmless.page(own + more)
