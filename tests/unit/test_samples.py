"""The sample patients show what integration/samples/README.md says of them, and load anywhere."""

import importlib
import importlib.resources
import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from integration import samples
from mappings import codes
from mappings.assess import assess, document
from mappings.assessment import Assessment, PatientAssessment
from mappings.document import to_json
from mappings.policy import choosing
from mappings.reading import read
from mappings.site import Site

LINES = {
    "ada-sampleton": [
        "2026-10-15 J1756 JZ × 200 ready separate 44.60",
        "2026-10-22 J1756 JZ × 200 ready separate 44.60",
        "2026-10-29 J1756 JZ × 200 ready separate 44.60",
    ],
    "bruno-fixture": [
        "2026-11-02 J1756 × 100 ready separate 22.30",
        "2026-11-02 J1756 JW × 100 ready separate 22.30",
        "2026-11-09 J1756 × 100 ready separate 22.30",
        "2026-11-09 J1756 JW × 100 ready separate 22.30",
    ],
    "carla-mockridge": [
        "2026-10-12 J1756 JZ × 200 held separate 44.60",
        "2026-10-19 J1756 JZ × 200 held separate 44.60",
        "2026-10-26 J1756 JZ × 200 held separate 44.60",
    ],
    "dmitri-placeholder": ["2026-11-04 J1439 JZ × 750 held separate 827.25"],
    "esther-demoski": [
        "2026-11-02 J1756 JZ × 100 ready bundled 0.00",
        "2026-11-04 J1756 JZ × 100 ready bundled 0.00",
        "2026-11-06 J1756 JZ × 100 ready bundled 0.00",
    ],
    "farid-specimen": ["2026-10-28 J1756 × 300 ready packaged 0.00"],
    "greta-dummyer": ["2026-11-11 J1756 × 200 not-billable"],
    "hiro-exampleton": [
        "2026-10-20 J1439 × 750 not-billable",
        "2026-10-27 J1439 JZ × 750 held separate 827.25",
    ],
    "ines-prototype": [
        "2026-10-05 J1756 JZ × 200 ready separate 44.60",
        "2026-10-12 J1756 JZ × 200 ready separate 44.60",
        "2026-11-12 J1437 JZ × 100 held separate 2193.00",
    ],
    "jonas-testwell": [
        "2026-11-03 J1439 × 750 ready separate 827.25",
        "2026-11-03 J1439 JW × 250 ready separate 275.75",
    ],
    "kamala-draftwood": ["2026-11-05 J1756 JZ × 600 held separate 133.80"],
    "luis-pseudonym": ["None J1756 × 100 held", "2026-10-22 J1756 JZ × 100 held separate 22.30"],
    "mae-fictive": ["2026-10-21 J1756 JZ × 200 held separate 44.60"],
    "noor-nullwright": ["2026-11-06 J2916 JZ × 10 held separate 20.23"],
    "otto-inventado": [
        "2026-10-05 J1756 × 0 held separate",
        "2026-10-12 J1756 × 125 held separate 27.88",
        "2026-10-19 J1756 × 100 held",
        "2026-11-16 J1756 JZ × 600 held separate 133.80",
    ],
    "petra-phantomhill": ["2026-11-10 Q0138 JZ × 510 held separate 116.79"],
}
GAPS = {
    "carla-mockridge": [
        "ferritin expired",
        "oral-iron-history missing",
        "transferrin-saturation missing",
    ],
    "dmitri-placeholder": [
        "ferritin not-covered",
        "oral-iron-history incomplete",
        "prior-authorization missing",
        "progress-note expired",
        "transferrin-saturation not-covered",
    ],
    "hiro-exampleton": ["drug-source incomplete", "prior-authorization incomplete"],
    "ines-prototype": ["preferred-product not-covered"],
    "kamala-draftwood": [
        "dosing contradicted",
        "hemoglobin missing",
        "prior-authorization expired",
        "transferrin-saturation not-covered",
    ],
    "luis-pseudonym": [
        "oral-iron-history missing",
        "prior-authorization incomplete",
        "product contradicted",
        "service-date missing",
        "treatment-plan missing",
    ],
    "mae-fictive": [
        "dosing not-covered",
        "esrd-consolidated-billing not-covered",
        "iron-overload not-covered",
    ],
    "noor-nullwright": [
        "anemia-ckd-link missing",
        "ckd-diagnosis incomplete",
        "iron-deficiency-diagnosis missing",
        "prior-authorization incomplete",
        "treatment-plan incomplete",
    ],
    "otto-inventado": [
        "discarded-amount missing",
        "discarded-amount missing",
        "dose missing",
        "dosing contradicted",
        "ndc missing",
        "place-of-service missing",
        "units-limit not-covered",
    ],
    "petra-phantomhill": ["coverage incomplete"],
}
CHARTS = samples.bundles()


def demo(order: list[dict[str, Any]] | None = None, bill_services: bool = False) -> Assessment:
    site = Site(time_zone=samples.TIME_ZONE, bill_services=bill_services)
    records, problems = read(order or samples.resources(), site)
    patients = [assess(record, choosing.built_in(), samples.AS_OF, site) for record in records]
    return document(patients, problems, samples.AS_OF)


@cache
def assessed() -> dict[str, PatientAssessment]:
    return {patient.patient.removeprefix("Patient/"): patient for patient in demo().patients}


def patient_of(name: str) -> PatientAssessment:
    return assessed()[name.partition("-")[0]]


@pytest.mark.parametrize("name", LINES)
def test_lines(name: str) -> None:
    found = []
    for line in patient_of(name).lines:
        parts = [
            line.service_date,
            line.code,
            *line.modifiers,
            "×",
            line.units,
            line.status,
            line.payment,
            line.value,
        ]
        found.append(
            " ".join(
                str(part) for part in parts[:1] + [part for part in parts[1:] if part is not None]
            )
        )
    assert found == LINES[name]


@pytest.mark.parametrize("name", LINES)
def test_gaps(name: str) -> None:
    assert [f"{gap.requirement} {gap.state}" for gap in patient_of(name).gaps] == GAPS.get(name, [])


def test_reversed_and_pending_doses_have_no_line() -> None:
    jonas = patient_of("jonas-testwell")
    assert [(dose.administration[-1], dose.status) for dose in jonas.reversed] == [
        ("2", "entered-in-error"),
        ("3", "not-done"),
    ]
    assert [(dose.administration[-1], dose.status) for dose in jonas.pending] == [
        ("4", "in-progress")
    ]


def test_why_two_doses_are_not_billable() -> None:
    assert patient_of("greta-dummyer").lines[0].reasons == ("inpatient",)
    assert patient_of("hiro-exampleton").lines[0].reasons == ("drug-supplied-by-payer",)


def test_a_patient_without_an_iv_iron_is_left_out() -> None:
    assert {name.partition("-")[0] for name in CHARTS} - set(assessed()) == {"quill"}


def test_every_requirement_is_a_gap_of_some_sample() -> None:
    asked = {gap.requirement for patient in demo().patients for gap in patient.gaps}
    with_services = {
        gap.requirement for patient in demo(bill_services=True).patients for gap in patient.gaps
    }
    too_late = {"timely-filing"}
    assert set(codes.requirements()) - asked == {"infusion-time"} | too_late
    assert set(codes.requirements()) - with_services == too_late


def test_every_policy_of_a_kind_of_payer_is_used_by_some_sample() -> None:
    used = {
        line.policy.id for patient in assessed().values() for line in patient.lines if line.policy
    }
    of_kinds = {policy.id for policy in choosing.built_in().policies if not policy.audience.payers}
    assert of_kinds - used == {"no-coverage", "government-default"}
    assert {"centene", "uhc-commercial", "bcbs-south-carolina"} <= used


def test_the_document_does_not_depend_on_the_order_of_the_input() -> None:
    shuffled = samples.resources()
    random.Random(1).shuffle(shuffled)
    assert to_json(demo(shuffled)) == to_json(demo())


def test_nothing_is_unreadable() -> None:
    assert [
        *demo().unreadable,
        *(problem for patient in assessed().values() for problem in patient.unreadable),
    ] == []


@pytest.mark.parametrize("name", CHARTS)
def test_each_resource_is_valid_fhir(name: str) -> None:
    model = importlib.import_module("fhir.resources.R4B.bundle").Bundle
    model.model_validate(CHARTS[name])


@pytest.mark.parametrize("name", CHARTS)
def test_each_bundle_puts_its_resources_under_their_own_ids(name: str) -> None:
    bundle = CHARTS[name]
    assert bundle["type"] == "transaction"
    for entry in bundle["entry"]:
        assert entry["request"] == {
            "method": "PUT",
            "url": f"{entry['resource']['resourceType']}/{entry['resource']['id']}",
        }


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    ids = [f"{resource['resourceType']}/{resource['id']}" for resource in samples.resources()]
    assert len(ids) == len(set(ids))
    targets = {
        target
        for resource in samples.resources()
        for target in references(resource)
        if not target.startswith("#")
    }
    assert targets - set(ids) == set()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_patients_are_marked_as_invented() -> None:
    patients = [
        resource for resource in samples.resources() if resource["resourceType"] == "Patient"
    ]
    assert all(patient["meta"]["tag"][0]["code"] == "HTEST" for patient in patients)


def test_the_readme_has_a_row_for_each_file() -> None:
    text = (importlib.resources.files("integration") / "samples" / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)\.json`", text, re.MULTILINE) == list(CHARTS)


def test_what_no_document_settles_is_not_asked_for_as_one() -> None:
    fixes = {
        (name, gap.requirement): gap.fix for name in assessed() for gap in assessed()[name].gaps
    }
    assert "clinical reason" in fixes["dmitri", "ferritin"]
    assert "Expect no payment" in fixes["ines", "preferred-product"]
    assert "confirm it" in fixes["kamala", "dosing"]
