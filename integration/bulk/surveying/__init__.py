"""The one reading of everything, and what is kept of it."""
