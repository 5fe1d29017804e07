/* The frame of all references: two processes, each pinned to a CPU, and the timed loops.
 *
 * A reference does the same as one of the transports, written plainly from the man pages. It
 * defines five functions; `main` is here.
 *
 *     usage: PROGRAM pingpong|stream SIZE COUNT BLOCKS CPU_A CPU_B [DEPTH]
 *
 * A block is COUNT round trips (pingpong), or COUNT messages from A to B and one byte back, which
 * acknowledges the last one (stream). For each block, a line has the nanoseconds of one round trip
 * or of one message. DEPTH is the number of a ring's slots, in each direction.
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

/* A program may define these before it includes this file. */
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
#define TIME_LIMIT 60 /* seconds, after which the program ends itself */

static size_t size;      /* of a message */
static size_t depth;     /* of a ring */
static bool one_cpu;     /* a process that spins must yield */
static const char *mode; /* pingpong or stream */
static volatile sig_atomic_t over;

/* Ending */

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    destroy();
    exit(1);
}

/* The result of a system call; a failure ends the program. */
static inline long must(long result, const char *what)
{
    if (result < 0)
        fail(what);
    return result;
}

static void stop(int number)
{
    static const char late[] = "a reference did not end in time\n";
    int status, code = 128 + number;

    if (number == SIGCHLD && over)
        return;
    /* The other side has printed its error: this one ends with the same status. */
    if (number == SIGCHLD && waitpid(-1, &status, WNOHANG) > 0 && WIFEXITED(status) &&
        WEXITSTATUS(status) != 0)
        code = WEXITSTATUS(status);
    if (number == SIGALRM && write(STDERR_FILENO, late, sizeof(late) - 1) < 0)
        number = SIGALRM; /* stderr is closed: the message is lost */
    destroy();
    _exit(code);
}

static void install_handlers(void)
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

/* Shared memory (shm_overview(7)), whose name is removed at once. */
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

/* `size` bytes on cache lines of their own, or on pages from the size of a page on: the alignment
 * of a copy changes its time by a sixth. The bytes right before them may be written: the type of a
 * System V message is there, msgop(2). */
static char *private_memory(void)
{
    size_t aligned = size < PAGE ? CACHE_LINE : PAGE;
    char *memory = aligned_alloc(aligned, (2 * aligned + size) / aligned * aligned);

    if (memory == NULL)
        fail("aligned_alloc");
    return memory + aligned;
}

/* Between two looks of a process that spins. */
static inline void relax(void)
{
    if (one_cpu)
        sched_yield();
    else
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#else
        (void)0;
#endif
}

/* The same without `pause`, for a floor: since Skylake it takes up to 140 cycles (Intel's
 * optimisation manual, "Pause Latency"), and an answer from another core arrives earlier. */
static inline void look_again(void)
{
    if (one_cpu)
        sched_yield();
}

/* Timing */

static double nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static void run_a(const char *message, char *buffer, long count)
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

static void run_b(const char *message, char *buffer, long count)
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

/* Check that the last message was received as it was sent. */
static void check(const char *message, const char *buffer, size_t length)
{
    if (memcmp(message, buffer, length) != 0) {
        errno = EBADMSG;
        fail("the message received");
    }
}

/* Wait until the other side is at the same place. */
static void meet(int control)
{
    char go;

    if (must(read(control, &go, 1), "read") == 0)
        for (;;) /* it has ended, and SIGCHLD or SIGTERM will follow */
            pause();
}

static void run(enum side me, int cpu, int control, long count, long blocks)
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
            meet(control);
            double start = nanoseconds();
            run_a(message, buffer, count);
            printf("%.3f\n", (nanoseconds() - start) / count);
            check(message, buffer, *mode == 'p' ? size : 1);
        } else {
            meet(control);
            must(write(control, &go, 1), "write");
            run_b(message, buffer, count);
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

/* 64 KiB or 4 slots, whichever is more; 2 from 1 MiB on, and 4096 at most: like the transports'
 * rings. */
static size_t default_depth(void)
{
    size_t fitting = size == 0 ? 4096 : 65536 / size;

    if (size >= 1048576)
        return 2;
    return fitting < 4 ? 4 : fitting > 4096 ? 4096 : fitting;
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
    depth = default_depth();
    if (count == 8)
        depth = number(words[7], 1);

    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control), "socketpair");
    install_handlers();
    create();
    child = must(fork(), "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            stop(SIGTERM);
        close(control[0]);
        run(B, number(words[6], 0), control[1], number(words[3], 1), number(words[4], 1));
        return read(control[1], words[0], 1) == 0 ? 0 : 1; /* until the other side is done */
    }
    close(control[1]);
    run(A, number(words[5], 0), control[0], number(words[3], 1), number(words[4], 1));
    over = 1;
    close(control[0]);
    must(waitpid(child, NULL, 0), "waitpid");
    destroy();
    return 0;
}

#endif
