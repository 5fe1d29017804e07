"""Tests of tests.bench_self.inline: every transport of it still has what the inline loop uses."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Unavailable
from ipcbench.transports.registry import get
from tests.bench_self import inline


@pytest.mark.parametrize("name", inline.INLINE)
def test_inline_and_own_loops_exchange_round_trips(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(reason := get(name).probe(), Unavailable):
        pytest.skip(str(reason))
    monkeypatch.setattr(inline, "BLOCK", 8)
    monkeypatch.setattr(inline, "QUARTETS", 1)
    assert inline.pair(name) > 0
