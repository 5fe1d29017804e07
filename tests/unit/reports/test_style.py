"""Tests of the look of markers: a colour for a facility, a shape for a family."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.axes import PLACEMENTS
from ipcbench.reports.charts.look.palette import css_variables, family_color, shades, themed
from ipcbench.reports.charts.look.style import FILLS, facility_style, filling, in_its_manner
from ipcbench.reports.model import Measured, measured
from tests.synthetic import CARRYING, cells, sweep


def found(*names: str, **axes: str) -> list[Measured]:
    return measured(sweep(lambda *_: 1e-5, cells(names, sizes=(64,), **axes), rounds=1))  # type: ignore[arg-type]


def test_a_family_has_one_shape_and_other_families_have_others() -> None:
    shapes: dict[str, set[str]] = {}
    for one in found(*CARRYING):
        shapes.setdefault(one.facts.family, set()).add(facility_style(one).marker)
    assert all(len(each) == 1 for each in shapes.values())
    assert len(set.union(*shapes.values())) == len(shapes)


def test_the_facilities_that_are_compared_most_have_colours_of_their_own() -> None:
    names = (
        "pipe", "fifo", "unix-stream", "tcp", "unix-dgram", "posix-queue", "sysv-queue",
        "shm:posix+posix-sem", "shm:posix+futex", "shm:posix+sysv-sem", "mp-queue", "mp-pipe",
    )  # fmt: skip
    assert len({facility_style(one).color for one in found(*names)}) == len(names)


def test_facilities_that_share_a_chart_of_the_usual_run_look_unlike() -> None:
    names = (
        "unix-stream", "unix-stream:1M", "tcp", "tcp:1M", "unix-dgram", "socketpair:dgram",
        "shm:posix+posix-sem", "shm:posix+futex", "shm:posix+sysv-sem", "shm:sysv+posix-sem",
        "shm:file+posix-sem", "shm:memfd+posix-sem",
    )  # fmt: skip
    assert len({facility_style(one).color for one in found(*names)}) == len(names)


@given(st.lists(st.sampled_from(CARRYING), min_size=1, max_size=6, unique=True))
def test_a_facility_looks_the_same_in_every_run(names: list[str]) -> None:
    whole = {one.cell.transport: facility_style(one) for one in found(*CARRYING)}
    for one in found(*names):
        assert facility_style(one) == whole[one.cell.transport]
        assert facility_style(one).color in shades(one.facts.family)


def test_what_a_facility_does_changes_neither_its_colour_nor_its_shape() -> None:
    plain = facility_style(found("pipe")[0])
    for axes in ({"wait": "spin"}, {"payload": "fresh"}, {"placements": ("cross-core",)}):
        (one,) = found("pipe", **axes)  # type: ignore[arg-type]
        look = in_its_manner(facility_style(one), one)
        assert (look.color, look.marker) == (plain.color, plain.marker)


def test_placements_have_fillings_of_their_own_wherever_they_stand() -> None:
    assert len({filling(one, 0) for one in PLACEMENTS}) == len(PLACEMENTS)
    for one in PLACEMENTS:
        assert filling(one, 0) == filling(one, 3)
    assert [filling(f"{at} processes", at) for at in range(6)] == list(FILLS)


def test_every_colour_follows_the_theme_of_the_page() -> None:
    for one in found(*CARRYING):
        color = facility_style(one).color
        assert themed(f"fill:{color}") == f"fill:var(--c-{color[1:]})"
        for dark in (False, True):
            assert f"--c-{color[1:]}:#" in css_variables(dark)
    assert themed("fill:#010203") == "fill:#010203"
    assert family_color("of a plug-in") == family_color("other")
