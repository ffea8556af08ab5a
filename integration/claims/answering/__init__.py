"""What comes back of claims that left: whose it is, and what it makes of them."""
