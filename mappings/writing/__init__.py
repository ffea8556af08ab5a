"""Assessments as what others read: DetectedIssue, CSV, claim drafts as FHIR and X12."""

from mappings.writing.claim import claims
from mappings.writing.interchange import x12
from mappings.writing.table import csv
from mappings.writing.x12_checks import faults

__all__ = ["claims", "csv", "faults", "x12"]
