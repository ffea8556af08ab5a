"""A dose with everything around it, on its way to a claim line."""
