"""bench.results.journal: every entry is read back, a torn one is reported; no file is trusted."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcbench.bench.results.axes import PAYLOADS, WAITS
from ipcbench.bench.results.cell import Cell, Facts
from ipcbench.bench.results.entries.machine import MachineInfo
from ipcbench.bench.results.journal import (
    LONGEST_LINE,
    NAME,
    Journal,
    JournalLocked,
    JournalRemoved,
    Unreadable,
    read,
)
from ipcbench.bench.results.records import (
    SCHEMA,
    AnyEntry,
    Calibrated,
    Ended,
    Header,
    PlannedEntry,
    Settings,
)

HEADER = Header(
    schema=SCHEMA,
    version="0",
    started="2026-11-22T12:00:00+01:00",
    command=["ipcbench", "run"],
    profile="quick",
    seed=1,
    budget=None,
    settings=Settings(values=3, warmups=1, block=0.01, stamps=0, rounds=12),
    machine=MachineInfo(
        hostname="host",
        kernel="6.1.0",
        cpu_model="CPU",
        cpus=[0, 1],
        cpus_online=2,
        memory_bytes=1 << 30,
        virtualization="",
        python="3.11.7",
    ),
    clock="CLOCK_MONOTONIC",
    plan="digest",
)
PLANNED = PlannedEntry(
    cell=Cell(transport="pipe", pattern="latency", size=64, placement="same-core"),
    facts=Facts(per="round trip", family="pipe", wait="block", copies=2, framing="stream"),
)
END = Ended(reason="complete", wall=1.5)


def strategy(kind: typing.Any, name: str = "") -> st.SearchStrategy[typing.Any]:
    """All values of a field's type that the schema of a cell allows."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated and parts[0] is float and parts[1].le != 1e18:
        meta = parts[1]
        most = meta.lt if meta.le is None else meta.le
        return st.floats(
            meta.gt or meta.ge or 0.0, most, exclude_min=meta.gt == 0, exclude_max=meta.le is None
        )
    if origin is typing.Annotated:
        return strategy(parts[0], name)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([strategy(part, name) for part in parts])
    if origin is typing.Literal:
        return st.sampled_from(parts)
    if origin is list:
        return st.lists(strategy(parts[0]), max_size=3)
    if origin is tuple:
        return st.tuples(*map(strategy, parts))
    if origin is dict:
        return st.dictionaries(strategy(parts[0]), strategy(parts[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{n: strategy(hints[n], n) for n in kind.__struct_fields__})
    if name in ("transport", "pattern", "placement", "runtime"):
        return st.from_regex(r"[a-z0-9:+/-]{1,20}", fullmatch=True)
    if name == "wait":
        return st.sampled_from(WAITS)
    if name == "payload":
        return st.sampled_from(PAYLOADS)
    if name == "pace":
        return st.sampled_from(["closed", "pause:100us", "pause:1s"])
    if name == "slowed":
        return st.just(0)  # one of the cells below is slowed: no twin may be
    if kind is int:
        return st.integers(1, 10_000)
    return {
        str: st.text(max_size=20),
        float: st.floats(0, 1e12),
        bool: st.booleans(),
        type(None): st.none(),
        msgspec.UnsetType: st.just(msgspec.UNSET),
    }[kind]


def folder_with(folder: Path, *lines: AnyEntry, torn: bytes = b"") -> Path:
    folder.mkdir(exist_ok=True)
    data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    (folder / NAME).write_bytes(data + torn)
    return folder


KINDS = typing.get_args(AnyEntry)


def test_every_kind_of_line_is_tried() -> None:
    assert len(KINDS) == 13
    assert Header in KINDS


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_entries_are_read_as_written(
    kind: type[AnyEntry], data: st.DataObject, tmp_path: Path
) -> None:
    line = data.draw(strategy(kind))
    lines = [line] if kind is Header else [HEADER, line]
    (tmp_path / NAME).unlink(missing_ok=True)
    journal = Journal.create(tmp_path)
    try:
        for one in lines:
            journal.write(one)
    finally:
        journal.close()
    assert list(read(tmp_path)) == lines


def test_a_line_is_one_line_of_json_with_its_kind(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path)
    journal.write(HEADER)
    journal.write(Calibrated(cell="a\nb\x1b", loops=3, at=0.5))
    journal.close()
    lines = (tmp_path / NAME).read_bytes().split(b"\n")
    assert len(lines) == 3
    assert json.loads(lines[1]) == {
        "kind": "calibrated", "cell": "a\nb\x1b", "loops": 3, "stamps": 0, "block": 0.0,
        "warm_up": 0.0, "round": 0, "at": 0.5, "usual_foreign": 0.0, "waiting": {}, "turns": 0,
        "slow_down": 0.0, "capacity": 0.0, "rate": 0.0,
    }  # fmt: skip


def test_a_line_is_there_when_write_returns(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path)
    journal.write(HEADER)
    assert list(read(tmp_path)) == [HEADER]
    journal.close()


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    Journal.create(tmp_path).close()
    with pytest.raises(FileExistsError):
        Journal.create(tmp_path)


def test_a_missing_journal_is_reported_as_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read(tmp_path))
    with pytest.raises(FileNotFoundError):
        Journal.resume(tmp_path)


# A kill tears the last line.


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    whole = msgspec.json.encode(END)
    for cut in (1, len(whole) // 2, len(whole)):  # complete except for its newline: not synced
        folder_with(tmp_path, HEADER, PLANNED, torn=whole[:cut])
        assert list(read(tmp_path)) == [HEADER, PLANNED]


def test_resume_cuts_off_and_reports_the_torn_line(tmp_path: Path) -> None:
    folder_with(tmp_path, HEADER, torn=b'{"kind":"end","rea')
    journal, dropped = Journal.resume(tmp_path)
    assert dropped == '{"kind":"end","rea'
    journal.write(END)
    journal.close()
    assert list(read(tmp_path)) == [HEADER, END]


def test_resume_of_a_whole_journal_drops_nothing(tmp_path: Path) -> None:
    folder_with(tmp_path, HEADER)
    before = (tmp_path / NAME).read_bytes()
    journal, dropped = Journal.resume(tmp_path)
    journal.close()
    assert dropped == ""
    assert (tmp_path / NAME).read_bytes() == before


def test_a_long_torn_line_is_reported_in_short(tmp_path: Path) -> None:
    """It is written to the journal in an entry, which must be readable."""
    folder_with(tmp_path, HEADER, torn=b"\xff" * (1 << 20))
    journal, dropped = Journal.resume(tmp_path)
    journal.close()
    assert 0 < len(dropped) <= 1000
    assert list(read(tmp_path)) == [HEADER]


@pytest.mark.parametrize("torn", [b"{", b'{"kind":"sweep"', msgspec.json.encode(HEADER)])
def test_a_journal_of_nothing_but_a_torn_line_is_unreadable(tmp_path: Path, torn: bytes) -> None:
    folder_with(tmp_path, torn=torn)
    with pytest.raises(Unreadable):
        list(read(tmp_path))


# A full disk.

FILL = """
import os, resource, sys
from pathlib import Path
from ipcbench.bench.results.journal import Journal, read, NAME
from ipcbench.bench.results.records import Ended, Resumed
folder = Path(sys.argv[1])
limit = sys.argv[2] == "limit"
journal, dropped = Journal.resume(folder)
before = (folder / NAME).read_bytes()
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, resource.RLIM_INFINITY))
failed, written = "", 0
for _ in range(10_000):
    size = os.path.getsize(folder / NAME)
    try:
        journal.write(Resumed(started="x" * 100, command=[]))
        written += 1
    except OSError as error:
        failed = os.strerror(error.errno)
        break
assert failed, "the disk never filled"
assert os.path.getsize(folder / NAME) == size, "a part of a line was left behind"
assert len(list(read(folder))) == 1 + written
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    journal.write(Ended(reason="complete", wall=1))
    assert isinstance(list(read(folder))[-1], Ended)
print(failed, written)
"""


def test_a_file_that_cannot_grow_keeps_its_whole_lines(tmp_path: Path) -> None:
    folder_with(tmp_path, HEADER)
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path), "limit"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "0"


def _on_a_small_disk(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run with a tmpfs of 16 KiB on `folder`, in a mount namespace of its own (unshare(1))."""
    mount = 'mount -t tmpfs -o size=16k tmpfs "$1" && cp "$2" "$1" && shift 2 && exec "$@"'
    return subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"),
            *(str(folder), str(folder.parent / NAME), *command),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_full_disk_keeps_the_whole_lines(tmp_path: Path) -> None:
    folder_with(tmp_path, HEADER)
    disk = tmp_path / "disk"
    disk.mkdir()
    if not shutil.which("unshare") or _on_a_small_disk(disk, "true").returncode:
        pytest.skip("no mount of a tmpfs in a namespace of one's own here (unshare(1), mount(8))")
    done = _on_a_small_disk(disk, sys.executable, "-c", FILL, str(disk), "disk")
    assert done.returncode == 0, done.stderr
    assert os.strerror(errno.ENOSPC) in done.stdout
    assert int(done.stdout.split()[-1]) > 10


def test_the_devices_own_full_disk_is_an_os_error() -> None:
    journal = Journal(os.open("/dev/full", os.O_WRONLY), Path("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        journal.write(END)
    journal.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("call", ["write", "rest", "sync"])
def test_a_refused_write_leaves_no_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """A part of an entry may be written first; a delayed error comes with the sync."""
    journal = Journal.create(tmp_path)
    journal.write(HEADER)
    before, write = (tmp_path / NAME).read_bytes(), os.write

    taken = iter([10] if call == "rest" else [])

    def refuse(fd: int, data: bytes = b"") -> int:
        for size in taken:
            return write(fd, data[:size])
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync" if call == "sync" else "write", refuse)
        with pytest.raises(OSError) as caught:
            journal.write(PLANNED, END)
    assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / NAME))
    assert (tmp_path / NAME).read_bytes() == before
    journal.write(END)
    journal.close()
    assert list(read(tmp_path)) == [HEADER, END]


# Another process at the same file.


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    first = Journal.create(tmp_path)
    first.write(HEADER)
    with pytest.raises(JournalLocked, match="the sweep is still running"):
        Journal.resume(tmp_path)
    first.close()
    second, _ = Journal.resume(tmp_path)
    with pytest.raises(JournalLocked):
        Journal.resume(tmp_path)
    second.close()


def test_a_surviving_child_is_no_writer(tmp_path: Path) -> None:
    """flock(2) belongs to the open file description: a child with the descriptor would keep it."""
    journal = Journal.create(tmp_path)
    journal.write(HEADER)
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        journal.close()
        Journal.resume(tmp_path)[0].close()
        child.kill()


@pytest.mark.parametrize("how", ["removed", "moved", "replaced", "folder"])
def test_lines_without_a_name_are_refused(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    journal = Journal.create(folder)
    journal.write(HEADER)
    if how == "folder":
        folder.rename(tmp_path / "elsewhere")
    elif how == "moved":
        (folder / NAME).rename(folder / "other")
    else:
        data = (folder / NAME).read_bytes()
        (folder / NAME).unlink()
        if how == "replaced":
            (folder / NAME).write_bytes(data)
    with pytest.raises(JournalRemoved, match="removed or renamed during the sweep"):
        journal.write(END)
    journal.close()


@pytest.mark.parametrize("make", [Journal.create, Journal.resume])
def test_a_link_is_no_journal(tmp_path: Path, make: Callable[[Path], object]) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / NAME).symlink_to(target)
    with pytest.raises(OSError):
        make(tmp_path)
    assert target.read_text() == "precious"


def test_the_journals_name_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr("ipcbench.bench.results.journal.sync_folder", synced.append)
    Journal.create(tmp_path).close()
    assert synced == [tmp_path]


def test_each_write_is_synced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries of a plan are synced together: there may be thousands."""
    sizes = []
    monkeypatch.setattr(os, "fdatasync", lambda fd: sizes.append(os.fstat(fd).st_size))
    journal = Journal.create(tmp_path)
    journal.write(HEADER, PLANNED, PLANNED)
    journal.write(END)
    journal.close()
    data = (tmp_path / NAME).read_bytes()
    assert sizes == [len(data) - len(msgspec.json.encode(END)) - 1, len(data)]


# A journal from an untrusted source.

GOOD = json.loads(msgspec.json.encode(END))


def changed(**values: object) -> bytes:
    return json.dumps({**GOOD, **values}).encode()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty line"),
        pytest.param(b"\x00\x01\x02\xff\xfe", id="binary"),
        pytest.param(b'{"kind":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"kind":"calibrated","cell":"\xff","loops":1}', id="no UTF-8 in a field"),
        pytest.param(b'{"kind":"calibrated","cell":"\\ud800","loops":1}', id="half a surrogate"),
        pytest.param(b"PK\x03\x04", id="zip"),
        pytest.param(b"[" * 100_000, id="deep lists"),
        pytest.param(b'{"a":' * 100_000, id="deep objects"),
        pytest.param(b'{"kind":"end","reason":"complete","wall":NaN}', id="NaN"),
        pytest.param(b'{"kind":"end","reason":"complete","wall":Infinity}', id="infinity"),
        pytest.param(b'{"kind":"end","reason":"complete","wall":1e999}', id="beyond a float"),
        pytest.param(b"1" * 5000, id="a long number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="no kind"),
        pytest.param(changed(kind="other"), id="unknown kind"),
        pytest.param(changed(kind="\x1b[2J\n\u202e"), id="control characters in kind"),
        pytest.param(changed(**{"\x1b[2J\n": 1}), id="control characters in a key"),
        pytest.param(changed(**{"k" * 100_000: 1}), id="a long key"),
        pytest.param(changed(reason="\x1b\n"), id="no such reason"),
        pytest.param(changed(wall="1"), id="text for a number"),
        pytest.param(changed(wall=[1]), id="list for a number"),
        pytest.param(changed(wall=None), id="null for a number"),
        pytest.param(changed(more=1), id="unknown key"),
        pytest.param(b'{"kind":"end"}', id="missing keys"),
        pytest.param(b'{"kind":"calibrated","cell":"a","loops":1.5}', id="fraction for a whole"),
        pytest.param(msgspec.json.encode(END) + b" x", id="more after the line"),
        pytest.param(msgspec.json.encode(HEADER), id="a second header"),
    ],
)
def test_a_line_of_another_hand_is_refused_in_one_line(tmp_path: Path, line: bytes) -> None:
    folder_with(tmp_path, HEADER, torn=line + b"\n")
    with pytest.raises(Unreadable) as caught:
        list(read(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / NAME}:2: ")
    assert message.isprintable()
    assert len(message) < 1000


@pytest.mark.parametrize("first", [b"\x7fELF\x02\x01", b"[]", msgspec.json.encode(END)])
def test_a_file_that_does_not_begin_with_a_header_is_refused(tmp_path: Path, first: bytes) -> None:
    folder_with(tmp_path, torn=first + b"\n")
    with pytest.raises(Unreadable, match=":1: "):
        list(read(tmp_path))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    folder_with(tmp_path)
    with pytest.raises(Unreadable, match="empty"):
        list(read(tmp_path))


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_huge_line_is_refused_and_not_swallowed(tmp_path: Path, end: bytes) -> None:
    folder_with(tmp_path, HEADER)
    with (tmp_path / NAME).open("ab") as file:
        file.truncate(file.tell() + 2 * LONGEST_LINE)  # sparse: zeros without blocks
        file.write(end)
    with pytest.raises(Unreadable, match="a line of more than"):
        list(read(tmp_path))


@settings(suppress_health_check=list(HealthCheck))
@given(noise=st.binary(max_size=200))
def test_noise_is_read_as_lines_or_refused(tmp_path: Path, noise: bytes) -> None:
    folder_with(tmp_path, HEADER, torn=noise)
    try:
        lines = list(read(tmp_path))
    except Unreadable as error:
        assert str(error).isprintable()
    else:
        assert lines == [HEADER]
