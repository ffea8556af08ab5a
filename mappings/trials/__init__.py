"""Trying a policy: its cases, and what a change of it moves."""
