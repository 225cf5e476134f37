"""The pull requests that `make demo` plays, and the stage on which it plays them."""
