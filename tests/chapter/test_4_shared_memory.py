"""Chapter 2.4: one program publishes under a fixed key, another, started apart, reads it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ipcbench.transports.contract import Mapping, PeerGone
from ipcbench.transports.kernel_objects import announce, fresh_key, withdraw
from ipcbench.transports.kernel_objects.ledger import KINDS
from ipcbench.transports.sync.futex import ORDERED
from tests.available import need
from tests.chapter.process_count import SIZE, SYSV, running
from tests.chapter.programs import Program

pytestmark = pytest.mark.skipif(not ORDERED, reason="a sequence lock in Python needs x86-64")


@pytest.fixture
def key() -> Iterator[str]:
    """A key for both programs; the segment that they leave under it is removed."""
    need(SYSV.probe())
    key = fresh_key()
    announce("sysv memory", str(key))
    yield hex(key)
    KINDS["sysv memory"].remove(str(key))
    withdraw("sysv memory", str(key))


def test_the_latest_value(key: str) -> None:
    """The reader always gets the value published last, and the segment stays."""
    publisher = Program("process_count", "publish", key)
    assert publisher.line() == "published"
    reader = Program("process_count", "read", key)
    assert abs(int(reader.line()) - running()) < 200  # other programs come and go
    for _ in range(5):
        published = publisher.ask()
        assert reader.ask() == published
        assert reader.ask() == published
    assert publisher.end()[0] == 0
    assert reader.ask() == published
    assert reader.end()[0] == 0
    late = Program("process_count", "read", key)
    assert late.line() == published
    assert late.end()[0] == 0


def test_status_of_a_segment(key: str) -> None:
    """IPC_STAT gives size, creator and number of attachments; IPC_SET sets the mode."""
    publisher = Program("process_count", "publish", key)
    publisher.line()
    segment = SYSV.open(key, mapping=Mapping.READ_ONLY)
    found = segment.stat()
    assert (found.size, found.mode, found.owner) == (SIZE, 0o600, os.getuid())
    assert (found.attached, found.creator) == (2, publisher.process.pid)
    publisher.end()
    assert segment.stat().attached == 1
    segment.set_mode(0o400)
    assert segment.stat().mode == 0o400
    segment.close()


def test_a_read_only_attachment(key: str) -> None:
    """A write through SHM_RDONLY raises SIGSEGV and changes nothing."""
    publisher = Program("process_count", "publish", key)
    publisher.line()
    published = publisher.ask()
    assert Program("process_count", "scribble", key).end() == (-signal.SIGSEGV, "writing\n")
    reader = Program("process_count", "read", key)
    assert reader.line() == published
    reader.end()
    publisher.end()


def test_removal_waits_for_the_last_detachment(key: str) -> None:
    """IPC_RMID frees the key at once; attached processes continue: shmctl(2)."""
    publisher = Program("process_count", "publish", key)
    publisher.line()
    reader = Program("process_count", "read", key)
    reader.line()
    KINDS["sysv memory"].remove(str(int(key, 0)))
    with pytest.raises(PeerGone):
        SYSV.open(key)
    assert reader.ask() and publisher.ask() == reader.ask()
    publisher.end()
    reader.end()
    SYSV.create(SIZE, key).close()  # the key is free again
