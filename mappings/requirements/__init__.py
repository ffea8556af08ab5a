"""R10: what a payer asks of a dose, one small function for each."""
