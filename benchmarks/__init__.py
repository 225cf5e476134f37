"""How fast, how small, how sound: each with the command that reproduces its tables."""
