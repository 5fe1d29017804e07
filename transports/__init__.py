"""The facilities that are measured, each under one contract (`ipcbench.transports.contract`)."""
