"""Everything of one patient, read from an EHR."""
