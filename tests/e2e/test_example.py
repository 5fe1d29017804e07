"""The example plug-in: installed as its page describes, checked and measured."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from ipcbench.bench.results.results import Status, load
from ipcbench.transports.native import REMEDY, built, header
from tests.e2e.command import environment, findings
from tests.e2e.documents import PLUGIN_PAGE, ROOT, blocks, commands

EXAMPLE = ROOT / "examples/ipcbench-packet-pipe"
MODULE = EXAMPLE / "ipcbench_packet_pipe.py"
C = EXAMPLE / "_packets.c"
PAGE = list(blocks(PLUGIN_PAGE, PLUGIN_PAGE.read_text()))
LINES = [line for block in PAGE if block.language == "sh" for line in commands(block)]

# Set-up of the author's folder, which the fixture below does without a network.
BY_HAND = [
    "cp -r ipcbench/examples/ipcbench-packet-pipe packet-pipe",
    "cd packet-pipe",
    "python3 -m venv .venv",
    ". .venv/bin/activate",
    "pip install --editable ../ipcbench --editable . pytest",
]


class Author:
    """A plug-in author's folder with an installed copy of the example."""

    def __init__(self, place: Path, in_c: str = "", **more: str) -> None:
        self.folder = place / "packet-pipe"
        self._site = place / "site"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        if in_c:
            (self.folder / C.name).write_text(in_c)
        done = self.python(
            "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet",
            "--no-index", "--no-deps", "--no-build-isolation", "--target", self._site, ".",
            **more,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def rebuilt(self, place: Path, before: str, after: str) -> Author:
        """Install a copy whose C source is changed."""
        changed = (self.folder / C.name).read_text()
        assert before in changed
        return Author(place, changed.replace(before, after))

    def python(self, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=environment(PYTHONPATH=str(self._site), **more),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Author:
    return Author(tmp_path_factory.mktemp("author"))


def outcomes(folder: Path) -> dict[str, set[str]]:
    """Read outcome -> patterns of the example's cells that have it."""
    found: dict[str, set[str]] = {"run": set(), "skipped": set(), "failed": set()}
    for line in (folder / "journal.jsonl").read_text().splitlines():
        entry = json.loads(line)
        match entry:
            case {"kind": ("run" | "failed") as kind, "cell": str(cell)} if "packet-pipe" in cell:
                found[kind].add(cell.partition("/")[0])
            case {"kind": "skipped", "cell": {"transport": "packet-pipe", "pattern": pattern}}:
                found["skipped"].add(pattern)
    return found


def test_the_page_has_the_expected_commands() -> None:
    assert LINES[: len(BY_HAND)] == BY_HAND
    assert len(LINES) == len(BY_HAND) + 3


@pytest.mark.parametrize("line", LINES[len(BY_HAND) :])
def test_every_command_of_the_page_works(line: str, author: Author) -> None:
    match shlex.split(line):
        case ["python", *words]:
            done = author.python(*words, "-p", "no:cacheprovider")
            assert done.returncode == 0, done.stdout
            assert " passed" in done.stdout
        case ["ipcbench", "run", *words]:
            done = author.python(
                "-m", "ipcbench", "run", *words, "--clock", "fake", "--budget", "100ms"
            )
            assert done.returncode == 0, done.stderr
            found = outcomes(author.folder / words[words.index("-o") + 1])
            assert found == {"run": {"latency", "stream"}, "skipped": set(), "failed": set()}
        case ["ipcbench", *words]:
            done = author.python("-m", "ipcbench", *words, "--json")
            assert done.returncode == 0, done.stderr
            (entry,) = (one for one in json.loads(done.stdout) if one["name"] == "packet-pipe")
            assert entry["available"]
        case words:
            pytest.fail(f"{words}: run it here")


def test_it_is_in_every_sweep(author: Author) -> None:
    """A round trip, which the profile measures for all transports."""
    done = author.python(
        "-m", "ipcbench", "run", "--profile", "smoke", "--clock", "fake", "-t", "packet-pipe",
        "-o", "profile",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = outcomes(author.folder / "profile")
    assert found == {"run": {"latency"}, "skipped": set(), "failed": set()}


def test_it_has_the_patterns_that_its_traits_allow(author: Author) -> None:
    asked = ("latency", "stream", "fan-in", "fan-out", "pairs", "set-up", "echo")
    done = author.python(
        "-m", "ipcbench", "run", "packet-pipe", "--profile", "smoke", "--clock", "fake",
        "--runtime", "python", "-s", "64",
        *(word for name in asked for word in ("--pattern", name)), "-o", "smoke",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = outcomes(author.folder / "smoke")
    assert found["run"] == {"latency", "stream", "fan-in", "fan-out", "pairs", "set-up"}
    assert found["skipped"] == {"echo"}  # it is no hub
    assert not found["failed"]
    assert "packet-pipe" in (author.folder / "smoke/report.html").read_text()


NATIVE = ("-m", "ipcbench", "run", "--profile", "smoke", "--clock", "fake", "packet-pipe",
          "--pattern", "latency", "-s", "64", "--placement", "same-core", "--runtime", "native",
          "-o")  # fmt: skip
without_native = pytest.mark.skipif(built() is not None, reason=str(built()))


@without_native
def test_its_calls_from_c_are_measured(author: Author) -> None:
    """The compiled loops of ipcbench are not built again for it."""
    done = author.python(*NATIVE, "native")
    assert done.returncode == 0, done.stderr
    found = outcomes(author.folder / "native")
    assert found == {"run": {"latency"}, "skipped": set(), "failed": set()}


@without_native
def test_its_calls_from_c_keep_the_contract(author: Author) -> None:
    done = author.python("-m", "pytest", "-p", "no:cacheprovider", "-k", "native")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "no native operations" not in done.stdout


@without_native
def test_another_version_of_the_header_is_a_failed_cell(author: Author, tmp_path: Path) -> None:
    other = author.rebuilt(tmp_path, ".abi = IPCBENCH_ABI", ".abi = IPCBENCH_ABI - 1")
    done = other.python(*NATIVE, "native")
    assert "Traceback" not in done.stdout + done.stderr
    results = load(other.folder / "native")
    assert {result.status for result in results.cells.values()} == {Status.FAILED}
    for failure in (each for result in results.cells.values() for each in result.failures):
        assert "operations of ABI 1" in failure.what, failure
        assert failure.what.endswith("rebuild against ops.h 2")
        assert len(failure.what.splitlines()) == 1


@without_native
def test_a_capsule_of_another_name_is_a_failed_cell(author: Author, tmp_path: Path) -> None:
    other = author.rebuilt(tmp_path, "New(seat, IPCBENCH_OPS,", 'New(seat, "another.ops",')
    assert other.python(*NATIVE, "native").returncode == 3
    (failure,) = {
        each.what
        for result in load(other.folder / "native").cells.values()
        for each in result.failures
    }
    assert 'native() gave a capsule called "another.ops"' in failure
    assert 'a capsule called "ipcbench.ops"' in failure
    assert len(failure.splitlines()) == 1


# Without a compiler.

NOT_BUILT = "the compiled part of ipcbench-packet-pipe is not built here: No module named"
REBUILD = f"{REMEDY.rpartition(' ipcbench ')[0]} ipcbench-packet-pipe anew"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Author:
    """An author without a compiler, beside an ipcbench that is built."""
    return Author(tmp_path_factory.mktemp("plain"), CC="/bin/false")


@without_native
def test_list_and_doctor_report_why_it_has_no_native_runtime(plain: Author) -> None:
    entries = json.loads(plain.python("-m", "ipcbench", "list", "--json").stdout)
    (entry,) = (one for one in entries if one["name"] == "packet-pipe")
    assert entry["available"]
    assert not entry["native"]["available"]
    assert entry["native"]["reason"].startswith(NOT_BUILT)
    assert entry["native"]["remedy"] == REBUILD
    (line,) = (
        line
        for line in plain.python("-m", "ipcbench", "list").stdout.splitlines()
        if NOT_BUILT in line
    )
    assert REBUILD in line
    told = findings(plain.python("-m", "ipcbench", "doctor", "--json").stdout)
    (found,) = (one for one in told if NOT_BUILT in one["text"])
    assert (found["severity"], found["topic"], found["remedy"]) == (
        "warning",
        "native runtime",
        REBUILD,
    )


@without_native
def test_its_native_cells_are_skipped_with_the_reason(plain: Author) -> None:
    """The page and the command give the reason; the cells in Python are measured."""
    both = plain.python(*NATIVE, "both", "--runtime", "python")
    assert both.returncode == 0, both.stderr
    assert outcomes(plain.folder / "both") == {
        "run": {"latency"}, "skipped": {"latency"}, "failed": set(),
    }  # fmt: skip
    page = (plain.folder / "both/report.html").read_text().replace("&#39;", "'")
    assert NOT_BUILT in page and f"Remedy: {REBUILD}" in page
    alone = plain.python(*NATIVE, "alone")
    assert alone.returncode == 3
    (line,) = alone.stderr.splitlines()
    assert NOT_BUILT in line and line.endswith(REBUILD)


@without_native
def test_the_contract_skips_native_operations(plain: Author) -> None:
    done = plain.python("-m", "pytest", "-rs", "-p", "no:cacheprovider", "-k", "size or operations")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert NOT_BUILT in done.stdout


def shown(language: str) -> list[str]:
    return [block.text for block in PAGE if block.language == language]


SHOWN = {
    "python": [MODULE, EXAMPLE / "test_ipcbench_packet_pipe.py"],
    "c": [C],
    "toml": [EXAMPLE / "pyproject.toml"],
}
# Code that the page has to show.
CRUCIAL = (
    'entry-points."ipcbench.transports"', "TRAITS = Traits(", "def _ticket(", "def __init__(",
    "def recv_into(", "def probe(", "write(seat->out", "(ContractTests):",
)  # fmt: skip


def is_part(piece: str, text: str) -> bool:
    """Test whether a text contains these lines, possibly indented."""
    return any(f"\n{indent(piece, ' ' * depth)}" in f"\n{text}" for depth in (0, 4))


@pytest.mark.parametrize("language", SHOWN)
def test_the_page_shows_the_examples_code(language: str) -> None:
    sources = [path.read_text() for path in SHOWN[language]]
    for piece in shown(language):
        assert any(is_part(piece, source) for source in sources), piece


def test_the_page_shows_the_crucial_code() -> None:
    pieces = [piece for language in SHOWN for piece in shown(language)]
    for line in CRUCIAL:
        assert sum(line in piece for piece in pieces) == 1, line
    assert {block.language for block in PAGE} == {"sh", *SHOWN}


def test_code_that_is_not_the_examples_is_found() -> None:
    source = "class A:\n    def b(self) -> None:\n        pass\n"
    assert is_part("def b(self) -> None:\n    pass\n", source)
    assert not is_part("def b(self) -> None:\n    return\n", source)
    assert not is_part("b(self) -> None:\n    pass\n", source)


def test_the_examples_header_is_the_packages() -> None:
    assert (EXAMPLE / "ops.h").read_bytes() == (header() / "ops.h").read_bytes()


def test_the_examples_types_are_checked(tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    output, errors, status = mypy.run(
        ["--strict", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={tmp_path}",
         str(MODULE)]
    )  # fmt: skip
    assert status == 0, output + errors
