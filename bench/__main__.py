"""`python -m bench` is `ipcbench`."""

from bench.cli import main

main()
