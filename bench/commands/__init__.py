"""The commands: one file each, found by its `command`, and what they share."""
