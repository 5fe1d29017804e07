"""A sweep: its order, its progress, its rounds."""
