"""Two models on the same rows: the case that a verdict is about, in rows or in sums."""
