"""Vials handed out for a dose."""

from datetime import date, tzinfo

from mappings.record import Administration, Dispense, PatientRecord


def dispensed_for(
    record: PatientRecord, administration: Administration, day: date | None, zone: tzinfo | None
) -> list[Dispense]:
    orders = set(administration.orders)
    return [
        row
        for row in record.dispenses
        if row.when is not None
        and day is not None
        and orders & set(row.orders)
        and row.when.days(zone)[0] <= day <= row.when.days(zone)[1]
    ]


def handed_ndcs(
    record: PatientRecord, administration: Administration, day: date | None, zone: tzinfo | None
) -> list[str]:
    """NDCs of the vials documented as opened, and of those handed out."""
    documented = [row.ndc for row in administration.containers if row.ndc]
    return documented + [
        ndc for row in dispensed_for(record, administration, day, zone) for ndc in row.drug.ndcs
    ]
