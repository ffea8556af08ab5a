"""Claim files: what they are made of, and where they go."""
