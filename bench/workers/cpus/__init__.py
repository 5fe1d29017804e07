"""CPUs of a run: those that its processes use, and how far they are apart."""
