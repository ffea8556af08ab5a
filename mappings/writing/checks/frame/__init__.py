"""What holds claims in a file: envelopes, levels, and segments in their loops."""
