"""Which patients a site has, for `--all`."""

from collections.abc import Iterator

from integration.ehr.client import EhrClient
from integration.ehr.fhir import references
from integration.ehr.fhir.query import Query
from integration.errors import Refused


def patients(client: EhrClient) -> Iterator[str]:
    """The ids of all who were ever given anything; each once, page by page."""
    capability = client.capability
    if capability.profile.lists_administrations and capability.searches("MedicationAdministration"):
        return _of(client, Query("MedicationAdministration", (("_elements", "subject"),)))
    if capability.profile.lists_patients and capability.offers("Patient"):
        return _of(client, Query("Patient", (("_elements", "id"),)))
    raise Refused(
        client.site.name,
        "this EHR lists no patients",
        "Name them with --patient, or use its bulk export",
    )


def _of(client: EhrClient, query: Query) -> Iterator[str]:
    """From the server itself: HAPI repeats a search of the last minute (Q11)."""
    size = client.site.limits.page_size or client.capability.profile.page_size
    counted = Query(query.kind, (*query.params, *((("_count", str(size)),) if size else ())))
    seen: set[str | None] = {None, ""}
    for page in client.pages(counted, fresh=True):
        for resource in page.resources:
            own = resource["resourceType"] == "Patient"
            key = (
                f"Patient/{resource.get('id')}"
                if own
                else references.subject(resource, client.site.base_url)
            )
            if key not in seen and str(key).startswith("Patient/"):
                seen.add(key)
                yield str(key).removeprefix("Patient/")
