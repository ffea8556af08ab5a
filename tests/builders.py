"""FHIR resources in a few words: each builder gives a complete resource, and a test says only what
differs.

`complete()` is the chart of one dose of iron sucrose for a Medicare patient with CKD stage 4 that
is `ready` on AS_OF.
"""

# ruff: noqa: A002 - `id` is what FHIR calls it

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from mappings.assess import assess, document
from mappings.assessment import Assessment, PatientAssessment
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site

Resource = dict[str, Any]

PATIENT = "p1"
DAY = "2026-11-01"
AS_OF = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)

VISIT = {"start": f"{DAY}T08:30:00-05:00", "end": f"{DAY}T10:00:00-05:00"}

NDC = "http://hl7.org/fhir/sid/ndc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LOINC = "http://loinc.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
SOPT = "https://nahdo.org/sopt"
CPT = "http://www.ama-assn.org/go/cpt"
POS = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"

VENOFER_50, VENOFER_100, VENOFER_200 = "00517-2325-10", "00517-2340-10", "00517-2310-05"
FERRLECIT, FERAHEME, INFED = "00024-2792-10", "59338-0775-01", "00023-6082-10"
INJECTAFER_750, INJECTAFER_100, MONOFERRIC_1000 = "00517-0650-01", "00517-0602-01", "73594-9310-01"

LOINC_OF = {
    "ferritin": ("2276-4", "ng/mL"),
    "tsat": ("2502-3", "%"),
    "hemoglobin": ("718-7", "g/dL"),
    "iron": ("2498-4", "ug/dL"),
    "tibc": ("2500-7", "ug/dL"),
    "uibc": ("2501-5", "ug/dL"),
    "transferrin": ("3034-6", "mg/dL"),
    "weight": ("29463-7", "kg"),
}


def coding(system: str, code: str, display: str | None = None) -> Resource:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def quantity(text: str | int | float | Decimal | None, unit: str | None = "mg") -> Resource | None:
    """`"200 mg"`, or a number with `unit`. None gives none."""
    if text is None:
        return None
    if isinstance(text, str) and " " in text:
        value, unit = text.split(" ", 1)
        number: Any = Decimal(value) if "." in value else int(value)
    else:
        number = Decimal(str(text)) if isinstance(text, str | float) else text
    return {"value": number} | ({"unit": unit, "system": UCUM, "code": unit} if unit else {})


def _with(resource: Resource, extra: Resource) -> Resource:
    """Set or, with None, drop elements."""
    merged = {**resource, **extra}
    return {name: value for name, value in merged.items() if value is not None}


def administration(
    id: str = "ma1",
    dose: Any = "200 mg",
    text: str | None = "Venofer",
    ndc: str | None = VENOFER_100,
    on: str = f"{DAY}T09:00:00-05:00",
    until: str | None = None,
    status: str = "completed",
    order: str | None = "order",
    encounter: str | None = "encounter",
    codings: list[Resource] | None = None,
    note: str | None = None,
    discarded: str | None = None,
    opened: list[dict[str, Any]] | None = None,
    drug_source: str | None = None,
    r340b: bool | None = None,
    patient: str = PATIENT,
    version: str | None = "1",
    **extra: Any,
) -> Resource:
    """A MedicationAdministration. `opened`: rows of {ndc | size, count}. `discarded`: "50 mg" or
    "2.5 mL"."""
    extensions: list[Resource] = []
    if discarded is not None:
        extensions.append(
            {"url": "urn:ferroclaim:discarded-amount", "valueQuantity": quantity(discarded)}
        )
    for row in opened or []:
        inner: list[Resource] = [{"url": "count", "valueInteger": row.get("count", 1)}]
        inner += [{"url": "ndc", "valueString": row["ndc"]}] if "ndc" in row else []
        inner += [{"url": "size", "valueQuantity": quantity(row["size"])}] if "size" in row else []
        extensions.append({"url": "urn:ferroclaim:containers-opened", "extension": inner})
    if drug_source:
        extensions.append({"url": "urn:ferroclaim:drug-source", "valueCode": drug_source})
    if r340b is not None:
        extensions.append({"url": "urn:ferroclaim:340b", "valueBoolean": r340b})
    concept = {"coding": (codings or []) + ([coding(NDC, ndc)] if ndc else []), "text": text}
    dose = quantity(dose) if not isinstance(dose, dict) else dose
    resource = {
        "resourceType": "MedicationAdministration",
        "id": id,
        "meta": {"versionId": version} if version else None,
        "extension": extensions or None,
        "status": status,
        "subject": {"reference": f"Patient/{patient}"},
        "medicationCodeableConcept": _with({}, concept),
        "effectiveDateTime": None if until else on,
        "effectivePeriod": {"start": on, "end": until} if until else None,
        "context": {"reference": f"Encounter/{encounter}"} if encounter else None,
        "request": {"reference": f"MedicationRequest/{order}"} if order else None,
        "dosage": {"dose": dose} if dose is not None else None,
        "note": [{"text": note}] if note else None,
    }
    return _with(resource, extra)


def medication(
    id: str = "medication",
    text: str | None = "Venofer",
    ndc: str | None = None,
    codings: list[Resource] | None = None,
    **extra: Any,
) -> Resource:
    concept = _with(
        {}, {"coding": (codings or []) + ([coding(NDC, ndc)] if ndc else []), "text": text}
    )
    return _with({"resourceType": "Medication", "id": id, "code": concept}, extra)


def bag(
    mg: Any = 200,
    ml: Any = 110,
    id: str = "bag",
    text: str = "iron sucrose",
    ndc: str | None = None,
    **extra: Any,
) -> Resource:
    """A Medication mixed by the pharmacy: mg of iron in mL of the whole bag."""
    iron = {
        "itemCodeableConcept": {"text": text} | ({"coding": [coding(NDC, ndc)]} if ndc else {}),
        "strength": {"numerator": quantity(f"{mg} mg"), "denominator": quantity(f"{ml} mL")},
    }
    saline = {"itemCodeableConcept": {"text": "sodium chloride 0.9 %"}}
    return _with(
        {
            "resourceType": "Medication",
            "id": id,
            "code": {"text": f"{text} in sodium chloride 0.9 %"},
            "ingredient": [iron, saline],
        },
        extra,
    )


def lab(
    analyte: str,
    value: Any = None,
    on: str = "2026-10-12",
    unit: str | None = "",
    id: str | None = None,
    status: str = "final",
    **extra: Any,
) -> Resource:
    """An Observation of a known analyte, or of a LOINC code. `comparator`, `specimen`, `loinc` as
    extras; unit None: without."""
    loinc, usual = LOINC_OF.get(analyte, (analyte, ""))
    unit = usual if unit == "" else unit
    loinc, comparator, specimen = (
        extra.pop("loinc", loinc),
        extra.pop("comparator", None),
        extra.pop("specimen", None),
    )
    measured = quantity(value, unit)
    resource = {
        "resourceType": "Observation",
        "id": id or f"{analyte}-{on}",
        "status": status,
        "category": [
            {
                "coding": [
                    coding(
                        "http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"
                    )
                ]
            }
        ],
        "code": {"coding": [coding(LOINC, loinc)]},
        "subject": {"reference": f"Patient/{extra.pop('patient', PATIENT)}"},
        "effectiveDateTime": on,
        "specimen": {"reference": f"Specimen/{specimen}"} if specimen else None,
        "valueQuantity": measured and measured | ({"comparator": comparator} if comparator else {}),
    }
    return _with(resource, extra)


def ferritin(value: Any = 42, **extra: Any) -> Resource:
    return lab("ferritin", value, **extra)


def tsat(value: Any = 14, **extra: Any) -> Resource:
    return lab("tsat", value, **extra)


def condition(
    code: str,
    id: str | None = None,
    clinical: str | None = "active",
    verification: str | None = "confirmed",
    category: str | None = "problem-list-item",
    encounter: str | None = None,
    system: str | None = None,
    patient: str = PATIENT,
    **extra: Any,
) -> Resource:
    """A Condition by ICD-10-CM code, or by SNOMED where the code is all digits."""
    system = system or (SNOMED if code.isdigit() else ICD10)
    resource = {
        "resourceType": "Condition",
        "id": id or f"condition-{code.replace('.', '-')}",
        "clinicalStatus": {"coding": [{"code": clinical}]} if clinical else None,
        "verificationStatus": {"coding": [{"code": verification}]} if verification else None,
        "category": [{"coding": [{"code": category}]}] if category else None,
        "code": {"coding": [coding(system, code)]},
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{encounter}"} if encounter else None,
    }
    return _with(resource, extra)


def coverage(
    sopt: str | None = "121",
    payor: str | None = "Medicare",
    id: str = "coverage",
    status: str | None = "active",
    patient: str = PATIENT,
    **extra: Any,
) -> Resource:
    resource = {
        "resourceType": "Coverage",
        "id": id,
        "status": status,
        "type": {"coding": [coding(SOPT, sopt)]} if sopt else None,
        "beneficiary": {"reference": f"Patient/{patient}"},
        "payor": [{"display": payor}] if payor else None,
        "period": {"start": "2020-01-01"},
    }
    return _with(resource, extra)


def eligibility(
    inforce: Any = None,
    whole: Any = None,
    coverage: str | None = "Coverage/coverage",
    id: str = "eligibility",
    created: str = "2026-11-02",
    **extra: Any,
) -> Resource:
    """A CoverageEligibilityResponse; `whole`: as STU3 said it."""
    row = _with({}, {"coverage": coverage and {"reference": coverage}, "inforce": inforce})
    resource = {
        "resourceType": "CoverageEligibilityResponse",
        "id": id,
        "status": "active",
        "outcome": "complete",
        "patient": {"reference": f"Patient/{PATIENT}"},
        "created": created,
        "inforce": whole,
        "insurance": [row],
    }
    return _with(resource, extra)


def part_of_medicare(part: str, **extra: Any) -> Resource:
    """A part of Medicare as its own API gives it (Blue Button 2.0, C4BB)."""
    classes = [
        {"type": {"coding": [{"code": name}]}, "value": value}
        for name, value in (("group", "Medicare"), ("plan", f"Part {part}"))
    ]
    act_code = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    agency = {"identifier": {"value": "Centers for Medicare and Medicaid Services"}}
    resource = {
        **coverage(None, None, id=f"part-{part.lower()}"),
        "type": {"coding": [coding(act_code, "SUBSIDIZ")]},
        "payor": [agency],
        "class": classes,
    }
    return _with(resource, extra)


def commercial(payor: str = "Sunrise Health Plan", **extra: Any) -> Resource:
    return coverage("5", payor, **extra)


def encounter(
    id: str = "encounter",
    klass: str | None = "AMB",
    location: str | None = "office",
    patient: str = PATIENT,
    **extra: Any,
) -> Resource:
    resource = {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": (
            {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": klass}
            if klass
            else None
        ),
        "subject": {"reference": f"Patient/{patient}"},
        "period": dict(VISIT),
        "location": [{"location": {"reference": f"Location/{location}"}}] if location else None,
    }
    return _with(resource, extra)


def location(pos: str | None = "11", id: str = "office", **extra: Any) -> Resource:
    resource = {
        "resourceType": "Location",
        "id": id,
        "name": "Clinic",
        "type": [{"coding": [coding(POS, pos)]}] if pos else None,
    }
    return _with(resource, extra)


def order(
    id: str = "order",
    text: str = "iron sucrose",
    dose: Any = "200 mg",
    on: str = "2026-10-20",
    weekly: bool = True,
    a_day: int | None = None,
    status: str = "active",
    intent: str = "order",
    patient: str = PATIENT,
    **extra: Any,
) -> Resource:
    """A MedicationRequest: weekly, or so many doses `a_day`."""
    repeat = {"frequency": a_day or 1, "period": 1, "periodUnit": "d" if a_day else "wk"}
    instruction: Resource = {"timing": {"repeat": repeat}} if weekly else {}
    if dose is not None:
        instruction["doseAndRate"] = [{"doseQuantity": quantity(dose)}]
    resource = {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": intent,
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": on,
        "medicationCodeableConcept": {"text": text},
        "dosageInstruction": [instruction],
    }
    return _with(resource, extra)


def intolerance(
    text: str = "ferrous sulfate", id: str = "intolerance", patient: str = PATIENT, **extra: Any
) -> Resource:
    return _with(
        {
            "resourceType": "AllergyIntolerance",
            "id": id,
            "patient": {"reference": f"Patient/{patient}"},
            "code": {"text": text},
        },
        extra,
    )


def oral_iron(
    start: str,
    end: str | None = None,
    id: str = "oral",
    status: str = "completed",
    text: str = "ferrous sulfate 325 mg",
    **extra: Any,
) -> Resource:
    resource = {
        "resourceType": "MedicationStatement",
        "id": id,
        "status": status,
        "subject": {"reference": f"Patient/{PATIENT}"},
        "medicationCodeableConcept": {"text": text},
        "effectivePeriod": {"start": start} | ({"end": end} if end else {}),
    }
    return _with(resource, extra)


def authorization(
    code: str = "J1756",
    units: int | None = 1000,
    start: str = "2026-10-01",
    end: str = "2026-12-31",
    decision: str = "A1",
    id: str = "authorization",
    outcome: str = "complete",
    **extra: Any,
) -> Resource:
    """A ClaimResponse that authorizes units of a code in a period."""
    item: Resource = {
        "productOrService": {"coding": [coding(HCPCS, code)]},
        "adjudication": [{"category": {"coding": [{"code": decision}]}}],
    }
    if units is not None:
        item["quantity"] = {"value": units}
    resource = {
        "resourceType": "ClaimResponse",
        "id": id,
        "status": "active",
        "use": "preauthorization",
        "outcome": outcome,
        "patient": {"reference": f"Patient/{PATIENT}"},
        "preAuthRef": "PA123",
        "preAuthPeriod": {"start": start, "end": end},
        "addItem": [item],
    }
    return _with(resource, extra)


def pas_answer(
    decision: str = "A1",
    code: str | None = "J1756",
    units: Any = 1000,
    number: str | None = "AUTH0001",
    start: str = "2026-10-01",
    end: str = "2026-12-31",
    **extra: Any,
) -> Resource:
    """A ClaimResponse as Da Vinci PAS writes it (2.0.1, 2.2.1): number, period and what was
    authorized in extensions; code None: without what was authorized."""
    pas = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-"
    action: list[Resource] = [{"url": "number", "valueString": number}] if number else []
    review = {"coding": [coding("https://codesystem.x12.org/005010/306", decision)]}
    action.append({"url": f"{pas}reviewActionCode", "valueCodeableConcept": review})
    detail: list[Resource] = []
    if code:
        concept = {"coding": [coding(HCPCS, code)]}
        detail.append({"url": "productOrServiceCode", "valueCodeableConcept": concept})
    if code and units is not None:
        detail.append({"url": "quantity", "valueQuantity": {"value": units}})
    adjudication = {
        "extension": [{"url": f"{pas}reviewAction", "extension": action}],
        "category": {"coding": [{"code": "submitted"}]},
    }
    period = {"url": f"{pas}itemPreAuthPeriod", "valuePeriod": {"start": start, "end": end}}
    authorized = {"url": f"{pas}itemAuthorizedDetail", "extension": detail}
    resource = {
        **authorization(preAuthRef=None, preAuthPeriod=None, addItem=None),
        "request": {"reference": "Claim/request"},
        "item": [
            {
                "itemSequence": 1,
                "extension": [period, *([authorized] if detail else [])],
                "adjudication": [adjudication],
            }
        ],
    }
    return _with(resource, extra)


def pas_request(code: str = "J1756", units: int = 1000, coverage: str = "coverage") -> Resource:
    """What was asked."""
    return {
        "resourceType": "Claim",
        "id": "request",
        "status": "active",
        "use": "preauthorization",
        "patient": {"reference": f"Patient/{PATIENT}"},
        "insurance": [
            {"sequence": 1, "focal": True, "coverage": {"reference": f"Coverage/{coverage}"}}
        ],
        "item": [
            {
                "sequence": 1,
                "productOrService": {"coding": [coding(HCPCS, code)]},
                "quantity": {"value": units},
            }
        ],
    }


def note(
    on: str = "2026-10-20",
    id: str = "note",
    status: str = "final",
    loinc: str = "11506-3",
    **extra: Any,
) -> Resource:
    resource = {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "docStatus": status,
        "type": {"coding": [coding(LOINC, loinc)]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "date": f"{on}T10:00:00Z",
    }
    return _with(resource, extra)


def dialysis(
    on: str = "2026-10-30",
    code: str = "90935",
    system: str = CPT,
    id: str = "dialysis",
    **extra: Any,
) -> Resource:
    resource = {
        "resourceType": "Procedure",
        "id": id,
        "status": "completed",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"coding": [coding(system, code)]},
        "performedDateTime": on,
    }
    return _with(resource, extra)


def dispense(
    vials: int = 2,
    ndc: str = VENOFER_100,
    on: str = DAY,
    order: str | None = "order",
    id: str = "dispense",
    **extra: Any,
) -> Resource:
    resource = {
        "resourceType": "MedicationDispense",
        "id": id,
        "status": "completed",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "medicationCodeableConcept": {"text": "Venofer", "coding": [coding(NDC, ndc)]},
        "authorizingPrescription": [{"reference": f"MedicationRequest/{order}"}] if order else None,
        "whenHandedOver": on,
        "quantity": {"value": vials, "unit": "vial"},
    }
    return _with(resource, extra)


def patient(
    id: str = PATIENT, born: str = "1955-02-14", sex: str = "female", **extra: Any
) -> Resource:
    return _with({"resourceType": "Patient", "id": id, "birthDate": born, "gender": sex}, extra)


def resource(**extra: Any) -> Resource:
    """Any resource, written out."""
    return extra


def complete() -> dict[str, Resource]:
    """The resources of a chart in which nothing is missing, by the name that `without` uses."""
    return {
        "administration": administration(),
        "patient": patient(),
        "encounter": encounter(),
        "location": location(),
        "coverage": coverage(),
        "order": order(),
        "intolerance": intolerance(),
        "ckd": condition("N18.4"),
        "anemia-in-ckd": condition("D63.1"),
        "iron-deficiency": condition("D50.9"),
        "ferritin": ferritin(),
        "tsat": tsat(),
    }


def chart(*changes: Resource, without: tuple[str, ...] | list[str] = ()) -> list[Resource]:
    """The complete chart with resources added (or replaced, where type and id are the same) and
    others left out."""
    kept = {
        f"{resource['resourceType']}/{resource['id']}": resource
        for name, resource in complete().items()
        if name not in without
    }
    unknown = set(without) - set(complete())
    assert not unknown, f"complete() has no {unknown}"
    kept |= {f"{change['resourceType']}/{change['id']}": change for change in changes}
    return list(around_the_doses(list(kept.values())))


def around_the_doses(resources: list[Resource]) -> Iterator[Resource]:
    """The resources; a visit of which a test says no days is one of those of the doses (of a
    recurring account)."""
    given = [
        resource
        for resource in resources
        if resource.get("resourceType") == "MedicationAdministration"
    ]
    days = set(filter(None, map(_day_given, given))) or {DAY}
    first = date.fromisoformat(min(days)) - timedelta(days=1)
    last = date.fromisoformat(max(days)) + timedelta(days=1)
    for resource in resources:
        moves = resource.get("resourceType") == "Encounter" and resource.get("period") == VISIT
        if moves and days != {DAY}:
            yield {**resource, "period": {"start": str(first), "end": str(last)}}
        else:
            yield resource


def _day_given(administration: Resource) -> str | None:
    """Its date as written, where that is a day."""
    period = administration.get("effectivePeriod")
    said = administration.get("effectiveDateTime") or (
        period.get("start") if isinstance(period, dict) else None
    )
    try:
        day = date.fromisoformat(str(said)[:10])
    except ValueError:
        return None
    return str(day) if 1900 < day.year < 2900 else None


def document_of(
    resources: list[Resource],
    as_of: datetime = AS_OF,
    site: Site | None = None,
    policies: choosing.PolicySet | None = None,
) -> Assessment:
    """The assessment document of resources."""
    records, problems = read(resources, site)
    patients = [assess(record, policies or choosing.built_in(), as_of, site) for record in records]
    return document(patients, problems, as_of)


def assessed(
    *changes: Resource,
    without: tuple[str, ...] | list[str] = (),
    as_of: datetime = AS_OF,
    site: Site | None = None,
) -> PatientAssessment:
    """The assessment of the one patient of a chart."""
    found = document_of(chart(*changes, without=without), as_of, site)
    assert len(found.patients) == 1, f"{len(found.patients)} patients in the document"
    return found.patients[0]


def shown(assessment: PatientAssessment) -> list[str]:
    """Lines as a biller says them: `J1756 JZ × 200 ready`, with the reasons of those that are
    not."""
    rows = []
    for line in assessment.lines:
        reasons = f" ({', '.join(line.reasons)})" if line.reasons else ""
        rows.append(
            " ".join([line.code, *line.modifiers, "×", str(line.units), line.status]) + reasons
        )
    return rows


def chart_file(path: Path, resources: Iterable[Resource]) -> Path:
    """Resources as a Bundle, at PATH."""
    entries = [{"resource": resource} for resource in resources]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    path.write_bytes(msgspec.json.Encoder(decimal_format="number").encode(bundle))
    return path


def gaps(assessment: PatientAssessment, blocking: bool | None = None) -> list[str]:
    """Gaps as `ferritin missing`."""
    return [
        f"{gap.requirement} {gap.state}"
        for gap in assessment.gaps
        if blocking is None or gap.blocking is blocking
    ]


def state(assessment: PatientAssessment, requirement: str, administration: str = "ma1") -> str:
    """The state of a requirement for an administration."""
    reference = f"MedicationAdministration/{administration}"
    found = [
        row.state
        for row in assessment.requirements
        if row.requirement == requirement and reference in row.administrations
    ]
    assert len(found) == 1, f"{requirement}: {found}"
    return found[0]
