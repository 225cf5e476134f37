"""Judging evidence that is larger than memory: few passes, each of which leaves sums."""
