"""Pipes and FIFOs: pipe(7), fifo(7)."""
