"""Reading from and writing to one EHR."""
