"""Payers' policies: their rules, and which one speaks."""
