"""Cases: what to use for an ordinary piece of work, as data for the page and the terminal."""
