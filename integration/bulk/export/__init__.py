"""A Bulk Data client: has a server export its patients, and brings the files here.

Source: HL7 Bulk Data Access 2.0.0 and 3.0.0, read 2026-11-29.
"""
