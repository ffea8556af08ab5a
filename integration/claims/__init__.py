"""Claim files: what they are made of, and where they go."""

from typing import Literal

Format = Literal["x12", "fhir", "csv", "xlsx"]
