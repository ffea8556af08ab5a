"""Which administrations count, and how much was given, opened and discarded."""
