"""FHIR's data types, read tolerantly: a missing or malformed part is None, never an error.

Held by tests/unit/test_decoding.py.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mappings import codes as code_tables
from mappings.record import Coding, Concept, Source
from mappings.values.moment import Moment, is_placeholder, parse
from mappings.values.stated import Unread

Resource = dict[str, Any]

# Nothing that is measured or counted is larger than 10^18 or smaller than 10^-18; written out,
# 1E+999999 fills a megabyte.
_MOST_MAGNITUDE = 18
# Of what is quoted because it can't be read.
_MOST_SAID = 40

RXNORM = "rxnorm"
NDC = "ndc"
HCPCS = "hcpcs"
CPT = "cpt"
LOINC = "loinc"
SNOMED = "snomed"
ICD10CM = "icd10cm"
ICD9CM = "icd9cm"
UCUM = "ucum"
PLACE_OF_SERVICE = "pos"
SOPT = "sopt"
ACT_CODE = "act-code"
SELF_PAY = "self-pay"


def system(uri: object) -> str:
    """Our short name of a code system, or its URI as written."""
    return _system(uri) if isinstance(uri, str) else ""


@lru_cache(maxsize=4096)
def _system(uri: str) -> str:
    return code_tables.systems().known(uri) or uri


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Resource:
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Resource]:
    """The objects of a list; a lone object counts as a list of one (some servers send it so)."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


_NO_CONCEPT = Concept()


def coding(value: Resource) -> Coding:
    said = value.get("system"), value.get("code"), value.get("display")
    try:
        return _coding(*said)
    except TypeError:  # a list or an object, where a text should be
        return _coding(*map(text, said))


@lru_cache(maxsize=16384)
def _coding(uri: object, code: object, display: object) -> Coding:
    """An EHR repeats the same few thousand codings."""
    return Coding(system(uri), text(code).strip(), text(display))


def concept(value: object) -> Concept:
    """A CodeableConcept; a bare Coding counts as one."""
    if not isinstance(value, dict):
        return _NO_CONCEPT
    listed = value.get("coding")
    if not isinstance(listed, list):
        if "coding" not in value and "code" in value:
            return Concept((coding(value),))
        listed = items(listed)
    codings = [coding(item) for item in listed if isinstance(item, dict)]
    return Concept(tuple(codings), text(value.get("text")))


def concepts(value: object) -> tuple[Concept, ...]:
    return tuple([concept(item) for item in items(value)]) if value else ()


def codes(value: object) -> Iterator[str]:
    """The codes of a CodeableConcept, whatever their system."""
    return (found.code for found in concept(value).codings if found.code)


def moment(value: object) -> Moment | None:
    return parse(value) if isinstance(value, str) else None


def stated(value: object, element: str) -> Moment | Unread | None:
    """A date, or what is written in its place and can't be read; a placeholder is none."""
    if value is None or value == "":
        return None
    found = moment(value)
    if found or is_placeholder(value):
        return found
    return Unread(element, str(value)[:_MOST_SAID])


_NO_PERIOD = (None, None)


def period(value: object) -> tuple[Moment | None, Moment | None]:
    if not isinstance(value, dict):
        return _NO_PERIOD
    return moment(value.get("start")), moment(value.get("end"))


def unread_period(value: object, element: str) -> Iterator[Unread]:
    """The ends of a period that are stated and not understood: never open ends."""
    if value is None:
        return
    if not isinstance(value, dict):
        yield Unread(element, str(value))
    for end in ("start", "end"):
        said = mapping(value).get(end)
        if said not in (None, "") and moment(said) is None and not is_placeholder(said):
            yield Unread(f"{element}.{end}", str(said))


def decimal(value: object) -> Decimal | None:
    """A JSON number, exactly; None for anything else (a string is not a number in FHIR)."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() and abs(number.adjusted()) <= _MOST_MAGNITUDE else None


def ratio(value: object) -> tuple[Resource, Resource]:
    """Numerator and denominator."""
    said = mapping(value)
    return mapping(said.get("numerator")), mapping(said.get("denominator"))


def whole(value: object) -> int | None:
    """A JSON number without a fraction; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def source(resource: Resource) -> Source:
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return Source(
        f"{resource['resourceType']}/{resource['id']}",
        version if isinstance(version, str) else None,
    )


def identifier(value: object) -> str | None:
    """A business identifier as system|value; one without a system tells nothing across records."""
    said = mapping(value)
    issuer, number = text(said.get("system")), text(said.get("value"))
    return f"{issuer}|{number}" if issuer and number else None


def identifiers(value: object) -> tuple[str, ...]:
    """Those of a list that tell something across records."""
    return tuple(filter(None, map(identifier, items(value))))


def flag(value: object, element: str) -> bool | Unread | None:
    """A boolean, also written as its word; what else stands there is not understood."""
    if value is None or isinstance(value, bool):
        return value
    known = {"true": True, "false": False}.get(text(value).strip().lower())
    return Unread(element, str(value)[:_MOST_SAID]) if known is None else known


def extensions(element: object, url: str) -> list[Resource]:
    said = element.get("extension") if isinstance(element, dict) else None
    return [item for item in items(said) if item.get("url") == url] if said else []


def named(resource: Resource, *starts: str) -> tuple[str, ...]:
    """The names of elements that start so; an EHR writes the same few dozen lists of names."""
    return _named(tuple(resource), starts)


@lru_cache(maxsize=4096)
def _named(names: tuple[str, ...], starts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith(starts))


def either(resource: Resource, *names: str) -> Any:
    """The first of a choice's elements that is there."""
    for name in names:
        if name in resource:
            return resource[name]
    return None


def notes(value: object) -> list[str]:
    """The texts of Annotations."""
    return [text(note.get("text")) for note in items(value)]


def concept_or_reference(resource: Resource, element: str) -> tuple[object, Resource]:
    """A CodeableConcept and a Reference, as R4 names them, or in R5's CodeableReference."""
    within = mapping(resource.get(element))
    concept = resource.get(f"{element}CodeableConcept") or within.get("concept")
    reference = resource.get(f"{element}Reference") or within.get("reference")
    return concept, mapping(reference)
