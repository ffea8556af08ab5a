"""CDS Hooks 2.0: what the payer will miss, said while the iron is being ordered."""
