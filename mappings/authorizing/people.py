"""Who stands in a PAS Bundle: patient, subscriber, payer, who asks, who ordered, and the order.

Held by tests/e2e/test_authorization_bundles.py.
"""

from collections.abc import Iterator
from typing import Protocol

from mappings.authorizing import copied
from mappings.authorizing.copied import Chart
from mappings.authorizing.request import AuthorizationRequest
from mappings.record import Address, Name
from mappings.values import own_names, systems
from mappings.writing.preparing.identifiers import valid_taxonomy
from mappings.writing.transaction import Resource, concept

_KINDS = f"{systems.HL7}v2-0203"
_GENDERS = {"F": "female", "M": "male", "U": "unknown"}
_SELF = "18"


class Addresses(Protocol):
    """What each resource of a Bundle is called there."""

    def __call__(self, part: str) -> str: ...

    def reference(self, part: str) -> Resource: ...


def everyone(request: AuthorizationRequest, whose: Addresses) -> Iterator[Resource]:
    """Each once."""
    yield _patient(request, whose)
    if request.who.first.relationship != _SELF:
        yield _subscriber(request, whose)
    yield _requestor(request, whose)
    yield _insurer(request, whose)
    yield _coverage(request, whose)
    yield _practitioner(request, whose)
    yield _role(request, whose)


def order(original: Resource, chart: Chart, whose: Addresses) -> Resource | None:
    """The order; None of one that a payer does not take."""
    made = copied.order(original, whose("order"), chart)
    people = {"subject": whose.reference("patient"), "requester": whose.reference("practitioner")}
    return made and {**made, **people}


def _patient(request: AuthorizationRequest, whose: Addresses) -> Resource:
    who = request.who
    return _made(
        "Patient",
        whose("patient"),
        "beneficiary",
        identifier=[_member(request)],
        name=[_name(request.patient_is.name or Name(""))],
        gender=_GENDERS.get(who.sex, "unknown"),
        birthDate=str(who.born),
        address=_address(request.patient_is.address),
    )


def _subscriber(request: AuthorizationRequest, whose: Addresses) -> Resource:
    holder = request.coverage.subscriber.name if request.coverage else None
    return _made(
        "Patient",
        whose("subscriber"),
        "subscriber",
        identifier=[_member(request)],
        name=[_name(holder or Name(""))],
        gender="unknown",
    )


def _member(request: AuthorizationRequest) -> Resource:
    is_medicare = request.coverage is not None and request.coverage.kind == "medicare"
    return {
        "type": concept(_KINDS, "MB"),
        "system": systems.MBI if is_medicare else own_names.MEMBER,
        "value": request.who.first.member_id,
    }


def _requestor(request: AuthorizationRequest, whose: Addresses) -> Resource:
    provider = request.provider
    if provider is None:
        raise ValueError("a request without who asks is not written")
    phone = [{"system": "phone", "value": provider.phone}] if provider.phone else None
    return _made(
        "Organization",
        whose("requestor"),
        "requestor",
        active=True,
        identifier=[{"system": systems.NPI, "value": provider.npi}],
        name=" ".join(filter(None, (provider.given, provider.name))),
        telecom=phone,
        address=_address(provider.address),
    )


def _insurer(request: AuthorizationRequest, whose: Addresses) -> Resource:
    first = request.who.first
    number = [{"type": {"text": "Payer ID"}, "value": first.payer_id}] if first.payer_id else None
    return _made(
        "Organization",
        whose("insurer"),
        "insurer",
        active=True,
        identifier=number,
        name=request.payer,
    )


def _coverage(request: AuthorizationRequest, whose: Addresses) -> Resource:
    first, coverage = request.who.first, request.coverage
    own = first.relationship == _SELF
    relationship = coverage.subscriber.relationship if coverage and not own else "self"
    kind = concept(f"{systems.HL7}coverage-class", "group")
    group = [{"type": kind, "value": first.group_number}] if first.group_number else None
    return _made(
        "Coverage",
        whose("coverage"),
        "coverage",
        status="active",
        identifier=[_member(request)],
        subscriberId=first.member_id,
        subscriber=whose.reference("patient" if own else "subscriber"),
        beneficiary=whose.reference("patient"),
        relationship=concept(f"{systems.HL7}subscriber-relationship", relationship or "other"),
        payor=[whose.reference("insurer")],
        **{"class": group},
    )


def _practitioner(request: AuthorizationRequest, whose: Addresses) -> Resource:
    who = request.practitioner
    return _made(
        "Practitioner",
        whose("practitioner"),
        "practitioner",
        identifier=[{"system": systems.NPI, "value": who.npi}],
        name=[_name(who.name or Name(""))],
    )


def _role(request: AuthorizationRequest, whose: Addresses) -> Resource:
    taxonomy, provider = request.practitioner.taxonomy or "", request.provider
    phone = provider.phone if provider else None
    return _made(
        "PractitionerRole",
        whose("role"),
        "practitionerrole",
        practitioner=whose.reference("practitioner"),
        organization=whose.reference("requestor"),
        specialty=[concept(systems.TAXONOMY, taxonomy)] if valid_taxonomy(taxonomy) else None,
        telecom=[{"system": "phone", "value": phone}] if phone else None,
    )


def _made(kind: str, identity: str, profile: str, **elements: object) -> Resource:
    said = {name: value for name, value in elements.items() if value not in (None, [], "")}
    profiles = {"meta": {"profile": [f"{systems.PAS}profile-{profile}"]}}
    return {"resourceType": kind, "id": identity, **profiles, **said}


def _name(name: Name) -> Resource:
    given = [part for part in (name.given, name.middle) if part]
    suffix = {"suffix": [name.suffix]} if name.suffix else {}
    return {"family": name.family} | ({"given": given} if given else {}) | suffix


def _address(address: Address | None) -> list[Resource] | None:
    if address is None or not (address.line or address.city):
        return None
    said = {
        "line": list(address.line),
        "city": address.city,
        "state": address.state,
        "postalCode": address.postal_code,
        "country": "US",
    }
    return [{name: value for name, value in said.items() if value}]
