"""DocumentReferences that are progress, consult or history-and-physical notes (R12): their status,
never their content.

Held by tests/scenarios/orders_notes.yaml.
"""

from mappings import codes
from mappings.reading.bundles.collection import Collection
from mappings.reading.drugs.texts import quoted
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.record import KIND_OF_NOTE, Concept, Note
from mappings.values import own_names
from mappings.values.stated import Unread, first_unread

_GONE = frozenset({"superseded", "entered-in-error", "cancelled"})


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
    unsaid = None if known else next(filter(None, map(_of_any_kind, kinds)), None)
    status = statuses.read("DocumentReference.status", resource.get("status"))
    signed = statuses.read("DocumentReference.docStatus", resource.get("docStatus"))
    if not (known or unsaid) or status in _GONE or signed in _GONE:
        return None
    stated = resource.get("context")
    context = elements.mapping(stated)
    visits = stated if isinstance(stated, list) else context.get("encounter")
    when = elements.moment(resource.get("date")) or elements.period(context.get("period"))[0]
    unread = first_unread((status, signed, unsaid))
    return Note(
        source=elements.source(resource),
        final=unread is None and signed in (None, "final", "amended"),
        stated=signed is not None,
        unread=unread,
        encounters=tuple(collection.keys(visits)),
        when=when,
    )


def _is_of_a_note(kind: Concept) -> bool:
    """By its LOINC code; where it has none, by its words."""
    table = codes.note_types()
    coded = set(_loinc(kind)) - set(table.of_any_kind)
    if coded:
        return not coded.isdisjoint(table.loinc)
    return any(map(table.has_name, kind.words))


def _of_any_kind(kind: Concept) -> Unread | None:
    """A code that says no more than that it is a note, and no words that say of what kind."""
    coded = set(_loinc(kind))
    unsaid = coded and coded <= set(codes.note_types().of_any_kind)
    return Unread(KIND_OF_NOTE, quoted(kind)) if unsaid else None


def _loinc(kind: Concept) -> list[str]:
    return [one.code for one in kind.codings if one.system == elements.LOINC]
