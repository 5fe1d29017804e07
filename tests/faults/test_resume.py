"""Resumption of a sweep that was cut anywhere: same results, or a reason for the refusal."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipcbench.bench.errors import SweepError
from ipcbench.bench.results.journal import NAME, Unreadable
from ipcbench.bench.results.results import load
from ipcbench.bench.sweep import sweep
from ipcbench.bench.sweep.display import Silent
from tests.e2e.command import ipcbench
from tests.faults.disks import error_lines, in_private

# `null` cannot do echo: so the plan contains a skipped cell.
SWEEP = ["run", "--clock", "fake", "--profile", "smoke", "--seed", "5", "-s", "64"]
SWEEP += ["-t", "null", "-t", "pipe", "--pattern", "latency", "--pattern", "echo"]
# Per mille of the lines after the plan: during calibration, and in each of the two rounds.
CUTS = [
    random.Random(seed).randrange(*part)
    for seed, part in enumerate([(0, 60), (60, 530), (530, 1000)])
]
PLAN = tuple(f'{{"kind":"{kind}"'.encode() for kind in ("sweep", "cell", "skipped"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The uninterrupted sweep."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    done = ipcbench(*SWEEP, "-o", folder)
    assert done.returncode == 0, done.stderr
    return folder


def written(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / NAME).read_text().splitlines()]


def plan_ends(folder: Path) -> int:
    """Return the offset of the end of a journal's plan, in bytes."""
    lines = (folder / NAME).read_bytes().splitlines(keepends=True)
    return sum(len(line) for line in lines if line.startswith(PLAN))


def cut(whole: Path, folder: Path, size: int) -> Path:
    """Make a folder whose journal is cut to this size."""
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_bytes((whole / NAME).read_bytes()[:size])
    return folder


def comparable(folder: Path) -> list[tuple[object, ...]]:
    """Return a journal's lines in order, without the fields that differ between sweeps."""
    fields = {"calibrated": ("cell", "loops", "stamps"), "round": ("round", "void")}
    fields["run"] = (
        "cell",
        "round",
        "attempt",
        "loops",
        "values",
        "warmups",
        "tail",
        "void",
        "cpus",
    )
    return [
        (line["kind"], *(str(line[key]) for key in fields[line["kind"]]))
        for line in written(folder)
        if line["kind"] in fields
    ]


@pytest.mark.parametrize("place", CUTS)
def test_a_sweep_cut_anywhere_is_finished(place: int, whole: Path, tmp_path: Path) -> None:
    start, size = plan_ends(whole), (whole / NAME).stat().st_size
    folder = cut(whole, tmp_path / "cut", start + (size - start) * place // 1000)
    kept = (folder / NAME).read_bytes()
    torn = kept[kept.rfind(b"\n") + 1 :]
    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert (
        "the last line of the journal was incomplete, and has been removed" in done.stderr
    ) is bool(torn)
    assert (folder / NAME).read_bytes().startswith(kept.removesuffix(torn))
    assert comparable(folder) == comparable(whole)
    results = load(folder)
    assert [one.dropped for one in results.resumed] == [torn[:200].decode()]
    assert results.ended is not None
    assert results.ended.reason == "complete"
    assert results.spent > load(whole).cells["latency/pipe/python/64B/2p/same-core"].runs[0].at
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in whole.iterdir()
    )


def test_a_sweep_cut_in_its_plan_is_refused(whole: Path, tmp_path: Path) -> None:
    """Otherwise cells that were skipped or planned last would be missing without notice."""
    end = plan_ends(whole)
    for size in (0, 1, end // 2, *random.Random(3).sample(range(end), 20), end - 1):
        folder = cut(whole, tmp_path / "cut", size)
        before = (folder / NAME).read_bytes()
        with pytest.raises((Unreadable, SweepError)) as caught:
            sweep.resume(folder, [], Silent())
        if b"\n" in before:
            assert str(caught.value) == (
                "this sweep was stopped before its plan was complete: start a new run"
            )
        assert (folder / NAME).read_bytes() == before


def test_a_journal_that_cannot_be_written(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    done = in_private(
        """
        mount -t tmpfs tmpfs "$2" && cp -r "$1" "$2/run" && mount -o remount,ro "$2"
        ipcbench run --resume "$2/run"
        """,
        whole,
        tmp_path / "disk",
    )
    assert done.returncode == 3
    (line,) = error_lines(done.stderr)
    assert line.startswith(f"Error: {tmp_path}/disk/run/journal.jsonl: Read-only file system: ")


def test_a_complete_sweep_is_reported_again(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path / "run", 1 << 30)
    before = (folder / NAME).read_bytes()
    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0
    assert done.stderr == "nothing is left to do: all of its 2 rounds are complete\n"
    assert (folder / NAME).read_bytes() == before
    for name in ("suite.json", "report.html"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_a_spent_budget_is_reported(whole: Path, tmp_path: Path) -> None:
    """A resumed sweep counts the time spent before, so it measures no further round."""
    header, *lines, end = written(whole)
    header["budget"], end["reason"] = 0.5, "budget"
    folder = tmp_path / "run"
    folder.mkdir()
    text = "".join(f"{json.dumps(line)}\n" for line in (header, *lines, end))
    (folder / NAME).write_text(text)
    done = ipcbench("run", "--resume", folder)
    assert done.returncode == 0
    assert done.stderr == (
        "nothing is left to do: its budget of 0 s is spent; for more rounds, start a new run "
        "with a larger one\n"
    )
    assert (folder / NAME).read_text() == text


def version(header: dict[str, Any]) -> None:
    header["version"] = "0.0.1"


def code(header: dict[str, Any]) -> None:
    header["code"] = "0123456789abcdef"


def processor(header: dict[str, Any]) -> None:
    header["machine"]["cpu_model"] = "Z80"


def host(header: dict[str, Any]) -> None:
    header["machine"]["hostname"] = "elsewhere"


def plan(header: dict[str, Any]) -> None:
    header["plan"] = "fedcba9876543210"


def niceness(header: dict[str, Any]) -> None:
    header["machine"]["settings"]["nice"] = "19\x1b"


def allocator(header: dict[str, Any]) -> None:
    header["machine"]["settings"]["PYTHONMALLOC"] = "malloc_debug"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (version, "the version was 0.0.1, is "),
        (code, "the code was 0123456789abcdef, is "),
        (processor, "the machine was Z80 x"),
        (host, "the host was elsewhere, is "),
        (plan, "the plan was fedcba9876543210, is "),
        (niceness, "nice was 19\\x1b, is "),
        (allocator, "PYTHONMALLOC was malloc_debug, is "),
    ],
)
def test_another_sweep_is_refused_with_the_reason(
    change: Callable[[dict[str, Any]], None], reason: str, whole: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(whole, tmp_path / "run")
    header, _, rest = (folder / NAME).read_text().partition("\n")
    changed = json.loads(header)
    change(changed)
    (folder / NAME).write_text(f"{json.dumps(changed)}\n{rest}")
    with pytest.raises(SweepError) as caught:
        sweep.resume(folder, [], Silent())
    message = str(caught.value)
    assert message.startswith(f"this sweep cannot be resumed here: {reason}")
    assert message.count(" was ") == 1
    assert message.endswith(": start a new run, or undo the change")


@pytest.mark.parametrize(
    "option", [["--clock", "fake"], ["--profile", "quick"], ["--budget", "1m", "--rounds", "3"]]
)
def test_a_sweep_is_resumed_with_its_own_options(option: list[str], whole: Path) -> None:
    done = ipcbench("run", "--resume", whole, *option)
    assert done.returncode == 3
    assert error_lines(done.stderr) == [
        "Error: --resume repeats the options of its sweep, and takes another --budget: leave the "
        "others out"
    ]


# Another budget.

ADAPTIVE = """
about = "A contest that eight rounds do not decide."

[run]
rounds = 8
values = 1
block = "1ms"
stamps = 0
adaptive = true

[[cells]]
patterns = ["latency"]
transports = ["pipe", "unix-stream"]
sizes = ["64"]
placements = ["same-core"]
"""


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adaptive sweep that has gone on until nothing was left to do."""
    place = tmp_path_factory.mktemp("decided")
    (place / "profile.toml").write_text(ADAPTIVE)
    done = ipcbench(
        "run", "--profile", place / "profile.toml", "--clock", "fake-noisy", "--seed", "1",
        "-o", place / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(load(place / "run").looks) > 1, "it is decided too early to test anything"
    return place / "run"


def spent(decided: Path, folder: Path) -> Path:
    """Make of it a sweep whose budget bore nothing behind its first look."""
    header, *lines = written(decided)
    first = next(place for place, line in enumerate(lines) if line["kind"] == "look")
    look = lines[first] | {"goes_on": [], "left": 0.1}
    end = {"kind": "end", "reason": "budget", "wall": look["at"] + 60.0}
    folder.mkdir()
    kept = [header | {"budget": end["wall"]}, *lines[:first], look, end]
    (folder / NAME).write_text("".join(f"{json.dumps(line)}\n" for line in kept))
    return folder


def test_an_adaptive_sweep_goes_on_with_a_larger_budget(decided: Path, tmp_path: Path) -> None:
    folder = spent(decided, tmp_path / "run")
    before, whole = load(folder), load(decided)
    same = ipcbench("run", "--resume", folder)
    assert same.returncode == 0, same.stderr
    assert f"give a larger one: ipcbench run --resume {folder} --budget TIME" in same.stderr
    assert f"more time: ipcbench run --resume {folder} --budget 3m" in same.stdout
    more = ipcbench("run", "--resume", folder, "--budget", "10m")
    assert more.returncode == 0, more.stderr
    after = load(folder)
    assert after.looks[:1] == before.looks  # nothing is judged anew
    assert (after.looks[1].stands, len(after.looks[1].goes_on)) == ([], 2)
    assert [one.stands for one in after.looks[2:]] == [one.stands for one in whole.looks[1:]]
    assert (after.budget, before.budget) == (600.0, before.header.budget)
    assert after.ended is not None and whole.ended is not None
    assert after.ended.reason == whole.ended.reason


def test_a_budget_that_is_spent_already_is_refused(decided: Path, tmp_path: Path) -> None:
    folder = spent(decided, tmp_path / "run")
    done = ipcbench("run", "--resume", folder, "--budget", "1m")
    assert done.returncode == 3
    (line,) = error_lines(done.stderr)
    assert line.startswith("Error: --budget: this sweep has taken 1 min ")
    assert line.endswith(" s already, which counts: give more")


def test_a_sweep_of_fixed_rounds_takes_no_other_budget(whole: Path) -> None:
    done = ipcbench("run", "--resume", whole, "--budget", "5m")
    assert done.returncode == 3
    assert error_lines(done.stderr) == [
        "Error: --budget: this sweep judges its contests once, at its end, and takes no rounds "
        "beyond it: start a new run"
    ]
