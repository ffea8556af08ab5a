"""Requests for prior authorization before the HL7 validator, by the profiles of Da Vinci PAS."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integration.authorizing.charts import from_files
from integration.authorizing.planned import Asking
from integration.commands.inputs import facts_of
from integration.configuration import settings
from mappings.policy import choosing
from mappings.values import systems
from tests import authorizations, builders, validators

pytestmark = pytest.mark.slow

Resource = dict[str, Any]
AS_OF = datetime(2026, 11, 5, 20, tzinfo=UTC)
GUIDES = ("davinci_pas_2.0.1.tgz", "davinci_pas_2.2.1.tgz")


def charts() -> Iterator[tuple[str, list[Resource]]]:
    """In the shapes that requests have."""
    yield "plain", authorizations.chart()
    child = {
        "relationship": {"coding": [{"code": "child"}]},
        "subscriber": {"reference": "RelatedPerson/mother"},
    }
    mother = {
        "resourceType": "RelatedPerson",
        "id": "mother",
        "patient": {"reference": "Patient/p1"},
        "name": [{"family": "Sampleton", "given": ["Mia"]}],
    }
    yield "subscriber", authorizations.chart(authorizations.plan(**child), mother)
    yield (
        "medicare",
        authorizations.chart(
            builders.coverage(subscriberId="1EG4TE5MK73", relationship=authorizations.SELF)
        ),
    )
    drug = {
        "resourceType": "Medication",
        "id": "vial",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "00517-2340-10"}]},
    }
    named = authorizations.order(medicationReference={"reference": "Medication/vial"})
    del named["medicationCodeableConcept"]
    yield "medication", authorizations.chart(named, drug)
    for name, order in _orders():
        yield name, authorizations.chart(order)
    panel = {"valueQuantity": None, "category": None, "component": [builders.tsat()]}
    yield "panel", authorizations.chart(builders.ferritin(**panel, on="2026-11-01"))
    words = {"valueQuantity": None, "valueString": "18 ng/mL [11-307]"}
    yield "words", authorizations.chart(builders.ferritin(**words))
    yield "rest", authorizations.chart(builders.authorization(units=400))
    yield "done", authorizations.chart(authorizations.order(status="completed"), without=())
    attends = {
        "type": [{"coding": [{"code": "ATND"}]}],
        "individual": {"reference": "Practitioner/doctor"},
    }
    given = authorizations.chart(builders.encounter(participant=[attends]), without=())
    yield "given", [one for one in given if one["resourceType"] != "MedicationRequest"]


def _orders() -> Iterator[tuple[str, Resource]]:
    """As EHRs write them; of those that are no active order the Bundle has no copy."""
    yield from ((status, authorizations.order(status=status)) for status in ("draft", "on-hold"))
    for intent in ("plan", "instance-order", "original-order"):
        yield intent, authorizations.order(intent=intent)
    yield "undated", authorizations.order(authoredOn=None)
    dose = [{"doseQuantity": builders.quantity("200 mg")}]
    weekly = {"frequency": 1, "period": 1, "periodUnit": "wk"}
    weeks = {"boundsDuration": {"value": 5, "code": "wk"}}
    days = {"boundsPeriod": {"start": "2026-11-01", "end": "2026-12-20"}}
    for name, bounds in (("weeks", weeks), ("days", days)):
        timing = {"repeat": {**bounds, **weekly}}
        yield (
            name,
            authorizations.order(dosageInstruction=[{"timing": timing, "doseAndRate": dose}]),
        )
    vials = {"value": 2, "unit": "vial", "system": systems.UCUM, "code": "vial"}
    venofer = {"text": "Venofer", "coding": [builders.coding(builders.NDC, builders.VENOFER_100)]}
    several = [
        {"timing": {"repeat": {"count": 2, **weekly}}, "doseAndRate": [{"doseQuantity": vials}]},
        {"timing": {"repeat": {"count": 1}}, "doseAndRate": dose, "text": "last", "site": None},
    ]
    yield (
        "several",
        authorizations.order(dosageInstruction=several, medicationCodeableConcept=venofer),
    )


def written(folder: Path) -> Iterator[Path]:
    site = settings.load(authorizations.configuration(folder)).site("main")
    for name, resources in charts():
        orders = frozenset({"MedicationRequest/order"} if name == "medicare" else ())
        found = from_files(
            str(authorizations.file(folder, resources)),
            facts_of(site, None),
            choosing.built_in(),
            Asking(AS_OF, orders, "11"),
        )
        assert [request.lacking for request in found.requests] == [()] * len(found.requests)
        for number, bundle in enumerate(found.bundles()):
            path = folder / f"{name}-{number}.json"
            path.write_bytes(msgspec.json.Encoder(decimal_format="number").encode(bundle))
            yield path


def broken(path: Path, name: str, change: Callable[[Resource], object]) -> Path:
    """A copy with a fault, which the validator must see."""
    bundle = json.loads(path.read_text())
    change(bundle)
    made = path.with_name(f"broken-{name}.json")
    made.write_text(json.dumps(bundle))
    return made


def test_bundles_are_valid_by_both_versions_of_the_guide(tmp_path: Path) -> None:
    files = list(written(tmp_path))
    assert {path.stem.rpartition("-")[0] for path in files} == {name for name, _ in charts()}
    faults = [
        broken(files[0], "use", lambda bundle: bundle["entry"][0]["resource"].update(use="claim")),
        broken(files[0], "insurer", lambda bundle: bundle["entry"][0]["resource"].pop("insurer")),
        broken(files[0], "time", lambda bundle: bundle.pop("timestamp")),
    ]
    for guide, said in validators.by_guides([*files, *faults], GUIDES).items():
        assert {path.name: says for path, says in said.items() if says and path in files} == {}, (
            guide
        )
        assert all(said[path] for path in faults), guide
