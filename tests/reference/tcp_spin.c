/* A TCP connection, by calls that do not block. */
#define SPINS 1
#include "tcp.h"
