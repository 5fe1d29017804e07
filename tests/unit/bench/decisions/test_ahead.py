"""bench.decisions.ahead: the limits that are left out change nothing."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.ahead import Compared, Lead, search
from ipcbench.bench.decisions.comparison import log_ratio_limits


@st.composite
def looks_of(draw: st.DrawFn) -> list[Compared]:
    """Draw looks; cells that are beaten take no part in later ones."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    candidates, rivals = ["a", "b", "c"][: draw(st.integers(1, 3))], ["x", "y", "z", "w"]
    rivals = rivals[: draw(st.integers(1, 4))]
    middles = {cell: draw(st.sampled_from([0.0, 0.1, 1.0])) for cell in (*candidates, *rivals)}
    found = []
    for rounds in (8, 12)[: draw(st.integers(1, 2))]:
        logs = {cell: generator.normal(middles[cell], 0.2, rounds) for cell in middles}
        found.append(Compared(list(candidates), list(rivals), logs))
        candidates = candidates[: draw(st.integers(1, len(candidates)))]
        rivals = rivals[: draw(st.integers(1, len(rivals)))]
    return found


def every_limit(looks: list[Compared], level: float) -> float:
    limits: dict[str, float] = {}
    for look in looks:
        for rival in look.rivals:
            for candidate in look.candidates:
                low, _ = log_ratio_limits(look.logs[candidate], look.logs[rival], level, level)
                limits[rival] = max(limits.get(rival, -math.inf), float(low))
    return min(limits.values())


@given(st.lists(st.tuples(looks_of(), st.sampled_from([0.2, 0.01, 1e-3, 1e-5])), max_size=4))
def test_a_lead_is_the_smallest_over_the_rivals_of_the_largest_limit(
    drawn: list[tuple[list[Compared], float]],
) -> None:
    leads = [Lead(looks, level) for looks, level in drawn]
    search(leads)
    assert [lead.value for lead in leads] == [every_limit(looks, level) for looks, level in drawn]
    assert not any(lead.left for lead in leads)
