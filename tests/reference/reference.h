/* What all references share: two processes, each pinned to its CPU, and the loops that are timed.
 *
 * A reference does what one of our transports does, as a C programmer would write it from the
 * man pages and no cleverer. It brings five functions; `main` is here.
 *
 *     usage: PROGRAM pingpong|stream SIZE COUNT BLOCKS CPU_A CPU_B [DEPTH]
 *
 * A block is COUNT round trips (pingpong), or COUNT messages from A to B and a byte back that
 * says that the last one is there (stream). Printed is, a line a block, how many nanoseconds
 * one round trip or one message took. DEPTH is a ring's: its slots each way.
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#define _GNU_SOURCE /* sched_setaffinity(2), program_invocation_short_name(3) */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum side { A, B };

static void create(void);                          /* make the objects, before the fork */
static void attach(enum side me);                  /* keep this side's ends of them */
static void put(const char *data, size_t length);  /* send a message, all of it */
static void take(char *buffer, size_t length);     /* receive one, all of it */
static void destroy(void); /* remove what outlives both processes; a handler calls it too */

/* What a program can say of itself before it includes this. */
#ifndef PLAYS
#define PLAYS "pingpong stream"
#endif
#ifndef SMALLEST
#define SMALLEST 1 /* bytes */
#endif
#ifndef HAS_DEPTH
#define HAS_DEPTH 0
#endif

#define CACHE_LINE 64
#define PAGE 4096
#define TIME_LIMIT 60 /* seconds, after which nothing waits any longer */

static size_t size;      /* of a message */
static size_t depth;     /* of a ring */
static bool one_cpu;     /* who waits actively has to yield */
static const char *mode; /* what is played */
static volatile sig_atomic_t over;

/* Ending */

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    destroy();
    exit(1);
}

/* A system call's result. It ends the program where that says that the call has failed. */
static inline long must(long result, const char *what)
{
    if (result < 0)
        fail(what);
    return result;
}

static void stop(int number)
{
    static const char late[] = "a reference found no end\n";
    int status, code = 128 + number;

    if (number == SIGCHLD && over)
        return;
    /* The other side has said why it failed: this one ends as it did. */
    if (number == SIGCHLD && waitpid(-1, &status, WNOHANG) > 0 && WIFEXITED(status) &&
        WEXITSTATUS(status) != 0)
        code = WEXITSTATUS(status);
    if (number == SIGALRM && write(STDERR_FILENO, late, sizeof(late) - 1) < 0)
        number = SIGALRM; /* nobody listens: there is no more to say */
    destroy();
    _exit(code);
}

static void heed_signals(void)
{
    static const int numbers[] = {SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        must(sigaction(numbers[i], &action, NULL), "sigaction");
}

/* Memory */

static inline size_t lines(size_t bytes)
{
    return (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Memory that both sides see: shm_overview(7). Its name is gone before anybody could use it. */
static inline char *shared_memory(size_t bytes)
{
    char name[40];
    unsigned long random;
    int fd;
    char *memory;

    must(getrandom(&random, sizeof(random), 0), "getrandom");
    snprintf(name, sizeof(name), "/ipcbench-%016lx", random);
    fd = must(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600), "shm_open");
    must(shm_unlink(name), "shm_unlink");
    must(ftruncate(fd, bytes), "ftruncate");
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    close(fd);
    return memory;
}

/* `size` bytes on cache lines of their own, or from a page's size on, on pages: how two ends of a
 * copy lie makes a sixth of its time. Those right before them may be written: System V's
 * messages have their type there, msgop(2). */
static char *private_memory(void)
{
    size_t aligned = size < PAGE ? CACHE_LINE : PAGE;
    char *memory = aligned_alloc(aligned, (2 * aligned + size) / aligned * aligned);

    if (memory == NULL)
        fail("aligned_alloc");
    return memory + aligned;
}

/* For who waits actively. */
static inline void relax(void)
{
    if (one_cpu)
        sched_yield();
    else
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#else
        (void)0;
#endif
}

/* The same for what is to be a floor: a `pause` takes up to 140 cycles since Skylake (Intel's
 * optimisation manual, "Pause Latency"), and an answer from another core is there before. */
static inline void look_again(void)
{
    if (one_cpu)
        sched_yield();
}

/* Playing */

static double nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void play_a(const char *message, char *buffer, long count)
{
    if (*mode == 'p') {
        for (long i = 0; i < count; i++) {
            put(message, size);
            take(buffer, size);
        }
    } else {
        for (long i = 0; i < count; i++)
            put(message, size);
        take(buffer, 1);
    }
}

static void play_b(const char *message, char *buffer, long count)
{
    if (*mode == 'p') {
        for (long i = 0; i < count; i++) {
            take(buffer, size);
            put(message, size);
        }
    } else {
        for (long i = 0; i < count; i++)
            take(buffer, size);
        put(message, 1);
    }
}

/* Has the last message come as it was sent? */
static void check(const char *message, const char *buffer, size_t length)
{
    if (memcmp(message, buffer, length) != 0) {
        errno = EBADMSG;
        fail("what was received");
    }
}

/* Until the other side is where this one is. */
static void hear(int control)
{
    char go;

    if (must(read(control, &go, 1), "read") == 0)
        for (;;) /* it is gone, and its end comes as a signal */
            pause();
}

static void play(enum side me, int cpu, int control, long count, long blocks)
{
    char *message = private_memory(), *buffer = private_memory(), go = 'g';
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    must(sched_setaffinity(0, sizeof(cpus), &cpus), "sched_setaffinity");
    alarm(TIME_LIMIT);
    attach(me);
    for (size_t i = 0; i <= size; i++)
        message[i] = 1 + i % 251;
    for (long block = 0; block < blocks; block++) {
        memset(buffer, 0, size + 1);
        if (me == A) {
            must(write(control, &go, 1), "write");
            hear(control);
            double start = nanoseconds();
            play_a(message, buffer, count);
            printf("%.3f\n", (nanoseconds() - start) / count);
            check(message, buffer, *mode == 'p' ? size : 1);
        } else {
            hear(control);
            must(write(control, &go, 1), "write");
            play_b(message, buffer, count);
            check(message, buffer, size);
        }
    }
}

static long number(const char *text, long least)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text && !*end && value >= least)
        return value;
    fprintf(stderr, "%s: %s: not a number of %ld or more\n", program_invocation_short_name, text,
            least);
    exit(2);
}

int main(int count, char **words)
{
    int control[2];
    pid_t child, parent = getpid();

    if (count < 7 || count > 7 + HAS_DEPTH || strstr(PLAYS, words[1]) == NULL || !*words[1]) {
        fprintf(stderr, "usage: %s %s SIZE COUNT BLOCKS CPU_A CPU_B%s\n",
                program_invocation_short_name, PLAYS, HAS_DEPTH ? " [DEPTH]" : "");
        return 2;
    }
    mode = words[1];
    size = number(words[2], SMALLEST);
    one_cpu = number(words[5], 0) == number(words[6], 0);
    /* 256 KiB, in 64 slots at most and 2 at least: what our rings have. */
    depth = size > 4096 ? 262144 / size : 64;
    if (depth < 2)
        depth = 2;
    if (count == 8)
        depth = number(words[7], 1);

    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control), "socketpair");
    heed_signals();
    create();
    child = must(fork(), "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            stop(SIGTERM);
        close(control[0]);
        play(B, number(words[6], 0), control[1], number(words[3], 1), number(words[4], 1));
        return read(control[1], words[0], 1) == 0 ? 0 : 1; /* until the other side has all */
    }
    close(control[1]);
    play(A, number(words[5], 0), control[0], number(words[3], 1), number(words[4], 1));
    over = 1;
    close(control[0]);
    must(waitpid(child, NULL, 0), "waitpid");
    destroy();
    return 0;
}

#endif
