"""Orders of `ipcbench run`: named transports, a dry run, and the command that repeats a run."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from ipcbench.bench.results.results import Results, load
from tests.e2e.command import ipcbench

NAMED = ("run", "--clock", "fake", "pipe", "unix-stream", "--rounds", "6", "--placement",
         "same-core")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orders") / "run"
    done = ipcbench(*NAMED, "-s", "64", "--open", "-o", folder, BROWSER=f"touch {folder}.opened;")
    assert done.returncode == 0, done.stderr
    (folder.parent / "said").write_text(done.stdout)
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return load(folder)


def test_exactly_the_named_transports_are_measured(results: Results) -> None:
    cells = [result.cell for result in results.ok()]
    assert {cell.transport for cell in cells} == {"pipe", "unix-stream"}
    assert {cell.pattern for cell in cells} == {"latency", "stream"}
    assert len([cell for cell in cells if not cell.is_control]) == 4
    assert len([cell for cell in cells if cell.is_control]) == 3
    own = [one for one in results.contests.values() if one.task == "named"]
    assert len(own) == 2
    assert len(results.looks) == 1
    assert len(results.rounds) == 6
    assert (results.header.profile, results.header.budget) == ("named", None)


def first_round(results: Results) -> list[str]:
    runs = [run for result in results.cells.values() for run in result.runs if run.round == 1]
    return [run.cell for run in sorted(runs, key=lambda run: run.at)]


@pytest.mark.parametrize("place", ["page", "terminal"])
def test_the_command_that_repeats_a_run_plans_the_same(
    folder: Path, results: Results, place: str
) -> None:
    if place == "page":
        page = html.unescape((folder / "report.html").read_text())
        commands = set(re.findall(r"ipcbench run [^<\n]*--seed \d+[^<\n]*", page))
    else:
        said = (folder.parent / "said").read_text()
        commands = {line.removeprefix("again: ") for line in said.splitlines() if "--seed" in line}
    (again,) = commands
    words = shlex.split(again)[1:]
    assert not {"--open", "-o"} & {*words}
    done = ipcbench(*words, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["plan"] == results.header.plan
    assert found["seed"] == results.header.seed
    assert found["rounds"] == results.header.settings.rounds
    assert found["cells"] == first_round(results)


def test_the_page_is_opened(folder: Path) -> None:
    done = ipcbench(
        *NAMED, "-s", "64", "--pattern", "latency", "--rounds", "1", "--open",
        "-o", folder.with_name("other"), BROWSER="no-such-program",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if "--open" in line)
    assert line.startswith("--open: no browser was found here: set BROWSER, or open ")


def test_the_command_that_has_more_has_it(tmp_path: Path) -> None:
    """Of one transport no two facilities are compared: `show --all` has nothing of it."""
    done = ipcbench(
        "run", "--clock", "fake", "pipe", "-s", "64", "--pattern", "latency", "--rounds", "6",
        "--placement", "same-core", "-o", tmp_path / "one",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("All "))
    assert ipcbench(*shlex.split(line.partition(": ")[2])[1:]).returncode == 0


def test_a_dry_run_measures_nothing(tmp_path: Path) -> None:
    done = ipcbench(*NAMED, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
    first, *_, rounds, time = done.stdout.splitlines()
    assert first == "15 cells, of which 3 are controls:"
    assert "  stream (6): pipe, unix-stream" in done.stdout
    assert rounds == "6 rounds"
    assert re.fullmatch(r"about \d+ s, page included", time)


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        (("pipe",), [f"{one}/pipe/python/64B/2p/same-core" for one in ("latency", "stream")]),
        (("posix-sem",), ["signal/posix-sem/python/0B/2p/same-core"]),
        (("greets-at-length",), ["latency/greets-at-length/python/64B/2p/same-core"]),
        (("pipe", "--pattern", "fan-in", "-P", "3"), ["fan-in/pipe/python/64B/3p/cross-core"]),
        (("pipe", "--wait", "spin"), ["latency/pipe/python/64B/2p/same-core/wait-spin"]),
        (("shm:posix+futex", "--depth", "3"),
         ["stream/shm:posix+futex/python/64B/2p/same-core/depth3"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_one_transport_alone_works_and_a_plug_in_too(
    words: tuple[str, ...], cells: Sequence[str]
) -> None:
    done = ipcbench("run", *words, "--dry-run", "--json", plugins=True)
    assert done.returncode == 0, done.stderr
    assert {*cells} <= {*json.loads(done.stdout)["cells"]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("ppie",), "unknown transport 'ppie' (did you mean pipe"),
        (("pipe", "--promised", "t.toml"), "--promised: its file names the cells"),
        (("pipe", "-t", "tcp"), "-t chooses cells of a profile"),
        (("--rounds", "3", "--budget", "9s"), "--rounds and --budget both say when the run ends"),
        (("--rounds", "0"), "0 is not in the range"),
        (("pipe", "--depth", "3"), "all cells would be skipped: pipe has no depth to set"),
        (
            ("pipe", "--pattern", "paced", "--placement", "same-core"),
            "needs a CPU of its own: ask for another placement: --placement cross-core",
        ),
        (("pipe", "--depth", "0"), "depth = 0: 1 to 1000000"),
        (("pipe", "-o", "t.toml/run"), "t.toml is no folder: choose another folder with --output"),
        (("pipe", "-o", "/proc/run"), "/proc/run: "),
        (("--until-decided",), "--until-decided: name the file of promises with --promised FILE"),
        (
            ("--promised", "t.toml", "--until-decided", "--rounds", "9"),
            "--rounds and --until-decided: leave one of them out",
        ),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_in_one_line(
    words: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    (tmp_path / "t.toml").write_text("")
    done = ipcbench("run", *words, "--dry-run", cwd=tmp_path)
    assert done.returncode == 3
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
