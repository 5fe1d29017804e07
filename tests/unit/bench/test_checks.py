"""The check of a channel, part by part: it detects every change to the messages."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipcbench.bench.loops.messages import MESSAGES, Corrupt, end_mark, message
from ipcbench.bench.patterns import counter, echo, fan_in, fan_out, latency, signal, stream
from ipcbench.bench.patterns import self as to_itself
from ipcbench.bench.patterns.part import Part, Seat
from ipcbench.transports.contract import Role
from tests.unit.bench.parts import PARTS, name

SIZES = (0, 1, 2, 3, 11, 12, 13, 64, 4096)
HEADER = 12  # bytes; smaller messages carry no number
SOME_SIZE = st.sampled_from(SIZES[1:])


class Waits(Exception):
    """The check waits for a message that never arrives; the watchdog ends such a run."""


class Mail:
    """An endpoint in memory with an inbox of messages; it records the messages sent.

    A client's index comes with each message at a hub.
    """

    def __init__(self, inbox: Iterable[bytes] = (), clients: Iterable[int] = ()) -> None:
        self.inbox = deque(inbox)
        self.clients = deque(clients)
        self.sent: list[bytes] = []
        self.sent_to: list[tuple[int, bytes]] = []

    def prepare(self, data: memoryview) -> Any:
        return [bytes(data)]

    def send(self, data: Any, /) -> None:
        self.sent += data

    def recv_into(self, buffer: memoryview, /) -> int:
        if not self.inbox:
            raise Waits
        found = self.inbox.popleft()
        buffer[: len(found)] = found[: len(buffer)]
        return len(found)

    def recv_from(self, buffer: memoryview, /) -> int:
        self.recv_into(buffer)
        return self.clients.popleft()

    def send_to(self, index: int, data: Any, /) -> None:
        self.sent_to += [(index, one) for one in data]


class InPlace(Mail):
    """An endpoint whose `recv_into` reads the bytes and keeps none."""

    def recv_into(self, buffer: memoryview, /) -> int:
        raise AssertionError("the bytes would be read, and not be checked")

    def peek(self) -> memoryview:
        if not self.inbox:
            raise Waits
        return memoryview(self.inbox[0])

    def release(self) -> None:
        self.inbox.popleft()


def seat(part: Part, index: int = 0, share: int = 1) -> Seat:
    return Seat(0, Role.CLIENT, index, part, share)


def check(endpoint: Any, where: Seat, size: int) -> list[int]:
    return where.part.check(endpoint, where, size)


def complete(numbers: list[int], receivers: int, size: int) -> None:
    fan_out.FAN_OUT.complete(numbers, receivers + 1, size)


def turns(direction: int, size: int, index: int = 0) -> list[bytes]:
    return [message(index, direction, number, size) for number in range(MESSAGES)]


def accepted(run: Callable[[], object]) -> bool:
    """Say if the check passes; an exception other than `Corrupt` and `Waits` is an error."""
    try:
        run()
    except (Corrupt, Waits):
        return False
    return True


Tampering = Callable[[list[bytes]], list[bytes]]


@st.composite
def tamperings(draw: st.DrawFn) -> Tampering:
    """Draw one fault that a channel may apply to its messages."""
    kind = draw(st.sampled_from(["flip", "lose", "double", "swap", "cut", "longer", "zero"]))
    at, other, place = (draw(st.integers(0, 1 << 20)) for _ in range(3))

    def tamper(messages: list[bytes]) -> list[bytes]:
        found = list(messages)
        i, j = at % len(found), other % len(found)
        victim = found[i]
        if kind == "flip":
            byte = place // 8 % len(victim)
            changed = bytes([victim[byte] ^ 1 << place % 8])
            found[i] = victim[:byte] + changed + victim[byte + 1 :]
        elif kind == "lose":
            del found[i]
        elif kind == "double":
            found.insert(i, victim)
        elif kind == "swap":
            found[i], found[j] = found[j], found[i]
        elif kind == "cut":
            found[i] = victim[: place % len(victim)]
        elif kind == "longer":
            found[i] = victim + b"\0"
        else:
            found[i] = bytes(len(victim))
        return found

    return tamper


# Messages.


@given(
    one=st.tuples(st.integers(0, 63), st.integers(0, 1), st.integers(0, 300)),
    other=st.tuples(st.integers(0, 63), st.integers(0, 1), st.integers(0, 300)),
    size=st.sampled_from([12, 13, 64, 300]),
)
def test_a_message_depends_on_sender_position_and_number(
    one: tuple[int, int, int], other: tuple[int, int, int], size: int
) -> None:
    assert len(message(*one, size)) == size
    assert (message(*one, size) == message(*other, size)) is (one == other)


@pytest.mark.parametrize("size", SIZES)
def test_messages_have_their_size_and_are_no_end_marks(size: int) -> None:
    for number in range(300):
        found = message(0, 0, number, size)
        assert len(found) == size
        assert message(0, 0, number, size) == found
        assert size == 0 or found[0] != end_mark(size)[0]
    assert len(end_mark(size)) == size


@pytest.mark.parametrize("size", [8, 64, 4096])
def test_messages_in_a_row_are_unlike_nearly_everywhere(size: int) -> None:
    """An older message that is left in the buffer must not pass for the new one."""
    first, second = message(0, 0, 0, size)[12:], message(0, 0, 1, size)[12:]
    assert sum(a == b for a, b in zip(first, second, strict=True)) <= len(first) / 16


# Links: there and back.

RECEIVERS = [
    to_itself.BOTH,
    latency.CLIENT,
    latency.SERVER,
    stream.SENDER,
    stream.RECEIVER,
    fan_in.RECEIVER,
    fan_out.RECEIVER,
    echo.SERVER,
]


@pytest.mark.parametrize("part", RECEIVERS, ids=name)
@pytest.mark.parametrize("size", [1, 11, 12, 13, 64, 4096])
def test_every_receiver_finds_a_flipped_bit_at_any_position(part: Part, size: int) -> None:
    good = turns(1 if part in (latency.CLIENT, stream.SENDER) else 0, size)
    for byte in {0, 1, 4, 8, 11, 12, size // 2, size - 1} & set(range(size)):
        victim = good[1][:byte] + bytes([good[1][byte] ^ 0x10]) + good[1][byte + 1 :]
        inbox = [good[0], victim, *good[2:], end_mark(size)]

        def run(inbox: list[bytes] = inbox) -> None:
            found = check(Mail(inbox, [0] * MESSAGES), seat(part), size)
            if part is fan_out.RECEIVER:
                complete(found, 1, size)

        assert not accepted(run)


LINKS = [(latency.CLIENT, latency.SERVER), (stream.SENDER, stream.RECEIVER)]


@pytest.mark.parametrize("kind", [Mail, InPlace])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("near", "far"), LINKS)
def test_both_ends_of_a_link_agree(near: Part, far: Part, size: int, kind: type[Mail]) -> None:
    here, there = kind(turns(1, size, 5)), kind(turns(0, size, 5))
    assert check(here, seat(near, 5), size) == check(there, seat(far, 5), size) == []
    assert here.sent == turns(0, size, 5)
    assert there.sent == turns(1, size, 5)
    assert not here.inbox
    assert not there.inbox


@given(
    size=SOME_SIZE,
    tamper=tamperings(),
    part=st.sampled_from([part for link in LINKS for part in link]),
    kind=st.sampled_from([Mail, InPlace]),
)
def test_a_link_passes_nothing_but_what_was_sent(
    size: int, tamper: Tampering, part: Part, kind: type[Mail]
) -> None:
    good = turns(1 if part in (latency.CLIENT, stream.SENDER) else 0, size)
    arrived = tamper(good)
    passed = accepted(lambda: check(kind(arrived), seat(part), size))
    assert passed is (arrived[:MESSAGES] == good)


@pytest.mark.parametrize("part", [part for link in LINKS for part in link])
def test_an_echo_of_oneself_is_not_a_reply(part: Part) -> None:
    """A channel that returns a process its own messages transfers nothing."""
    own = turns(0 if part in (latency.CLIENT, stream.SENDER) else 1, 64)
    assert not accepted(lambda: check(Mail(own), seat(part), 64))


def test_the_difference_is_reported() -> None:
    bad = turns(1, 64)
    bad[2] = bad[2][:20] + bytes([bad[2][20] ^ 0xFF]) + bad[2][21:]
    wanted = f"byte 20 is {bad[2][20]:#04x} and should be {bad[2][20] ^ 0xFF:#04x}"
    with pytest.raises(Corrupt, match=f"message 2 of sender 0, 64 bytes: {wanted}"):
        check(Mail(bad), seat(latency.CLIENT), 64)
    with pytest.raises(Corrupt, match="of 64 bytes arrived as one of 63"):
        check(Mail([bad[0][:63]]), seat(latency.CLIENT), 64)


# Both ends.


@pytest.mark.parametrize("kind", [Mail, InPlace])
@pytest.mark.parametrize("size", SIZES)
def test_a_process_gets_its_own_messages(size: int, kind: type[Mail]) -> None:
    here = kind(turns(0, size, 5))
    assert check(here, seat(to_itself.BOTH, 5), size) == []
    assert here.sent == turns(0, size, 5)
    assert not here.inbox


@given(size=SOME_SIZE, tamper=tamperings(), kind=st.sampled_from([Mail, InPlace]))
def test_a_process_gets_nothing_but_what_it_sent(
    size: int, tamper: Tampering, kind: type[Mail]
) -> None:
    good = turns(0, size)
    arrived = tamper(good)
    passed = accepted(lambda: check(kind(arrived), seat(to_itself.BOTH), size))
    assert passed is (arrived[:MESSAGES] == good)


# Fan-in.


def mixed(senders: int, size: int, order: list[int]) -> list[bytes]:
    """Interleave the messages of all senders by `order`; each sender's stay in order."""
    queues = [deque(turns(0, size, sender)) for sender in range(senders)]
    found = []
    for choice in [*order, *range(senders * MESSAGES)]:
        left = [queue for queue in queues if queue]
        if left:
            found.append(left[choice % len(left)].popleft())
    return found


ORDER = st.lists(st.integers(0, 7), max_size=40)


@pytest.mark.parametrize("size", SIZES)
def test_each_sender_sends_its_own(size: int) -> None:
    endpoint = Mail()
    assert check(endpoint, seat(fan_in.SENDER, 3), size) == []
    assert endpoint.sent == turns(0, size, 3)


@given(size=st.sampled_from(SIZES), senders=st.integers(1, 8), order=ORDER)
def test_senders_may_be_mixed_in_any_way(size: int, senders: int, order: list[int]) -> None:
    check(Mail(mixed(senders, size, order)), seat(fan_in.RECEIVER, share=senders), size)


@given(size=SOME_SIZE, senders=st.integers(1, 5), order=ORDER, tamper=tamperings())
@example(size=1, senders=3, order=[], tamper=lambda found: [*found[:-1], found[-2]])
def test_a_fan_in_passes_nothing_but_what_was_sent(
    size: int, senders: int, order: list[int], tamper: Tampering
) -> None:
    good = mixed(senders, size, order)
    arrived = tamper(good)
    passed = accepted(lambda: check(Mail(arrived), seat(fan_in.RECEIVER, share=senders), size))
    taken = arrived[: len(good)]
    if size < HEADER:  # these name neither sender nor number
        assert passed is (Counter(taken) == Counter(good))
    else:
        alike = [
            [one for one in taken if one in turns(0, size, sender)] == turns(0, size, sender)
            for sender in range(senders)
        ]
        assert passed is all(alike)


def test_equal_small_messages_are_counted() -> None:
    """Some messages of one byte are equal: each must arrive as often as it was sent."""
    good = mixed(8, 1, [])
    (twice, *_), (once, *_) = ([one for one in good if good.count(one) == n] for n in (2, 1))
    bad = [*good, twice]
    bad.remove(twice)
    bad[bad.index(twice)] = once
    assert set(bad) == set(good)
    check(Mail(good), seat(fan_in.RECEIVER, share=8), 1)
    with pytest.raises(Corrupt, match="messages of 1 bytes"):
        check(Mail(bad), seat(fan_in.RECEIVER, share=8), 1)


def test_a_message_of_an_unknown_sender_is_reported() -> None:
    unknown = [message(7, 0, 0, 64), *turns(0, 64), *turns(0, 64, 1)]
    with pytest.raises(Corrupt, match="sender 7 has one message too many, or does not exist"):
        check(Mail(unknown), seat(fan_in.RECEIVER, share=2), 64)


# Fan-out.


def competed(dealt: list[bytes], choices: list[int], receivers: int, size: int) -> list[int]:
    """Return the numbers reported by competing receivers that share the messages."""
    boxes: list[list[bytes]] = [[] for _ in range(receivers)]
    for number, one in enumerate(dealt):
        choice = choices[number] if number < len(choices) else number
        boxes[choice % receivers].append(one)
    ends = [end_mark(size)]
    return [
        number for box in boxes for number in check(Mail(box + ends), seat(fan_out.RECEIVER), size)
    ]


@given(
    size=SOME_SIZE,
    receivers=st.integers(1, 6),
    choices=ORDER,
    tamper=st.one_of(st.none(), tamperings()),
)
def test_a_fan_out_passes_nothing_but_what_was_dealt(
    size: int, receivers: int, choices: list[int], tamper: Tampering | None
) -> None:
    dealer = Mail()
    assert check(dealer, seat(fan_out.SENDER, share=receivers), size) == []
    good, ends = dealer.sent[:-receivers], dealer.sent[-receivers:]
    assert ends == [end_mark(size)] * receivers
    assert len(good) == receivers * MESSAGES
    assert end_mark(size) not in good
    arrived = tamper(good) if tamper else good
    passed = accepted(
        lambda: complete(competed(arrived, choices, receivers, size), receivers, size)
    )
    assert passed is (Counter(arrived) == Counter(good))


# Echo: a server of several clients.


@given(size=st.sampled_from(SIZES), clients=st.integers(1, 5), order=ORDER)
def test_a_server_answers_each_client_its_own(size: int, clients: int, order: list[int]) -> None:
    callers = [client for client in range(clients) for _ in range(MESSAGES)]
    callers = [callers.pop(choice % len(callers)) for choice in order if callers] + callers
    counts: Counter[int] = Counter()
    inbox = []
    for client in callers:
        inbox.append(message(client, 0, counts[client], size))
        counts[client] += 1
    endpoint = Mail(inbox, callers)
    check(endpoint, seat(echo.SERVER, share=clients), size)
    for client in range(clients):
        replies = [data for index, data in endpoint.sent_to if index == client]
        check(Mail(replies), seat(latency.CLIENT, client), size)  # the client's side agrees


@given(size=SOME_SIZE, tamper=tamperings())
def test_a_server_passes_nothing_but_what_was_sent(size: int, tamper: Tampering) -> None:
    good = [one for pair in zip(turns(0, size), turns(0, size, 1), strict=True) for one in pair]
    arrived = tamper(good)
    endpoint = Mail(arrived, [0, 1] * (MESSAGES + 1))
    passed = accepted(lambda: check(endpoint, seat(echo.SERVER, share=2), size))
    seen = [(one + end_mark(size))[:size] for one in arrived]  # the earlier content of the buffer
    assert passed is (seen[: len(good)] == good)


def test_a_server_that_mistakes_its_clients_is_found() -> None:
    good = [one for pair in zip(turns(0, 64), turns(0, 64, 1), strict=True) for one in pair]
    assert accepted(lambda: check(Mail(good, [0, 1] * 4), seat(echo.SERVER, share=2), 64))
    assert not accepted(lambda: check(Mail(good, [1, 0] * 4), seat(echo.SERVER, share=2), 64))
    assert not accepted(lambda: check(Mail(good, [0] * 8), seat(echo.SERVER, share=2), 64))
    assert not accepted(lambda: check(Mail(good, [0, 9] * 4), seat(echo.SERVER, share=2), 64))


# Signals and guards, which carry no data.


@pytest.mark.parametrize(
    ("part", "calls"), [(signal.INITIATOR, "nw" * MESSAGES), (signal.RESPONDER, "wn" * MESSAGES)]
)
def test_signals_take_turns(part: Part, calls: str) -> None:
    class Signalled:
        heard = ""

        def notify(self) -> None:
            self.heard += "n"

        def wait(self) -> None:
            self.heard += "w"

    end = Signalled()
    assert check(end, seat(part), 0) == []
    assert end.heard == calls


def test_every_part_is_checked_here() -> None:
    """All parts but the counter's, whose updates are counted after each block."""
    assert set(PARTS) == {
        *(part for link in LINKS for part in link),
        *(fan_in.SENDER, fan_in.RECEIVER, fan_out.SENDER, fan_out.RECEIVER, echo.SERVER),
        *(signal.INITIATOR, signal.RESPONDER, counter.MEMBER, to_itself.BOTH),
    }
