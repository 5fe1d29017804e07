"""Files: accesses of a process to one file by read and write, by pread and pwrite, and by a map."""
