"""Stand-ins for what is outside, as strict as the real thing."""
