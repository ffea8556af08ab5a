"""Which patients a site has, for `--all`.

Held by tests/contract/test_ehr_reading.py.
"""

from collections.abc import Iterator

from integration.ehr.client import EhrClient
from integration.ehr.fhir import references
from integration.ehr.fhir.answers import Json
from integration.ehr.fhir.query import Query
from integration.ehr.reading.pull import Problem
from integration.errors import LeadsElsewhere, Refused


def patients(client: EhrClient, problems: list[Problem]) -> Iterator[str]:
    """The ids of all who were ever given anything; each once, page by page. PROBLEMS takes what may
    keep somebody from being listed."""
    capability = client.capability
    doses = "MedicationAdministration"
    if capability.profile.lists_administrations and doses in capability.searched:
        return _of(client, problems, Query(doses, (("_elements", "subject"),)))
    if capability.profile.lists_patients and capability.offers("Patient"):
        return _of(client, problems, Query("Patient", (("_elements", "id"),)))
    raise Refused(
        client.site.name,
        "this EHR lists no patients",
        "Name them with --patient, or use its bulk export",
    )


def _of(client: EhrClient, problems: list[Problem], query: Query) -> Iterator[str]:
    """From the server itself: HAPI repeats a search of the last minute (Q11)."""
    size = client.site.limits.page_size or client.capability.profile.page_size
    counted = Query(query.kind, (*query.params, *((("_count", str(size)),) if size else ())))
    seen: set[str | None] = {None, ""}
    pages = client.pages(counted, fresh=True)
    try:
        for page in pages:
            problems += page.problems
            if page.left_out:
                problems.append({"resource": query.kind, "problem": page.left_out})
            for resource in page.resources:
                key = _whose(resource, client.site.addresses)
                if key == "":
                    name = f"{query.kind}/{resource.get('id')}"
                    problems.append({"resource": name, "problem": "names no patient; not used"})
                if key not in seen and str(key).startswith("Patient/"):
                    seen.add(key)
                    yield str(key).removeprefix("Patient/")
    except LeadsElsewhere as error:
        says = f"{error.problem}: who is listed there is left out"
        problems.append({"resource": query.kind, "problem": says})


def _whose(resource: Json, bases: references.Bases) -> str | None:
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource.get('id')}"
    return references.subject(resource, bases)
