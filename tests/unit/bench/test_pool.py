"""Pools: buffers that are written in turn, and the comparison of what arrived."""

from __future__ import annotations

import ctypes
import time
from pickle import PickleBuffer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.loops.messages import END_MARK, Corrupt
from ipcbench.bench.loops.payloads.pool import (
    ABSENT,
    COLD_BYTES,
    VALUES,
    Messages,
    Pool,
    buffers_of,
    compare,
    ready,
    value_of,
)
from ipcbench.transports.contract import Role, Spec, Unavailable
from ipcbench.transports.native import HEADROOM
from ipcbench.transports.registry import transport
from ipcbench.transports.shm import in_place

SIZES = (4096, 5000, 65_536, 65_537, 1_000_003, 6_220_800, 24_883_200)
CACHE = 32 << 20


def address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


@pytest.mark.parametrize("size", SIZES)
def test_a_payload_decides_the_number_of_buffers(size: int) -> None:
    assert buffers_of("hot", size, CACHE) == 1
    assert buffers_of("fresh", size, CACHE) == 8
    cold = buffers_of("cold", size, CACHE)
    assert cold >= 8
    assert 2 * CACHE < cold * size <= max(2 * CACHE + 2 * size, 8 * size)


@given(size=st.integers(4096, 1 << 30), cache=st.integers(0, 1 << 33))
def test_a_cold_pool_has_a_gibibyte_at_most_and_no_buffer_gets_its_value_again(
    size: int, cache: int
) -> None:
    cold = buffers_of("cold", size, cache)
    assert cold % VALUES
    assert (cold - 1) * size <= COLD_BYTES or cold == 8
    if not cache and size <= COLD_BYTES // 8:
        assert cold * size > COLD_BYTES - size


@pytest.mark.parametrize("size", [0, 1, 64, 4095, 4096, 5000, 1 << 20])
def test_each_buffer_has_memory_and_headroom_of_its_own(size: int) -> None:
    pool = Pool(size, 5)
    assert pool.memory.shape is not None
    assert pool.memory.shape[0] == 5
    row = pool.memory.shape[1]
    first = address(memoryview(pool.memory.obj)[:1]) if size == 0 else address(pool.buffers[0])
    for number, buffer in enumerate(pool.buffers):
        assert len(buffer) == size
        if size:
            assert address(buffer) == first + number * row
            assert address(buffer) % (4096 if size >= 4096 else HEADROOM) == 0
            assert set(buffer) == {1}  # unwritten memory is the kernel's one page of zeros
    assert row - size >= HEADROOM


def test_no_value_means_something() -> None:
    values = {value_of(number) for number in range(3 * VALUES)}
    assert len(values) == VALUES
    assert values.isdisjoint({0, END_MARK, ABSENT, in_place.ABSENT})


class _Endpoint:
    def __init__(self) -> None:
        self.sent: list[object] = []

    def send(self, data: object, /) -> None:
        self.sent.append(data)


def test_a_buffer_that_is_sent_as_it_is_needs_no_call_more() -> None:
    pool, endpoint = Pool(4096, 2), _Endpoint()
    send = Messages(pool, lambda buffer: buffer).sender(endpoint)
    assert send == endpoint.send


@pytest.mark.parametrize("kind", [bytes, PickleBuffer])
def test_a_length_is_checked_once(kind: type) -> None:
    """The calls that are timed make the object alone."""
    calls: list[memoryview] = []

    def prepare(data: memoryview) -> Any:
        calls.append(data)
        return kind(data)

    pool = Pool(8, 2)
    assert ready(prepare, pool.buffers) == (kind, pool.buffers)
    assert len(calls) == 1


def test_an_object_of_another_kind_is_prepared_each_time() -> None:
    def prepare(data: memoryview) -> Any:
        return [data]

    pool = Pool(8, 2)
    assert ready(prepare, pool.buffers) == (prepare, pool.buffers)
    assert ready(lambda data: data, pool.buffers) == (None, pool.buffers)


class _Shown(list[memoryview]):
    """A description of a buffer."""

    shows_buffer = True


def test_an_object_that_shows_a_buffer_is_prepared_once() -> None:
    pool, endpoint, made = Pool(4096, 3), _Endpoint(), list[_Shown]()

    def prepare(data: memoryview) -> Any:
        made.append(_Shown([data]))
        return made[-1]

    messages = Messages(pool, prepare)
    assert messages.sender(endpoint) == endpoint.send
    for (_, data), _ in messages.turns(1, 7):
        endpoint.send(data)
    assert len(made) == 3
    places = [id(one) for one in made]
    assert [places.index(id(data)) for data in endpoint.sent] == [1, 2, 0, 1, 2, 0, 1]


@pytest.mark.parametrize("name", ["process-vm", "vmsplice"])
def test_a_description_of_a_buffer_is_made_once(name: str) -> None:
    """It takes microseconds, and no program that sends from a pool would make it anew."""
    made = transport(name)
    if isinstance(made.probe(), Unavailable):
        pytest.skip(f"no {name} here")
    pool = Pool(4096, 2)
    with (
        made.create(Spec(4096)) as channel,
        made.attach(channel.ticket(Role.CLIENT, 0), time.monotonic() + 5) as end,
    ):
        renew, sent = ready(end.prepare, pool.buffers)
    assert renew is None
    assert [address(one.data) for one in sent] == [address(buffer) for buffer in pool.buffers]


def test_a_copy_is_made_of_what_was_just_written() -> None:
    pool, endpoint = Pool(4096, 2), _Endpoint()
    messages = Messages(pool, bytes)
    send = messages.sender(endpoint)
    for (_, buffer), value in messages.turns(5, 3):
        buffer[:] = bytes([value]) * 4096
        send(buffer)
    assert endpoint.sent == [bytes([value_of(number)]) * 4096 for number in (5, 6, 7)]


class _Server(_Endpoint):
    def send_to(self, index: int, data: object, /) -> None:
        self.sent.append((index, data))


def test_a_reply_is_a_copy_of_what_was_just_written() -> None:
    pool, endpoint = Pool(4096, 2), _Server()
    assert Messages(pool, lambda buffer: buffer).answerer(endpoint) == endpoint.send_to
    answer = Messages(pool, bytes).answerer(endpoint)
    for index in (2, 0):
        pool.buffers[0][:] = bytes([9 + index]) * 4096
        answer(index, pool.buffers[0])
    assert endpoint.sent == [(2, bytes([11]) * 4096), (0, bytes([9]) * 4096)]


@pytest.mark.parametrize("first", [0, 1, 7, 250, 251, 1000])
def test_turns_go_on_where_the_last_block_ended(first: int) -> None:
    pool = Pool(4096, 3)
    turns = list(Messages(pool, bytes).turns(first, 5))
    assert [value for _, value in turns] == [value_of(number) for number in range(first, first + 5)]
    places = [address(buffer) for buffer in pool.buffers]
    assert [place.value for (place, _), _ in turns] == [
        places[number % 3] for number in range(first, first + 5)
    ]


@given(size=st.integers(1, 5000), number=st.integers(0, 1000), data=st.data())
def test_each_byte_is_compared(size: int, number: int, data: st.DataObject) -> None:
    good = bytes([value_of(number)]) * size
    compare(good, number)
    compare(memoryview(bytearray(good)), number)
    at, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 255))
    bad = good[:at] + bytes([other]) + good[at + 1 :]
    if bad == good:
        return
    for found in (bad, memoryview(bytearray(bad))):
        with pytest.raises(Corrupt, match=f"message {number}, .*: byte {at} is {other:#04x}"):
            compare(found, number)


def test_a_message_of_another_number_is_found() -> None:
    compare(b"", 3)
    with pytest.raises(Corrupt, match="byte 0 is 0x03 and should be 0x04"):
        compare(bytes([value_of(2)]) * 4096, 3)
