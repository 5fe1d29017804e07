"""The first signal of a sweep: what it says reaches the user."""

from __future__ import annotations

import signal

from ipcbench.bench.sweep.shared.stopping import stoppable


class Writing:
    """Watcher whose stream is being written when the first note comes: print is not re-entrant."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._writing = True

    def update(self, done: float, left: float, what: str) -> None: ...

    def note(self, message: str) -> None:
        if self._writing:
            self._writing = False
            raise RuntimeError("reentrant call")
        self.notes.append(message)

    def trouble(self, message: str) -> None: ...

    def close(self) -> None: ...


def test_a_note_that_cannot_be_written_at_once_is_written_later() -> None:
    watcher = Writing()
    with stoppable(watcher):
        signal.raise_signal(signal.SIGINT)
        assert watcher.notes == []
    assert watcher.notes == ["stopping after this run; a second signal stops at once"]
