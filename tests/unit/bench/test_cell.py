"""bench.results.cell: ids name the axes in one order, and a cell is read as it was written."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.axes import PATTERNS, PLACEMENTS, RUNTIMES, WAITS
from ipcbench.bench.results.cell import Cell

PAGE = (Path(__file__).parents[3] / "docs/format.md").read_text()
PLAIN = "latency/pipe/python/64B/2p/same-core"
# The axes that may follow, in their order; `looks`, `batch`, the payload and `load` are not
# measured yet, and their places are kept.
AXES = (
    r"depth\d+", r"wait-[a-z-]+", r"looks\d+", r"batch\d+", "fresh|cold", r"pause\d+(us|ms|s)",
    r"load\d+",
)  # fmt: skip
FOLLOWING = "".join(f"(/({axis}))?" for axis in AXES) + "(~twin)?"


def cell(**axes: object) -> Cell:
    fields = {"transport": "pipe", "pattern": "latency", "size": 64, "placement": "same-core"}
    return msgspec.convert(fields | axes, Cell)


CELLS = st.builds(
    Cell,
    transport=st.sampled_from(["pipe", "pipe:1M", "shm:posix+spin/in-place"]),
    pattern=st.sampled_from(PATTERNS),
    size=st.integers(0, 1 << 50),
    processes=st.integers(1, 1 << 20),
    placement=st.sampled_from(PLACEMENTS),
    runtime=st.sampled_from(RUNTIMES),
    depth=st.one_of(st.none(), st.integers(1, 1 << 20)),
    wait=st.sampled_from(WAITS),
    pace=st.sampled_from(["closed", "pause:100us", "pause:1ms", "pause:1s"]),
    twin=st.booleans(),
)


def test_the_id_of_a_cell_at_its_defaults() -> None:
    assert cell().id == PLAIN


@pytest.mark.parametrize(
    ("depth", "wait", "pace", "twin"),
    list(product(("", "/depth64"), ("", "/wait-spin"), ("", "/pause1ms"), ("", "~twin"))),
)
def test_axes_follow_in_their_order_and_defaults_are_left_out(
    depth: str, wait: str, pace: str, twin: str
) -> None:
    axes: dict[str, object] = {"twin": bool(twin)}
    if depth:
        axes["depth"] = 64
    if wait:
        axes["wait"] = "spin"
    if pace:
        axes["pace"] = "pause:1ms"
    assert cell(**axes).id == PLAIN + depth + wait + pace + twin


@given(one=CELLS)
def test_every_id_keeps_the_order(one: Cell) -> None:
    head = f"{one.pattern}/{one.transport}/{one.runtime}/{one.size}B/{one.processes}p"
    rest = one.id.removeprefix(f"{head}/{one.placement}")
    assert re.fullmatch(FOLLOWING, rest), one.id


@given(one=CELLS)
def test_a_cell_is_read_as_it_was_written(one: Cell) -> None:
    read = msgspec.json.decode(msgspec.json.encode(one), type=Cell)
    assert read == one
    assert read.id == one.id


def test_the_page_on_the_format_has_the_order() -> None:
    assert (
        "pattern/transport/runtime/SIZEB/PROCESSESp/placement[/depthN][/wait-W][/pauseSPAN][~twin]"
        in PAGE
    )
    fields = [field.name for field in msgspec.structs.fields(Cell)]
    assert fields[:6] == ["transport", "pattern", "size", "processes", "placement", "runtime"]
    assert fields[6:] == ["depth", "wait", "pace", "twin"]  # with a new axis, extend the tests
