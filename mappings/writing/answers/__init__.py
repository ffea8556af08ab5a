"""What comes back of a claim file: TA1, 999, 277CA and 835, read."""
