"""One module a command: typed arguments in, an exit code out. This is the shell."""
