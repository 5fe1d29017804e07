"""The report of a gate as Markdown, for a pull request and the summary of a workflow.

GitHub acts on the text of a comment: `@name` notifies people, and `#1` links an issue. Texts of a
journal stand in code, where it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from string import punctuation

from ipcbench.bench.results.untrusted import one_line
from ipcbench.reports.gate.exports.phrases import (
    LONGEST,
    arms_of,
    asides,
    cells_of,
    headline,
    interval,
    machine_of,
    name,
    ratio,
    seconds_of,
    texts,
    trials,
)
from ipcbench.reports.gate.report import GateLine, GateReport

MOST_GOOD = 200  # rows of lines that are good: a comment has 65,536 characters at most
_PLAIN = re.compile(r"[\w ./:+,=%()'-]+", re.ASCII)
_PROSE = re.compile(r"[^\w ,;()%'\"\-—…]|\b(?:www|GH-)", re.ASCII)


def to_markdown(report: GateReport) -> str:
    """Write a heading, tables, and the sentences that belong to them."""
    bad = [line for line in report.lines if not line.verdict.good]
    good = [line for line in report.lines if line.verdict.good]
    lines = [f"### ipcbench: {headline(report)}", "", prose(report.title), ""]
    if bad:
        lines += [*_table(bad), "", *_explained(bad), ""]
    if good:
        shown = good[:MOST_GOOD]
        more = f", {len(shown)} of them shown" if len(shown) < len(good) else ""
        title = f"{len(good)} of {len(report.lines)} {report.noun}s hold{more}"
        lines += ["<details>", f"<summary>{title}</summary>", "", *_table(shown), ""]
        lines += ["</details>", ""]
    lines += [f"{prose(text)}\n" for text in asides(report)]
    about = [*arms_of(report), machine_of(report)]
    lines += [f"- {prose(text)}" for text in about if text]
    return "\n".join(lines).rstrip("\n") + "\n"


def code(text: str) -> str:
    """Write untrusted text as code, in which nothing is interpreted."""
    line = one_line(text, LONGEST)
    if not line.strip():
        return ""
    if _PLAIN.fullmatch(line):
        return f"`{line}`"
    entities = (f"&#{ord(c)};" if c in punctuation else c for c in line)
    return f"<code>{''.join(entities)}</code>"


def prose(text: str) -> str:
    """Write untrusted text as a sentence: no markup, no links, nobody is notified."""
    return _PROSE.sub(_defused, one_line(text, LONGEST))


def _defused(found: re.Match[str]) -> str:
    """Escape one character; after `@` and `#`, and in `www` and `GH-`, an empty comment stands.

    The filters that make mentions and references of them run behind the parser, on each text alone.
    """
    text = found[0]
    if text in ("www", "GH-"):
        return f"{text[:-1]}<!-- -->{text[-1]}"
    if text not in punctuation:
        return text
    return f"\\{text}<!-- -->" if text in "@#" else f"\\{text}"


def _table(found: Sequence[GateLine]) -> Iterator[str]:
    head = ("verdict", "", "effect", "interval", "times", "measured", "bound")
    yield _row(head)
    yield _row(["---"] * len(head))
    for line in found:
        advisory = " (advisory)" if line.advisory else ""
        yield _row(
            (
                f"{line.verdict.value}{advisory}",
                code(name(line)),
                ratio(line.effect.ratio if line.effect else None, line.measure),
                interval(line.effect, line.measure),
                prose(seconds_of(line)),
                trials(line),
                prose(line.bound),
            )
        )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _explained(found: Sequence[GateLine]) -> Iterator[str]:
    for line in found:
        told = [*texts(line), cells_of(line)]
        said = ". ".join(prose(text) for text in told if text)
        if said:
            yield f"- {code(name(line))}: {said}"
