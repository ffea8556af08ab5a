"""DocumentReferences that are progress, consult or history-and-physical notes (R12): their status,
never their content."""

from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.elements import Resource
from mappings.record import Note

# LOINC codes of the progress / consult / H&P family (codes only).
_NOTE_TYPES = frozenset(
    {
        "11506-3",
        "11488-4",
        "34117-2",
        "28570-0",
        "34109-9",
        "18842-5",
        "51847-2",
        "34131-3",
        "34099-2",
        "68608-9",
        "34901-9",
        "34124-8",
        "34133-9",
        "34108-1",
        "83805-2",
        "34765-8",
        "51845-6",
    }
)


def note(resource: Resource, collection: Collection) -> Note | None:
    """The Note of a DocumentReference; None for another kind of document or a superseded one."""
    kinds = [elements.concept(resource.get("type")), *elements.concepts(resource.get("category"))]
    known = any(
        row.system == elements.LOINC and row.code in _NOTE_TYPES
        for kind in kinds
        for row in kind.codings
    )
    if not known or resource.get("status") != "current":
        return None
    context = elements.mapping(resource.get("context"))
    when = elements.moment(resource.get("date")) or elements.period(context.get("period"))[0]
    return Note(
        source=elements.source(resource),
        final=elements.text(resource.get("docStatus")) in ("final", "amended"),
        encounters=tuple(
            filter(None, map(collection.key, elements.items(context.get("encounter"))))
        ),
        when=when,
    )
