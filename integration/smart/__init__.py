"""SMART App Launch 2.2: who opens a page, from which chart, and with which token."""
