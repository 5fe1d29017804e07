"""Settings of the machine and of Python that influence results, as one line of text each."""
