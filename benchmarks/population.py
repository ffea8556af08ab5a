"""A made-up population as a Bulk Data export has it: NDJSON, one file per type, of any size, with
a known share of patients who were given an intravenous iron and known totals.

Run: `python -m benchmarks.population FOLDER --patients 16000 --iron 0.03`. The same seed writes the
same bytes. A patient has 144 resources in 66 kB, and where there is iron 3.5 doses on average.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from tests import builders

# What every patient has beside a Patient, by type: how many, and of how many bytes about.
OTHERS = {
    "Observation": (80, 375),
    "Encounter": (18, 540),
    "Condition": (12, 375),
    "MedicationRequest": (10, 470),
    "MedicationAdministration": (8, 470),
    "Procedure": (6, 375),
    "DocumentReference": (4, 450),
    "AllergyIntolerance": (2, 375),
    "Immunization": (2, 375),
    "Coverage": (1, 375),
}
PATIENT_BYTES = 750
COURSES = (2, 3, 4, 5)  # doses; 3.5 on average
# Drugs that are none of ours, as EHRs name them.
DRUGS = (
    ("1049221", "acetaminophen 325 MG Oral Tablet"),
    ("309362", "clopidogrel 75 MG Oral Tablet"),
    ("314076", "lisinopril 10 MG Oral Tablet"),
    ("1807628", "sodium chloride 9 MG/ML Injection"),
    ("308416", "aspirin 81 MG Delayed Release Oral Tablet"),
    ("1361226", "heparin sodium, porcine 1000 UNT/ML Injectable Solution"),
)
LABS = (("718-7", "Hemoglobin"), ("2160-0", "Creatinine"), ("8867-4", "Heart rate"))
FIRST_DAY, DAYS = date(2026, 4, 6), 150
AS_OF = builders.AS_OF
PLACES = ("office", "infusion-east", "infusion-west")


class Totals(NamedTuple):
    """What an assessment of the population must find; `ready` and `held` are claim lines."""

    patients: int
    resources: int
    bytes: int
    with_iron: int
    doses: int
    ready: int
    held: int


class _Kind(NamedTuple):
    """A chart with iron, by what it lacks; `lines` of each dose, all of them ready or held."""

    without: tuple[str, ...]
    ready: bool
    lines: int
    dose: dict[str, Any]


KINDS = (
    _Kind((), True, 1, {"dose": "200 mg"}),
    _Kind(("ferritin",), False, 1, {"dose": "200 mg"}),
    _Kind((), True, 2, {"dose": "150 mg", "discarded": "50 mg"}),
)


class Writer:
    """Files of a population, one per type."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._files: dict[str, BinaryIO] = {}
        self.resources = self.bytes = 0

    def add(self, kind: str, line: bytes) -> None:
        if kind not in self._files:
            path = self._folder / f"{kind}.ndjson"
            self._files[kind] = self._stack.enter_context(path.open("wb", buffering=1 << 20))
        self.bytes += self._files[kind].write(line + b"\n")
        self.resources += 1


def write(folder: Path, patients: int, iron: float = 0.03, seed: int = 1) -> Totals:
    """Writes the files; IRON is the share of patients who were given one (at least one is)."""
    chance = random.Random(seed)
    with_iron = max(1, round(patients * iron))
    chosen = set(chance.sample(range(patients), with_iron))
    courses, kinds = cycle(COURSES), cycle(KINDS)
    doses = ready = held = 0
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = Writer(folder, stack)
        for place in PLACES:
            files.add("Location", _json(builders.location(id=place, name=place)))
        templates = {kind: _template(kind, size) for kind, (_, size) in OTHERS.items()}
        for number in range(patients):
            patient = _identity(chance)
            files.add("Patient", _patient(patient, chance))
            for kind, (count, _) in OTHERS.items():
                # With iron there is one Coverage, that of the course.
                for _ in range(0 if kind == "Coverage" and number in chosen else count):
                    files.add(kind, _filled(templates[kind], patient, chance))
            if number in chosen:
                course, made = next(courses), next(kinds)
                for resource in _iron(patient, course, made, chance):
                    files.add(resource["resourceType"], _json(resource))
                doses += course
                ready += course * made.lines if made.ready else 0
                held += 0 if made.ready else course * made.lines
        return Totals(patients, files.resources, files.bytes, with_iron, doses, ready, held)


def _iron(
    patient: str, doses: int, kind: _Kind, chance: random.Random
) -> Iterator[builders.Resource]:
    """A weekly course with encounters, laboratory results, diagnoses and payer."""
    start = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    place = chance.choice(PLACES)
    own = (*kind.without, "administration", "encounter", "patient", "location")
    order = builders.order(dose=kind.dose["dose"], on=str(start - timedelta(days=3)))
    for resource in builders.chart(order, without=own):
        if resource["resourceType"] not in ("Location", "Patient", "Encounter"):
            yield _belonging(resource, patient)
    for week in range(doses):
        day = start + timedelta(weeks=week)
        visit = f"visit-{week}"
        period = {"start": f"{day}T13:00:00Z", "end": f"{day}T15:00:00Z"}
        yield _belonging(builders.encounter(visit, location=place, period=period), patient)
        dose = builders.administration(
            f"dose-{week}", on=f"{day}T13:30:00Z", encounter=visit, **kind.dose
        )
        yield _belonging(dose, patient)
        for name, value in (("ferritin", 60), ("tsat", 15), ("hemoglobin", 10)):
            if name not in kind.without:
                found = builders.lab(name, value, on=str(day - timedelta(days=1)))
                yield _belonging(found, patient)


def _belonging(resource: builders.Resource, patient: str) -> builders.Resource:
    """The resource under names that are this patient's alone."""
    found = _renamed(resource, patient)
    found["id"] = f"{resource['id']}-{patient}"
    return found


def _renamed(value: Any, patient: str) -> Any:
    if isinstance(value, list):
        return [_renamed(row, patient) for row in value]
    if not isinstance(value, dict):
        return value
    found = {name: _renamed(row, patient) for name, row in value.items()}
    kind, _, name = str(found.get("reference", "")).partition("/")
    if kind == "Patient":
        found["reference"] = f"Patient/{patient}"
    elif name and kind != "Location":
        found["reference"] = f"{kind}/{name}-{patient}"
    return found


def _json(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def _identity(chance: random.Random) -> str:
    text = f"{chance.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _patient(identity: str, chance: random.Random) -> bytes:
    resource = {
        "resourceType": "Patient",
        "id": identity,
        "meta": {"versionId": "1", "lastUpdated": "2026-11-01T04:00:00Z"},
        "name": [{"use": "official", "family": f"Family{chance.randrange(9999)}", "given": ["A"]}],
        "gender": chance.choice(("female", "male")),
        "birthDate": f"{chance.randrange(1930, 2005)}-0{chance.randrange(1, 10)}-11",
    }
    return _json(_padded(resource, PATIENT_BYTES))


def _padded(resource: builders.Resource, size: int) -> builders.Resource:
    """With a narrative, as an EHR writes one, up to about SIZE bytes."""
    room = size - len(_json(resource)) - 110
    if room <= 0:
        return resource
    text = ("Recorded in the electronic health record. " * (room // 40 + 1))[:room]
    return {**resource, "text": {"status": "generated", "div": f"<div>{text}</div>"}}


def _template(kind: str, size: int) -> list[bytes]:
    """Lines with @ID@ and @PATIENT@ for what differs."""
    return [_json(_padded(example, size)) for example in _examples(kind)]


def _examples(kind: str) -> Iterator[builders.Resource]:
    whose = {"AllergyIntolerance": "patient", "Immunization": "patient", "Coverage": "beneficiary"}
    resource = {
        "resourceType": kind,
        "id": "@ID@",
        "meta": {"versionId": "1", "lastUpdated": "2026-11-01T04:00:00Z"},
        "status": "final" if kind == "Observation" else "completed",
        whose.get(kind, "subject"): {"reference": "Patient/@PATIENT@"},
    }
    if kind == "Observation":
        for code, name in LABS:
            value = {"value": 11.2, "unit": "g/dL", "system": builders.UCUM, "code": "g/dL"}
            concept = {"coding": [builders.coding(builders.LOINC, code, name)], "text": name}
            yield {
                **resource,
                "code": concept,
                "effectiveDateTime": "2026-03-02",
                "valueQuantity": value,
            }
    elif kind.startswith("Medication"):
        for code, name in DRUGS:
            concept = {"coding": [builders.coding(builders.RXNORM, code, name)], "text": name}
            yield {
                **resource,
                "medicationCodeableConcept": concept,
                "effectiveDateTime": "2026-03-02",
            }
    elif kind == "Encounter":
        period = {"start": "2026-03-02T13:00:00Z", "end": "2026-03-02T14:00:00Z"}
        at = [{"location": {"reference": "Location/office"}}]
        yield {
            **resource,
            "status": "finished",
            "class": {"code": "AMB"},
            "period": period,
            "location": at,
        }
    else:
        yield resource


def _filled(lines: list[bytes], patient: str, chance: random.Random) -> bytes:
    line = lines[chance.randrange(len(lines))] if len(lines) > 1 else lines[0]
    text = line.replace(b"@PATIENT@", patient.encode(), 1)
    return text.replace(b"@ID@", _identity(chance).encode(), 1)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--patients", type=int, default=1000)
    asked.add_argument("--iron", type=float, default=0.03)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    found = write(given.folder, given.patients, given.iron, given.seed)
    print(found._asdict(), file=sys.stderr)


if __name__ == "__main__":
    main()
