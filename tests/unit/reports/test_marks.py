"""Names and values of markers, in the drawings and in the tables behind the charts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from ipcbench.bench.stats import Interval
from ipcbench.reports.charts.bodies.bars import Bars
from ipcbench.reports.charts.bodies.curves import Curves
from ipcbench.reports.charts.bodies.stacks import Stacks
from ipcbench.reports.charts.chart import Chart
from ipcbench.reports.charts.gallery import all_charts
from ipcbench.reports.charts.look.axis import Axis, interval_text
from ipcbench.reports.drawing.figures import draw
from ipcbench.reports.model import measured
from tests.synthetic import breadth, cells, sweep

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script><g id="x" style="#1f2430">&amp;'


@pytest.fixture(scope="module")
def charts() -> list[Chart]:
    return all_charts(measured(breadth(tail=0)))[0]


def expected(chart: Chart) -> list[str]:
    """The names of all markers, in the order of the data."""
    body = chart.body
    if isinstance(body, Curves):
        return [
            name
            for panel in body.panels
            for curve in panel.curves
            for name in body.names(panel, curve)
        ]
    if isinstance(body, Bars):
        return [body.name(group, bar) for group in body.groups for bar in group.bars]
    if isinstance(body, Stacks):
        return [
            body.name(panel, stack, index)
            for panel in body.panels
            for stack in panel.stacks
            for index, part in stack.parts.items()
            if part.median > 0
        ]
    return [
        body.name(panel, row, index)
        for panel in body.panels
        for row, found in enumerate(panel.dots)
        for index in found
    ]


def test_every_marker_has_a_name_and_a_value(charts: list[Chart]) -> None:
    for chart in charts:
        drawn = draw(chart)
        for text, prefix in ((drawn.inline, ""), (drawn.svg.decode(), SVG)):
            groups = [one for one in ET.fromstring(text).iter(f"{prefix}g") if one.get("class")]
            assert {one.get("class") for one in groups} == {"mark"}
            names = [one.attrib["aria-label"] for one in groups]
            assert sorted(names) == sorted(expected(chart)), chart.name
            for one in groups:
                title, *shapes = one
                assert (title.tag, title.text) == (f"{prefix}title", one.get("aria-label"))
                assert {shape.tag for shape in shapes} <= {f"{prefix}use", f"{prefix}path"}
                assert shapes


def test_a_table_has_each_value_of_its_chart(charts: list[Chart]) -> None:
    for chart in charts:
        table = chart.table
        assert all(len(row) == len(table.head) for row in table.rows)
        values = sorted(name.rpartition(": ")[2] for name in expected(chart))
        told = [text for row in table.rows for text in row]
        assert all(value in told for value in values), chart.name


def test_a_table_names_the_panel_only_where_there_are_several(charts: list[Chart]) -> None:
    for chart in charts:
        panels = [] if isinstance(chart.body, Bars) else chart.body.panels
        assert (chart.table.head[0] == "panel") is (len(panels) > 1)


def test_names_of_markers_stay_text() -> None:
    planned = cells((HOSTILE,), ("latency", "stream"), placements=("same-core", HOSTILE))
    charts, _ = all_charts(measured(sweep(lambda *_: 1e-5, planned)))
    assert charts
    for chart in charts:
        drawn = draw(chart)
        for text in (drawn.inline, drawn.svg.decode()):
            tags = {one.tag.rpartition("}")[2] for one in ET.fromstring(text).iter()}
            assert tags <= {"svg", "g", "title", "defs", "path", "use", "text"}
            names = [one.get("aria-label", "") for one in ET.fromstring(text).iter()]
            assert any('style="#1f2430"' in name for name in names)


@pytest.mark.parametrize(
    ("axis", "ends", "text"),
    [
        (Axis.SECONDS, (4.9e-6, 4.8e-6, 5.1e-6), "4.90 µs (4.80\N{EN DASH}5.10)"),
        (Axis.SECONDS, (9.9e-7, 9.0e-7, 1.1e-6), "990 ns (900 ns \N{EN DASH} 1.10 µs)"),
        (Axis.SECONDS, (4.9e-6, 4.9e-6, 4.9e-6), "4.90 µs"),
        (Axis.BYTES_PER_SECOND, (1e9, 9e8, 1.1e9), "1.00 GB/s (900 MB/s \N{EN DASH} 1.10 GB/s)"),
        (Axis.UNITS_PER_SECOND, (2e5, 1e5, 3e5), "200 k/s (100\N{EN DASH}300)"),
        (Axis.SHARE, (0.5, 0.25, 0.75), "50.0 % (25.0\N{EN DASH}75.0)"),
    ],
)
def test_a_value_is_written_with_its_interval(
    axis: Axis, ends: tuple[float, float, float], text: str
) -> None:
    assert interval_text(axis, Interval(*ends, 0.95, 12)) == text
