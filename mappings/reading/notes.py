"""DocumentReferences that are progress, consult or history-and-physical notes (R12): their status,
never their content.

Held by tests/scenarios/orders_notes.yaml.
"""

from mappings.reading.bundles.collection import Collection
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.record import Concept, Note
from mappings.values import own_names
from mappings.values.stated import first_unread

_GONE = frozenset({"superseded", "entered-in-error", "cancelled"})

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


def note(resource: Resource, collection: Collection, statuses: StatusReader = PLAIN) -> Note | None:
    """The Note of a DocumentReference; None for another kind of document, a superseded one, one
    that was taken back, or one of ours: it says what is missing."""
    if any(
        identifier.get("system") == own_names.GAP
        for identifier in elements.items(resource.get("identifier"))
    ):
        return None
    kinds = [elements.concept(resource.get("type")), *elements.concepts(resource.get("category"))]
    known = any(map(_is_of_a_note, kinds))
    status = statuses.read("DocumentReference.status", resource.get("status"))
    signed = statuses.read("DocumentReference.docStatus", resource.get("docStatus"))
    if not known or status in _GONE or signed in _GONE:
        return None
    stated = resource.get("context")
    context = elements.mapping(stated)
    visits = stated if isinstance(stated, list) else context.get("encounter")
    when = elements.moment(resource.get("date")) or elements.period(context.get("period"))[0]
    unread = first_unread((status, signed))
    return Note(
        source=elements.source(resource),
        final=unread is None and signed in (None, "final", "amended"),
        stated=signed is not None,
        unread=unread,
        encounters=tuple(collection.keys(visits)),
        when=when,
    )


def _is_of_a_note(kind: Concept) -> bool:
    return any(one.system == elements.LOINC and one.code in _NOTE_TYPES for one in kind.codings)
