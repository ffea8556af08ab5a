"""What stands as the value of a result, as it is quoted, and whether it says that there is none.

Held by tests/unit/test_lab_texts.py.
"""

from mappings.reading.drugs.amounts import written
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.labs import texts
from mappings.values.stated import Unread

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"
# A report pasted into a value is not quoted whole.
_LONGEST = 60


def is_absent(part: Resource) -> bool:
    """Whether an Observation or component says why it has no value, whatever stands beside that."""
    return bool(part.get("dataAbsentReason")) or any(map(_says_absent, _values(part, "_value")))


def _says_absent(element: object) -> bool:
    """On the value itself, or on the number in it."""
    within = [element, elements.mapping(element).get("_value")]
    return any(elements.extensions(one, _ABSENT) for one in within)


def _values(part: Resource, *more: str) -> list[object]:
    return [value for name, value in part.items() if name.startswith(("value", *more))]


def unread(part: Resource, within: str = "") -> Unread | None:
    """What stands as the value; None where nothing does, or what says that there is no result.

    WITHIN: where in its Observation the part is, `component.`."""
    if is_absent(part):
        return None
    for name, value in part.items():
        if name.startswith("value") and value not in (None, {}, [], ""):
            says = _said(value)
            return (
                None
                if not says or _says_none(value, says)
                else Unread(f"{within}{name}", cut(says))
            )
    return None


def taken_back(notes: object) -> str | None:
    """The note, quoted, that takes a result back."""
    return next((cut(note) for note in elements.notes(notes) if texts.takes_back(note)), None)


def _says_none(value: object, says: str) -> bool:
    if isinstance(value, dict) and value.get("value") is not None:
        return False
    codings = elements.concept(value).codings
    return texts.says_none(says) or (
        bool(codings) and all(coding.system == _NULL_FLAVOR for coding in codings)
    )


def cut(says: str) -> str:
    return says if len(says) <= _LONGEST else f"{says[: _LONGEST - 1]}…"


def _said(value: object) -> str:
    """The value as a person would quote it."""
    if isinstance(value, str):
        return value.strip()
    if not isinstance(value, dict):
        return str(value)
    if "coding" in value or "text" in value:
        return _said_by_concept(value)
    ends = [elements.mapping(value.get(name)) for name in ("low", "high")]
    ratio = elements.ratio(value)
    if any(ratio):
        return " : ".join(map(_quantity, ratio))
    return " to ".join(map(_quantity, filter(None, ends))) or _quantity(value)


def _said_by_concept(value: Resource) -> str:
    concept = elements.concept(value)
    named = (coding.display or coding.code for coding in concept.codings)
    return concept.text.strip() or ", ".join(filter(None, named))


def _quantity(value: Resource) -> str:
    """With a number that is written as text, too."""
    number = value.get("value")
    said = f"{number} {written(value)}" if isinstance(number, str) else written(value)
    return f"{elements.text(value.get('comparator'))}{said}"
