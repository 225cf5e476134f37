"""The same jobs done by other people's tools, each in an environment of its own.

A module here runs in the peer's environment: it imports the peer and the standard library, and of
ours only `benchmarks.measure`.
"""
