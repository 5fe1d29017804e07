"""Plain C programs that do what our transports do: what tells whether our loops are honest."""
