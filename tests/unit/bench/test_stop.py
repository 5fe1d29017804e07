"""The first signal of a sweep: what it says reaches the user."""

from __future__ import annotations

import signal

from ipcbench.bench.sweep.shared.stopping import stoppable
from tests.unit.bench.watching import Keeping


class Writing(Keeping):
    """Watcher whose stream is being written when the first note comes: print is not re-entrant."""

    writing = True

    def note(self, message: str) -> None:
        if self.writing:
            self.writing = False
            raise RuntimeError("reentrant call")
        super().note(message)


def test_a_note_that_cannot_be_written_at_once_is_written_later() -> None:
    watcher = Writing()
    with stoppable(watcher):
        signal.raise_signal(signal.SIGINT)
        assert watcher.notes == []
    assert watcher.notes == ["stopping after this run; a second signal stops at once"]
