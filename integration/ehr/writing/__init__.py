"""Gaps, written into an EHR."""
