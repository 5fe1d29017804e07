"""Tests of kernel names: announced while the object exists, and removed at most once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.transports.kernel_objects import KernelName
from ipcbench.transports.kernel_objects.ledger import (
    current,
    remove_standing,
    standing,
    withdraw,
)
from ipcbench.transports.kernel_objects.sysv_keys import create_with_key


def stands(path: Path) -> bool:
    return ("file", str(path)) in standing(current())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ipcbench-0123456789abcdef"


def test_a_private_name_stands_while_its_object_exists(path: Path) -> None:
    name = KernelName("file", str(path), private=True)
    with name.creating():
        assert stands(path)
        path.touch()
    assert stands(path)
    name.remove()
    assert not path.exists() and not stands(path)


def test_a_failed_creation_is_withdrawn(path: Path) -> None:
    name = KernelName("file", str(path), private=True)
    with pytest.raises(OSError, match="full"), name.creating():
        raise OSError("full")
    assert not stands(path)
    path.touch()  # another program's
    name.remove()
    assert path.exists()


def test_an_interrupted_creation_stands_in_the_ledger(path: Path) -> None:
    """The interrupt may come after the object was created: the clean-up must find it."""
    name = KernelName("file", str(path), private=True)
    with pytest.raises(KeyboardInterrupt), name.creating():
        path.touch()
        raise KeyboardInterrupt
    assert stands(path)
    assert remove_standing(current()) == [f"file {path}"]
    assert not path.exists()


def test_an_interrupted_creation_under_a_key_stands_in_the_ledger() -> None:
    made: list[int] = []

    def make(key: int) -> None:
        made.append(key)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_with_key("sysv queue", None, make)
    assert ("sysv queue", str(made[0])) in standing(current())
    withdraw("sysv queue", str(made[0]))


def test_a_fixed_name_is_removed_once_and_stands_in_no_ledger(path: Path) -> None:
    name = KernelName("file", str(path), private=False)
    with name.creating():
        path.touch()
    assert not stands(path)
    name.remove()
    assert not path.exists()
    path.touch()  # another program's by now
    name.remove()
    assert path.exists()


def test_an_object_that_is_gone_already_is_no_error(path: Path) -> None:
    name = KernelName("file", str(path), private=True, exists=True)
    name.remove()
    assert not stands(path)


def test_an_object_may_be_removed_in_another_way(path: Path) -> None:
    removed: list[bool] = []
    name = KernelName(
        "file", str(path), private=False, unlink=lambda: removed.append(True), exists=True
    )
    name.remove()
    name.remove()
    assert removed == [True]
