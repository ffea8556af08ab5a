"""Laboratory results."""
