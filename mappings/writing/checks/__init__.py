"""What payers reject and no validator of X12's structure sees, in any 837."""
