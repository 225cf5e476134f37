"""How often each test set was judged, where that is kept, and how worn it is by it."""
