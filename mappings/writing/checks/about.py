"""What stands above a claim in its file.

Held by tests/unit/test_claim_checks.py.
"""

from datetime import date

from msgspec import Struct


class About(Struct, frozen=True, kw_only=True):
    """A draft lacks what only the facility knows."""

    institutional: bool
    written_on: date | None = None
    born: date | None = None
    died: date | None = None
    biller_is_person: bool = False
    payer_place: str = "P"
    filing: str = ""
    biller_npi: str = ""
    is_draft: bool = False
