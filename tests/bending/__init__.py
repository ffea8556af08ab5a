"""What becomes of a complete chart when one of its elements is written in a way that nobody
foresaw (principle 4)."""
