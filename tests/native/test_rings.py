"""Rings between processes: a seeded sample of those of `make soak`, and of the breaks."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.transports.base import bindings
from ipcbench.transports.shm.kinds import ALIASES, WAITERS
from ipcbench.transports.sync import futex
from tests import compiling
from tests.native import breaks, ring_breaks
from tests.sampling import SEED, some
from tests.soak import rings

drawn = random.Random(SEED)
SHAPES = [
    shape
    for waiter in (*WAITERS, *ALIASES)
    for shape in some([one for one in rings.shapes() if one.waiter == waiter], 2, drawn)
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_ring_between_processes(shape: rings.Shape) -> None:
    said = rings.run_cases(shape, SEED, 2)
    if said.startswith("not here"):
        pytest.skip(said)


@pytest.mark.parametrize("name", rings.CHECKS)
def test_a_ring_in_one_process(name: str) -> None:
    said = rings.check(name)
    if said.startswith("not here"):
        pytest.skip(said)


@pytest.mark.parametrize("one", some(ring_breaks.RINGS, 1, drawn), ids=lambda one: one.name)
def test_a_broken_ring_is_found(one: ring_breaks.Break) -> None:
    said = rings.find_break(one, 1)
    if said.startswith("not here"):
        pytest.skip(said)


@pytest.mark.parametrize(
    ("name", "lacking", "said"),
    [
        ("python: it wraps a slot too early", (futex, "ORDERED", False), "stores stay in order"),
        ("python: lent without a free slot", (futex, "ORDERED", False), "stores stay in order"),
        ("python, counted: one place for all lanes", (futex, "ORDERED", False), "on x86-64 only"),
        ("python: an announcement is not renewed", (bindings, "posix_ipc", None), "posix_ipc"),
        ("counted: announced before its count", (bindings, "sysv_ipc", None), "sysv_ipc"),
        (
            "ring: a number of a lap that is not truncated",
            (native_loops, "compiled", None),
            "is not built",
        ),
        ("ring: one slot too many", (compiling, "COMPILER", "no-such"), "no C compiler"),
        ("ring: one slot too many", (compiling, "HEADERS", ()), "apt-get install"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else value,
)
def test_a_break_that_cannot_run_here_has_a_reason(
    name: str, lacking: tuple[Any, str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported without a run."""
    (one,) = (one for one in ring_breaks.RINGS if one.name == name)
    if reason := rings.not_covered(one):
        pytest.skip(reason)
    monkeypatch.setattr(compiling, "lacking", compiling.lacking.__wrapped__)
    monkeypatch.setattr(breaks, "run_broken", lambda *_: pytest.fail("it was run"))
    monkeypatch.setattr(*lacking)
    answer = rings.find_break(one, 1)
    assert answer.startswith("not here: ")
    assert said in answer


@pytest.mark.parametrize("one", breaks.ALL, ids=lambda one: one.name)
def test_the_text_of_a_break_is_in_the_source(one: ring_breaks.Break) -> None:
    """A changed text must be changed in breaks.py, too."""
    broken = breaks.applied(one)
    assert broken != (breaks.ROOT / one.file).read_text()
    if one.file.endswith(".py"):
        compile(broken, one.file, "exec")  # a fault of the ring, not of the text
