"""What the patient weighs.

Held by tests/unit/test_order_amounts.py.
"""

from datetime import date, tzinfo
from decimal import Decimal

from mappings import codes
from mappings.circumstances.lab_history import LabHistory
from mappings.record import PatientRecord


def kilograms(record: PatientRecord, day: date, zone: tzinfo | None) -> Decimal | None:
    """By the newest weight of the time before DAY in which one counts; None where it can't be
    read."""
    results = LabHistory(record.labs, zone).at(None, day)
    found = results.state("weight", codes.windows().days("weight"))
    return found.result.value if found.result and not found.unread else None
