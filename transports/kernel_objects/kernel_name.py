"""Names under which kernel objects are created and removed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.kernel_objects.ledger import KINDS, announce, unwritten, withdraw
from ipcbench.transports.kernel_objects.names import fresh_name


class KernelName:
    """Name of one kernel object, which is removed at most once.

    A private name stands in the ledger from before the object is created until
    it is removed; a fixed one, which the caller of `create` chose, does not.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        *,
        private: bool,
        unlink: Callable[[], object] | None = None,
        exists: bool = False,
    ) -> None:
        """Hold a name.

        Args:
            kind: the kind of object: a key of `ledger.KINDS`.
            name: the name, or the System V key as text.
            private: the name is a random one of ours.
            unlink: removes the object where the kind's own way, by its name, is not
                wanted; it raises FileNotFoundError where there is none.
            exists: the object was created, and announced, already.
        """
        self.kind = kind
        self.name = name
        self.private = private
        self._unlink = unlink
        self._exists = exists

    @contextlib.contextmanager
    def creating(self) -> Iterator[str]:
        """Announce a private name while the block creates the object; yield the name.

        Raises:
            Unavailable: the ledger cannot be written.
            Exception: what the block raises; the name is withdrawn then.
        """
        if self.private:
            announce(self.kind, self.name)
        try:
            yield self.name
        except Exception:  # after an interrupt the object may exist: the name stays in the ledger
            self._withdraw()
            raise
        self._exists = True

    def remove(self) -> None:
        """Remove the object, the first time: the name may be another program's afterwards."""
        if self._exists:
            self._exists = False
            with contextlib.suppress(FileNotFoundError):
                self._unlink() if self._unlink else KINDS[self.kind].remove(self.name)
            self._withdraw()

    def _withdraw(self) -> None:
        if self.private:
            withdraw(self.kind, self.name)


def fresh_folder() -> Path:
    """Create a private folder below `home()`, for sockets and FIFOs.

    Raises:
        Unavailable: it cannot be created, or the ledger cannot be written.
    """
    try:
        path = home() / fresh_name()
        announce("folder", str(path))
        path.mkdir(mode=0o700)
    except OSError as error:
        raise unwritten(error) from error
    return path


def remove_folder(path: Path) -> None:
    """Remove a folder that `fresh_folder` made. May be called twice."""
    with contextlib.suppress(FileNotFoundError):
        KINDS["folder"].remove(str(path))
    withdraw("folder", str(path))
