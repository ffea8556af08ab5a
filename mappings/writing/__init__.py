"""Assessments as what others read: DetectedIssue, CSV, claim drafts."""
