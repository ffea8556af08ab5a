"""What a run found, for people: on the terminal, and as one page that can be sent."""
