"""Statements of the chapter: the form of a row, and the functions that judge one."""
