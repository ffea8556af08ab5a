"""One patient: pull, record, assess."""
