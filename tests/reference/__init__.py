"""Reference programs in plain C, with which the timed loops of the transports are compared."""
