"""From lines that may leave to claims: drawn, priced, addressed, split, or refused with why."""
