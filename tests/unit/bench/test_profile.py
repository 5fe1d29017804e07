"""bench.plan.profile: profiles and options are accepted as written, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import LOOKS
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.planner import cells_of
from ipcbench.bench.plan.profile import (
    MOST_PROCESSES,
    PROFILES,
    BadConfig,
    Profile,
    load_profile,
    parse_profile,
)
from ipcbench.bench.results.axes import PLACEMENTS
from ipcbench.bench.results.records import Settings
from ipcbench.transports.registry import matching

PROFILE = """
about = "for tests"

[run]
rounds = 12
values = 3
warmups = 1
block = "10ms"
stamps = 400

[[cells]]
patterns = ["latency", "stream"]
transports = ["pipe", "shm:*"]
sizes = ["64", "4K"]
placements = ["same-core", "cross-core"]

[[cells]]
patterns = ["fan-in"]
processes = [4, 8]
depths = [1, 8]
sizes = [64]
placements = ["same-core"]

[[controls]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["same-core"]

[[left-out]]
what = "many"
why = "time"
"""


def parsed(text: str) -> Profile:
    return parse_profile("test", text.encode())


def refused(text: str) -> str:
    with pytest.raises(BadConfig) as caught:
        parsed(text)
    message = str(caught.value)
    assert message.startswith("profile test: ")
    assert "\n" not in message
    return message


def swapped(old: str, new: str) -> str:
    assert PROFILE.count(old) >= 1
    return PROFILE.replace(old, new, 1)


def test_the_runtimes_are_an_axis() -> None:
    assert {axes.runtimes for axes in parsed(PROFILE).axes} == {("python",)}
    line = 'placements = ["same-core", "cross-core"]'
    both, several, control = parsed(swapped(line, f'{line}\nruntimes = ["python", "native"]')).axes
    assert (both.runtimes, several.runtimes) == (("python", "native"), ("python",))
    assert control.runtimes == ("python",)


def test_runtimes_that_make_no_sense_are_refused() -> None:
    line = "processes = [4, 8]"
    for words, said in (('["rust"]', "unknown runtime 'rust'"), ("[]", "length"), ("[1]", "str")):
        assert said in refused(swapped(line, f"{line}\nruntimes = {words}"))


def test_waits_and_paces_are_axes() -> None:
    line = "processes = [4, 8]"
    words = 'waits = ["block", "poll"]\npaces = ["closed", "pause:1000us"]'
    (found,) = (axes for axes in parsed(swapped(line, f"{line}\n{words}")).axes if axes.waits[1:])
    assert found.waits == ("block", "poll")
    assert found.paces == ("closed", "pause:1ms")
    for axes in parsed(PROFILE).axes:
        assert (axes.waits, axes.paces) == (("block",), ("closed",))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('waits = ["none"]', "unknown wait 'none': there are block, poll"),
        ('waits = ["sleep"]', "unknown wait 'sleep'"),
        ("waits = []", "length"),
        ('paces = ["pause:2s"]', "write closed, or a pause of 1us to 1s"),
        ('paces = ["open"]', "'open' is no pace"),
        (
            "poll = [true]",
            'unknown field `poll` - at `$.cells[1]`: write waits = ["poll"] for true',
        ),
    ],
)
def test_waits_and_paces_that_make_no_sense_are_refused(words: str, said: str) -> None:
    line = "processes = [4, 8]"
    assert said in refused(swapped(line, f"{line}\n{words}"))


def test_batches_and_payloads_are_axes() -> None:
    line = "processes = [4, 8]"
    words = 'batches = [1, 16]\npayloads = ["hot", "fresh"]'
    found = parsed(swapped(line, f"{line}\n{words}")).axes
    assert {(axes.batches, axes.payloads) for axes in found} == {
        ((1,), ("hot",)),
        ((1, 16), ("hot", "fresh")),
    }


def test_looks_are_those_of_one_way_of_waiting() -> None:
    line = "processes = [4, 8]"
    words = 'waits = ["block", "spin-block"]\nlooks = [100, 2000]'
    found = [axes for axes in parsed(swapped(line, f"{line}\n{words}")).axes if 4 in axes.processes]
    assert [(axes.waits, axes.looks) for axes in found] == [
        (("block",), (None,)),
        (("spin-block",), (100, 2000)),
    ]
    assert {axes.looks for axes in parsed(PROFILE).axes} == {(None,)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("looks = [100]", 'looks are those of a wait: add waits = ["spin-block"]'),
        ('waits = ["spin-block"]\nlooks = [0]', "looks = 0: 1 to 1000000"),
        ("batches = [0]", "batch = 0: 1 to 1024"),
        ("batches = [1025]", "batch = 1025: 1 to 1024"),
        ("batches = []", "length"),
        ('payloads = ["warm"]', "unknown payload 'warm': there are hot, fresh, cold, array"),
        ("payloads = []", "length"),
    ],
)
def test_looks_batches_and_payloads_that_make_no_sense_are_refused(words: str, said: str) -> None:
    line = "processes = [4, 8]"
    assert said in refused(swapped(line, f"{line}\n{words}"))


def test_a_profile_may_be_adaptive_and_have_a_budget() -> None:
    plain = parsed(PROFILE)
    assert (plain.settings.adaptive, plain.budget) == (False, None)
    words = 'rounds = 12\nadaptive = true\nbudget = "2m"'
    found = parsed(swapped("rounds = 12", words))
    assert (found.settings.adaptive, found.settings.rounds, found.budget) == (True, 12, 120.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rounds = 7\nadaptive = true", "the first look at the contests is after 8 rounds"),
        ("rounds = 8\nadaptive = 1", "bool"),
        ("rounds = 8\nbudget = 90", "str"),
        ('rounds = 8\nbudget = "0s"', "'0s' is not a duration"),
        ('rounds = 8\nbudget = "long"', "write 90s, 3m or 1h"),
    ],
)
def test_an_adaptive_profile_that_makes_no_sense_is_refused(words: str, said: str) -> None:
    assert said in refused(swapped("rounds = 12", words))


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_of_ours_is_read(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.about.endswith(".")
    assert any(axes.twin for axes in profile.axes), "no control: nothing shows whether to trust it"
    assert (profile.settings.rounds >= LOOKS[0]) is (name != "smoke")
    for axes in profile.axes:
        assert set(axes.patterns) <= PATTERNS.keys()
        assert set(axes.placements) <= set(PLACEMENTS)
        for pattern in axes.patterns:
            assert any(not PATTERNS[pattern].refuses(number) for number in axes.processes)


@pytest.mark.parametrize("name", PROFILES)
def test_each_control_of_ours_has_its_original(name: str) -> None:
    from ipcbench.bench.plan.planner import cells_of
    from ipcbench.transports import registry

    cells = list(cells_of(load_profile(name).axes, registry.matching))
    assert {cell.original.id for cell in cells if cell.twin} <= {
        cell.id for cell in cells if not cell.twin
    }


def test_a_profile_is_taken_as_it_is_written() -> None:
    profile = parsed(PROFILE)
    assert profile.settings == Settings(values=3, warmups=1, block=0.01, stamps=400, rounds=12)
    links, several, control = profile.axes
    assert links.patterns == ("latency", "stream")
    assert links.transports == ("pipe", "shm:*")
    assert links.sizes == (64, 4096)
    assert links.placements == ("same-core", "cross-core")
    assert links.processes == (2,)
    assert links.depths == (None,)
    assert (several.transports, several.processes, several.depths) == (("*",), (4, 8), (1, 8))
    assert [axes.twin for axes in profile.axes] == [False, False, True]
    assert control.sizes == (64,)
    assert profile.left_out == (("many", "time"),)


def test_a_table_of_controls_has_twins_or_slowed_cells() -> None:
    *_, twins = parsed(PROFILE).axes
    *_, slowed = parsed(swapped("[[controls]]", "[[controls]]\nslowed = 5")).axes
    assert ((twins.twin, twins.slowed), (slowed.twin, slowed.slowed)) == ((True, 0), (False, 5))
    streams = swapped(
        '[[controls]]\npatterns = ["latency"]', '[[controls]]\npatterns = ["stream"]\nslowed = 5'
    )
    assert "only latency with hot messages and no pauses can be slowed" in refused(streams)


def test_missing_keys_of_the_run_have_defaults() -> None:
    text = PROFILE.split("[run]")[0] + "[run]\nrounds = 2\n\n[[cells]]"
    text += PROFILE.split("[[cells]]")[1]
    assert parsed(text).settings == Settings(values=3, warmups=1, block=0.01, stamps=200, rounds=2)


def test_a_tail_of_nothing_is_no_tail() -> None:
    assert parsed(swapped("stamps = 400", "stamps = 0")).settings.stamps == 0


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("[run]", "[run]\nround = 1", "round"),
        ("[run]", "[runs]", "run"),
        ("[[cells]]", "[[cells]]\nsize = 1", "size"),
        ("[[cells]]", "[[cell]]", "cell"),
        ("[[cells]]", "[cells]", ""),
        ("[[controls]]", "[[controls]]\nextra = 1", "extra"),
        ("[[left-out]]", "[[left_out]]", "left_out"),
        ("[[controls]]", "[[controls]]\nslowed = -1", "slowed = -1: 0 to 100"),
        ("[[controls]]", "[[controls]]\nslowed = 101", "slowed = 101: 0 to 100"),
        ("[[controls]]", "[[controls]]\nslowed = true", "slowed"),
        ("[[controls]]", '[[controls]]\nslowed = 5\npaces = ["pause:1ms"]', "can be slowed"),
        ("[[controls]]", '[[controls]]\nslowed = 5\npayloads = ["fresh"]', "can be slowed"),
        ("[[cells]]", "[[cells]]\nslowed = 5", "unknown field `slowed`"),
        ('what = "many"', "what = 1", "what"),
        ('about = "for tests"', "", "about"),
        ('about = "for tests"', "about = 1", "about"),
        ("rounds = 12", "", "rounds"),
        ("rounds = 12", 'rounds = "12"', "rounds"),
        ("rounds = 12", "rounds = 0", "rounds = 0: 1 to "),
        ("rounds = 12", "rounds = -1", "rounds = -1"),
        ("rounds = 12", "rounds = 1000001", "rounds"),
        ("rounds = 12", "rounds = 1.5", "rounds"),
        ("rounds = 12", "rounds = true", "rounds"),
        ("values = 3", "values = 0", "values = 0: 1 to "),
        ("warmups = 1", "warmups = -1", "warmups = -1: 0 to "),
        ('block = "10ms"', 'block = "0"', "duration"),
        ('block = "10ms"', 'block = "-1s"', "duration"),
        ('block = "10ms"', 'block = "10 parsecs"', "10 parsecs"),
        ('block = "10ms"', "block = 10", "block"),
        ("stamps = 400", "stamps = -1", "stamps = -1: 0 to "),
        ("stamps = 400", "stamps = 10001", "stamps = 10001: 0 to 10000"),
        ("stamps = 400", 'stamps = "400"', "stamps"),
        ("stamps = 400", 'tail = "9ms"', "write stamps = 200"),
        ('"latency", "stream"', '"latency", "streem"', "streem"),
        ('patterns = ["fan-in"]', 'patterns = "fan-in"', "patterns"),
        ('patterns = ["fan-in"]', "patterns = [1]", "patterns"),
        ('"64", "4K"', '"64", "4 parsecs"', "4 parsecs"),
        ('"64", "4K"', '"-1"', "-1"),
        ('"64", "4K"', "-1", "-1"),
        ('"64", "4K"', "1.5", "sizes"),
        ('"64", "4K"', "true", "sizes"),
        ('"same-core", "cross-core"', '"same-cores"', "same-cores"),
        ("processes = [4, 8]", "processes = [0]", "1 to 64 processes, not 0"),
        ("processes = [4, 8]", f"processes = [{MOST_PROCESSES + 1}]", f"1 to {MOST_PROCESSES}"),
        ("processes = [4, 8]", "processes = 4", "processes"),
        ("processes = [4, 8]", "processes = [-4]", "-4"),
        ("depths = [1, 8]", "depths = [0]", "depth = 0"),
        ("depths = [1, 8]", 'depths = ["1"]', "depths"),
        ('transports = ["pipe"]', 'transports = "pipe"', "transports"),
        ('transports = ["pipe"]', "transports = [{}]", "transports"),
    ],
)
def test_senseless_values_are_refused_and_named(old: str, new: str, word: str) -> None:
    assert word in refused(swapped(old, new))


@pytest.mark.parametrize("axis", ["patterns", "sizes", "placements", "transports", "processes"])
def test_an_axis_without_a_value_is_refused(axis: str) -> None:
    """A product with an empty axis is empty: cells would be dropped silently."""
    lines = [
        f"{axis} = []" if line.startswith(f"{axis} =") else line for line in PROFILE.split("\n")
    ]
    assert axis in refused("\n".join(lines))


def test_a_profile_without_cells_is_refused() -> None:
    head = PROFILE.split("[[cells]]")[0]
    assert "cells" in refused(head)
    assert "cells" in refused("cells = []\n" + head)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"\x00" * 50,
        b"",
        b"about = ",
        b"about = " + b"[" * 5000,
        b"a." * 200 + b"b = 1",
        b"rounds = " + b"9" * 5000,
    ],
    ids=["no UTF-8", "zeros", "empty", "no TOML", "deep", "dotted", "long number"],
)
def test_a_file_that_is_no_profile_is_refused(data: bytes) -> None:
    with pytest.raises(BadConfig):
        parse_profile("test", data)


# Files.


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PROFILE)
    assert load_profile(str(path)).name == "mine"


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        BadConfig,
        match=r"unknown profile 'quik' \(did you mean 'quick'\?\): there are smoke, quick",
    ):
        load_profile("quik")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    for name, words in (("none", "No such file"), ("folder", "directory")):
        with pytest.raises(BadConfig, match=words):
            load_profile(str(tmp_path / f"{name}.toml"))


def test_a_name_that_no_file_can_have_is_refused() -> None:
    with pytest.raises(BadConfig):
        load_profile("a\0.toml")


# A profile that extends another one.

EXTENDING = """
extends = "standard"
about = "Standard in few rounds."
[run]
rounds = 2
"""


def test_a_profile_extends_one_of_ours() -> None:
    standard, found = load_profile("standard"), parsed(EXTENDING)
    assert found.about == "Standard in few rounds."
    assert found.settings.rounds == 2
    assert found.settings.values == standard.settings.values
    assert (found.axes, found.left_out) == (standard.axes, standard.left_out)


def test_other_cells_leave_other_things_out() -> None:
    cells = """
[[cells]]
patterns = ["latency"]
transports = ["pipe"]
sizes = ["64"]
placements = ["unpinned"]
"""
    own = """
[[left-out]]
what = "all else"
why = "it is not asked for"
"""
    assert load_profile("standard").left_out
    assert parsed(EXTENDING + cells).left_out == ()
    assert parsed(EXTENDING + cells + own).left_out == (("all else", "it is not asked for"),)


def test_rigorous_is_standard_in_more_rounds() -> None:
    standard, rigorous = load_profile("standard"), load_profile("rigorous")
    assert rigorous.settings.rounds > 2 * standard.settings.rounds
    assert (rigorous.name, rigorous.axes) == ("rigorous", standard.axes)


ROOM = ("unix-stream:1M", "tcp:1M", "socketpair:dgram", "socketpair:seqpacket")


def test_standard_has_fixed_buffers_and_pairs_beside_the_usual_ones() -> None:
    cells = {
        (one.transport, one.pattern, one.size)
        for one in cells_of(load_profile("standard").axes, matching)
        if one.runtime == "python" and one.placement == "same-core"
    }
    for pattern in ("latency", "stream"):
        for size in (64, 65536):
            for name in (*ROOM, "unix-stream", "tcp", "unix-dgram", "socketpair"):
                assert (name, pattern, size) in cells


def test_quick_compares_fixed_buffers_where_messages_fill_them() -> None:
    cells = list(cells_of(load_profile("quick").axes, matching))
    found = {(one.pattern, one.size, one.placement, one.transport) for one in cells}
    for name in ("pipe", "unix-stream", "tcp"):
        for placement in ("same-core", "cross-core-awake"):
            for transport in (name, f"{name}:1M"):
                assert ("stream", 65536, placement, transport) in found
    for transport in ("unix-dgram", "socketpair:dgram"):
        assert ("latency", 64, "same-core", transport) in found


def test_a_table_that_is_given_replaces_that_of_the_base() -> None:
    cells = '[[cells]]\npatterns = ["latency"]\nsizes = ["1"]\nplacements = ["unpinned"]\n'
    found = parsed(EXTENDING + cells)
    given, *controls = found.axes
    assert (given.sizes, given.placements) == ((1,), ("unpinned",))
    assert controls
    assert all(axes.is_control for axes in controls)


def test_a_file_extends_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "base.toml").write_text('extends = "below/lowest.toml"\nabout = "base"\n')
    (tmp_path / "below/lowest.toml").write_text(PROFILE)
    (tmp_path / "mine.toml").write_text('extends = "base.toml"\n[run]\nrounds = 13\n')
    found, lowest = load_profile(str(tmp_path / "mine.toml")), parsed(PROFILE)
    assert (found.name, found.about, found.settings.rounds) == ("mine", "base", 13)
    assert found.axes == lowest.axes


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ('"standards"', "unknown profile 'standards' (did you mean 'standard'?)"),
        ('"gone.toml"', "gone.toml: No such file or directory"),
        ('"a\\u0000.toml"', "null"),
        ("3", "extends = 3: the name of a profile, or a FILE.toml"),
        ('["standard"]', "the name of a profile, or a FILE.toml"),
        ('"mine.toml"', "extends = 'mine.toml': that profile extends this one, in a circle"),
        ('"other.toml"', "in a circle"),
        ('"./link.toml"', "in a circle"),
        ('"loop.toml"', "loop.toml: Too many levels of symbolic links"),
        ('"broken.toml"', "profile mine: extends = 'broken.toml': "),
        ('"mine.toml"', "remove one of the lines"),
    ],
)
def test_a_bad_base_is_refused_in_one_line(base: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f"extends = {base}\n")
    (tmp_path / "other.toml").write_text('extends = "mine.toml"\n')
    (tmp_path / "broken.toml").write_text("about = [\n")
    (tmp_path / "link.toml").symlink_to("mine.toml")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(BadConfig) as caught:
        load_profile(str(tmp_path / "mine.toml"))
    assert str(caught.value).startswith("profile mine: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_without_a_file_extends_ours_alone() -> None:
    assert "unknown profile 'base.toml'" in refused('extends = "base.toml"')


# Arbitrary text.

VALUES = st.one_of(
    st.text(max_size=30).map(json.dumps),
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(["true", "[]", "{}", "[[]]", "[{}]", "1979-05-27", '["64"]', "[2]", '["*"]']),
)
LINES = [line for line in PROFILE.split("\n") if " = " in line]


@settings(max_examples=300)
@given(line=st.sampled_from(LINES), value=VALUES)
def test_any_value_is_taken_or_refused_in_one_line(line: str, value: str) -> None:
    text = PROFILE.replace(line, f"{line.partition(' = ')[0]} = {value}", 1)
    try:
        profile = parse_profile("test", text.encode(errors="surrogatepass"))
    except BadConfig as error:
        assert "\n" not in str(error)
    else:
        assert profile.settings.block > 0


@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode())))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(BadConfig):
        parse_profile("test", data)


@given(name=st.text(max_size=30))
def test_any_name_of_a_profile_is_refused(name: str) -> None:
    if name not in PROFILES:
        with pytest.raises(BadConfig):
            load_profile(f"/nonexistent/{name}.toml")
