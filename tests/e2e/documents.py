"""The documents as data: their fenced blocks, links and options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
# Its commands belong into a plug-in author's own folder: test_example.py runs them.
PLUGIN_PAGE = ROOT / "docs/adding-a-transport.md"
# Its commands and workflows need a project with a base and a head: test_gating.py runs them.
GATING_PAGE = ROOT / "docs/gating.md"

TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

SHELLS = ("bash", "zsh", "fish")

# Options of `docker run`, which the remedies for a container name: transports/base/remedies.py.
OF_CONTAINERS = {"--sysctl", "--ulimit", "--shm-size"}
OF_DOCKER = OF_CONTAINERS | {"--rm", "--cpuset-cpus", "--cpus", "--volume", "--workdir"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `line` is the line of its opening fence."""

    path: Path
    line: int
    language: str
    text: str
    output: str | None = None  # the block of text that follows without a word between

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(path: Path, text: str) -> Iterator[Block]:
    """Find the fenced blocks. Raises: ValueError if a fence is not closed."""
    inside: list[str] | None = None
    last: Block | None = None
    start, language = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("```"):
            if inside is not None:
                inside.append(line)
            elif last is not None and line.strip():
                yield last
                last = None
        elif inside is None:
            start, language, inside = number, line.strip().removeprefix("```").strip(), []
        else:
            found = Block(path, start, language, "\n".join(inside) + "\n")
            inside = None
            if last is not None:
                yield replace(last, output=found.text) if language == "text" else last
            last = found
    if last is not None:
        yield last
    if inside is not None:
        raise ValueError(f"{path}:{start}: the block is never closed")


def all_blocks(*languages: str) -> list[Block]:
    return [
        block
        for path in DOCUMENTS
        for block in blocks(path, path.read_text())
        if block.language in languages
    ]


def commands(block: Block) -> list[str]:
    """Extract the command lines of a shell block, or of the `run:` steps in a YAML block.

    Continued lines are joined and comments removed.
    """
    text = block.text.replace("\\\n", " ")
    lines = text.splitlines()
    if block.language == "yaml":
        lines = [found[1] for line in lines if (found := re.match(r"\s*-? *run: (.+)", line))]
    found_lines = [shlex.join(shlex.split(line, comments=True)) for line in lines]
    return [line for line in found_lines if line]


def spans(text: str) -> list[str]:
    """Find the code spans of the prose; one may go on in the next line."""
    return [" ".join(span.split()) for span in re.findall(r"`((?:(?!\n\n)[^`])+)`", prose(text))]


def anchors(text: str) -> set[str]:
    """Find the anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def prose(text: str) -> str:
    """Remove the fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links(text: str) -> list[str]:
    """Find the targets of links and pictures."""
    return re.findall(r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)", prose(text))


def options(text: str) -> set[str]:
    """Find every `--option` in code spans; those of `make` belong to other programs."""
    found = " ".join(span for span in spans(text) if not span.startswith("make "))
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", found))
