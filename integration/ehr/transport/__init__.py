"""Requests to an EHR: addresses, tokens, keys, retries."""
