"""Records of several servers together: what they call by one id is one thing only where they say
the same of it."""

import json

import pytest

from mappings.reading import Collection, Reader
from mappings.site import Site
from tests import builders
from tests.builders import Resource

MA1 = "MedicationAdministration/ma1"
PAYER: Resource = {"resourceType": "Organization", "id": "payer", "name": "Medicare Part B"}
OF_PAYER = builders.coverage(None) | {"payor": [{"reference": "Organization/payer"}]}


def collection(*entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}


def of_server(server: str, *resources: Resource) -> list[Resource]:
    """The entries of a server."""
    return [
        {"fullUrl": f"https://{server}/fhir/{each['resourceType']}/{each['id']}", "resource": each}
        for each in resources
    ]


OTHER_DOSE = builders.administration(dose="100 mg", version="7")


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("as_text", [False, True])
def test_what_two_servers_call_by_one_id_is_named(apart: bool, as_text: bool) -> None:
    ours, theirs = (
        of_server("a", *builders.chart(builders.administration("ma2"))),
        of_server("b", OTHER_DOSE),
    )
    bundles = [collection(*part) for part in ([ours, theirs] if apart else [ours + theirs])]
    found = Collection()
    for each in bundles:
        text = json.dumps(each, default=float).encode()
        assert not as_text or found.add_text(text, "the file")
        if not as_text:
            found.add(each, "the file")
    (record,), _ = Reader(Site()).records(found)
    assert [given.source.resource for given in record.administrations] == [f"{MA1[:-1]}2"]
    (problem,) = record.unreadable
    assert problem.resource == MA1
    assert "https://a/fhir and https://b/fhir give different records" in problem.problem


def test_what_two_servers_give_alike_is_one() -> None:
    entries = [*of_server("a", *builders.chart()), *of_server("b", *builders.chart())]
    document = builders.document_of([collection(*entries)])
    assert [line.status for line in document.patients[0].lines] == ["ready"]
    assert document.patients[0].unreadable == ()


def test_two_people_of_two_servers_are_not_one() -> None:
    entries = [*of_server("a", *builders.chart()), *of_server("b", builders.patient(gender="male"))]
    document = builders.document_of([collection(*entries)])
    assert document.patients == ()
    assert [problem.resource for problem in document.unreadable] == ["Patient/p1"]


def test_each_server_s_own_payer_serves_its_bundle() -> None:
    ours = of_server("a", *builders.chart(without=["coverage"]), PAYER, OF_PAYER)
    theirs = of_server("b", PAYER | {"name": "Medicaid", "meta": {"versionId": "9"}})
    apart = builders.document_of([collection(*part) for part in (ours, theirs)])
    assert [line.status for line in apart.patients[0].lines] == ["ready"]
    one = builders.document_of([collection(*ours, *theirs)])
    assert [line.status for line in one.patients[0].lines] == ["held"]
    assert [problem.resource for problem in one.unreadable] == ["Organization/payer"]
