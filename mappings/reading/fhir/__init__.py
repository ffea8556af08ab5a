"""FHIR's JSON."""
