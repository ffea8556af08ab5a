"""The first module of every start."""
