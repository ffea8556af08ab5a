"""What was ordered, planned or handed out."""
