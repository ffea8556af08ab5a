"""What the payer asks."""
