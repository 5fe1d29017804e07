"""The documents: their commands work, and their links and options exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ipcbench.bench.cli import cli
from ipcbench.bench.plan.profile import PROFILES, load_profile, parse_profile
from ipcbench.bench.version import VERSION
from ipcbench.reports.gate.thresholds import load_thresholds
from ipcbench.transports.registry import names
from tests import synthetic
from tests.e2e.command import FITNESS, environment, ipcbench
from tests.e2e.documents import (
    DOCUMENTS,
    PLUGIN_PAGE,
    ROOT,
    Block,
    all_blocks,
    blocks,
    commands,
    links,
    options,
)

README = ROOT / "README.md"
COMMANDS = [
    (block, line)
    for block in all_blocks("sh", "yaml")
    if block.path != PLUGIN_PAGE
    for line in commands(block)
]

TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

# Commands that no test can run, each with its reason.
NOT_RUN = {
    "xdg-open results/latest/report.html": "opens a browser",
    ". .venv/bin/activate": "changes the shell that runs it; `make` makes the folder",
}

# Options of `docker run`, which the remedies for a container name: transports/base/remedies.py.
OF_CONTAINERS = {"--sysctl", "--ulimit", "--shm-size"}

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
    if "--profile" in words:
        added += ["-s", "64", "--budget", "100ms"]
    else:
        added += ["--profile", "fast.toml"]
        if not {"-t", "--transport"} & set(words):
            added += FEW
    if "--budget" in words:
        added += ["--budget", "100ms"]
    if "--tail" in words:
        added += ["--tail", "100ms"]
    return [*words, *added]


@pytest.mark.parametrize("given", COMMANDS, ids=label)
def test_every_command_works(given: tuple[Block, str], place: Path) -> None:
    block, line = given
    words = shlex.split(line)
    match words:
        case _ if line in NOT_RUN:
            pass
        case ["make", *targets]:
            assert {word for word in targets if "=" not in word} <= TARGETS, block
            done = subprocess.run(
                ["make", "--dry-run", *words[1:]],
                cwd=ROOT,
                capture_output=True,
                text=True,
                env=environment(
                    MAKEFLAGS=""
                ),  # without the flags of the `make test` that runs this test
                check=False,
            )
            assert done.returncode == 0, done.stderr
        case ["ipcbench", "run", *rest]:
            resumed = rest[rest.index("--resume") + 1] if "--resume" in rest else ""
            if resumed and not (place / resumed).exists():
                assert ipcbench("run", *quickly(["-o", resumed]), cwd=place).returncode == 0
            done = ipcbench("run", *quickly(rest), cwd=place)
            assert done.returncode == 0, f"{block}: {done.stderr}"
            assert "report.html" in done.stdout
        case ["ipcbench", "check", folder, *_]:
            if not (place / folder).exists():
                shutil.copytree(place / "results/latest", place / folder)
            done = ipcbench(*words[1:], cwd=place)
            # Made-up times break a promise, 1, and decide none in one round, 2; without the
            # bindings nothing is measured, 3.
            verdicts = {1: "broken", 2: "inconclusive", 3: "not measured"}
            assert done.returncode in verdicts, f"{block}: {done.stdout}{done.stderr}"
            assert verdicts[done.returncode] in done.stdout
        case ["ipcbench", "show", _, *filters]:  # an answer takes more rounds than `place` has
            shown = synthetic.write_journal(synthetic.both(), place / "shown").parent
            done = ipcbench("show", shown, *filters, cwd=place)
            assert done.returncode == 0, f"{block}: {done.stderr}"
        case ["ipcbench", "doctor", *rest]:
            assert ipcbench("doctor", *rest, cwd=place).returncode in FITNESS, block
        case ["ipcbench", *rest]:
            done = ipcbench(*rest, cwd=place)
            assert done.returncode == 0, f"{block}: {done.stderr}"
        case ["python", "-m", "pyperf", *_]:
            done = subprocess.run(
                [sys.executable, *words[1:]], cwd=place, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{block}: {done.stderr}"
        case _:
            pytest.fail(f"{block}: {line}: run it here, or list it in NOT_RUN with the reason")


def test_every_command_that_is_not_run_is_in_a_document() -> None:
    assert set(NOT_RUN) <= {line for _, line in COMMANDS}, "NOT_RUN lists an unused command"


@pytest.mark.parametrize("block", all_blocks("toml", "python"), ids=str)
def test_every_example_is_valid(block: Block, place: Path, tmp_path: Path) -> None:
    if block.language == "python":
        compile(block.text, str(block), "exec")
    elif "[[promise]]" in block.text:
        path = tmp_path / "thresholds.toml"
        path.write_text(block.text)
        assert load_thresholds(path).promises
    elif "[[cells]]" in block.text:
        assert parse_profile("example", block.text.encode()).axes
    elif "extends" in block.text:
        assert load_profile(str(place / block.text.split()[1])).axes
    else:
        assert 'project.entry-points."ipcbench.transports"' in block.text


def known_options() -> set[str]:
    found = {"--help", "--version"}
    for command in cli.commands.values():
        found |= {name for option in command.params for name in option.opts}
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_exists(path: Path) -> None:
    text = path.read_text()
    assert options(text) <= known_options() | OF_CONTAINERS
    for block in blocks(path, text):
        for line in commands(block) if block.language == "sh" else ():
            match shlex.split(line):
                case ["ipcbench", name, *words] if not name.startswith("-"):
                    known = {opt for option in cli.commands[name].params for opt in option.opts}
                    asked = {word.partition("=")[0] for word in words if word.startswith("-")}
                    assert asked <= known | {"--help", "-h"}, line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for link in links(path.read_text()):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        if target:
            assert (path.parent / target).exists(), link
        else:
            assert anchor in anchors, link


def test_the_pictures_are_small() -> None:
    pictures = [link for link in links(README.read_text()) if link.endswith((".png", ".svg"))]
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 300_000


def test_the_readme_names_every_command() -> None:
    text = README.read_text()
    assert not [name for name in cli.commands if f"ipcbench {name}" not in text]


def test_the_readme_names_every_word_of_the_profiles() -> None:
    text = README.read_text()
    axes = [axes for profile in PROFILES for axes in load_profile(profile).axes]
    patterns = {pattern for one in axes for pattern in one.patterns}
    placements = {placement for one in axes for placement in one.placements}
    words = {*PROFILES, *patterns, *placements}
    assert not [word for word in sorted(words) if f"`{word}`" not in text]
    kinds = {name.partition(":")[0] for name in names()}  # `pipe:1M` is a pipe
    assert not [kind for kind in sorted(kinds) if not re.search(f"`{kind}[:`]", text)]


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
    with pytest.raises(ValueError, match="never closed"):
        list(blocks(README, "```sh\nls\n"))
