"""The texts of the documents: what they name exists, and nothing in them escapes the tests."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from ipcbench.bench.cli import cli
from ipcbench.bench.plan.profile import PROFILES, load_profile
from ipcbench.bench.version import VERSION
from ipcbench.transports.registry import names
from tests.e2e.documents import (
    DOCUMENTS,
    OF_CONTAINERS,
    OF_DOCKER,
    PLUGIN_PAGE,
    ROOT,
    SHELLS,
    TARGETS,
    anchors,
    blocks,
    commands,
    links,
    options,
    prose,
    spans,
)

README = ROOT / "README.md"
INDEX = ROOT / "docs/README.md"
MEASURED = ROOT / "docs/measured.md"

# Languages of fenced blocks: each has a test below. `c` is for the plug-in page, whose code
# test_example.py compares with the example; `text` is output, or a list of files.
LANGUAGES = {"sh", "yaml", "toml", "python", "text", "c", *SHELLS}
PROGRAMS = {"ipcbench", "make", "pip", "pipx", "uv", "docker", "python", "$"}


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
