"""Requests for prior authorization, from charts of files or of a server."""
