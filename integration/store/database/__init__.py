"""The connection to PostgreSQL, embedded or not, and its migrations."""
