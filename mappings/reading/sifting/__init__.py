"""Which resources a rule could read anything of."""
