"""The documents: their commands and programs work, and their links and options exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from ipcbench.bench.cli import cli
from ipcbench.bench.plan.profile import PROFILES, load_profile, parse_profile
from ipcbench.bench.version import VERSION
from ipcbench.reports.gate.thresholds import load_thresholds
from ipcbench.results import records
from ipcbench.transports.registry import names
from tests import synthetic
from tests.e2e.command import FITNESS, environment, ipcbench
from tests.e2e.documents import (
    DOCUMENTS,
    PLUGIN_PAGE,
    ROOT,
    Block,
    all_blocks,
    anchors,
    blocks,
    commands,
    links,
    options,
    prose,
    spans,
)
from tests.e2e.installing import clean_copy

README = ROOT / "README.md"
INDEX = ROOT / "docs/README.md"
MEASURED = ROOT / "docs/measured.md"

# Languages of fenced blocks: each has a test below. `c` is for the plug-in page, whose code
# test_example.py compares with the example; `text` is output, or a list of files.
SHELLS = ("bash", "zsh", "fish")
LANGUAGES = {"sh", "yaml", "toml", "python", "text", "c", *SHELLS}
PROGRAMS = {"ipcbench", "make", "pip", "pipx", "uv", "docker", "python", "$"}
COMMANDS = [
    (block, line)
    for line, block in {  # each once
        line: block
        for block in reversed(all_blocks("sh", "yaml"))
        if block.path != PLUGIN_PAGE
        for line in commands(block)
    }.items()
]

TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

# Commands that no test can run, each with its reason.
NOT_RUN = {
    "xdg-open results/latest/report.html": "opens a browser",
}

# Options of `docker run`, which the remedies for a container name: transports/base/remedies.py.
OF_CONTAINERS = {"--sysctl", "--ulimit", "--shm-size"}
OF_DOCKER = OF_CONTAINERS | {"--rm", "--cpuset-cpus", "--cpus", "--volume", "--workdir"}

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
# Transports for commands that name none.
FEW = ("-t", "pipe", "-t", "unix-stream", "-t", "shm:posix+posix-sem")


def label(given: tuple[Block, str]) -> str:
    return f"{given[0]}: {given[1]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the documents' commands, with a run, promises, and the toml blocks as files."""
    place = tmp_path_factory.mktemp("docs")
    (place / "fast.toml").write_text(FAST)
    shutil.copy(ROOT / "thresholds.toml", place)
    for block in all_blocks("toml"):
        name = re.match(r"# (\S+\.toml)\n", block.text)
        if name and not (place / name[1]).exists():
            (place / name[1]).write_text(block.text)
    done = ipcbench("run", *quickly([]), cwd=place)
    assert done.returncode == 0, done.stderr
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
        added += [] if {"-s", "--pace", "--tail"} & set(words) else ["-s", "64"]
        added += [] if "-P" in words else ["--placement", "same-core"]
    elif "--profile" in words:
        added += ["--rounds", "1"]
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


@pytest.mark.parametrize("given", COMMANDS, ids=label)
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
        case ["ipcbench", "show", _, *filters]:  # an answer takes more rounds than `place` has
            shown = synthetic.write_journal(synthetic.both(), place / "shown").parent
            found = ipcbench("show", shown, *filters, cwd=place)
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
    if resumed and not (place / resumed).exists():
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


def test_every_block_is_of_a_language_that_is_tested() -> None:
    for path in DOCUMENTS:
        for block in blocks(path, path.read_text()):
            assert block.language in LANGUAGES, block
            assert block.language != "c" or path == PLUGIN_PAGE, block
            if block.language == "text":
                words = {line.split()[0] for line in block.text.splitlines() if line.strip()}
                assert not words & PROGRAMS, f"{block}: a command is of the language sh"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_command_is_indented_instead_of_fenced(path: Path) -> None:
    for line in prose(path.read_text()).splitlines():
        assert not re.match(rf"(    |\t)({'|'.join(map(re.escape, PROGRAMS))}) ", line), line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_a_sentence_exists(path: Path) -> None:
    for span in spans(path.read_text()):
        match span.split():
            case ["ipcbench", name, *words] if re.fullmatch("[a-z]+", name):
                known = {opt for option in cli.commands[name].params for opt in option.opts}
                assert {word for word in words if word.startswith("-")} <= known, span
            case ["make", target, *_] if re.fullmatch("[a-z-]+", target):
                assert target in TARGETS, span


def known_options() -> set[str]:
    found = {"--help", "--version"}
    for command in cli.commands.values():
        found |= {name for option in command.params for name in option.opts}
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_exists(path: Path) -> None:
    text = path.read_text()
    assert options(text) <= known_options() | OF_DOCKER
    for block in blocks(path, text):
        for line in commands(block) if block.language == "sh" else ():
            match shlex.split(line):
                case ["ipcbench", name, *words] if not name.startswith("-"):
                    known = {opt for option in cli.commands[name].params for opt in option.opts}
                    asked = {word.partition("=")[0] for word in words if word.startswith("-")}
                    assert asked <= known | {"--help", "-h"}, line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in links(path.read_text()):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        found = path.parent / target if target else path
        assert found.exists(), link
        assert not anchor or anchor in anchors(found.read_text()), link


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/*.md")), ids=lambda path: path.name)
def test_every_page_says_for_whom_it_is(path: Path) -> None:
    title, empty, first = path.read_text().splitlines()[:3]
    assert title.startswith("# ") and not empty
    assert first.startswith("This page is for "), path


def test_the_index_has_every_page() -> None:
    pages = {path.name for path in ROOT.glob("docs/*.md")} - {INDEX.name}
    assert pages <= set(links(INDEX.read_text()))
    assert "docs/README.md" in links(README.read_text())


def test_the_pictures_are_small() -> None:
    pictures = [link for link in links(README.read_text()) if link.endswith((".png", ".svg"))]
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 300_000


def test_the_readme_names_every_command() -> None:
    text = README.read_text()
    assert not [name for name in cli.commands if f"ipcbench {name}" not in text]


def test_a_page_names_every_word_of_the_profiles() -> None:
    text = MEASURED.read_text() + (ROOT / "docs/profiles.md").read_text()
    axes = [axes for profile in PROFILES for axes in load_profile(profile).axes]
    patterns = {pattern for one in axes for pattern in one.patterns}
    placements = {placement for one in axes for placement in one.placements}
    words = {*PROFILES, *patterns, *placements}
    assert not [word for word in sorted(words) if f"`{word}`" not in text]
    kinds = {name.partition(":")[0] for name in names()}  # `pipe:1M` is a pipe
    assert not [kind for kind in sorted(kinds) if not re.search(f"`{kind}[:`]", text)]


def test_the_citation_is_of_this_version() -> None:
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    keys = [line.partition(":")[0] for line in lines if re.match(r"[a-z-]+:", line)]
    assert {"cff-version", "message", "title", "authors"} <= set(keys)  # the schema requires them
    assert f"version: {VERSION}" in lines


def test_the_changelog_names_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[{re.escape(VERSION)}\]", text, re.MULTILINE)


def test_every_option_of_containers_is_in_a_remedy_and_a_document() -> None:
    remedies = (ROOT / "transports/base/remedies.py").read_text()
    text = "".join(path.read_text() for path in DOCUMENTS)
    assert not [name for name in OF_CONTAINERS if name not in remedies or name not in text]


def test_every_option_in_a_help_text_exists() -> None:
    for command in cli.commands.values():
        assert isinstance(command, click.Command)
        known = {name for option in command.params for name in option.opts} | {"--help"}
        assert options(f"`{command.help}`".replace("\n", " ")) <= known


def test_wrong_documents_are_found() -> None:
    """The functions that the tests above use must find links, options and open blocks."""
    text = "see [a](gone.md) and `--no-such`\n```sh\nipcbench run \\\n  -s 64  # so\n```\n"
    assert links(text) == ["gone.md"]
    assert options(text) == {"--no-such"} and not options(text) <= known_options()
    (block,) = blocks(README, text)
    assert commands(block) == ["ipcbench run -s 64"]
    one, two = blocks(README, "```python\nprint(1)\n```\n\n```text\n1\n```\n")
    assert (one.output, two.output) == ("1\n", None)
    apart, _ = blocks(README, "```python\n1\n```\nSo:\n```text\n1\n```\n")
    assert apart.output is None
    assert spans("a `b\nc` d\n\n`e`") == ["b c", "e"]
    with pytest.raises(ValueError, match="never closed"):
        list(blocks(README, "```sh\nls\n"))
