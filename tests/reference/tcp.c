/* A TCP connection over the loopback interface, without delay: tcp(7), TCP_NODELAY. */
#include "tcp.h"
