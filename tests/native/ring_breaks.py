"""Breaks of rings, which the soak's traffic, a check or ThreadSanitizer finds: see breaks.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Break:
    """A fault: `after` in place of the first `before` behind `within`.

    `shape`: the ring, or the check, that shows it (soak/rings.py).
    """

    name: str
    file: str
    within: str
    before: str
    after: str
    shape: str = ""


def _text(lines: str) -> str:
    return lines.strip("\n")


RING, COUNTED = "transports/native/ring.h", "transports/native/counted_ring.h"
IN_RING_C, IN_COUNTED_C = "transports/native/ring.c", "transports/native/counted_ring.c"
DOORBELL, SEATS = "transports/native/doorbell.h", "transports/native/ring_seat.c"
WAITS = "transports/native/waiters.c"
IN_RING, IN_COUNTED = "transports/shm/ring.py", "transports/shm/counted_ring.py"
IN_PLACE, DOORBELLS = "transports/shm/in_place.py", "transports/sync/doorbell.py"
FENCE, LAYOUT = "transports/sync/fence.py", "transports/shm/layout.py"
# In place of a shape: checks of soak/rings.py that need no other process.
LAPS, STEPS, WAKES = "laps", "steps", "wakes"

RINGS = (
    # The ring, in C.
    Break("ring: it wraps a slot too early", RING, "ipcbench_advance(",
          "lane->slot == lane->end", "lane->slot + lane->stride == lane->end", "spin/link/native"),
    Break("ring: one slot too many", RING, "ipcbench_has_free_slot", "< lane->depth;",
          "<= lane->depth;", "spin/link/native"),
    Break("ring: a batch without free slots", RING, "ipcbench_put_many(",
          "if (count > free)", "if (0)", "futex/link/native"),
    Break("ring: published before it is copied", RING, "ipcbench_put(", _text("""
    ipcbench_copy(lane->slot + lane->offset, data, size);
    ipcbench_publish(lane, size);"""), _text("""
    char *slot = lane->slot;
    ipcbench_publish(lane, size);
    ipcbench_copy(slot + lane->offset, data, size);"""), "spin/link/native"),
    Break("ring: released before it is read", RING, "ipcbench_get(",
          "    ssize_t found = ipcbench_take(",
          "    __atomic_store_n(lane->freed, lane->count + 1, __ATOMIC_RELEASE);\n"
          "    ssize_t found = ipcbench_take(", "spin/link/native"),
    # A batch empties the ring, so its producer seldom waits for a slot: time is left to fill one.
    Break("ring: a batch is released before it is read", RING, "ipcbench_receive_many(",
          "        found = ipcbench_take(",
          "        __atomic_store_n(lane->freed, lane->count + 1, __ATOMIC_RELEASE);\n"
          "        for (volatile int later = 0; later < 2000; later++)\n            ;\n"
          "        found = ipcbench_take(", "spin/link/native"),
    Break("ring: the length of another message", RING, "ipcbench_publish(",
          "(uint64_t)size <<", "(uint64_t)(size | 1) <<", "spin/in-place/link/native"),
    Break("ring: the number of the lap stays", RING, "ipcbench_advance(", "(lane->lap + 1)",
          "(lane->lap + 0)", "spin/link/native"),
    Break("ring: a number of a lap that is not truncated", RING, "ipcbench_advance(",
          "(lane->lap + 1) & (IPCBENCH_LAPS - 1)", "lane->lap + 1", LAPS),
    Break("ring: only one lane is looked at", IN_RING_C, "any_has_message(",
          "looked < self->seat.incoming", "looked < 1", "futex/fan-in/native"),
    Break("ring: released while it is read in place", IN_RING_C, "ring_peek(",
          "    *slot = lane->slot + lane->offset;\n",
          "    *slot = lane->slot + lane->offset;\n"
          "    __atomic_store_n(lane->freed, lane->count + 1, __ATOMIC_RELEASE);\n",
          "spin/in-place/link/native"),
    Break("ring: slots of another width", RING, "ipcbench_slots(", "(8 + size + 7)",
          "(8 + size + 15)", "futex/link/mixed"),
    Break("ring: heads of another layout", RING, "#define IPCBENCH_LAP_BITS", "LAP_BITS 24",
          "LAP_BITS 25", "spin/hub/mixed"),
    # Doorbells, in C.
    Break("doorbell: no wake-up after a loan", IN_RING_C, "ring_commit(",
          "self->policy.sleeps ? ipcbench_wake(&lane->other) : 0", "0",
          "futex/in-place/link/native"),
    Break("doorbell: rung before the message", RING, "ipcbench_put(", _text("""
    ipcbench_publish(lane, size);
    return policy->sleeps ? ipcbench_wake(&lane->other) : 0;"""), _text("""
    found = policy->sleeps ? ipcbench_wake(&lane->other) : 0;
    ipcbench_publish(lane, size);
    return found;"""), "futex/link/native"),
    Break("doorbell: no second look", DOORBELL, "ipcbench_sleep(",
          "        ipcbench_fence(bell->word);\n        return 0;\n",
          "        ipcbench_fence(bell->word);\n", "futex/link/native"),
    Break("doorbell: no second look before a token is taken", DOORBELL, "ipcbench_sleep(",
          "        ipcbench_fence(bell->word);\n        return 0;\n",
          "        ipcbench_fence(bell->word);\n", "posix-sem/link/native"),
    Break("doorbell: the notifier has no fence", DOORBELL, "ipcbench_wake(",
          "ipcbench_fence(bell->word);", "", "futex/link/native"),
    Break("doorbell: a wake-up changes nothing", DOORBELL, "ipcbench_wake(", "seen + 1", "seen",
          "futex/link/native"),
    Break("doorbell: an announcement is not renewed", DOORBELL, "ipcbench_sleep(",
          "        bell->announced = 0;", "        ;", "posix-sem/link/native"),
    Break("doorbell: a stale token is taken for work", DOORBELL, "ipcbench_await(",
          "                looked = 0;", "                return 0;", "posix-sem/link/native"),
    Break("doorbell: a stale word is taken for work", DOORBELL, "ipcbench_await(",
          "                looked = 0;", "                return 0;", "futex/fan-in/native"),
    Break("room: no wake-up at all", RING, "ipcbench_free(", "!rings || !policy->sleeps", "1",
          "futex/link/native"),
    Break("room: no wake-up at the end of a lap", RING, "ipcbench_advance(", "return 1;",
          "return 0;", "futex/link/native"),
    Break("room: no wake-up in the middle of a lap", RING, "ipcbench_advance(",
          "return lane->slot == lane->middle;", "return 0;", WAKES),
    Break("room: another middle", RING, "ipcbench_init_lane(", "(depth + 1) / 2", "depth / 2",
          WAKES),
    Break("room: a wake-up for each slot", RING, "ipcbench_free(", "!rings || !policy->sleeps",
          "!policy->sleeps", WAKES),
    Break("room: none before it waits itself", RING, "ipcbench_loan(",
          "policy->sleeps ? ipcbench_ring_owed(lane) : 0", "0", WAKES),
    Break("room: owed without end", RING, "ipcbench_ring_owed(",
          "        one->rung = one->count;\n", "", WAKES),
    Break("counter: a try for a wait", WAITS, "posix_semaphore(",
          "policy.nowait             ? posix_try", "!policy.nowait ? posix_try",
          "posix-sem/link/mixed"),
    # Counted rings, in C.
    Break("counted: it wraps a slot too early", COUNTED, "ipcbench_advance(",
          "++lane->at == lane->depth", "++lane->at + 1 >= lane->depth",
          "sysv-sem-counted/link/native"),
    Break("counted: announced before it is copied", COUNTED, "ipcbench_put(", _text("""
    memcpy(ipcbench_slot(lane), data, size);
    return ipcbench_commit_slot(lane, size);"""), _text("""
    char *slot = ipcbench_slot(lane);
    found = ipcbench_commit_slot(lane, size);
    memcpy(slot, data, size);
    return found;"""), "eventfd-counted/link/native"),
    Break("counted: released before it is read", COUNTED, "ipcbench_get(", _text("""
    if (length <= size)
        memcpy(buffer, ipcbench_slot(lane), length);
    ssize_t failed = ipcbench_release_slot(lane);"""), _text("""
    const char *slot = ipcbench_slot(lane);
    ssize_t failed = ipcbench_release_slot(lane);
    if (length <= size)
        memcpy(buffer, slot, length);"""), "eventfd-counted/link/native"),
    Break("counted: all that was lent is committed", IN_COUNTED_C, "ring_commit(",
          "ipcbench_commit_slot(lane, size)", "ipcbench_commit_slot(lane, lane->size)",
          "sysv-sem-counted/link/native"),
    Break("counted: a lane is not asked", IN_COUNTED_C, "await(", "!= lane->count)",
          "!= ~lane->count)", "eventfd-counted/fan-in/native"),
    Break("counted: the count is not published", COUNTED, "ipcbench_commit_slot(",
          "if (lane->counted)", "if (0)", "eventfd-counted/hub/native"),
    Break("counted: announced before its count", COUNTED, "ipcbench_commit_slot(", _text("""
    if (lane->counted)
        __atomic_store_n(lane->published, lane->count, __ATOMIC_RELEASE);
    return ipcbench_notify(lane->used_slots);"""), _text("""
    ssize_t failed = ipcbench_notify(lane->used_slots);
    if (lane->counted)
        __atomic_store_n(lane->published, lane->count - 1, __ATOMIC_RELEASE);
    return failed;"""), "sysv-sem-counted/fan-in/native"),
    Break("counted: a layout of its own", IN_COUNTED_C, ".slots =",
          "ipcbench_lines(8 * given->depth)", "ipcbench_lines(4 * given->depth)",
          "eventfd-counted/link/mixed"),
    Break("counted: slots of another width", COUNTED, "ipcbench_stride(",
          "ipcbench_lines(size == 0 ? 1 : size)", "ipcbench_lines(size + 8)",
          "sysv-sem-counted/link/mixed"),
    # Counted rings, in Python.
    Break("python, counted: announced before it is copied", IN_COUNTED, "def send(", _text("""
                wait_free()
                slots[at][:] = data
            lengths[at] = length
            notify_used()"""), _text("""
                wait_free()
                notify_used()
                slots[at][:] = data
                lengths[at] = length
                at = following[at]
                return
            lengths[at] = length
            notify_used()"""), "sysv-sem-counted/link/python"),
    Break("python, counted: one place for all lanes", IN_COUNTED, "def collector(",
          "at = taken[turn] % depth", "at = sum(taken) % depth", "sysv-sem-counted/fan-in/python"),
    # The ring, in Python.
    Break("python: it wraps a slot too early", IN_RING, "def send(", "if at == depth:",
          "if at == depth - 1:", "futex/link/python"),
    Break("python: published before it is copied", IN_RING, "def send(", _text("""
            slots[at][:] = data
            heads[at] = head"""), _text("""
            heads[at] = head
            slots[at][:] = data"""), "spin/link/python"),
    Break("python: released before it is read", IN_RING, "def consumer(",
          "        length = size if head", "        freed[0] = done + 1\n"
          "        length = size if head", "spin/link/python"),
    Break("python: released while it is read in place", IN_PLACE, "def peek(",
          "        return slots", "        freed[0] = done + 1\n        return slots",
          "spin/in-place/link/python"),
    Break("python: sent before a slot is free", IN_RING, "def await_room(", "full = sent - depth",
          "full = sent - depth - 1", "spin/link/python"),
    Break("python: lent without a free slot", IN_RING, "def loan(",
          "        if not room:\n            await_room()\n", "", "posix-sem/in-place/link/python"),
    Break("python: committed, and lent again", IN_RING, "def commit(", "at += 1", "at += 0",
          "sysv-sem/in-place/link/python"),
    Break("python: the number of the lap stays", IN_RING, "def next_lap(", "(lap + 1)", "(lap + 0)",
          "eventfd/link/python"),
    Break("python: one lap for all lanes", IN_RING, "def advance(", "laps[turn] = (laps[turn] + 1)",
          "laps[0] = (laps[0] + 1)", "futex/fan-in/python"),
    Break("python: a number of a lap that is not truncated", IN_RING, "def next_lap(",
          "(lap + 1) & LAPS", "lap + 1", LAPS),
    Break("python: a lap that is not truncated in place", IN_PLACE, "def at_edge(",
          "(lap + 1) & LAPS", "lap + 1", LAPS),
    Break("python: fewer laps", IN_RING, "LAP_BITS =", "LAPS = (1 << LAP_BITS) - 1",
          "LAPS = (1 << LAP_BITS - 1) - 1", LAPS),
    Break("python: slots of another width", LAYOUT, "def slots_of(", "(8 + size + 7)",
          "(8 + size + 15)", "spin-block/link/mixed"),
    Break("python: heads of another layout", IN_RING, "LAP_BITS =", "LAP_BITS = 24",
          "LAP_BITS = 25", "posix-sem/link/mixed"),
    # Doorbells, in Python.
    Break("python: no wake-up for the last one", IN_RING, "def send(",
          "                    wake()\n", "                    if sent % 50:\n"
          "                        wake()\n", "futex/link/python"),
    Break("python: no wake-up after a loan", IN_RING, "def commit(", "        ring()\n", "",
          "futex/in-place/link/python"),
    Break("python: rung before the message", IN_RING, "def commit(",
          "        heads[at] =", "        ring()\n        heads[at] =", STEPS),
    Break("python: an announcement is not cleared", IN_RING, "def send(", "word[0] = 0", "pass",
          "futex/link/python"),
    Break("python: no second look", DOORBELLS, "def _sleeping_at_word(",
          "            if view[index] != seen:\n                return\n", "", "futex/link/python"),
    Break("python: no second look before a token is taken", DOORBELLS, "def _sleeping_by_counter(",
          "            if view[index] != seen:\n                return\n", "",
          "eventfd/link/python"),
    Break("python: no second look at several lanes", DOORBELLS, "def pause_for_any(",
          "sleep(other, 0, 1)", "sleep(other, 0, 0)", "futex/fan-in/python"),
    Break("python: asleep after a look at one lane", IN_RING, "def collector(",
          "if looked % count == 0:", "if looked:", "posix-sem/fan-in/python"),
    Break("python: it sleeps on the latest value", DOORBELLS, "def _sleeping_at_word(",
          "wait(value)", "wait(word[0])", "futex/link/python"),
    Break("python: an announcement is not renewed", DOORBELLS, "def _sleeping_by_counter(",
          "        announced = False\n        try:", "        try:", "posix-sem/link/python"),
    Break("python: a stale token is taken for a message", IN_RING, "def recv_into(",
          "            pause(heads, at, head)\n",
          "            pause(heads, at, head)\n            head = wanted\n            break\n",
          "posix-sem/link/python"),
    Break("python: the token is not taken", DOORBELLS, "def _sleeping_by_counter(",
          "            take()", "            pass", STEPS),
    Break("python: the notifier has no fence", IN_RING, "def send(",
          _text("""
            try:
                fence()
            finally:
                fenced()"""), "", STEPS),
    Break("python: the notifier of a loan has no fence", DOORBELLS, "def ring(",
          _text("""
        try:
            fence()
        finally:
            fenced()"""), "", STEPS),
    Break("python: the sleeper has no fence", DOORBELLS, "def _sleeping_at_word(",
          _text("""
            try:
                fence()
            finally:
                fenced()"""), "", STEPS),
    Break("python: no fence before a token is taken", DOORBELLS, "def _sleeping_by_counter(",
          _text("""
            try:
                fence()
            finally:
                fenced()"""), "", STEPS),
    Break("python: a fence of nothing", FENCE, "def fence_calls(",
          "lock.acquire, lock.release", "bool, bool", STEPS),
    Break("python, room: no wake-up at all", IN_RING, "def at_edge(", "        ring()\n", "",
          "futex/link/python"),
    Break("python, room: no wake-up by a server", IN_RING, "def advance(",
          "            rings[turn]()\n        elif", "        elif", "futex/fan-in/python"),
    Break("python, room: none before it waits itself", IN_RING, "def await_room(",
          "            ring_owed()\n", "            pass\n", WAKES),
    Break("python, room: owed without end", IN_RING, "def owing(",
          "        rung = released()\n", "", WAKES),
    Break("python, room: another middle", IN_RING, "def consumer(", "(depth + 1) // 2",
          "(depth + 2) // 2", WAKES),
    Break("python, room: another middle in place", IN_PLACE, "def in_place(", "(depth + 1) // 2",
          "depth // 2", WAKES),
)  # fmt: skip

# Faults that x86 hides, since it keeps the order of stores: ThreadSanitizer reports them. `shape`:
# the arguments of ring_threads.
RELEASE, ACQUIRE, RELAXED = "__ATOMIC_RELEASE", "__ATOMIC_ACQUIRE", "__ATOMIC_RELAXED"
THREADS = (
    Break("a head is stored relaxed", RING, "ipcbench_publish(", RELEASE, RELAXED,
          "1 16 64 -1 0 0"),
    Break("a head is loaded relaxed", RING, "ipcbench_has_message(", ACQUIRE, RELAXED,
          "1 16 64 0 0 0"),
    Break("`freed` is stored relaxed", RING, "ipcbench_free(", RELEASE, RELAXED,
          "1 1 8 -1 0 0"),
    Break("`freed` is loaded relaxed", RING, "ipcbench_has_free_slot(", ACQUIRE, RELAXED,
          "1 1 8 -1 0 0"),
)  # fmt: skip

# Faults that leave tokens of a semaphore, and lose no message. `shape`: as above.
TOKENS = (
    Break("the token of an announcement is not taken", DOORBELL, "ipcbench_sleep(",
          "ipcbench_wait(bell->counter)", "0", "1 1 8 0 0 1"),
    Break("a token for each message", DOORBELL, "ipcbench_wake(", "if (!(seen & 1) ||",
          "if (0 &&", "1 16 64 0 0 1"),
    Break("a token for each notifier", DOORBELL, "ipcbench_wake(", "seen + 1, 0", "seen, 0",
          "3 4 300 0 0 1"),
)  # fmt: skip
