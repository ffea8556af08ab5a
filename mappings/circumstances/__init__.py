"""What stood around the dose on its day."""
