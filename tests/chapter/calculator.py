"""A calculation server behind a FIFO, and its client: they share only the path.

Usage: calculator.py serve WAY PATH
       calculator.py ask WAY PATH "6 * 7" "1 / 0" …        (WAY: fifo, or fifo:mknod)
"""

from __future__ import annotations

import operator
import struct
import sys
import time

from ipcbench.transports.contract import Endpoint, PeerGone, Role, Spec, Ticket
from ipcbench.transports.registry import get

QUESTION = struct.Struct("=dcd7x")  # a number, an operator, a number
ANSWER = struct.Struct("=d?15x")  # the result, and a flag: it is valid
assert QUESTION.size == ANSWER.size  # a stream has one size for all messages

OPERATORS = {
    b"+": operator.add,
    b"-": operator.sub,
    b"*": operator.mul,
    b"/": operator.truediv,
}


def spec(path: str) -> Spec:
    return Spec(QUESTION.size, name=path)


def send(endpoint: Endpoint, message: bytes) -> None:
    endpoint.send(endpoint.prepare(memoryview(message)))


def serve(way: str, path: str) -> None:
    """Answer one client's questions until it disconnects."""
    channel = get(way).create(spec(path))
    try:
        endpoint = get(way).attach(channel.ticket(Role.SERVER, 0), time.monotonic() + 10)
        buffer = memoryview(bytearray(QUESTION.size))
        try:
            while True:
                endpoint.recv_into(buffer)
                left, sign, right = QUESTION.unpack(buffer)
                try:
                    answer = ANSWER.pack(OPERATORS[sign](left, right), True)
                except (KeyError, ArithmeticError):
                    answer = ANSWER.pack(0.0, False)
                send(endpoint, answer)
        except PeerGone:
            endpoint.close()
    finally:
        channel.close()
        channel.unlink()


def ask(way: str, path: str, questions: list[str]) -> None:
    """Send the questions and print each answer."""
    deadline = time.monotonic() + 10
    while True:
        try:
            endpoint = get(way).attach(Ticket(Role.CLIENT, 0, spec(path)), deadline)
            break
        except PeerGone:  # the server has not made the FIFO yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    buffer = memoryview(bytearray(ANSWER.size))
    for question in questions:
        left, sign, right = question.split()
        send(endpoint, QUESTION.pack(float(left), sign.encode(), float(right)))
        endpoint.recv_into(buffer)
        result, known = ANSWER.unpack(buffer)
        print(result if known else "none")
    endpoint.close()


if __name__ == "__main__":
    what, way, path, *questions = sys.argv[1:]
    if what == "serve":
        serve(way, path)
    else:
        ask(way, path, questions)
