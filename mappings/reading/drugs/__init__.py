"""Which drug, and how much of it, a resource speaks of."""
