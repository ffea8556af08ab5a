"""Who is on a claim: names, addresses, practitioners, subscribers. What is not written as claims
need it stays empty.

Held by tests/unit/test_reading_people.py.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from msgspec.structs import replace

from mappings.reading.bundles.collection import Collection
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import StatusReader
from mappings.record import (
    Address,
    Demographics,
    Name,
    OnClaims,
    Payor,
    Practitioner,
    Problem,
    Subscriber,
)
from mappings.values.moment import Moment
from mappings.values.stated import Unread, only

_NPI = frozenset({"http://hl7.org/fhir/sid/us-npi", "urn:oid:2.16.840.1.113883.4.6"})
_MBI = frozenset({"http://hl7.org/fhir/sid/us-mbi", "urn:oid:2.16.840.1.113883.4.927"})
_NAIC = frozenset({"urn:oid:2.16.840.1.113883.6.300"})
_TAXONOMY = frozenset({"http://nucc.org/provider-taxonomy", "urn:oid:2.16.840.1.113883.6.101"})
# HL7 v2 table 0203 and CARIN Blue Button: member number; how a payer is addressed.
_MEMBER, _PAYER = frozenset({"MB"}), frozenset({"NIIP", "payerid", "naiccode"})
_NOT_THE_NAME = frozenset({"old", "maiden", "nickname", "anonymous", "temp"})
_UNITED_STATES = frozenset(
    {"", "us", "usa", "u s", "u s a", "united states", "united states of america"}
)
_POSTAL_CODE = re.compile(r"\d{5}(\d{4})?")


def demographics(patient: Resource) -> Demographics:
    return Demographics(name=name(patient), address=address(patient))


def died(patient: Resource, name: str, problems: list[Problem]) -> Moment | Unread | None:
    """The day of death; of a Patient that is there and can't be read, nobody knows."""
    spoiled = next((one for one in problems if one.resource == name), None)
    if spoiled and not patient:
        return Unread(name, spoiled.problem)
    return elements.stated(patient.get("deceasedDateTime"), "Patient.deceasedDateTime")


def is_deceased(patient: Resource) -> bool:
    """Whether anything but *false* stands in `deceased[x]`."""
    stated = (patient.get("deceasedBoolean"), patient.get("deceasedDateTime"))
    return any(said not in (None, False, "", "false") for said in stated)


def name(person: Resource) -> Name | None:
    """The official name, else the usual one; None without a family name (a text alone can't be
    split)."""
    ranks = {"official": 0, "usual": 1}
    names = [
        name
        for name in elements.items(person.get("name"))
        if elements.text(name.get("use")) not in _NOT_THE_NAME
    ]
    names = [name for name in names if elements.text(name.get("family")).strip()]
    if not names:
        return None
    chosen = min(names, key=lambda name: ranks.get(elements.text(name.get("use")), 2))
    given = [part.strip() for part in elements.texts(chosen.get("given")) if part.strip()]
    return Name(
        family=elements.text(chosen["family"]).strip(),
        given=" ".join(given[:1]),
        middle=" ".join(given[1:2]),
        suffix=" ".join(elements.texts(chosen.get("suffix"))).strip(),
    )


def address(person: Resource) -> Address | None:
    """The address where the person lives: a home one first, never an old one."""
    addresses = [
        address for address in elements.items(person.get("address")) if address.get("use") != "old"
    ]
    if not addresses:
        return None
    chosen = min(
        addresses,
        key=lambda address: (address.get("use") != "home", address.get("type") == "postal"),
    )
    domestic = (
        re.sub(r"[^a-z]+", " ", elements.text(chosen.get("country")).lower()).strip()
        in _UNITED_STATES
    )
    state, postal_code = (
        elements.text(chosen.get("state")).strip().upper(),
        re.sub(r"[\s-]", "", elements.text(chosen.get("postalCode"))),
    )
    return Address(
        line=tuple(line.strip() for line in elements.texts(chosen.get("line")) if line.strip()),
        city=elements.text(chosen.get("city")).strip(),
        state=state if domestic and re.fullmatch("[A-Z]{2}", state) else "",
        postal_code=postal_code if domestic and _POSTAL_CODE.fullmatch(postal_code) else "",
    )


def performers(resource: Resource, collection: Collection) -> tuple[Practitioner, ...]:
    """Who gave the drug."""
    if not resource.get("performer"):
        return ()
    people = (
        _practitioner(item.get("actor"), item.get("function"), collection, resource)
        for item in elements.items(resource.get("performer"))
    )
    return tuple(person for person in people if person)


def requester(resource: Resource, collection: Collection) -> Practitioner | None:
    """Who ordered it."""
    if not resource.get("requester"):
        return None
    return _practitioner(resource.get("requester"), None, collection, resource)


def is_test(patient: Resource, statuses: StatusReader) -> bool:
    """Whether a security label or a tag marks the patient as test data (HL7's HTEST, a
    vendor's)."""
    meta = elements.mapping(patient.get("meta"))
    marks = [*elements.items(meta.get("security")), *elements.items(meta.get("tag"))]
    return any(statuses.read("Patient.meta", mark) == "test" for mark in marks)


def participants(resource: Resource, collection: Collection) -> tuple[Practitioner, ...]:
    """Who took part in an encounter, with each role."""
    found: list[Practitioner] = []
    for item in elements.items(resource.get("participant")):
        kinds = elements.items(item.get("type")) or [{}]
        people = (
            _practitioner(item.get("individual"), kind, collection, resource) for kind in kinds
        )
        found += [person for person in people if person]
    return tuple(found)


def _practitioner(
    reference: object, role: object, collection: Collection, parent: Resource
) -> Practitioner | None:
    """A Practitioner, also by way of a PractitionerRole; None for a patient, relative or device."""
    key = collection.key(reference)
    found = collection.resolve(reference, parent) or {}
    taxonomy = None
    credentials: list[str] = []
    says = elements.text(elements.mapping(reference).get("display"))
    if found.get("resourceType") == "PractitionerRole":
        taxonomy = _taxonomy(elements.items(found.get("specialty")))
        credentials += _words(elements.items(found.get("code")))
        reference = elements.mapping(found.get("practitioner"))
        key, found = collection.key(reference) or key, collection.resolve(reference, parent) or {}
    elif not found and not (key or "Practitioner").startswith("Practitioner"):
        return None
    if found.get("resourceType", "Practitioner") != "Practitioner":
        return None
    qualified = [
        elements.mapping(item.get("code")) for item in elements.items(found.get("qualification"))
    ]
    suffixes = (elements.texts(name.get("suffix")) for name in elements.items(found.get("name")))
    credentials += [*_words(qualified), *chain.from_iterable(suffixes)]
    named = [
        *elements.items(found.get("identifier")),
        *elements.items(elements.mapping(reference).get("identifier")),
    ]
    return Practitioner(
        reference=key,
        role=next(elements.codes(role), None),
        npi=only(set(_values(named, _NPI))),
        name=name(found),
        taxonomy=taxonomy or _taxonomy(qualified),
        credentials=tuple(dict.fromkeys(credentials)),
        says=says,
    )


def _words(concepts: Iterable[object]) -> list[str]:
    """Codes, displays and texts of concepts."""
    found: list[str] = []
    for item in concepts:
        concept = elements.concept(item)
        for coding in concept.codings:
            found += [coding.code, coding.display]
        found.append(concept.text)
    return [text for text in found if text]


def _taxonomy(concepts: Iterable[object]) -> str | None:
    codings = chain.from_iterable(elements.concept(item).codings for item in concepts)
    found = (coding.code for coding in codings if coding.system in _TAXONOMY and coding.code)
    return next(found, None)


def subscriber(resource: Resource, collection: Collection) -> Subscriber:
    """Whose policy a Coverage is, and under which number."""
    beneficiary, holder = (
        collection.patient(resource.get("beneficiary")),
        collection.patient(resource.get("subscriber")),
    )
    relationship = next(elements.codes(resource.get("relationship")), None)
    if relationship is None and holder is not None and holder == beneficiary:
        relationship = "self"
    person = collection.resolve(resource.get("subscriber"), resource) or {}
    patient = collection.get(beneficiary or "") or {}
    identifiers = elements.items(resource.get("identifier"))
    return Subscriber(
        member_id=elements.text(resource.get("subscriberId")).strip()
        or only(set(_values(identifiers, _MBI, _MEMBER)))
        or only(set(_values(elements.items(patient.get("identifier")), _MBI))),
        relationship=relationship,
        name=name(person) if relationship != "self" else None,
    )


def payors(resource: Resource) -> list[Resource]:
    """As R4 or R5 names them."""
    return elements.items(resource.get("payor") or resource.get("insurer"))


def payor(resource: Resource, collection: Collection, on_claims: OnClaims) -> Payor:
    """The first payor: its name, and how claim files address it (by the site's table, else by a
    typed identifier)."""
    first = next(iter(payors(resource)), {})
    organization = collection.resolve(first, resource) or {}
    identifiers = [
        *elements.items(organization.get("identifier")),
        *elements.items(first.get("identifier")),
    ]
    return Payor(
        name=(
            elements.text(organization.get("name")) or elements.text(first.get("display"))
        ).strip()
        or None,
        reference=collection.key(first),
        on_claims=replace(
            on_claims, id=on_claims.id or only(set(_values(identifiers, _NAIC, _PAYER)))
        ),
    )


def _values(
    identifiers: Iterable[Resource], systems: frozenset[str], kinds: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Values of identifiers of a system or a kind, old ones left out."""
    for item in identifiers:
        wanted = elements.text(item.get("system")) in systems or kinds & set(
            elements.codes(item.get("type"))
        )
        if wanted and item.get("use") != "old" and elements.text(item.get("value")).strip():
            yield elements.text(item["value"]).strip()
