"""One widget per kind of thing to look at."""
