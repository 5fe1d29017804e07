"""The tail of Student's t, compared with scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.distributions.student_t import upper_tail
from tests.scipys import stats


@given(st.floats(0, 60), st.floats(0.5, 1e6))
def test_the_tail_is_scipys(t: float, degrees: float) -> None:
    tail = float(upper_tail(np.array(t), np.array(degrees)))
    assert tail == pytest.approx(stats().t.sf(t, degrees), rel=1e-10, abs=1e-290)


def test_it_is_computed_for_whole_arrays() -> None:
    t = np.linspace(0, 12, 40)[:, None]
    degrees = np.linspace(1, 94, 60)
    expected = stats().t.sf(t, degrees)
    assert upper_tail(t, degrees) == pytest.approx(expected, rel=1e-10)


def test_half_of_the_distribution_lies_above_zero() -> None:
    assert float(upper_tail(np.array(0.0), np.array(7.0))) == 0.5
