"""The compiled parts under the compiler's sanitizers: `make sanitize`."""
