"""Orders of `ipcbench run`: what the command line asks for, before it is measured."""
