"""837 claims: their loops, their envelopes, and one that left before sent once more."""
