/* Two stream sockets of unix(7), by calls that do not block. */
#define SPINS 1
#include "unix_stream.h"
