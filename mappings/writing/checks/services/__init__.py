"""Service lines of a claim: each by itself, its NDC, and all beside each other."""
