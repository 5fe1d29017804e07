"""Open loop: its timetable, and its loops in C."""
