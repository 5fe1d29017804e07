/* Reading in place: each byte of a message is read where it is. */
#ifndef IPCBENCH_SCAN_H
#define IPCBENCH_SCAN_H

#include <stddef.h>
#include <string.h>

/* Read every byte: search for one that is absent with memchr(3), repeatedly where it is present.
 * The number of times found is kept, so that the compiler cannot remove the search. */
static inline size_t
ipcbench_scan(const char *from, size_t size)
{
    size_t seen = 0;
    const char *end = from + size;
    while ((from = memchr(from, 0xFF, end - from)) != NULL) {
        seen++;
        from++;
    }
    return seen;
}

#endif
