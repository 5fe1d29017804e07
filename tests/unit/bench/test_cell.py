"""bench.results.cell: ids name the axes in one order, and a cell is read as it was written."""

from __future__ import annotations

import re
from itertools import compress, product
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.results.axes import PATTERNS, PAYLOADS, PLACEMENTS, RUNTIMES, WAITS
from ipcbench.bench.results.cell import MOST, MOST_SLOWED, Cell

PAGE = (Path(__file__).parents[3] / "docs/format.md").read_text()
PLAIN = "latency/pipe/python/64B/2p/same-core"
# The axes that may follow, in their order; `load` is not measured yet, and its place is kept.
AXES = (
    r"depth\d+", r"wait-[a-z-]+", r"looks\d+", r"batch\d+", "fresh|cold|array",
    r"pause\d+(us|ms|s)", r"load\d+",
)  # fmt: skip
FOLLOWING = "".join(f"(/({axis}))?" for axis in AXES) + r"(~twin|~slowed\d+)?"


def cell(**axes: object) -> Cell:
    fields = {"transport": "pipe", "pattern": "latency", "size": 64, "placement": "same-core"}
    return msgspec.convert(fields | axes, Cell)


ORIGINALS = st.builds(
    Cell,
    transport=st.sampled_from(["pipe", "pipe:1M", "shm:posix+spin/in-place"]),
    pattern=st.sampled_from(PATTERNS),
    size=st.integers(0, 1 << 50),
    processes=st.integers(1, 1 << 20),
    placement=st.sampled_from(PLACEMENTS),
    runtime=st.sampled_from(RUNTIMES),
    depth=st.one_of(st.none(), st.integers(1, 1 << 20)),
    wait=st.sampled_from(WAITS),
    looks=st.one_of(st.none(), st.integers(1, 1 << 20)),
    batch=st.integers(1, 1 << 20),
    payload=st.sampled_from(PAYLOADS),
    pace=st.sampled_from(["closed", "pause:100us", "pause:1ms", "pause:1s"]),
)
CONTROLS = st.sampled_from([{}, {"twin": True}, {"slowed": 1}, {"slowed": MOST_SLOWED}])
CELLS = st.builds(lambda one, more: msgspec.structs.replace(one, **more), ORIGINALS, CONTROLS)


def test_the_id_of_a_cell_at_its_defaults() -> None:
    assert cell().id == PLAIN


GIVEN: list[tuple[str, object, str]] = [  # axis, value, part of the id
    ("depth", 64, "/depth64"),
    ("wait", "spin-block", "/wait-spin-block"),
    ("looks", 2000, "/looks2000"),
    ("batch", 16, "/batch16"),
    ("payload", "fresh", "/fresh"),
    ("pace", "pause:1ms", "/pause1ms"),
    ("twin", True, "~twin"),
    ("slowed", 5, "~slowed5"),
]
CHOICES = [
    chosen
    for chosen in product((False, True), repeat=len(GIVEN))
    if not all(chosen[-2:])  # a control is a twin, or slowed
]


@pytest.mark.parametrize("chosen", CHOICES)
def test_axes_follow_in_their_order_and_defaults_are_left_out(chosen: tuple[bool, ...]) -> None:
    given = list(compress(GIVEN, chosen))
    axes = {axis: value for axis, value, _ in given}
    assert cell(**axes).id == PLAIN + "".join(part for _, _, part in given)


@pytest.mark.parametrize(
    "axes",
    [
        {"looks": 0}, {"looks": MOST + 1}, {"batch": 0}, {"batch": MOST + 1}, {"payload": "warm"},
        {"slowed": -1}, {"slowed": MOST_SLOWED + 1}, {"slowed": 5, "twin": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_value_out_of_range_is_refused(axes: dict[str, object]) -> None:
    with pytest.raises(
        msgspec.ValidationError,
        match=r"out of range|no payload 'warm'|a twin, or slowed by 1 to 100 percent",
    ):
        cell(**axes)


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


@given(one=ORIGINALS, control=CONTROLS)
def test_a_control_names_its_original(one: Cell, control: dict[str, object]) -> None:
    found = msgspec.structs.replace(one, **control)
    assert found.original == one
    assert found.is_control is bool(control)


def test_the_page_on_the_format_has_the_order() -> None:
    assert (
        "    pattern/transport/runtime/SIZEB/PROCESSESp/placement\n"
        "        [/depthN][/wait-W][/looksN][/batchN][/fresh|/cold|/array]\n"
        "        [/pauseSPAN|/loadN|/poissonN|/rateN][~twin|~slowedN]\n"
    ) in PAGE
    fields = [field.name for field in msgspec.structs.fields(Cell)]
    assert fields[:6] == ["transport", "pattern", "size", "processes", "placement", "runtime"]
    assert fields[6:] == [axis for axis, _, _ in GIVEN]  # with a new axis, extend the tests


@pytest.mark.parametrize(
    ("transport", "wait", "now"),
    [
        ("shm:posix+spin", "block", ("shm:posix+futex", "spin")),
        ("shm:posix+spin", "spin", ("shm:posix+futex", "spin")),
        ("shm:posix+spin", "poll", ("shm:posix+spin", "poll")),
        ("shm:memfd+spin-block/huge/in-place", "block",
         ("shm:memfd+futex/huge/in-place", "spin-block")),
        ("shm:posix+futex", "block", ("shm:posix+futex", "block")),
        ("pipe", "spin", ("pipe", "spin")),
        ("shm:", "block", ("shm:", "block")),
    ],
)  # fmt: skip
def test_an_alias_has_a_present_name(transport: str, wait: str, now: tuple[str, str]) -> None:
    one = cell(transport=transport, wait=wait, looks=3)
    assert (one.present.transport, one.present.wait) == now
    assert one.present.present == one.present
    assert one.present.looks == 3
