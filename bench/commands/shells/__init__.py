"""Support of shells for the command line."""
