"""Tests of the registry: names, good and bad plug-ins, missing bindings.

Imports are tested in fresh processes: here everything is imported already.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from ipcbench.transports.base.remedies import pip_install
from ipcbench.transports.contract import Transport, Wait
from ipcbench.transports.registry import (
    GROUP,
    UnknownTransport,
    get,
    matching,
    meaning,
    names,
    same_as,
)

ROOT = Path(__file__).parents[3]

LIBRARIES = [("zmq:ipc", "zmq", "pyzmq"), ("nng:ipc", "pynng", "pynng")]

GOOD = """
from ipcbench.transports.null import Null
class Plugin(Null):
    def __init__(self):
        super().__init__(name="good")
"""


def fresh(code: str, *paths: Path) -> str:
    """Run the code in a fresh Python; return its output."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": ":".join(map(str, (*paths, ROOT)))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def plugin(folder: Path, package: str, source: str, **entries: str) -> None:
    """Install a distribution, as far as importlib.metadata can tell."""
    (folder / f"{package}.py").write_text(source)
    information = folder / f"{package}-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    lines = [f"{name.replace('_', '-')} = {value}" for name, value in entries.items()]
    (information / "entry_points.txt").write_text("\n".join(["[ipcbench.transports]", *lines, ""]))


def test_every_name_is_a_transport_of_that_name() -> None:
    assert len(names()) == len(set(names()))
    for name in names():
        transport = get(name)
        assert isinstance(transport, Transport)
        assert transport.name == name
        assert get(name) is transport


def test_the_null_transport_comes_last_but_for_plugins() -> None:
    plugins = sorted(entry.name for entry in entry_points(group=GROUP))
    assert {"nng:ipc", "zmq:ipc"} <= set(plugins)
    assert names()[names().index("null") + 1 :] == plugins


@pytest.mark.parametrize("name", ["pipes", "", "shm:posix", "shm:nowhere+futex", "shm:", "a\nb"])
def test_unknown_names_are_reported_in_one_line(name: str) -> None:
    with pytest.raises(UnknownTransport) as caught:
        get(name)
    message = str(caught.value)
    assert "\n" not in message
    assert "ipcbench list" in message or "shm:SEGMENT+WAITER" in message


def test_near_names_are_suggested() -> None:
    with pytest.raises(UnknownTransport, match=r"'unix-steam' \(did you mean unix-stream\b"):
        get("unix-steam")
    with pytest.raises(UnknownTransport, match=r"unknown transport 'zzz': `ipcbench list`"):
        get("zzz")


def test_patterns() -> None:
    assert list(matching("pipe")) == ["pipe"]
    assert set(matching("shm:*")) == {name for name in names() if name.startswith("shm:")}
    assert list(matching("*")) == names()
    with pytest.raises(UnknownTransport):
        list(matching("nothing-*"))


def test_patterns_of_pairs() -> None:
    waiters = (
        "sysv-sem", "posix-sem", "eventfd", "pthread-cond", "futex", "spin", "spin-block",
    )  # fmt: skip
    assert set(matching("shm:memfd+*")) == {
        f"shm:memfd+{waiter}{pages}{way}"
        for waiter in waiters
        for pages in ("", "/huge")
        for way in ("", "/in-place")
    } | {
        f"shm:memfd+{waiter}-counted{pages}"
        for waiter in ("sysv-sem", "eventfd")
        for pages in ("", "/huge")
    }
    assert set(matching("shm:*+spin")) == {
        f"shm:{segment}+spin" for segment in ("sysv", "posix", "file", "tmpfs", "memfd", "mp")
    }
    for name in matching("shm:*+*"):
        assert get(name).name == name
    assert list(matching("shm:sysv+futex")) == ["shm:sysv+futex"]
    with pytest.raises(UnknownTransport):
        list(matching("shm:*+nothing"))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("shm:posix+futex/huge", "only sysv and memfd can"),
        ("shm:memfd+eventfd-counted/in-place", "write shm:memfd+eventfd/in-place"),
        ("shm:file+spin/huge/in-place", "only sysv and memfd can"),
        ("shm:tmpfs+spin/huge", "only sysv and memfd can"),
        ("shm:mp+spin/huge", "only sysv and memfd can"),
        ("shm:memfd+futex/in-place/huge", "write shm:memfd+futex/huge/in-place"),
        ("shm:sysv+futex/huge/huge", "write shm:sysv+futex/huge"),
        ("shm:memfd+futex/large", "/huge before that for huge pages"),
    ],
)
def test_options_that_there_are_not(name: str, what: str) -> None:
    with pytest.raises(UnknownTransport, match=re.escape(what)) as caught:
        get(name)
    assert "\n" not in str(caught.value)


def test_importing_loads_no_binding_and_no_transport() -> None:
    printed = fresh(
        "import sys; from ipcbench.transports.registry import names; names();"
        "print([name for name in sys.modules if name"
        " in ('sysv_ipc', 'posix_ipc', 'zmq', 'pynng', 'pytest')"
        " or name.startswith(('ipcbench.transports.pipes.pipe', 'ipcbench.transports.shm'))"
        " or name == 'ipcbench.transports.kernel_objects.names'])"
    )
    assert printed == "[]"


def test_importing_every_transport_creates_nothing(tmp_path: Path) -> None:
    fresh(
        f"import os; os.environ['XDG_RUNTIME_DIR'] = {str(tmp_path)!r};"
        "from ipcbench.transports.registry import get, names; [get(name) for name in names()]"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_good_plugin(tmp_path: Path) -> None:
    plugin(tmp_path, "mine", GOOD, good="mine:Plugin")
    printed = fresh(
        "from ipcbench.transports.registry import *;"
        "print('good' in names()[names().index('null') :], get('good').name)",
        tmp_path,
    )
    assert printed == "True good"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("import no_such_module", "mine:Plugin"),
        ("raise SystemError('broken\\nin two lines')", "mine:Plugin"),
        ("", "mine:Plugin"),
        ("Plugin = 3", "mine:Plugin"),
        (GOOD, "mine:Plugin"),
        ("class Plugin:\n    def __init__(self): raise OSError('no')", "mine:Plugin"),
    ],
    ids=["import", "raises", "absent", "no transport", "another name", "does not start"],
)
def test_a_broken_plugin_is_reported_and_stops_no_other(
    tmp_path: Path, source: str, value: str
) -> None:
    plugin(tmp_path, "mine", source, bad=value)
    printed = fresh(
        "from ipcbench.transports.registry import *;"
        "bad = get('bad'); assert isinstance(bad, BrokenPlugin), bad;"
        "print(len(names()), bad.name, bad.reason.reason, bad.reason.remedy)",
        tmp_path,
    )
    assert "\n" not in printed
    assert printed.startswith(f"{len(names()) + 1} bad its plug-in does not load: ")
    assert printed.endswith(value)


def test_a_transport_or_the_reason(tmp_path: Path) -> None:
    """`transport` raises the reason that `get` returns as an object."""
    plugin(tmp_path, "mine", GOOD, bad="mine:missing")
    printed = fresh(
        "from ipcbench.transports.registry import *;"
        "from ipcbench.transports.contract import Unavailable\n"
        "assert transport('pipe') is get('pipe')\n"
        "try: transport('bad')\n"
        "except Unavailable as error: print(error.reason)\n"
        "try: transport('pip')\n"
        "except UnknownTransport as error: print(error)",
        tmp_path,
    )
    one, two = printed.splitlines()
    assert one.startswith("its plug-in does not load: ")
    assert two.startswith("unknown transport 'pip' (did you mean pipe")


@pytest.mark.parametrize("name", ["pipe", "shm:posix+posix-sem", "shm:other"])
def test_a_plugin_cannot_take_a_name_of_ours(tmp_path: Path, name: str) -> None:
    plugin(tmp_path, "mine", GOOD, **{name: "mine:Plugin"})
    assert name in refusal(tmp_path)


def test_two_plugins_cannot_share_a_name(tmp_path: Path) -> None:
    plugin(tmp_path, "mine", GOOD, good="mine:Plugin")
    plugin(tmp_path, "yours", GOOD, good="yours:Plugin")
    assert "good" in refusal(tmp_path)


def refusal(folder: Path) -> str:
    return fresh(
        "from ipcbench.transports.registry import DuplicateName, names\n"
        "try: names()\nexcept DuplicateName as error: print(error)",
        folder,
    )


@pytest.mark.parametrize("binding", ["sysv_ipc", "posix_ipc"])
def test_without_a_binding_its_transports_are_unavailable(binding: str) -> None:
    printed = fresh(
        f"import sys; sys.modules[{binding!r}] = None\n"
        "from ipcbench.transports.contract import *; from ipcbench.transports.registry import *\n"
        "for name in names():\n"
        "    found = get(name).probe()\n"
        "    if isinstance(found, Unavailable):\n"
        "        print(name, '|', found.reason, '|', found.remedy)\n"
        "        topology = sorted(get(name).traits.topologies, key=str)[0]\n"
        "        try: get(name).create(Spec(size=0, topology=topology))\n"
        "        except Unavailable as error: assert error.reason == found.reason"
    )
    lines = [line.split(" | ") for line in printed.splitlines()]
    part = {"sysv_ipc": "sysv", "posix_ipc": "posix"}[binding]
    further = {"latest:queue"} if part == "posix" else set()
    # Few machines have huge pages, and messaging libraries may not be installed.
    lines = [line for line in lines if not line[0].endswith(("/huge", ":ipc"))]
    assert {line[0] for line in lines} == {
        name for name in names() if part in name and not name.endswith("/huge")
    } | further
    for _, reason, remedy in lines:
        assert reason == f"the package {binding} is not installed"
        assert remedy == pip_install(binding)


@pytest.mark.parametrize(("name", "module", "package"), LIBRARIES)
def test_without_its_library_a_transport_is_unavailable(
    name: str, module: str, package: str
) -> None:
    printed = fresh(
        f"import sys; sys.modules[{module!r}] = None\n"
        "from ipcbench.transports.contract import *; from ipcbench.transports.registry import get\n"
        f"found = get({name!r}).probe(); print(found.reason, '|', found.remedy)\n"
        f"try: get({name!r}).create(Spec(size=1))\n"
        "except Unavailable as error: assert error.reason == found.reason\n"
        "else: raise AssertionError"
    )
    assert printed == f"the package {package} is not installed | {pip_install('[libraries]')}"


def test_an_alias_means_what_it_makes() -> None:
    """The names alone are read, so they must agree with the transports that they make."""
    names = list(matching("shm:*+*"))
    aliases = {name: meaning(name) for name in names if meaning(name)[0] != name}
    assert set(aliases) == {name for name in names if "+spin" in name}
    for name, (target, wait) in aliases.items():
        alias, transport = get(name), get(target)
        assert isinstance(alias, Transport) and isinstance(transport, Transport)
        assert alias.traits.waiting is wait
        assert replace(
            transport.traits, waiting=wait, spins=False, pollable=alias.traits.pollable
        ) == replace(alias.traits, spins=False)
        assert transport.traits.can_wait(wait)
    for name in ("pipe", "pipe:1M", "shm:posix+futex", "shm:posix+spinning", "nothing", ""):
        assert meaning(name) == (name, Wait.BLOCK)


def test_rings_that_never_sleep_are_the_same() -> None:
    for name in matching("shm:*+*"):
        transport = get(name)
        assert isinstance(transport, Transport)
        same = same_as(name, Wait.SPIN)
        assert get(same).name == same
        assert same_as(same, Wait.SPIN) == same
        assert [same_as(name, wait) for wait in Wait if wait is not Wait.SPIN] == [name] * 4
    assert same_as("shm:posix+pthread-cond/in-place", Wait.SPIN) == "shm:posix+futex/in-place"
    assert same_as("pipe", Wait.SPIN) == "pipe"
