/* How far two CPUs are apart: the time of a cache line there and back. Included by _loops.c alone.
 *
 * Two threads, each on a CPU of its own, count up in turn: one writes a line, the other one answers
 * in a second line. Nothing but the coherence of their caches lies between. */
#ifndef IPCBENCH_DISTANCE_H
#define IPCBENCH_DISTANCE_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "_loops.h"

#define DISTANCE_SAMPLES 32
#define DISTANCE_TRIPS 50
#define DISTANCE_WAIT 0.01 /* seconds for the thread to start, and for an answer: of a busy CPU */
#define DISTANCE_LOOKS 4096 /* between two readings of the clock */

/* 128 bytes apart: a prefetcher may fetch lines in pairs. */
struct two_lines {
    _Alignas(128) _Atomic uint32_t there;
    _Alignas(128) _Atomic uint32_t back;
};

#define DISTANCE_END UINT32_MAX

/* Answer each number, up to the last one. */
static void *
answer_lines(void *argument)
{
    struct two_lines *lines = argument;
    uint32_t seen = 0, now;
    atomic_store_explicit(&lines->back, 1, memory_order_release); /* ready */
    while ((now = atomic_load_explicit(&lines->there, memory_order_acquire)) != DISTANCE_END)
        if (now != seen)
            atomic_store_explicit(&lines->back, seen = now, memory_order_release);
    return NULL;
}

/* Wait for an answer: true where it came in time. The clock is not read before many looks. */
static int
await_answer(struct two_lines *lines, uint32_t number)
{
    struct timespec start = {0}, now;
    do {
        for (int look = 0; look < DISTANCE_LOOKS; look++)
            if (atomic_load_explicit(&lines->back, memory_order_acquire) == number)
                return 1;
        read_clock(&now);
        if (start.tv_sec == 0)
            start = now;
    } while (seconds(&now) - seconds(&start) < DISTANCE_WAIT);
    return 0;
}

static int
by_size(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

/* Return the seconds of a trip, the lower quartile of the samples; 0 where an answer is late. */
static double
time_lines(struct two_lines *lines)
{
    double samples[DISTANCE_SAMPLES];
    uint32_t number = 1;
    for (int sample = 0; sample < DISTANCE_SAMPLES; sample++) {
        struct timespec start, end;
        read_clock(&start);
        for (int trip = 0; trip < DISTANCE_TRIPS; trip++) {
            atomic_store_explicit(&lines->there, ++number, memory_order_release);
            if (!await_answer(lines, number))
                return 0.0;
        }
        read_clock(&end);
        samples[sample] = (seconds(&end) - seconds(&start)) / DISTANCE_TRIPS;
    }
    qsort(samples, DISTANCE_SAMPLES, sizeof *samples, by_size);
    return samples[DISTANCE_SAMPLES / 4];
}

/* Start a thread on a CPU, where no handler of this process runs: 0, or an errno. */
static int
start_on(int cpu, pthread_t *made, struct two_lines *lines)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    int failed = pthread_attr_init(&attributes);
    if (failed)
        return failed;
    failed = pthread_attr_setaffinity_np(&attributes, sizeof one, &one);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failed)
        failed = pthread_create(made, &attributes, answer_lines, lines);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed;
}

/* Measure from this thread's CPU to another one: seconds, 0 where it cannot be done. */
static double
measure_distance(int cpu)
{
    struct two_lines lines = {0};
    pthread_t other;
    if (start_on(cpu, &other, &lines) != 0)
        return 0.0;
    double found = await_answer(&lines, 1) ? time_lines(&lines) : 0.0;
    atomic_store_explicit(&lines.there, DISTANCE_END, memory_order_release);
    pthread_join(other, NULL);
    return found;
}

/* Return the seconds of a cache line from this thread's CPU to another one and back; 0: unknown. */
static PyObject *
py_distance(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int cpu;
    double found;
    if (!PyArg_ParseTuple(arguments, "i", &cpu))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    found = measure_distance(cpu);
    Py_END_ALLOW_THREADS
    return PyFloat_FromDouble(found);
}

#endif
