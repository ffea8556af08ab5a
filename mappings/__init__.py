"""Pure rules from one patient's record to claim lines and gaps: no network, no clock, no environment."""
