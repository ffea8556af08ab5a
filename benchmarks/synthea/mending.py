"""What Synthea leaves out, or writes as no EHR does: codes and units of the drug, ICD-10-CM beside
SNOMED CT, the order of a dose, references, places of service, and who pays."""

import re
from collections.abc import Callable, Iterator, Set
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests import builders

Resource = dict[str, Any]
IRON, FERRITIN = "24909", "2276-4"  # RxNorm, LOINC
# What payers have and hospitals' exports don't.
LEFT_OUT = frozenset({"Claim", "ExplanationOfBenefit", "SupplyDelivery"})
ICD10 = {"431857002": "N18.4", "87522002": "D50.9", "707323002": "D63.1"}
# By how Synthea names a payer; anybody else's plan is commercial.
SOPT = {"Medicare": "121", "Medicaid": "2", "Dual Eligible": "121"}
COMMERCIAL, NOBODY = "5", "NO_INSURANCE"
RECENT = timedelta(days=90)
_BY_IDENTIFIER = re.compile(rb'"(Location|Organization)\?identifier=[^"|]*\|([^"]+)"')
_decoder = msgspec.json.Decoder(Resource)
_encoder = msgspec.json.Encoder(decimal_format="number")


class Totals(NamedTuple):
    """`with_ferritin`: of those with an iron, whose first dose a ferritin of 90 days precedes."""

    patients: int
    resources: int
    with_iron: int
    doses: int
    with_ferritin: int


def mend(source: Path, target: Path) -> Totals:
    """The files of SOURCE in TARGET, as an EHR's export would have them."""
    target.mkdir(parents=True, exist_ok=True)
    irons = {f"Medication/{row['id']}" for row in _of(source, "Medication") if _is_iron(row)}
    orders = {
        row["encounter"]["reference"]: row["id"]
        for row in _of(source, "MedicationRequest")
        if _is_iron(row, irons)
    }
    changes: dict[str, Callable[[Resource], Resource]] = {
        "Condition": _condition,
        "Location": _location,
        "MedicationAdministration": lambda row: _dose(row, orders),
        "MedicationRequest": lambda row: _order(row) if _is_iron(row, irons) else row,
    }
    count = 0
    for kind in sorted({path.name.partition(".")[0] for path in source.glob("*.ndjson")}):
        if kind not in LEFT_OUT:
            count += _write(target, kind, map(changes.get(kind, _same), _of(source, kind)))
    count += _write(target, "Coverage", _coverages(source))
    return _totals(target, count)


def _of(folder: Path, kind: str) -> Iterator[Resource]:
    """References by an identifier of Synthea's own are made plain: it is the id."""
    for path in sorted(folder.glob(f"{kind}.*ndjson")):
        with path.open("rb") as lines:
            for line in lines:
                yield _decoder.decode(_BY_IDENTIFIER.sub(rb'"\1/\2"', line))


def _write(folder: Path, kind: str, resources: Iterator[Resource]) -> int:
    count = 0
    with (folder / f"{kind}.ndjson").open("wb") as out:
        for resource in resources:
            out.write(_encoder.encode(resource) + b"\n")
            count += 1
    return count


def _same(row: Resource) -> Resource:
    return row


def _condition(row: Resource) -> Resource:
    codings = row["code"]["coding"]
    known = [ICD10[one["code"]] for one in codings if one["code"] in ICD10]
    codings += [builders.coding(builders.ICD10, code) for code in known]
    return row


def _location(row: Resource) -> Resource:
    return {**row, "type": [{"coding": [builders.coding(builders.POS, "11")]}]}


def _dose(row: Resource, orders: dict[str, str]) -> Resource:
    if not _is_iron(row):
        return row
    ndc = builders.coding(builders.NDC, builders.VENOFER_100)
    row["medicationCodeableConcept"]["coding"].append(ndc)
    row["dosage"] = {"dose": builders.quantity("200 mg")}
    order = orders.get(row["context"]["reference"])
    return {**row, "request": {"reference": f"MedicationRequest/{order}"}} if order else row


def _order(row: Resource) -> Resource:
    repeat = {"frequency": 1, "period": 1, "periodUnit": "wk"}
    amount = [{"doseQuantity": builders.quantity("200 mg")}]
    timed = [{"timing": {"repeat": repeat}, "doseAndRate": amount}]
    return {**row, "status": "completed", "dosageInstruction": timed}


def _is_iron(row: Resource, irons: Set[str] = frozenset()) -> bool:
    """Of a Medication, or what is given or ordered; IRONS: the Medications that are one."""
    codings = row.get("medicationCodeableConcept", row.get("code", {})).get("coding", [])
    named = row.get("medicationReference", {}).get("reference")
    return named in irons or any(one["code"] == IRON for one in codings)


def _coverages(source: Path) -> Iterator[Resource]:
    """By the payer of a patient's last claim."""
    payers: dict[str, tuple[str, str]] = {}
    for claim in _of(source, "Claim"):
        owner = claim["patient"]["reference"].removeprefix("Patient/")
        payer = claim["insurance"][0]["coverage"].get("display", NOBODY)
        payers[owner] = max(payers.get(owner, ("", "")), (claim["created"], payer))
    for owner, (_, payer) in payers.items():
        if payer != NOBODY:
            yield builders.coverage(
                SOPT.get(payer, COMMERCIAL),
                payer,
                id=f"coverage-{owner}",
                patient=owner,
                subscriberId=owner[:11].upper(),
            )


def _totals(folder: Path, resources: int) -> Totals:
    first: dict[str, date] = {}
    doses = 0
    for row in filter(_is_iron, _of(folder, "MedicationAdministration")):
        owner, day = row["subject"]["reference"], _day(row)
        first[owner] = min(day, first.get(owner, day))
        doses += 1
    measured = {
        row["subject"]["reference"]
        for row in _of(folder, "Observation")
        if row["subject"]["reference"] in first
        and row["code"]["coding"][0]["code"] == FERRITIN
        and first[row["subject"]["reference"]] - RECENT <= _day(row)
    }
    patients = sum(1 for _ in _of(folder, "Patient"))
    return Totals(patients, resources, len(first), doses, len(measured))


def _day(row: Resource) -> date:
    return date.fromisoformat(row["effectiveDateTime"][:10])
