"""Decisions: the tasks of users, their contests, and the tests that judge them. Pure."""
