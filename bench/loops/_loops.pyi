"""The compiled loops: see native_loops.py, their face.

Each returns when it started and ended, in the seconds of time.perf_counter, and how many
messages (or turns, or updates) it handled. Raises: OSError by an operation's errno, EBADMSG
for a message of another length; TypeError where the end lacks an operation.
"""

from array import array

def ping(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def pong(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def pour(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def drain(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def emit(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def absorb(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def compete(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def serve(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def nudge(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def answer(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def count_up(
    capsule: object, message: memoryview, buffer: memoryview, count: int
) -> tuple[float, float, int]: ...
def stamped_ping(
    capsule: object, message: memoryview, buffer: memoryview, count: int, stamps: array[int]
) -> tuple[float, float, int]: ...
def stamped_nudge(
    capsule: object, message: memoryview, buffer: memoryview, count: int, stamps: array[int]
) -> tuple[float, float, int]: ...
