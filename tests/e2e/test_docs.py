"""The documents: their commands and programs work. test_docs_text.py is about the rest."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ipcbench.bench.plan.profile import load_profile, parse_profile
from ipcbench.bench.version import VERSION
from ipcbench.reports.gate.thresholds import load_thresholds
from ipcbench.results import records
from tests import comparisons, synthetic
from tests.e2e.command import FITNESS, environment, ipcbench
from tests.e2e.documents import (
    GATING_PAGE,
    OF_DOCKER,
    PLUGIN_PAGE,
    ROOT,
    SHELLS,
    TARGETS,
    Block,
    all_blocks,
    commands,
)
from tests.e2e.installing import clean_copy

COMMANDS = [
    (block, line)
    for block in all_blocks("sh", "yaml")
    if block.path not in (PLUGIN_PAGE, GATING_PAGE)
    for line in commands(block)
]
ONCE = list({line: (block, line) for block, line in reversed(COMMANDS)}.values())[::-1]

# Commands that no test can run, each with its reason.
NOT_RUN = {
    "xdg-open results/latest/report.html": "opens a browser",
}

# Every cell that the documents measure, in a short time; used instead of `quick`.
FAST = """
about = "For the documents' commands."

[run]
rounds = 1
values = 1
block = "1ms"
stamps = 0

[[cells]]
patterns = ["latency", "stream"]
transports = ["[!n]*"]
sizes = ["64", "64K"]
placements = ["same-core"]

[[cells]]
patterns = ["fan-in", "pairs"]
transports = ["[!n]*"]
processes = [4]
sizes = ["64"]
placements = ["same-core"]
"""
# A sweep whose budget may be spent before its contest is decided.
ADAPTIVE = """
about = "For the documents' commands that go on with a larger budget."

[run]
rounds = 8
values = 1
block = "1ms"
stamps = 0
adaptive = true

[[cells]]
patterns = ["latency"]
transports = ["pipe", "fifo"]
sizes = ["64"]
placements = ["same-core"]
"""
# Transports for commands that name none.
FEW = ("-t", "pipe", "-t", "unix-stream", "-t", "shm:posix+posix-sem")


def label(given: tuple[Block, str]) -> str:
    return f"{given[0]}: {given[1]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the documents' commands, with a run, promises, and the toml blocks as files."""
    place = tmp_path_factory.mktemp("docs")
    (place / "fast.toml").write_text(FAST)
    (place / "adaptive.toml").write_text(ADAPTIVE)
    shutil.copy(ROOT / "thresholds.toml", place)
    for block in all_blocks("toml"):
        name = re.match(r"# (\S+\.toml)\n", block.text)
        if name and not (place / name[1]).exists():
            (place / name[1]).write_text(block.text)
    found = ipcbench("run", *quickly([]), cwd=place)
    assert found.returncode == 0, found.stderr
    synthetic.write_journal(synthetic.both(), place / "shown")  # an answer takes many rounds
    assert (place / "results/latest/report.html").exists()
    return place


def quickly(words: list[str]) -> list[str]:
    """Add options that make a sweep short: of repeated options click takes the last."""
    if "--resume" in words:
        return words
    added = ["--clock", "fake"]
    if "--dry-run" in words:
        return words
    if words and not words[0].startswith("-"):  # transports
        added += ["--rounds", "1"]
        added += [] if {"-s", "paced"} & set(words) else ["-s", "64"]
        # A sender at a rate needs a CPU of its own, and several processes may need several.
        added += [] if {"-P", "paced"} & set(words) else ["--placement", "same-core"]
    elif "--profile" in words:
        added += ["--rounds", "1", "-s", "1M", "-t", "unix-stream"]
    else:
        added += ["--profile", "fast.toml"]
        if not {"-t", "--transport"} & set(words):
            added += FEW
    if "--budget" in words:
        added += ["--budget", "100ms"]
    if "--tail" in words:
        added += ["--tail", "100ms"]
    return [*words, *added]


def done(*words: str | Path, cwd: Path, **more: str) -> str:
    """Run a program that has to succeed; return its output. `more`: its environment."""
    found = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, f"{words}: {found.stdout}{found.stderr}"
    return found.stdout


@pytest.mark.parametrize("given", ONCE, ids=label)
def test_every_command_works(given: tuple[Block, str], place: Path, tmp_path: Path) -> None:
    block, line = given
    if line not in NOT_RUN:
        play(block, line, place, tmp_path)


def play(block: Block, line: str, place: Path, tmp_path: Path) -> None:
    """Run a command of a document in its folder."""
    words = shlex.split(line)
    match words:
        case ["make", *targets]:
            assert {word for word in targets if "=" not in word} <= TARGETS, block
            # Without the flags of the `make test` that runs this test.
            done("make", "--dry-run", *words[1:], cwd=ROOT, MAKEFLAGS="")
        case ["pip" | "pipx" | "uv", *_]:
            install(words, tmp_path)
        case ["docker", "run", *rest]:
            in_container(rest, block, place, tmp_path)
        case ["ipcbench", "run", *rest]:
            sweep(rest, block, place)
        case ["ipcbench", "check", folder, *_]:
            check(folder, words[1:], block, place)
        case ["ipcbench", "compare", *rest]:
            compare(rest, block, place)
        case ["ipcbench", "selftest", *rest]:
            selftest(rest, block, place)
        case ["ipcbench", "show", _, *filters]:
            found = ipcbench("show", "shown", *filters, cwd=place)
            assert found.returncode == 0, f"{block}: {found.stderr}"
        case ["ipcbench", "doctor", *rest]:
            assert ipcbench("doctor", *rest, cwd=place).returncode in FITNESS, block
        case ["ipcbench", *rest]:
            found = ipcbench(*rest, cwd=place)
            assert found.returncode == 0, f"{block}: {found.stderr}"
        case ["python", "-m", "pyperf", *_]:
            done(sys.executable, *words[1:], cwd=place)
        case _:
            pytest.fail(f"{block}: {line}: run it here, or list it in NOT_RUN with the reason")


def sweep(rest: list[str], block: Block, place: Path) -> None:
    resumed = rest[rest.index("--resume") + 1] if "--resume" in rest else ""
    if resumed and "--budget" in rest:
        shutil.rmtree(place / resumed, ignore_errors=True)
        spent = ["--profile", "adaptive.toml", "--clock", "fake", "--budget", "100ms"]
        assert ipcbench("run", *spent, "-o", resumed, cwd=place).returncode == 0
    elif resumed and not (place / resumed).exists():
        assert ipcbench("run", *quickly(["-o", resumed]), cwd=place).returncode == 0
    found = ipcbench("run", *quickly(rest), cwd=place)
    assert found.returncode == 0, f"{block}: {found.stderr}"
    assert "--dry-run" in rest or "report.html" in found.stdout


def check(folder: str, words: list[str], block: Block, place: Path) -> None:
    if not (place / folder).exists():
        shutil.copytree(place / "results/latest", place / folder)
    found = ipcbench(*words, cwd=place)
    # Made-up times break a promise, 1, and decide none in one round, 2; without the
    # bindings nothing is measured, 3.
    verdicts = {1: "broken", 2: "inconclusive", 3: "not measured"}
    assert found.returncode in verdicts, f"{block}: {found.stdout}{found.stderr}"
    assert verdicts[found.returncode] in found.stdout


def compare(rest: list[str], block: Block, place: Path) -> None:
    """Run a comparison of this interpreter with itself, or show a prepared one."""
    if "--show" in rest:
        folder = place / rest[rest.index("--show") + 1]
        if not folder.exists():
            comparisons.write(comparisons.lines(comparisons.cells()), folder)
        found = ipcbench("compare", *rest, cwd=place)
        assert found.returncode in (0, 2), f"{block}: {found.stderr}"
        assert "cells" in found.stdout
        return
    quick = ["--clock", "fake", "--budget", "100ms", "--placement", "same-core", "-t", "pipe"]
    found = ipcbench("compare", *rest, "--base", "here", *quick, cwd=place)
    # One pair decides nothing.
    assert found.returncode == 2, f"{block}: {found.stdout}{found.stderr}"
    assert "inconclusive" in found.stdout


def selftest(rest: list[str], block: Block, place: Path) -> None:
    """Run a selftest of few cells once, or show one."""
    quick = ["-t", "pipe", "--placement", "same-core", "--clock", "fake", "--budget", "1s"]
    if "--show" in rest:
        folder, words = place / rest[rest.index("--show") + 1], rest
        if not folder.exists():
            assert ipcbench("selftest", "-o", folder, *quick, cwd=place).returncode == 0
    else:
        folder, words = place / rest[rest.index("-o") + 1], [*rest, *quick]
        shutil.rmtree(folder, ignore_errors=True)  # `--show` came before, in another process
    found = ipcbench("selftest", *words, cwd=place)
    assert found.returncode == 0, f"{block}: {found.stdout}{found.stderr}"
    assert "false alarms" in found.stdout


installed: list[list[str]] = []  # by commands that came before: a build takes long


def install(words: list[str], tmp_path: Path) -> None:
    """Install a copy of the tree without a registry: its dependencies are here."""
    tool, *options = words
    if tool != "pip":
        program = shutil.which(tool)
        if program is None:
            pytest.skip(f"{tool} is not installed")
        done(program, *options[:-1], "--help", cwd=tmp_path)
        return
    assert options[0] == "install"
    if words in installed:
        return
    installed.append(words)
    copy = clean_copy(tmp_path / "copy")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--no-input", "--quiet"]
    where = tmp_path / "site"
    done(
        sys.executable, "-m", "pip", *options, *offline, "--target", where,
        cwd=copy, IPCBENCH_CFLAGS="-O0",
    )  # fmt: skip
    assert (where / "ipcbench/transports/native/ops.h").exists()
    found = done(sys.executable, "-m", "ipcbench", "--version", cwd=tmp_path, PYTHONPATH=str(where))
    assert VERSION in found


def in_container(rest: list[str], block: Block, place: Path, tmp_path: Path) -> None:
    """Check the options of a container, and run what it runs here: there may be no engine."""
    asked = {word for word in rest if word.startswith("--")}
    assert asked <= OF_DOCKER, block
    docker = shutil.which("docker")
    if docker is not None:
        known = done(docker, "run", "--help", cwd=tmp_path)
        assert not [name for name in asked if not re.search(rf"{name}\b", known)]
    assert rest[-3:-1] == ["sh", "-c"], block
    for line in rest[-1].split(" && "):
        play(block, line, place, tmp_path)


def test_every_command_that_is_not_run_is_in_a_document() -> None:
    assert set(NOT_RUN) <= {line for _, line in COMMANDS}, "NOT_RUN lists an unused command"


@pytest.mark.parametrize("block", all_blocks("toml"), ids=str)
def test_every_file_is_valid(block: Block, place: Path, tmp_path: Path) -> None:
    if "[[promise]]" in block.text:
        path = tmp_path / "thresholds.toml"
        path.write_text(block.text)
        assert load_thresholds(path).promises
    elif "[[cells]]" in block.text:
        assert parse_profile("example", block.text.encode()).axes
    elif "extends" in block.text:
        assert load_profile(str(place / block.text.split()[1])).axes
    else:
        assert 'project.entry-points."ipcbench.transports"' in block.text


PANDAS = """
class DataFrame:
    def __init__(self, rows):
        assert rows and all(row.keys() == rows[0].keys() for row in rows)
    def groupby(self, column):
        return {"seconds": self}
    def min(self):
        return "stands in for pandas"
"""


@pytest.mark.parametrize(
    "block", [one for one in all_blocks("python") if one.path != PLUGIN_PAGE], ids=str
)
def test_every_program_works(block: Block, place: Path, tmp_path: Path) -> None:
    """With the output that stands below it. pandas is replaced where it is not installed."""
    (place / "program.py").write_text(block.text)
    if "import pandas" in block.text and find_spec("pandas") is None:
        (tmp_path / "pandas.py").write_text(PANDAS)
    found = done(sys.executable, "program.py", cwd=place, PYTHONPATH=str(tmp_path))
    assert found if block.output is None else found == block.output


@pytest.mark.parametrize("block", all_blocks(*SHELLS), ids=str)
def test_every_completion_works(block: Block, tmp_path: Path) -> None:
    """In its shell, or, where that is not installed, by the command alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ipcbench").symlink_to(Path(sys.executable).with_name("ipcbench"))
    path = f"{folder}:{environment()['PATH']}"
    if shutil.which(block.language) is not None:
        done(block.language, "-c", block.text, cwd=tmp_path, PATH=path)
    (wanted,) = re.findall(r"_IPCBENCH_COMPLETE=(\w+) ipcbench\b", block.text)
    assert wanted == f"{block.language}_source"
    script = done(folder / "ipcbench", cwd=tmp_path, _IPCBENCH_COMPLETE=wanted)
    assert "_IPCBENCH_COMPLETE" in script


def test_records_are_rows_of_a_data_frame(place: Path) -> None:
    rows = records(place / "results/latest")
    assert all(row.keys() == rows[0].keys() for row in rows)
    values = [value for row in rows for value in row.values()]
    assert all(isinstance(value, str | int | float | None) for value in values)
