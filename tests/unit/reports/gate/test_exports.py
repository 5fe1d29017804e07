"""The formats of the gate's report: what each says, and that no text steers its reader."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import msgspec
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite
from markdown_it import MarkdownIt

from ipcbench.reports.gate.exports.formats import FORMATS
from ipcbench.reports.gate.exports.junit import to_junit
from ipcbench.reports.gate.exports.markdown import to_markdown
from ipcbench.reports.gate.exports.phrases import effect_of, headline, ratio
from ipcbench.reports.gate.exports.table import WIDTH, to_table
from ipcbench.reports.gate.report import GateLine, GateVerdict, Interval, Measure
from tests.unit.reports.gate.a_report import CELL, HOSTILE, a_line, a_report, hostile, report_of

BROKEN, PASSED = GateVerdict.BROKEN, GateVerdict.PASSED
INCONCLUSIVE, NOT_MEASURED = GateVerdict.INCONCLUSIVE, GateVerdict.NOT_MEASURED


# Phrases.


def test_the_headline_has_the_verdict_and_all_counts() -> None:
    assert headline(a_report()) == "broken: 3 cells, 1 broken, 1 inconclusive, 1 passed"
    assert headline(report_of()) == "not measured: nothing was compared"
    advisory = report_of(a_line("a", BROKEN, 1.2, advisory=True))
    assert headline(advisory) == "passed: 1 cell, 1 broken (1 advisory)"


@pytest.mark.parametrize(
    ("value", "measure", "text"),
    [
        (1.5, Measure.SPEED, "1.5x"),
        (1.123, Measure.CHANGE, "+12.3 %"),
        (0.9, Measure.BASELINE, "-10.0 %"),
        (3.0, Measure.CHANGE, "3x"),
        (0.25, Measure.CHANGE, "0.25x"),
        (None, Measure.CHANGE, "-"),
    ],
)
def test_a_ratio_is_a_factor_or_percents(value: float | None, measure: Measure, text: str) -> None:
    assert ratio(value, measure) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.1, 1.2, "+15.0 % (+10.0 % to +20.0 %)"),
        (1.1, None, "+15.0 % (+10.0 % or more)"),
        (None, 1.2, "+15.0 % (+20.0 % or less)"),
        (None, None, "+15.0 %"),
    ],
)
def test_an_interval_may_be_open(low: float | None, high: float | None, text: str) -> None:
    effect = Interval(ratio=1.15, low=low, high=high)
    line = GateLine(name="a", verdict=PASSED, measure=Measure.CHANGE, effect=effect)
    assert effect_of(line) == text


def test_an_effect_and_its_limits_have_one_unit() -> None:
    for low, high, text in (
        (0.409, 1.456, "0.95x (0.409x to 1.456x)"),
        (0.409, None, "0.95x (0.409x or more)"),
        (0.9, 1.01, "-5.0 % (-10.0 % to +1.0 %)"),
    ):
        effect = Interval(ratio=0.95, low=low, high=high)
        line = GateLine(name="a", verdict=PASSED, measure=Measure.CHANGE, effect=effect)
        assert effect_of(line) == text


def test_a_change_that_is_not_that_of_the_times_is_explained() -> None:
    report = a_report()
    assert "median over the pairs" not in to_table(report)
    first, *others = report.lines
    base, head = first.sides
    assert head.seconds is not None
    unlike = msgspec.structs.replace(head, seconds=head.seconds * 1.5)
    lines = [msgspec.structs.replace(first, sides=[base, unlike]), *others]
    changed = msgspec.structs.replace(report, lines=lines)
    assert "A change is the median over the pairs: it can differ" in to_table(changed)


# The table.


def test_the_table_says_first_what_is_to_be_done() -> None:
    assert to_table(a_report()) == (
        "broken: 3 cells, 1 broken, 1 inconclusive, 1 passed\n"
        "rev:main against this version; bound: slower by less than 5 %\n"
        "\n"
        "broken\n"
        "  latency/fifo/python/64B/2p/same-core\n"
        "    +12.3 % (+10.1 % to +14.5 %); 9 pairs\n"
        "    base 2.68 µs, head 3.01 µs a round trip\n"
        "\n"
        "inconclusive\n"
        "  latency/tcp/python/64B/2p/same-core\n"
        "    +3.0 % (+0.9 % to +5.1 %); 9 pairs\n"
        "    base 2.68 µs, head 2.76 µs a round trip\n"
        "    300 pairs do not decide it: measure on an idle machine\n"
        "\n"
        "passed\n"
        "  +0.2 %  -1.8 % to +2.2 %  9 pairs  latency/pipe/python/64B/2p/same-core\n"
        "\n"
        "This machine's gate could have seen 4 % on one core.\n"
        "\n"
        "The second run of a pair took 1.002 of the time of the first (0.998 to 1.006),\n"
        "whatever the arm; a coin chose the order of each pair.\n"
        "\n"
        "3 pairs were void and retaken.\n"
        "\n"
        "base: rev:main (1a2b3c4 pipe: read into a buffer)\n"
        "head: here (this version)\n"
        "Synthetic CPU @ 3.0GHz, 2 CPUs, virtual machine (QEMU), Linux 6.18.0-test,\n"
        "Python 3.13.1 (CPython)\n"
    )


def test_the_table_fits_80_columns() -> None:
    reason = "the machine was busy, and " * 20
    report = report_of(a_line(CELL.format("pipe"), INCONCLUSIVE, 1.03, reason=reason))
    assert max(map(len, to_table(report).splitlines())) <= WIDTH


# Formats for programs.


def test_json_has_a_schema_and_the_whole_report() -> None:
    data = json.loads(FORMATS["json"](a_report()))
    assert data["schema"] == 1
    assert (data["verdict"], data["exit_code"]) == ("broken", 1)
    assert data["counts"]["inconclusive"] == 1 and data["counts"]["not measured"] == 0
    (broken,) = (line for line in data["lines"] if line["verdict"] == "broken")
    assert broken["effect"] == {"ratio": 1.123, "low": 1.123 * 0.98, "high": 1.123 * 1.02}
    assert broken["measure"] == "head / base"
    assert [side["name"] for side in broken["sides"]] == ["base", "head"]


def parsed(text: str) -> TestSuite:
    (suite,) = JUnitXml.fromstring(text.encode())
    return suite


def test_junit_has_a_case_for_each_line() -> None:
    lines = [
        a_line(name, verdict, 1.1, advisory=name == "advisory")
        for name, verdict in (
            ("good", PASSED), ("red", BROKEN), ("open", INCONCLUSIVE), ("absent", NOT_MEASURED),
            ("elsewhere", GateVerdict.NOT_APPLICABLE), ("advisory", BROKEN),
        )
    ]  # fmt: skip
    suite = parsed(to_junit(report_of(*lines)))
    found: dict[str, list[object]] = {case.name: case.result for case in suite}
    kinds = {name: [type(one) for one in result] for name, result in found.items()}
    assert kinds == {
        "good": [], "red": [Failure], "open": [Skipped], "absent": [Error],
        "elsewhere": [Skipped], "advisory": [Skipped],
    }  # fmt: skip
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 1, 1, 3)
    assert suite.time == 75.0
    (red,) = found["red"]
    assert isinstance(red, Failure)
    assert (
        red.message
        == "broken: +10.0 % (+7.8 % to +12.2 %); bound: slower by less than 5 %; 9 pairs"
    )


def test_junit_has_the_figures_as_properties() -> None:
    tree = ElementTree.fromstring(to_junit(report_of(a_line("one", BROKEN, 1.123))))
    found = {one.get("name"): one.get("value") for one in tree.findall(".//testcase//property")}
    assert (found["ratio"], found["pairs"], found["seconds base"]) == ("1.123", "9", "2.68e-06")


def test_annotations_name_the_file_and_begin_with_the_whole() -> None:
    first, broken, inconclusive = FORMATS["annotations"](a_report()).splitlines()
    assert first == (
        "::error title=ipcbench,file=thresholds.toml::broken: 3 cells, 1 broken, 1 inconclusive, "
        "1 passed. This machine's gate could have seen 4 %25 on one core."
    )
    assert broken.startswith(
        "::error title=broken%3A latency/fifo/python/64B/2p/same-core,file=thresholds.toml::"
        "+12.3 %25"
    )
    assert inconclusive.startswith("::warning title=inconclusive%3A latency/tcp/")
    good = FORMATS["annotations"](report_of(a_line("a", PASSED), thresholds=""))
    assert good.startswith("::notice title=ipcbench::passed: 1 cell, 1 passed.")


def test_markdown_has_a_table_and_hides_what_is_good() -> None:
    text = to_markdown(a_report())
    assert text.startswith("### ipcbench: broken: 3 cells, 1 broken, 1 inconclusive, 1 passed\n")
    assert (
        "| broken | `latency/fifo/python/64B/2p/same-core` | +12.3 % | +10.1 % to +14.5 % | "
        "base 2.68 µs, head 3.01 µs a round trip | 9 pairs |"
    ) in text
    assert "<summary>1 of 3 cells hold</summary>" in text


def test_long_markdown_is_cut_where_it_is_good() -> None:
    many = [a_line(CELL.format(f"pipe:{n}M"), PASSED) for n in range(1000)]
    text = to_markdown(report_of(*many))
    assert "1000 of 1000 cells hold, 200 of them shown" in text
    assert len(text) < 65536


def test_long_markdown_has_the_worst_first_and_is_cut_behind_them() -> None:
    many = [a_line(CELL.format(f"pipe:{n}M"), INCONCLUSIVE, reason="few pairs") for n in range(999)]
    text = to_markdown(report_of(*many, a_line(CELL.format("tcp"), BROKEN, 1.2)))
    assert "900 more cells in the other formats." in text
    assert text.index("| broken |") < text.index("| inconclusive |")
    assert len(text) < 65536


# Hostile texts.


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_steers_a_terminal_or_a_runner(text: str) -> None:
    report = hostile(text)
    for name in ("table", "annotations"):
        for line in FORMATS[name](report).splitlines():
            assert line.isprintable(), name
            line.encode()
            assert name == "annotations" or not line.lstrip().startswith("::")
            assert name == "annotations" or "##[" not in line
    levels = [line.split()[0] for line in FORMATS["annotations"](report).splitlines()]
    assert levels == ["::error", "::error", "::error", "::warning"]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_breaks_json_or_junit(text: str) -> None:
    report = hostile(text)
    written = FORMATS["json"](report)
    assert written.isascii()
    assert len(json.loads(written)["lines"]) == len(GateVerdict)
    xml = to_junit(report)
    ElementTree.fromstring(xml.encode())
    assert [len(case.result) for case in parsed(xml)] == [1, 1, 1, 0, 0, 1]


# Markup of our own: no text may add to it.
OWN_HTML = {"<code>", "</code>", "<!-- -->"}
OWN_TAGS = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list",
            "list_item"}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_becomes_markup(text: str) -> None:
    parser = MarkdownIt("commonmark", {"linkify": False}).enable("table").enable("strikethrough")
    tokens = parser.parse(to_markdown(hostile(text)))
    rows = [token for token in tokens if token.type == "td_open"]
    assert len(rows) == len(GateVerdict) * 7  # no cell more, and none less
    for token in tokens:
        kind = re.sub("_(open|close)$", "", token.type)
        if token.type == "html_block":
            assert re.fullmatch(r"</?details>\n?(<summary>.*</summary>)?\n?", token.content)
        else:
            assert kind in {*OWN_TAGS, "inline"}
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "softbreak", "html_inline"), child
            assert child.type != "html_inline" or child.content in OWN_HTML


@pytest.mark.parametrize("text", ["@everyone", "see #1", "owner/repo#1", "GH-1"])
def test_no_text_notifies_or_refers_on_github(text: str) -> None:
    """GitHub looks for these in each text alone, outside of code."""
    tokens = MarkdownIt("commonmark").enable("table").parse(to_markdown(hostile(text)))
    in_code = False
    for child in (child for token in tokens for child in token.children or ()):
        in_code = child.content == "<code>" or (in_code and child.content != "</code>")
        if child.type == "text" and not in_code:
            assert not re.search(r"@\w|#\d|GH-\d", child.content)


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example"])
def test_no_address_becomes_a_link(text: str) -> None:
    """GitHub links what the source of a text has, before it resolves the escapes."""
    outside = re.sub("`[^`]*`", "", to_markdown(hostile(text)))
    assert not re.search(r"https?:|www\.", outside)


def test_no_change_has_no_sign() -> None:
    assert [ratio(value, Measure.CHANGE) for value in (0.9996, 1.0, 1.0004)] == ["0.0 %"] * 3
    assert ratio(0.999, Measure.CHANGE) == "-0.1 %"
