"""The cache of built arms: one private folder, locked while it is used, with an upper bound."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ipcbench.bench.arms import cache
from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.cache import Entry
from ipcbench.bench.arms.preparing import prepare


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ipcbench/arms"


def built(key: str, size: int = 10) -> Entry:
    entry = Entry(key)
    entry.claim(lambda: (entry.path / "data").write_bytes(b"x" * size) and None, lambda: False)
    return entry


def never() -> None:
    raise AssertionError("it is built already")


def test_an_entry_is_built_once() -> None:
    built("one").release()
    Entry("one").claim(never, lambda: False)


def test_the_folder_is_private(place: Path) -> None:
    built("one")
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    with pytest.raises(ArmError, match="only we may enter") as refused:
        Entry("two")
    assert "XDG_CACHE_HOME" in refused.value.remedy


def test_a_folder_that_others_may_replace_is_refused(place: Path) -> None:
    place.mkdir(parents=True, mode=0o700)
    place.parent.chmod(0o777)
    with pytest.raises(ArmError) as refused:
        Entry("one")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["file", "link"])
def test_another_thing_in_its_place_is_refused(kind: str, place: Path, tmp_path: Path) -> None:
    place.parent.mkdir()
    if kind == "file":
        place.touch()
    else:
        (tmp_path / "other").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "other")
    with pytest.raises(ArmError):
        Entry("one")


def test_a_folder_that_cannot_be_made_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ArmError, match="cannot be made: Not a directory") as refused:
        Entry("one")
    assert "XDG_CACHE_HOME" in refused.value.remedy


def test_a_foreign_folder_does_not_concern_arms_without_a_build(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    built("one")
    place.chmod(0o755)
    prepare("env:A=1", "here", print)


def test_a_build_that_fails_leaves_nothing(place: Path) -> None:
    entry = Entry("one")

    def fail() -> None:
        (entry.path / "half").touch()
        raise ArmError("it does not compile")

    with pytest.raises(ArmError, match="compile"):
        entry.claim(fail, lambda: False)
    assert not entry.path.exists()
    entry.release()
    built("one")


def test_a_full_disk_is_one_line() -> None:
    def full() -> None:
        raise OSError(28, os.strerror(28))

    with pytest.raises(ArmError, match="No space left") as refused:
        Entry("one").claim(full, lambda: False)
    assert "room" in refused.value.remedy


def test_two_that_want_the_same_build_it_once() -> None:
    began, go_on, times = threading.Event(), threading.Event(), []

    def slow() -> None:
        times.append("built")
        began.set()
        go_on.wait(10)

    first = Entry("one")
    other = threading.Thread(target=lambda: first.claim(slow, lambda: False))
    other.start()
    began.wait(10)
    threading.Timer(0.2, go_on.set).start()
    Entry("one").claim(never, lambda: False)
    other.join()
    assert times == ["built"]


def test_waiting_for_another_build_ends_with_the_command() -> None:
    entry = Entry("one")
    assert entry._take(cache.fcntl.LOCK_EX)
    looks = iter([False, False, True])
    Entry("one").claim(never, lambda: next(looks))
    entry.release()


def test_what_a_killed_build_left_is_removed(place: Path) -> None:
    entry = Entry("one")
    assert entry._take(cache.fcntl.LOCK_EX)
    entry.path.mkdir()
    assert cache.remove_unfinished() == []  # while it is built
    entry.release()
    entry.log.touch()
    assert cache.remove_unfinished() == [str(entry.path)]
    assert list(place.iterdir()) == []


def test_what_is_used_stays() -> None:
    used, unused = built("used"), built("unused")
    unused.release()
    assert cache.remove_unfinished() == []
    assert cache.remove_all() == ([str(unused.path)], [str(used.path)])
    assert used.is_ready


def _by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 2)


def _by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_BYTES", 50_000)


@pytest.mark.parametrize("bound", [_by_number, _by_size])
def test_what_was_used_longest_ago_goes_first(
    bound: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, key in enumerate(("new", "middle", "old")):
        entry = built(key, 20_000)
        entry.release()
        os.utime(entry.path, (1e9 - age, 1e9 - age))
    bound(monkeypatch)
    cache.shrink()
    assert [Entry(key).is_ready for key in ("new", "middle", "old")] == [True, True, False]


def test_nothing_is_made_to_look_for_leftovers(place: Path) -> None:
    assert cache.remove_unfinished() == []
    assert cache.remove_all() == ([], [])
    assert not place.exists()
