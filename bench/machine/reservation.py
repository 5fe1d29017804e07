"""Reservation of the machine for a sweep: the lock, the ledger and the cleanup process."""

from __future__ import annotations

import os

from ipcbench.bench.machine.clean_end import clean_end
from ipcbench.bench.machine.guardian import Guardian, clean_up, watch
from ipcbench.bench.machine.lock import SweepLock
from ipcbench.bench.results.files import describe
from ipcbench.transports.base.os_errors import remedy
from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects.home import REMEDY
from ipcbench.transports.kernel_objects.ledger import LEDGER_VARIABLE, Ledger, abandoned


class Reservation:
    """A context that a sweep runs in; leaving it removes all objects of the sweep.

    Args:
        exclusive: hold the lock, so that no other sweep runs. One that
            measures nothing may run beside others.

    Raises: SweepInProgress, Unavailable (on entering).
    """

    def __init__(self, *, exclusive: bool) -> None:
        self._lock = SweepLock() if exclusive else None

    def __enter__(self) -> Reservation:
        if (lack := no_proc()) is not None:  # every process would look dead
            raise lack
        if self._lock is not None:
            self._lock.acquire()
        try:
            self._open_ledger()
        except OSError as error:
            self._release()
            # An error without a number is one of ours, whose text says what to do.
            help_ = remedy(error) or (REMEDY if error.errno is not None else "")
            raise Unavailable(describe(error), help_) from error
        except BaseException:  # a second Ctrl-C, too
            self._release()
            raise
        try:
            self._guardian = Guardian(self._ledger)
        except BaseException as error:
            clean_end(error, lambda: clean_up(self._ledger), self._leave)
            raise
        return self

    def _open_ledger(self) -> None:
        for ledger in abandoned():
            clean_up(ledger)
        self._before = os.environ.get(LEDGER_VARIABLE)
        self._ledger = Ledger.open_new(os.getpid())  # a new one: the caller's own stays
        os.environ[LEDGER_VARIABLE] = str(self._ledger.path)

    def watch(self, pid: int) -> None:
        """Have the cleanup process end the session of this process if the command is killed."""
        watch(self._ledger, pid)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        clean_end(error, self._clean_up, self._guardian.hand_over, self._leave)

    def _clean_up(self) -> None:
        clean_up(self._ledger)
        self._guardian.dismiss()

    def _leave(self) -> None:
        os.environ.pop(LEDGER_VARIABLE, None)
        if self._before is not None:
            os.environ[LEDGER_VARIABLE] = self._before
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
