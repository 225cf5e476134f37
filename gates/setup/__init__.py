"""Setting a repository up: what is found in it, and the files that are written."""
