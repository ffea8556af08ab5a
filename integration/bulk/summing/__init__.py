"""What is summed of each patient: how soon a record was complete, and what payers paid."""
