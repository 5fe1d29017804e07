"""bench.sweep.run_folder: a new run has a folder of its own, and `latest` leads to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from ipcbench.bench.errors import SweepError
from ipcbench.bench.results.records import Ended, Reason
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep.run_folder import examine, point_to, prepare
from tests import synthetic
from tests.unit.bench.watching import Keeping


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_run(folder: Path, reason: Reason | None) -> None:
    """Write a run that ended for a reason; None: it was killed."""
    planned = synthetic.cells(("pipe",), sizes=(64,))
    found = synthetic.sweep(lambda *_: 1e-6, planned, rounds=2)
    synthetic.write_journal(found, folder)
    path = folder / "journal.jsonl"
    lines = path.read_bytes().splitlines()[:-1]  # without the end
    if reason is not None:
        lines.append(msgspec.json.encode(Ended(reason=reason, wall=1.0)))
    path.write_bytes(b"\n".join(lines) + b"\n")
    ended = load(folder).ended
    assert (None if ended is None else ended.reason) == reason


def refusal(folder: Path) -> str:
    with pytest.raises(SweepError) as caught:
        prepare(folder)
    return str(caught.value)


def test_a_new_or_an_empty_folder_is_taken(here: Path) -> None:
    assert prepare(Path("new/run")) == (Path("new/run"), True)
    assert prepare(Path("new/run")) == (Path("new/run"), False)
    assert prepare(Path(".").resolve() / "new/run") == (here / "new/run", False)
    (here / "new/run/.journal.jsonl.abcdefgh").touch()  # a draft of a killed sweep
    assert prepare(Path("new/run")) == (Path("new/run"), False)
    (here / "link").symlink_to("new/run")
    assert prepare(Path("link")) == (Path("link"), False)


@pytest.mark.parametrize("reason", [None, *get_args(Reason)])
def test_only_a_stopped_run_is_to_be_continued(reason: Reason | None) -> None:
    a_run(Path("a b"), reason)
    message = refusal(Path("a b"))
    if reason in (None, "interrupted"):
        assert message.endswith("or continue that run: ipcbench run --resume 'a b'")
    else:
        assert message == "a b holds a run: choose another folder"


def test_what_is_no_run_is_not_to_be_continued(here: Path) -> None:
    (here / "full").mkdir()
    (here / "full/notes.txt").touch()
    assert refusal(Path("full")) == "full is not empty, and holds no run: choose another folder"
    (here / "full/journal.jsonl").write_text("no journal")
    assert refusal(Path("full")) == "full holds a run: choose another folder"


@pytest.mark.parametrize("check", [examine, prepare])
@pytest.mark.parametrize("name", ["/dev/full", "/dev/full/run", "file", "file/below"])
def test_a_file_is_no_folder(here: Path, name: str, check: Callable[[Path], object]) -> None:
    (here / "file").touch()
    file = Path(name) if Path(name).exists() else Path(name).parent
    with pytest.raises(SweepError) as caught:
        check(Path(name))
    assert str(caught.value) == f"{file} is no folder: choose another folder with --output"


def test_a_dry_run_examines_the_folder_and_leaves_nothing(here: Path) -> None:
    for folder in (None, Path("new/run"), Path(".")):
        examine(folder)
        assert not list(here.iterdir())
    with pytest.raises(SweepError, match=r"^/proc/run: .*: choose another folder with --output"):
        examine(Path("/proc/run"))
    a_run(Path("old"), None)
    with pytest.raises(SweepError, match="old holds a run that was stopped: choose another"):
        examine(Path("old"))
    (here / "shared").mkdir()
    (here / "shared").chmod(0o777)
    with pytest.raises(SweepError, match=r"others may write .* or take another folder$"):
        examine(Path("shared/run"))


def test_a_link_to_nowhere_is_refused(here: Path) -> None:
    (here / "link").symlink_to("gone")
    assert refusal(Path("link")).startswith("link is a link to gone, which does not exist: remove")
    assert not (here / "gone").exists()


def test_the_name_of_the_link_to_the_newest_run_is_refused(here: Path) -> None:
    for name in ("results/latest", "results/../results/latest", here / "results/latest"):
        assert "is the link to the newest run: choose another folder" in refusal(Path(name))
    assert not os.path.lexists("results")
    assert prepare(Path("latest")) == (Path("latest"), True)
    assert prepare(Path("results")) == (Path("results"), True)


def test_a_folder_in_the_links_place_is_told(here: Path) -> None:
    watcher, link = Keeping(), Path("results/latest")
    link.mkdir(parents=True)
    point_to(link, "new", watcher)
    assert watcher.notes == [
        "results/latest is not a link, and so does not lead to this run: rename it, and the next "
        "run makes the link"
    ]
    assert link.is_dir()
    link.rename("results/other")
    for target in ("new", "newer"):
        point_to(link, target, watcher)
        assert link.readlink() == Path(target)
    assert len(watcher.notes) == 1
