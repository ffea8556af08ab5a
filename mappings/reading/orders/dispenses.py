"""Vials that were handed out (R12).

Held by tests/scenarios/orders_notes.yaml.
"""

from collections.abc import Iterator

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.medication import drug
from mappings.reading.drugs.products import ProductFinder
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.record import Container, Dispense, Drug, Source
from mappings.values.moment import Moment


def dispense(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    statuses: StatusReader = PLAIN,
) -> Dispense | None:
    """Vials handed out for an order: containers only, never a discard."""
    handed = drug(resource, collection, finder)
    status = statuses.read("MedicationDispense.status", resource.get("status"))
    if not handed.concerns_us or status not in ("completed", "in-progress"):
        return None
    source = elements.source(resource)
    return Dispense(
        source=source,
        drug=handed,
        orders=tuple(collection.keys(resource.get("authorizingPrescription"))),
        when=handed_over(resource),
        containers=tuple(_vials(resource, handed, source)),
    )


def handed_over(resource: Resource) -> Moment | None:
    """When a MedicationDispense was, or was made ready."""
    return elements.moment(resource.get("whenHandedOver")) or elements.moment(
        resource.get("whenPrepared")
    )


def _vials(resource: Resource, handed: Drug, source: Source) -> Iterator[Container]:
    quantity = amount(resource.get("quantity"))
    known = [ndc for ndc in handed.ndcs if ndc in codes.packages()]
    vials = quantity.value if quantity.unit == "vial" else None
    if vials and vials % 1 == 0 and 0 < vials < 1000 and len(known) == 1:
        yield Container(codes.packages()[known[0]].mg, int(vials), known[0], source)
