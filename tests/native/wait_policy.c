/* Count the looks of an interruptible end before it returns: `wait_policy EXCLUSIVE_CPU`. */
#include <stdio.h>
#include <stdlib.h>

#include "doorbell.h"

static int
never(void *looked)
{
    ++*(unsigned *)looked;
    return 0;
}

int
main(int count, char **given)
{
    unsigned looked = 0;
    uint32_t word = 0;
    struct doorbell doorbell = {.word = &word};
    struct wait_policy policy = {.interruptible = 1, .exclusive_cpu = atoi(given[1])};
    ssize_t found = ipcbench_await(&policy, &doorbell, never, &looked);
    printf("%zd %u\n", found, looked);
    return count != 2;
}
