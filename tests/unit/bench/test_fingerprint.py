"""The fingerprint of a machine: what it holds, and what makes two machines different."""

from __future__ import annotations

import os
import threading

import msgspec
import pytest

from ipcbench.bench.loops.clock import FAKE
from ipcbench.bench.machine import fingerprint
from ipcbench.bench.machine.fingerprint import MADE_UP, measure
from ipcbench.bench.machine.host import machine
from ipcbench.bench.results.entries.fingerprint import Fingerprint, differences
from ipcbench.bench.results.entries.machine import CoreKind

HERE = machine()
MADE = measure(HERE, FAKE)


def changed(**fields: object) -> Fingerprint:
    return msgspec.structs.replace(MADE, **fields)


def test_the_machine_at_hand_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "SPAN", 0.005)
    before = os.sched_getaffinity(0)
    found = measure(HERE)
    assert os.sched_getaffinity(0) == before
    assert (found.cpu_model, found.cpus) == (HERE.cpu_model, HERE.cpus_online)
    assert HERE.kernel.startswith(found.kernel) and found.kernel.count(".") == 1
    assert 1e-9 < found.system_call < 1e-4
    assert 1e-9 < found.copy_64k < 1e-3
    assert msgspec.json.decode(msgspec.json.encode(found), type=Fingerprint) == found


def test_it_is_measured_on_a_cpu_of_the_kind_that_runs_use(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        fingerprint, "_fastest", lambda *args: seen.append(os.sched_getaffinity(0)) or 1e-7
    )
    least, *_ = sorted(os.sched_getaffinity(0))
    kinds = [CoreKind(name="efficiency cores", cpus=[least], used=True)]
    found = []  # in a thread of its own, which alone is pinned
    kind = msgspec.structs.replace(HERE, cores=kinds)
    thread = threading.Thread(target=lambda: found.append(measure(kind)))
    thread.start()
    thread.join()
    assert seen == [{least}] * 3
    assert found[0].cores == "efficiency cores"


def test_a_made_up_clock_has_made_up_times() -> None:
    assert (MADE.system_call, MADE.copy_64k) == MADE_UP


def test_the_same_machine_has_no_differences() -> None:
    assert differences(MADE, MADE) == []
    assert differences(MADE, changed(system_call=1.09e-7, copy_64k=0.92e-6)) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cpu_model": "other"}, f"the CPU was {MADE.cpu_model}, is other"),
        ({"processor": ""}, "the processor was"),
        ({"last_cache": "1M"}, "the last-level cache was"),
        ({"cpus": 4711}, f"the number of CPUs was {MADE.cpus}, is 4711"),
        ({"cores": "low-power cores"}, "the kind of core was not shown, is low-power cores"),
        ({"kernel": "7.0"}, "the kernel's series was"),
        ({"python": "9.9"}, "Python was"),
        ({"mitigations": "x\ny"}, "mitigations was"),
        ({"system_call": 1.11e-7}, "a system call took 100 ns, takes 111 ns"),
        ({"system_call": 0.9e-7}, "a system call took 100 ns, takes 90.0 ns"),
        ({"copy_64k": 2e-6}, "a copy of 64 KiB took 1.00 µs, takes 2.00 µs"),
    ],
)
def test_each_difference_is_named(fields: dict[str, object], said: str) -> None:
    (found,) = differences(MADE, changed(**fields))
    assert found.startswith(said)
    assert found.isprintable()
    assert (changed(**fields).key == MADE.key) == ("took" in said)


def test_every_property_counts() -> None:
    """A field that is added later must be compared as well."""
    for field in msgspec.structs.fields(Fingerprint):
        value = getattr(MADE, field.name)
        other = value * 2 if isinstance(value, int | float) else f"{value} of another kind"
        assert len(differences(MADE, changed(**{field.name: other}))) == 1, field.name
