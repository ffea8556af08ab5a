"""837 files as X12 writes them: segments, loops, envelopes."""
