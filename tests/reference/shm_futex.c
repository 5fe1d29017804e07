/* Shared memory, and the word of its doorbell at which each process sleeps: futex(2).
 *
 * The kernel does not let it sleep if the word no longer has the value that announced it.
 */
#define HAS_DEPTH 1
#include "reference.h"

#include <linux/futex.h>
#include <sys/syscall.h>

struct sleeper {
    void *word;
};

static void make_sleeper(struct sleeper *sleeper, void *word, char *line)
{
    (void)line;
    sleeper->word = word;
}

static void sleep_once(struct sleeper *sleeper, uint32_t announced)
{
    syscall(SYS_futex, sleeper->word, FUTEX_WAIT, announced, NULL);
}

static void wake(struct sleeper *sleeper)
{
    syscall(SYS_futex, sleeper->word, FUTEX_WAKE, 1);
}

static void destroy(void)
{
}

#include "ring.h"
