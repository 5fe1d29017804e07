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
    asides_of,
    cells_of,
    change,
    common_bound,
    headline,
    interval,
    machine_of,
    name,
    seconds_of,
    trials,
)
from ipcbench.reports.gate.report import GateLine, GateReport

MOST_BAD, MOST_GOOD = 100, 200  # rows: a comment has 65,536 characters at most
_PLAIN = re.compile(r"[\w ./:+,=%()'-]+", re.ASCII)
_PROSE = re.compile(r"[\\`*_{}\[\]<>#!|~@&$]|:(?=//)|\b(?:www|GH-)|^(?:[-+=]|\d+[.)])", re.ASCII)


def to_markdown(report: GateReport) -> str:
    """Write a heading, tables, and the sentences that belong to them."""
    bad = [line for one in report.counts if not one.good for line in report.of(one)]
    good = [line for line in report.lines if line.verdict.good]
    bound = common_bound(report)
    title = f"{prose(report.title)}{f'; bound: {prose(bound)}' if bound else ''}"
    lines = [f"### ipcbench: {headline(report)}", "", title, ""]
    if bad:
        lines += [*_table(bad[:MOST_BAD], bound), "", *_explained(bad[:MOST_BAD]), ""]
    if (rest := len(bad) - MOST_BAD) > 0:
        what = report.noun if rest == 1 else f"{report.noun}s"
        lines += [f"{rest} more {what} in the other formats.", ""]
    if good:
        shown = good[:MOST_GOOD]
        more = f", {len(shown)} of them shown" if len(shown) < len(good) else ""
        summary = f"{len(good)} of {len(report.lines)} {report.noun}s hold{more}"
        lines += ["<details>", f"<summary>{summary}</summary>", "", *_table(shown, bound), ""]
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
    return _PROSE.sub(_defused, one_line(text, LONGEST).strip())  # four spaces would make code


def _defused(found: re.Match[str]) -> str:
    """Escape what is found; after `@` and `#`, and in `www` and `GH-`, an empty comment stands.

    The filters that make mentions and references of them run behind the parser, on each text alone.
    """
    text = found[0]
    if text in ("www", "GH-"):
        return f"{text[:-1]}<!-- -->{text[-1]}"
    return f"{text[:-1]}\\{text[-1]}{'<!-- -->' if text in '@#' else ''}"


def _table(found: Sequence[GateLine], bound: str) -> Iterator[str]:
    head = ["verdict", "", "effect", "interval", "times", "measured"]
    yield _row(head if bound else [*head, "bound"])
    yield _row(["---"] * (6 if bound else 7))
    for line in found:
        advisory = " (advisory)" if line.advisory else ""
        cells = [
            f"{line.verdict.value}{advisory}",
            code(name(line)),
            change(line),
            interval(line.effect, line.measure),
            prose(seconds_of(line)),
            trials(line),
        ]
        yield _row(cells if bound else [*cells, prose(line.bound)])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _explained(found: Sequence[GateLine]) -> Iterator[str]:
    """Write the reasons, and each remedy once."""
    for line in found:
        told = [one_line(line.reason, LONGEST), *asides_of(line), cells_of(line)]
        said = ". ".join(prose(text) for text in told if text)
        if said:
            yield f"- {code(name(line))}: {said}"
    for remedy in dict.fromkeys(line.remedy for line in found if line.remedy):
        yield f"- To decide: {code(remedy)}"
