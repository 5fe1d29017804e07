/* The word ring (native/word_ring.h, native/futex.h) for Spin: one producer and one consumer, which
 * sleep whenever there is nothing to do.
 *
 *   spin -a ring.pml && gcc -O2 -o pan pan.c && ./pan -m100000
 *
 * Stores go through a buffer that is emptied at any time (x86's order, Intel SDM 3A, 8.2.3.4).
 * -DNO_SENDERS_FENCE, -DNO_RECEIVERS_FENCE, -DNO_SECOND_LOOK and -DNO_CHANGE (of the doorbell, by a
 * wake-up) leave out a part of the protocol: then both may sleep ("invalid end state"). With
 * -DHEAD_FIRST or -DNO_LIMIT, an assertion finds bytes that are not those of the message. */
#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef MESSAGES
#define MESSAGES 4
#endif

#ifdef NO_LIMIT
#define FREE_LIMIT (DEPTH + 1)
#else
#define FREE_LIMIT DEPTH
#endif
#ifdef NO_SECOND_LOOK
#define LOOKS_AGAIN false
#else
#define LOOKS_AGAIN true
#endif

#define WORDS (4 + 2 * DEPTH)
#define FREED 0
#define PRODUCER_DOORBELL 1
#define CONSUMER_DOORBELL 2
#define HEAD(n) (4 + ((n) - 1) % DEPTH)
#define BYTE(n) (4 + DEPTH + ((n) - 1) % DEPTH)

byte memory[WORDS];
chan buffers[2] = [4] of { byte, byte }; /* the producer's stores, the consumer's */
bool asleep[2];

proctype machine(byte self)
{
    byte name, value;
end:
    do
    :: atomic { buffers[self] ? name, value -> memory[name] = value }
    od
}

inline store(self, name, value) { buffers[self] ! name, value }
inline fence(self) { empty(buffers[self]) }

/* Each side loads only what it does not store to, or has in memory: no forwarding is needed. */

inline wake(self, other, doorbell) /* ipcbench_wake */
{
#ifndef NO_SENDERS_FENCE
    fence(self);
#endif
    seen = memory[doorbell];
    if
    :: seen & 1 ->
        atomic {
            empty(buffers[self]) -> /* an exchange empties the buffer as well */
            if
#ifdef NO_CHANGE
            :: memory[doorbell] == seen -> ours = true
#else
            :: memory[doorbell] == seen -> memory[doorbell] = seen + 1; ours = true
#endif
            :: else -> ours = false
            fi
        }
        if
        :: ours -> asleep[other] = false
        :: else
        fi
    :: else
    fi
}

inline set(self, doorbell) /* the first half of ipcbench_sleep */
{
#ifdef NO_RECEIVERS_FENCE
    atomic { seen = memory[doorbell] | 1; store(self, doorbell, seen) }
#else
    atomic { empty(buffers[self]) -> seen = memory[doorbell] | 1; memory[doorbell] = seen }
#endif
}

inline doze(self, doorbell) /* FUTEX_WAIT compares, and sleeps, under one lock */
{
    atomic {
        empty(buffers[self]) ->
        if
        :: memory[doorbell] == seen -> asleep[self] = true
        :: else
        fi
    }
    !asleep[self]
}

proctype producer()
{
    byte sent = 0, seen;
    bool ours;
    do
    :: sent == MESSAGES -> break
    :: else ->
        do
        :: sent - memory[FREED] < FREE_LIMIT -> break
        :: else ->
            set(0, PRODUCER_DOORBELL);
            if
            :: LOOKS_AGAIN && sent - memory[FREED] < FREE_LIMIT -> break
            :: else -> doze(0, PRODUCER_DOORBELL)
            fi
        od;
        sent++;
#ifdef HEAD_FIRST
        store(0, HEAD(sent), sent);
        store(0, BYTE(sent), sent);
#else
        store(0, BYTE(sent), sent);
        store(0, HEAD(sent), sent);
#endif
        wake(0, 1, CONSUMER_DOORBELL)
    od
}

proctype consumer()
{
    byte taken = 0, seen;
    bool ours;
    do
    :: taken == MESSAGES -> break
    :: else ->
        do
        :: memory[HEAD(taken + 1)] == taken + 1 -> break
        :: else ->
            set(1, CONSUMER_DOORBELL);
            if
            :: LOOKS_AGAIN && memory[HEAD(taken + 1)] == taken + 1 -> break
            :: else -> doze(1, CONSUMER_DOORBELL)
            fi
        od;
        taken++;
        assert(memory[BYTE(taken)] == taken);
        store(1, FREED, taken);
        wake(1, 0, PRODUCER_DOORBELL)
    od
}

init { atomic { run machine(0); run machine(1); run producer(); run consumer() } }
