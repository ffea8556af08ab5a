"""Moments, numbers, words and identifiers."""
