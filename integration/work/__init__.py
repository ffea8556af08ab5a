"""The durable queue, and the one workflow: pull → assess → keep → write back."""
