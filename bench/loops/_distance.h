/* How far two CPUs are apart: the time of a cache line there and back. Included by _loops.c alone.
 *
 * Two threads, each on a CPU of its own, count up in turn: one writes a line, the other one answers
 * in a second line. Nothing but the coherence of their caches lies between. */
#ifndef IPCBENCH_DISTANCE_H
#define IPCBENCH_DISTANCE_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "_loops.h"

#define DISTANCE_SAMPLES 32
#define DISTANCE_TRIPS 50
#define DISTANCE_SPINS 100000 /* of one wait: some 0.1 ms, after which a CPU is not here alone */

/* 128 bytes apart: a prefetcher may fetch lines in pairs. */
struct two_lines {
    _Alignas(128) _Atomic uint32_t there;
    _Alignas(128) _Atomic uint32_t back;
    _Alignas(128) int cpu;
};

#define DISTANCE_END UINT32_MAX

static int
pin_to(int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

/* Answer each number, up to the last one. */
static void *
answer_lines(void *argument)
{
    struct two_lines *lines = argument;
    uint32_t seen = 0, now;
    if (pin_to(lines->cpu) != 0) {
        atomic_store_explicit(&lines->back, DISTANCE_END, memory_order_release);
        return NULL;
    }
    atomic_store_explicit(&lines->back, 1, memory_order_release); /* ready */
    while ((now = atomic_load_explicit(&lines->there, memory_order_acquire)) != DISTANCE_END)
        if (now != seen)
            atomic_store_explicit(&lines->back, seen = now, memory_order_release);
    return NULL;
}

/* Wait for an answer: true where it came in time. */
static int
await_answer(struct two_lines *lines, uint32_t number, long spins)
{
    for (long left = spins; left > 0; left--)
        if (atomic_load_explicit(&lines->back, memory_order_acquire) == number)
            return 1;
    return 0;
}

static int
by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

/* Return the seconds of a trip, the lower quartile of the samples; 0 where most were cut short. */
static double
time_lines(struct two_lines *lines)
{
    double samples[DISTANCE_SAMPLES];
    uint32_t number = 1;
    int whole = 0;
    for (int sample = 0; sample < DISTANCE_SAMPLES; sample++) {
        struct timespec start, end;
        int trip = 0;
        read_clock(&start);
        for (; trip < DISTANCE_TRIPS; trip++) {
            atomic_store_explicit(&lines->there, ++number, memory_order_release);
            if (!await_answer(lines, number, DISTANCE_SPINS))
                break;
        }
        read_clock(&end);
        if (trip == DISTANCE_TRIPS)
            samples[whole++] = (seconds(&end) - seconds(&start)) / DISTANCE_TRIPS;
    }
    if (whole < DISTANCE_SAMPLES / 4)
        return 0.0;
    qsort(samples, whole, sizeof *samples, by_size);
    return samples[whole / 4];
}

struct distance_call {
    struct two_lines lines;
    double found;
};

/* Measure from this thread's CPU to another one. Without the interpreter's lock. */
static void
measure_distance(struct distance_call *call)
{
    struct two_lines *lines = &call->lines;
    sigset_t all, before;
    pthread_t other;
    sigfillset(&all); /* a handler of this process runs in this thread alone */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&other, NULL, answer_lines, lines);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return;
    if (await_answer(lines, 1, 100 * DISTANCE_SPINS))
        call->found = time_lines(lines);
    atomic_store_explicit(&lines->there, DISTANCE_END, memory_order_release);
    pthread_join(other, NULL);
}

/* Return the seconds of a cache line from this thread's CPU to another one and back; 0: unknown. */
static PyObject *
py_distance(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct distance_call call = {.found = 0.0};
    if (!PyArg_ParseTuple(arguments, "i", &call.lines.cpu))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    measure_distance(&call);
    Py_END_ALLOW_THREADS
    return PyFloat_FromDouble(call.found);
}

#endif
