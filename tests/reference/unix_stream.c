/* A connected pair of stream sockets: unix(7), through a path that is removed at once. */
#include "unix_stream.h"
