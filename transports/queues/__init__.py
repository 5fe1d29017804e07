"""Message queues: System V's and POSIX's."""
