"""X12 itself: segments written and read, whatever they say."""
