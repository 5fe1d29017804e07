"""The contract, checked for every transport: `-k unix-stream` selects one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from ipcbench.transports.contract import Sharing
from ipcbench.transports.kernel_objects import fresh_key, fresh_name
from ipcbench.transports.testing import ContractTests
from ipcbench.transports.testing.subject import Subject
from tests import sampling


class _Sysv(ContractTests):
    """Transports that System V keys name: a free name is a number.

    A file beside a System V semaphore has it too, as a path from the current folder.
    """

    folder: ClassVar[Path | None] = None

    @pytest.fixture
    def free_name(
        self, subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> str | None:
        monkeypatch.chdir(self.folder or tmp_path)
        return str(fresh_key()) if subject.transport.traits.sharing is Sharing.NAME else None


class _SysvTmpfs(_Sysv):
    """A file on a tmpfs, beside System V semaphores."""

    folder = Path("/dev/shm")


@pytest.mark.usefixtures("huge_pages")
class _Huge(_Sysv):
    """Memory in huge pages, where some can be reserved."""


class _Tmpfs(ContractTests):
    """A file on a tmpfs, whatever file system pytest's folder is on."""

    @pytest.fixture
    def free_name(self, subject: Subject, tmp_path: Path) -> str | None:
        named = subject.transport.traits.sharing is Sharing.NAME
        return f"/dev/shm/{fresh_name()}" if named else None


def _suite(name: str) -> type[ContractTests]:
    if "/huge" in name:
        return _Huge
    if "sysv" in name:
        return _SysvTmpfs if name.startswith("shm:tmpfs") else _Sysv
    return _Tmpfs if name.startswith("shm:tmpfs") else ContractTests


for name in sampling.contracted():
    suite = _suite(name)
    globals()[f"Test-{name}"] = type(f"Test-{name}", (suite,), {"transport": name})
