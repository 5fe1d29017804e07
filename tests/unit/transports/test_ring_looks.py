"""Tests of the looks of rings: how often an end looks before it sleeps, and the aliases."""

from __future__ import annotations

import pytest

from ipcbench.transports.contract import Role, Spec, Wait, WouldBlock
from ipcbench.transports.native import WaitPolicy
from ipcbench.transports.registry import get
from ipcbench.transports.shm.transport import Shm
from ipcbench.transports.sync.doorbell import PauseForAny, pause_for_any, pause_of
from ipcbench.transports.sync.futex import SPINS
from ipcbench.transports.sync.waiter import NATIVE_SPINS


class Sleeps(Exception):
    """The end sleeps."""


class Word:
    """A word that never changes, and that counts the looks at it."""

    def __init__(self) -> None:
        self.looks = 0

    def __getitem__(self, index: int) -> int:
        self.looks += 1
        return 0


def _sleep(view: object, index: int, seen: int) -> None:
    raise Sleeps


def _looks_of_one(spec: Spec) -> int:
    word = Word()
    pause = pause_of(_sleep, spec)
    with pytest.raises(Sleeps):
        pause(word, 0, 0)  # type: ignore[arg-type]
    return word.looks


def _looks_of_several(spec: Spec) -> int:
    pause: PauseForAny = pause_for_any(_sleep, spec)
    with pytest.raises(Sleeps):
        for looked in range(1, 10_000):
            pause(looked)
    return looked


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(
    ("wait", "asked", "looks"),
    [(Wait.BLOCK, None, 0), (Wait.SPIN_BLOCK, None, SPINS), (Wait.SPIN_BLOCK, 7, 7)],
)
def test_looks_before_it_sleeps(wait: Wait, asked: int | None, looks: int, exclusive: bool) -> None:
    spec = Spec(8, wait=wait, looks=asked, exclusive_cpus=exclusive)
    assert _looks_of_one(spec) == looks
    assert _looks_of_several(spec) == max(looks, 1)  # it has looked at all once before it pauses


@pytest.mark.parametrize("make", [pause_of, pause_for_any])
def test_an_end_that_must_not_wait_does_not_spin(make: object) -> None:
    for wait in (Wait.SPIN, Wait.SPIN_BLOCK):
        pause = make(_sleep, Spec(8, wait=wait, nowait=True))  # type: ignore[operator]
        with pytest.raises(WouldBlock):
            pause(1)


def test_looks_of_native_ends() -> None:
    def looks(wait: Wait, exclusive: bool, asked: int | None = None) -> int:
        spec = Spec(8, wait=wait, looks=asked, exclusive_cpus=exclusive)
        return WaitPolicy.of(spec, NATIVE_SPINS).looks

    assert looks(Wait.SPIN, True) == looks(Wait.SPIN, False) == -1
    assert looks(Wait.SPIN_BLOCK, True) == NATIVE_SPINS > 10 * looks(Wait.SPIN_BLOCK, False) > 0
    assert looks(Wait.SPIN_BLOCK, False, 9) == 9


@pytest.mark.parametrize("wait", [Wait.SPIN, Wait.SPIN_BLOCK])
def test_an_alias_is_a_futex_ring_that_waits_in_one_way(wait: Wait) -> None:
    alias, plain = get(f"shm:memfd+{wait.value}"), get("shm:memfd+futex")
    assert isinstance(alias, Shm) and isinstance(plain, Shm)
    assert alias.waiter is plain.waiter and alias.traits.waiting is wait
    assert [one for one in Wait if alias.traits.can_wait(one)] == [Wait.BLOCK, wait]
    for asked in (Wait.BLOCK, wait):
        channel = alias.create(Spec(8, wait=asked))
        assert channel.ticket(Role.CLIENT, 0).spec.wait is wait
        channel.close()
    with pytest.raises(ValueError, match="does not wait in this way"):
        alias.create(Spec(8, wait=next(one for one in Wait if one not in (Wait.BLOCK, wait))))


def test_looks_of_an_alias() -> None:
    blocks = get("shm:memfd+spin-block")
    assert isinstance(blocks, Shm)
    channel = blocks.create(Spec(8, looks=3))
    assert channel.ticket(Role.SERVER, 0).spec.looks == 3
    channel.close()
    spins = get("shm:memfd+spin")
    assert isinstance(spins, Shm)
    with pytest.raises(ValueError, match="3 looks are of the wait spin-block"):
        spins.create(Spec(8, looks=3))
