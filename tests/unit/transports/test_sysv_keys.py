"""Tests of private System V keys: recognisable, and taken only where no object has them."""

from __future__ import annotations

import pytest
import sysv_ipc

from ipcbench.transports.kernel_objects import fresh_key, sysv_keys
from ipcbench.transports.kernel_objects.ledger import current, standing
from ipcbench.transports.kernel_objects.names import is_private_key


def test_private_keys_have_fixed_upper_bits() -> None:
    keys = {fresh_key() for _ in range(1000)}
    assert len(keys) > 990
    assert {key >> 20 for key in keys} == set(range(0x1C8, 0x1D0))
    assert all(is_private_key(str(key)) for key in keys)


@pytest.mark.parametrize("name", ["1", "0", str(0x1C7FFFFF), str(0x1D000000), "9" * 5000, "-1"])
def test_other_keys_are_not_private(name: str) -> None:
    assert not is_private_key(name)


def test_a_key_that_another_program_has_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = fresh_key(), fresh_key()
    other = sysv_ipc.MessageQueue(taken, sysv_ipc.IPC_CREX, 0o600)
    try:
        drawn = iter([taken, taken, free])
        monkeypatch.setattr(sysv_keys, "fresh_key", lambda: next(drawn))
        key, queue = sysv_keys.create_with_key(
            "sysv queue", None, lambda key: sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)
        )
        queue.remove()
        assert key == free
        assert ("sysv queue", str(taken)) not in standing(current())
        assert sysv_ipc.MessageQueue(taken).id == other.id
    finally:
        other.remove()
        sysv_keys.withdraw("sysv queue", str(free))
