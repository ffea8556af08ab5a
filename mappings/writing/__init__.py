"""Assessments as what others read: DetectedIssue, CSV, claims as FHIR and X12."""

from mappings.writing.checks.file import check
from mappings.writing.drafting import x12
from mappings.writing.fhir_claim import claims
from mappings.writing.table import csv

__all__ = ["check", "claims", "csv", "x12"]
