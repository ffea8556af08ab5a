"""Assessments as what others read: DetectedIssue, CSV, claims as FHIR and X12."""
