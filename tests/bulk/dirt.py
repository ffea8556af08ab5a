"""Charts as no export should be and some are: bent here and there, spread over files, their text
broken."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from tests import builders, equality
from tests.builders import Resource
from tests.unit.test_bad_elements import EVERYTHING, NEVER

CHARTS = list(equality.charts())
SERVER = "https://ehr.example.org/fhir"
OTHER_SERVER = "https://other.example.org/fhir"


def text(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def spread(folder: Path, resources: list[Resource], chance: random.Random) -> None:
    """Resources over files of several forms, in any order."""
    rows = list(resources)
    chance.shuffle(rows)
    names = (
        "a.ndjson",
        "b.ndjson.gz",
        "c.ndjson.zst",
        "d.json",
        "e.json",
        "MedicationRequest.ndjson",
    )
    files: dict[str, list[Resource]] = {}
    for resource in rows:
        files.setdefault(chance.choice(names), []).append(resource)
    for name, found in files.items():
        (folder / name).write_bytes(_as(name, found, chance))


def _as(name: str, resources: list[Resource], chance: random.Random) -> bytes:
    lines = b"\n".join(map(text, resources)) + b"\n" * chance.randrange(2)
    if name.endswith(".gz"):
        return gzip.compress(lines)
    if name.endswith(".zst"):
        return zstandard.compress(lines)
    if name == "d.json":
        return json.dumps(json.loads(text(_bundle(resources, chance))), indent=1).encode()
    return text(_bundle(resources, chance)) if name == "e.json" else lines


def _bundle(resources: list[Resource], chance: random.Random) -> Resource:
    base = chance.choice((None, SERVER, "urn:uuid:"))
    entries = []
    for resource in resources:
        entry: Resource = {"resource": resource}
        if base and "id" in resource:
            address = (
                f"{base}{resource['id']}"
                if base == "urn:uuid:"
                else f"{base}/{resource['resourceType']}/{resource['id']}"
            )
            entry["fullUrl"] = address
        entries.append(entry)
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


class Bend:
    """What an export may have done to a resource."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(self, resources: list[Resource]) -> list[Resource]:
        found: list[Resource] = []
        for resource in resources:
            bend = self._chance.choice(self._bends) if self._chance.randrange(3) == 0 else None
            found += bend(resource) if bend else [resource]
        return found

    @property
    def _bends(self) -> list[Callable[[Resource], list[Resource]]]:
        chance = self._chance
        return [
            lambda resource: [{**resource, chance.choice(sorted(resource)): chance.choice(NEVER)}],
            lambda resource: [
                resource,
                {**resource, "meta": {"versionId": "9"}, "status": "entered-in-error"},
            ],
            lambda resource: [resource, self._of_another(resource)],
            lambda resource: [self._referring(resource, f"{SERVER}/")],
            lambda resource: [self._referring(resource, f"{OTHER_SERVER}/")],
            lambda resource: [{**resource, "text": {"div": "\0"}}],
            lambda resource: [_without(resource, "subject", "patient")],
            lambda resource: [
                _without(resource, "medicationCodeableConcept", "medicationReference")
            ],
            lambda resource: [resource, resource],
            lambda resource: [self._by_reference(resource)],
            lambda resource: [self._as_r5(resource)],
            lambda resource: [_in_parameters(resource)],
            lambda resource: [_of_urn(resource)],
        ]

    def _as_r5(self, resource: Resource) -> Resource:
        concept = resource.get("medicationCodeableConcept")
        kept = {
            name: value for name, value in resource.items() if name != "medicationCodeableConcept"
        }
        target = self._chance.choice((None, "Medication/m1", "Medication/m2"))
        said = {"reference": {"reference": target}} if target else {"concept": concept}
        return {**kept, "medication": said} if concept else resource

    def _of_another(self, resource: Resource) -> Resource:
        """A newer version that is another patient's."""
        other = {"reference": f"Patient/p{self._chance.randrange(4)}"}
        return {**resource, "subject": other, "meta": {"versionId": str(self._chance.randrange(3))}}

    def _referring(self, value: Any, base: str) -> Any:
        if isinstance(value, list):
            return [self._referring(resource, base) for resource in value]
        if not isinstance(value, dict):
            return value
        found = {name: self._referring(resource, base) for name, resource in value.items()}
        said = found.get("reference")
        if isinstance(said, str) and "/" in said and ":" not in said:
            history = "/_history/1" if self._chance.randrange(4) == 0 else ""
            found["reference"] = f"{base}{said}{history}"
        return found

    def _by_reference(self, resource: Resource) -> Resource:
        if "medicationCodeableConcept" not in resource:
            return resource
        target = self._chance.choice(("Medication/m1", "Medication/m2", "Medication/lost", "#m"))
        kept = {
            name: value for name, value in resource.items() if name != "medicationCodeableConcept"
        }
        contained = [
            {"resourceType": "Medication", "id": "m", "code": resource["medicationCodeableConcept"]}
        ]
        return {**kept, "medicationReference": {"reference": target}} | (
            {"contained": contained} if target == "#m" else {}
        )


def _without(resource: Resource, *names: str) -> Resource:
    return {name: value for name, value in resource.items() if name not in names}


def _in_parameters(resource: Resource) -> Resource:
    return {"resourceType": "Parameters", "parameter": [{"name": "r", "resource": resource}]}


def _of_urn(resource: Resource) -> Resource:
    """Of a patient by the address that an entry may have."""
    said = resource.get("subject")
    if not isinstance(said, dict) or not isinstance(said.get("reference"), str):
        return resource
    return {
        **resource,
        "subject": {"reference": f"urn:uuid:{said['reference'].rpartition('/')[2]}"},
    }


MEDICATIONS = [
    builders.medication("m1"),
    builders.medication("m2", text="acetaminophen 325 MG Oral Tablet"),
]


def _renamed(value: Any, patient: str, ids: str) -> Any:
    """A chart as another patient's; IDS is put behind every other id, so that charts with the same
    IDS share them."""
    if isinstance(value, list):
        return [_renamed(resource, patient, ids) for resource in value]
    if not isinstance(value, dict):
        return value
    found = {name: _renamed(resource, patient, ids) for name, resource in value.items()}
    said = found.get("reference")
    if isinstance(said, str) and not said.startswith("#"):
        found["reference"] = f"Patient/{patient}" if said == "Patient/p1" else f"{said}{ids}"
    if "resourceType" in found and isinstance(found.get("id"), str):
        found["id"] = patient if found["resourceType"] == "Patient" else f"{found['id']}{ids}"
    return found


def population(chance: random.Random) -> list[Resource]:
    """Some charts of scenarios and one with every element, bent here and there, and the patients
    of some of them linked."""
    resources: list[Resource] = list(MEDICATIONS)
    for number in range(chance.randrange(1, 4)):
        chart = chance.choice(CHARTS)["resources"] if chance.randrange(3) else EVERYTHING
        ids = chance.choice(("", f"-{number}"))
        found = _renamed(
            [resource for resource in chart if isinstance(resource, dict)], f"p{number}", ids
        )
        resources += Bend(chance)(found)
    if chance.randrange(3) == 0:
        link = [{"type": "replaced-by", "other": {"reference": "Patient/p0"}}]
        resources = [
            resource for resource in resources if resource.get("resourceType") != "Patient"
        ]
        resources += [
            {"resourceType": "Patient", "id": "p0"},
            {"resourceType": "Patient", "id": "p1", "link": link},
        ]
    if chance.randrange(4) == 0:
        resources.append(_deletion(chance.choice(resources)))
    return resources


def _deletion(resource: Resource) -> Resource:
    request = {"method": "DELETE", "url": f"{resource.get('resourceType')}/{resource.get('id')}"}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": request}]}


def _listing(name: str) -> Resource:
    entry = [{"item": {"reference": f"MedicationAdministration/{name}"}}]
    return {"resourceType": "List", "id": f"of-{name}", "entry": entry}


Bytes = Callable[[bytes], bytes]
# What may have happened to the text of a line.
DAMAGE: list[Bytes] = [
    lambda line: line.replace(b'"status"', b'"st\xffatus"', 1),
    lambda line: line.replace(b'"id":"', b'"id":"\\u0000', 1),
    lambda line: line.replace(b'"id":"', b'"id":"\\ud800', 1),
    lambda line: line.replace(b'"id":"', '"id":"ü'.encode(), 1),
    lambda line: line.replace(b'"id":"', '"id":"\ufdd0'.encode(), 1),
    lambda line: line.replace(b'"id":"', b'"id":"","a":"', 1),
    lambda line: line.replace(b'"id":"', b'"id":7,"a":"', 1),
    lambda line: line.replace(b"Patient/", b"Patient\\/", 1),
    lambda line: line.replace(b"Patient/", b"Patient\\u002f", 1),
    lambda line: line.replace(b"/", b"\\u002F"),
    lambda line: line[:-1] + b',"note":[{"text":"a\\nb \\u00fc Observation\\/o\\\\"}]}',
    lambda line: line.replace(b"Patient/", b"Patient/\xff", 1),
    lambda line: line.replace(b"Patient/", b"#Patient/", 1),
    lambda line: line.replace(b"Patient/", b"", 1),
    lambda line: line.replace(b"Patient/", b"urn:uuid:", 1),
    lambda line: line.replace(b'{"resourceType"', b'{"resourceType":"Basic","resourceType"', 1),
    lambda line: line.replace(b'"resourceType":', b'"resource":', 1),
    lambda line: line[:-1] + b',"resourceType":"Basic"}',
    lambda line: line[:-1] + b',"resourceType":"Bundle"}',
    lambda line: line[:-1] + b',"subject":{"reference":"Patient/another"}}',
    lambda line: line[:-1] + b',"subject":"Patient/another"}',
    lambda line: line[:-1] + b',"text":{"div":"<a b=\\"Observation/c\\">\\\\</a>"}}',
    lambda line: line[:-1] + b',"medicationReference":{"reference":"Medication/m2"}}',
    lambda line: line[:-1] + b',"contained":[{"resourceType":"MedicationAdministration"}]}',
    lambda line: line[:-1] + b',"contained":[{"resourceType":"Practitioner","id":"n"}]}',
    lambda line: line[:-1] + b',"contained":null}',
    lambda line: line + line,
    lambda line: line[: len(line) // 2],
    lambda line: b" " + line + b" \r",
    lambda line: b"\xef\xbb\xbf" + line,
    lambda line: b"[" + line + b"]",
    lambda _: b"",
]


def damaged(chance: random.Random) -> bytes:
    """A population as lines, sorted by type, the text of some of them broken."""
    rows = population(chance)
    rows.sort(key=lambda resource: str(resource.get("resourceType")))
    rows += [{"resourceType": "Immunization", "id": str(number)} for number in range(3)]
    rows += [_listing(name) for name in ("ma1", "gone")]
    lines = [text(resource) for resource in rows]
    for number in range(len(lines)):
        if chance.randrange(8) == 0:
            lines[number] = chance.choice(DAMAGE)(lines[number])
    return b"\n".join(lines)
