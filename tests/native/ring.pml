/* The ring (native/ring.h, native/doorbell.h, shm/ring.py) for Spin: one producer and one consumer,
 * which sleep whenever there is nothing to do.
 *
 *   spin -a ring.pml && gcc -O2 -o pan pan.c && ./pan -m100000
 *
 * Stores go through a buffer that is emptied at any time (x86's order, Intel SDM 3A, 8.2.3.4).
 * -DCOUNTER: they sleep by a counter, which holds tokens, and else at the word of their doorbell.
 * -DPYTHON=1, 2 or 3: the producer, the consumer or both are in Python, which has no exchange.
 * -DECHO: the consumer sends each message back in a second ring; the producer has up to WINDOW
 * messages on their way. Then the one doorbell of a process is for messages and for room.
 *
 * These leave out a part of the protocol. A process then sleeps for ever ("invalid end state"):
 *   NO_SENDERS_FENCE, NO_RECEIVERS_FENCE, NO_SECOND_LOOK, BELL_FIRST (before the store), LATE_CLEAR
 *   (of the doorbell, after the wake-up), NO_CLEAR (at the word), NO_RENEWAL (of the announcement
 *   that a stale token ended, by a counter), ROOM_EVERY=3 (messages, more than a lap), NOTHING_OWED
 *   (with ECHO: no ring for slots released since the last one, before it waits for a free slot).
 * An assertion finds bytes that are not those of the message:
 *   HEAD_FIRST, NO_LIMIT, NO_LAPS (in heads), NO_LOOK_AFTER (a sleep: it takes a stale wake-up for
 *   work);
 * or more than one token, by a counter:
 *   NO_TAKING (the announcement is withdrawn, but the token that answered it is not taken), NO_CLEAR.
 */
#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef MESSAGES
#define MESSAGES 4
#endif
#ifndef PYTHON
#define PYTHON 0
#endif
#ifndef WINDOW
#define WINDOW (DEPTH + 1)
#endif
#ifndef ROOM_EVERY
#define RINGS_FOR_ROOM(n) ((n) % DEPTH == 0 || (n) % DEPTH == (DEPTH + 1) / 2)
#else
#define RINGS_FOR_ROOM(n) ((n) % ROOM_EVERY == 0)
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
#ifdef NO_LAPS
#define LAP(n) 1
#else
#define LAP(n) (1 + ((n) - 1) / DEPTH)
#endif
#ifdef NO_CLEAR
#define CLEARED(value) seen
#else
#define CLEARED(value) value
#endif

#define IN_PYTHON(self) ((PYTHON >> self) & 1)
#define OF_RING(way) (2 + (way) * (1 + 2 * DEPTH))
#define WORDS OF_RING(2)
#define BELL(self) self
#define FREED(way) OF_RING(way)
#define HEAD(way, n) (OF_RING(way) + 1 + ((n) - 1) % DEPTH)
#define BYTE(way, n) (OF_RING(way) + 1 + DEPTH + ((n) - 1) % DEPTH)

byte memory[WORDS];
chan buffers[2] = [4] of { byte, byte }; /* the producer's stores, the consumer's */
byte announced[2]; /* each one's own: the value of its doorbell that announced it, or 0 */
bool asleep[2];
bool owed[2]; /* slots were released since it rang last */
byte tokens[2];

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

/* A system call, or sem_post(3), which has a locked instruction. */
inline post(self, other)
{
    atomic {
        empty(buffers[self]) ->
#ifdef COUNTER
        tokens[other]++;
        assert(tokens[other] <= 1)
#else
        asleep[other] = false
#endif
    }
}

inline notify(self, other)
{
#ifndef NO_SENDERS_FENCE
    fence(self);
#endif
    seen = memory[BELL(other)];
    if
    :: seen & 1 ->
#ifdef LATE_CLEAR
        post(self, other);
        store(self, BELL(other), 0)
#else
        ours = true;
        if
        :: IN_PYTHON(self) -> store(self, BELL(other), CLEARED(0))
        :: else ->
            atomic {
                empty(buffers[self]) -> /* an exchange empties the buffer as well */
                if
                :: memory[BELL(other)] == seen -> memory[BELL(other)] = CLEARED(seen + 1)
                :: else -> ours = false
                fi
            }
        fi;
        if
        :: ours -> post(self, other)
        :: else
        fi
#endif
    :: else
    fi
}

inline announce(self)
{
#ifdef NO_RECEIVERS_FENCE
    atomic { announced[self] = memory[BELL(self)] | 1; store(self, BELL(self), announced[self]) }
#else
    if
    :: IN_PYTHON(self) ->
        atomic {
#ifdef COUNTER
            announced[self] = 1;
#else
            announced[self] = memory[BELL(self)] | 1;
#endif
            store(self, BELL(self), announced[self])
        };
        fence(self)
    :: else ->
        atomic {
            empty(buffers[self]) ->
            announced[self] = memory[BELL(self)] | 1;
            memory[BELL(self)] = announced[self]
        }
    fi
#endif
}

/* Take a token; or FUTEX_WAIT, which compares, and sleeps, under one lock. */
inline sleep(self)
{
#ifdef COUNTER
    atomic { empty(buffers[self]) && tokens[self] -> tokens[self]-- };
#else
    atomic {
        empty(buffers[self]) ->
        if
        :: memory[BELL(self)] == announced[self] -> asleep[self] = true
        :: else
        fi
    }
    !asleep[self];
#endif
#ifndef NO_RENEWAL
    announced[self] = 0
#endif
}

/* Wait until there is work. An announcement stands where the second look has found work. */
inline await(self, work)
{
    do
    :: work -> break
    :: else ->
        if
        :: announced[self] -> sleep(self)
        :: else ->
            announce(self);
            if
            :: LOOKS_AGAIN && work ->
#ifdef NO_TAKING
                store(self, BELL(self), 0);
                announced[self] = 0;
#endif
                break
            :: else -> sleep(self)
            fi
        fi;
#ifdef NO_LOOK_AFTER
        break
#endif
    od
}

/* Each side sends in the ring of its own number. */

inline put(self, n)
{
#ifndef NOTHING_OWED
    if
    :: (n) - 1 - memory[FREED(self)] >= FREE_LIMIT && owed[self] ->
        owed[self] = false;
        notify(self, 1 - self)
    :: else
    fi;
#endif
    await(self, (n) - 1 - memory[FREED(self)] < FREE_LIMIT);
#ifdef BELL_FIRST
    notify(self, 1 - self);
#endif
#ifdef HEAD_FIRST
    store(self, HEAD(self, n), LAP(n));
    store(self, BYTE(self, n), n);
#else
    store(self, BYTE(self, n), n);
    store(self, HEAD(self, n), LAP(n));
#endif
#ifndef BELL_FIRST
    notify(self, 1 - self)
#endif
}

inline take(self, n)
{
    await(self, memory[HEAD(1 - self, n)] == LAP(n));
    assert(memory[BYTE(1 - self, n)] == n);
    store(self, FREED(1 - self), n);
    if
    :: RINGS_FOR_ROOM(n) -> owed[self] = false; notify(self, 1 - self)
    :: else -> owed[self] = true
    fi
}

proctype producer()
{
    byte sent = 0, answered = 0, seen;
    bool ours;
    do
#ifdef ECHO
    :: answered == MESSAGES -> break
    :: sent < MESSAGES && sent - answered < WINDOW -> put(0, sent + 1); sent++
    :: answered < MESSAGES && (sent == MESSAGES || sent - answered == WINDOW) ->
        take(0, answered + 1);
        answered++
#else
    :: sent == MESSAGES -> break
    :: else -> put(0, sent + 1); sent++
#endif
    od
}

proctype consumer()
{
    byte taken = 0, seen;
    bool ours;
    do
    :: taken == MESSAGES -> break
    :: else ->
        take(1, taken + 1);
#ifdef ECHO
        put(1, taken + 1);
#endif
        taken++
    od
}

init { atomic { run machine(0); run machine(1); run producer(); run consumer() } }
