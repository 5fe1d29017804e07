"""Plan of a sweep on this machine: a new one, and that of a stopped one."""
