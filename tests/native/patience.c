/* How often an end looks at what never comes, before it is told to go on: `patience ALONE`. */
#include <stdio.h>
#include <stdlib.h>

#include "futex.h"

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
    uint32_t bell = 0;
    struct patience how = {.restless = 1, .alone = atoi(given[1])};
    ssize_t found = ipcbench_await(&how, &bell, never, &looked);
    printf("%zd %u\n", found, looked);
    return count != 2;
}
