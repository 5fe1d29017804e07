"""bench.decisions.gate.binomial against scipy's beta distribution."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.gate.binomial import clopper_pearson
from tests.scipys import stats


@given(st.data(), st.integers(1, 3000), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
@settings(max_examples=50, deadline=None)
def test_limits_are_quantiles_of_the_beta_distribution(
    data: st.DataObject, of: int, level: float
) -> None:
    found = data.draw(st.integers(0, of))
    tail = (1 - level) / 2
    low = 0.0 if found == 0 else stats().beta.ppf(tail, found, of - found + 1)
    high = 1.0 if found == of else stats().beta.ppf(1 - tail, found + 1, of - found)
    assert clopper_pearson(found, of, level) == pytest.approx((low, high), rel=1e-8, abs=1e-12)


def test_none_of_many_has_a_limit() -> None:
    """The rule of three: about 3.7 / N at 95 %, two-sided."""
    low, high = clopper_pearson(0, 480)
    assert low == 0
    assert high == pytest.approx(3.689 / 480, rel=0.01)


def test_millions_are_counted() -> None:
    low, high = clopper_pearson(300, 3_000_000)
    assert 0.00008 < low < 0.0001 < high < 0.00012


def test_without_trials_all_shares_are_possible() -> None:
    assert clopper_pearson(0, 0) == (0, 1)


@pytest.mark.parametrize(("found", "of", "level"), [(-1, 3, 0.9), (4, 3, 0.9), (1, 3, 1.0)])
def test_counts_that_are_none_are_refused(found: int, of: int, level: float) -> None:
    with pytest.raises(ValueError, match="no interval"):
        clopper_pearson(found, of, level)
