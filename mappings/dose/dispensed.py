"""Vials handed out for a dose.

Held by tests/scenarios/products.yaml.
"""

from datetime import date, tzinfo

from mappings.record import Administration, Dispense, PatientRecord


def dispensed_for(
    record: PatientRecord, administration: Administration, day: date | None, zone: tzinfo | None
) -> list[Dispense]:
    if day is None or not record.dispenses:
        return []
    orders = set(administration.orders)
    return [
        dispense
        for dispense in record.dispenses
        if dispense.when is not None
        and orders & set(dispense.orders)
        and dispense.when.days(zone)[0] <= day <= dispense.when.days(zone)[1]
    ]


def handed_ndcs(
    record: PatientRecord, administration: Administration, day: date | None, zone: tzinfo | None
) -> list[str]:
    """NDCs of the vials documented as opened, and of those handed out."""
    documented = [container.ndc for container in administration.containers if container.ndc]
    for dispense in dispensed_for(record, administration, day, zone):
        documented += dispense.drug.ndcs
    return documented
