"""Claim lines, and what stands on them."""
