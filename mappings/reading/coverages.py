"""Coverage: whose it is, when it holds, in which order it pays; and what a payer answers whether it
is in force (R10a, R12).

Held by tests/unit/test_coverages.py.
"""

from collections.abc import Iterator, Mapping
from datetime import time

from mappings import codes
from mappings.reading import payers, people
from mappings.reading.bundles.collection import Collection
from mappings.reading.fhir import elements
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.payers import Told, Words
from mappings.record import Coverage, Eligibility, OnClaims
from mappings.site import PayerAlias
from mappings.values import words
from mappings.values.moment import Moment
from mappings.values.stated import Unread

# Said by code; who pays is then known without the payer's name.
_MEDICARE_ITSELF = frozenset({"medicare", "hospital-only", "hospice", "self-pay"})
# Of a CoverageEligibilityResponse.
_NO_ANSWER = frozenset({"cancelled", "draft", "entered-in-error"})
_UNANSWERED = frozenset({"queued", "error"})


class CoverageReader:
    def __init__(self, aliases: Mapping[str, PayerAlias], statuses: StatusReader = PLAIN) -> None:
        self._statuses = statuses
        self._by_id = dict(aliases)
        self._by_name = {words.plain(key): value for key, value in aliases.items()}

    def coverage(self, resource: Resource, collection: Collection) -> Coverage | None:
        """The Coverage; None for one that never was."""
        status = self._statuses.read("Coverage.status", resource.get("status"))
        if status in ("entered-in-error", "draft"):
            return None
        said = _words(resource, collection)
        identities = tuple(dict.fromkeys(identities_of_payors(resource, collection)))
        known_as = (*identities, *_classes(resource))
        alias = self._alias(known_as, said.all)
        kind = elements.concept(resource.get("type"))
        found = payers.told(kind, said, _paid_by_patient(resource))
        if alias:
            found = Told(kind=alias.kind, payer=alias.payer, pays_second=found.pays_second)
        start, end = map(_as_a_day, elements.period(resource.get("period")))
        unread = [*_unread(resource, status), *_unknown_payer(resource, found, said, bool(alias))]
        return Coverage(
            source=elements.source(resource),
            active=status != "cancelled",
            kind=found.kind,
            payer=found.payer,
            payer_ids=known_as,
            names=said.payer,
            start=start,
            end=end,
            order=_order(resource),
            conflict=found.conflict,
            pays_second=found.pays_second,
            unread=tuple(unread),
            in_doubt=None if alias else _in_doubt(said),
            decided=alias.decided if alias else None,
            subscriber=people.subscriber(resource, collection),
            payor=people.payor(resource, collection, alias.on_claims if alias else OnClaims()),
            group_numbers=_class_values(resource, "group"),
            plan_name=_class_name(resource, "plan"),
        )

    def _alias(self, identities: tuple[str, ...], texts: tuple[str, ...]) -> PayerAlias | None:
        for identity in identities:
            if identity in self._by_id:
                return self._by_id[identity]
        for text in texts:
            if words.plain(text) in self._by_name:
                return self._by_name[words.plain(text)]
        return None


def _as_a_day(moment: Moment | None) -> Moment | None:
    """Midnight UTC is how some EHRs write a date: it means that date, wherever the site is."""
    midnight = (
        moment is not None
        and moment.zulu
        and moment.instant is not None
        and moment.instant.time() == time()
    )
    return Moment(moment.first, moment.last) if moment and midnight else moment


def _order(resource: Resource) -> int | None:
    """A whole number, also where it is written as a text."""
    order = resource.get("order")
    if isinstance(order, str) and order.strip().isdecimal():
        return int(order)
    return elements.whole(order)


def _unread(resource: Resource, status: str | Unread | None) -> Iterator[Unread]:
    """What is stated of when and for what it holds and in which order, and not understood."""
    if isinstance(status, Unread):
        yield status
    # One that is there to recover costs is not billed; R5 says of one by `kind` that it is none.
    subrogation = elements.flag(resource.get("subrogation"), "Coverage.subrogation")
    if subrogation:
        yield Unread("Coverage.subrogation", str(resource["subrogation"]).lower())
    kind = resource.get("kind")
    if kind is not None and kind != "insurance":
        yield Unread("Coverage.kind", str(kind))
    yield from elements.unread_period(resource.get("period"), "Coverage.period")
    if resource.get("order") is not None and _order(resource) is None:
        yield Unread("Coverage.order", str(resource["order"]))


def _unknown_payer(
    resource: Resource, found: Told, said: Words, by_alias: bool
) -> Iterator[Unread]:
    """A type or a payer's name that nobody knows, and a payer that is not on record."""
    if by_alias or found.conflict:
        return
    strange = payers.unknown_code(elements.concept(resource.get("type")))
    if strange:
        yield Unread("Coverage.type", strange)
    elif found.kind is None and said.all:
        telling = filter(payers.may_be_another, said.all)
        name = next(telling, (*said.payer, *said.all)[0])
        yield Unread("Coverage.payor" if said.payer else "Coverage.type", name)
    lost = [
        payor["reference"]
        for payor in people.payors(resource)
        if elements.text(payor.get("reference"))
    ]
    if lost and not said.payer and found.kind not in _MEDICARE_ITSELF:
        yield Unread("Coverage.payor", str(lost[0]))


def _in_doubt(said: Words) -> Unread | None:
    """Words that say that it may not hold ("Medicaid pending", "do not use")."""
    doubts = codes.payers().in_doubt
    found = next((text for text in said.all if words.first_of(text, doubts)), None)
    return Unread("Coverage.payor", found) if found else None


def _paid_by_patient(resource: Resource) -> bool:
    payors = [elements.text(payor.get("reference")) for payor in people.payors(resource)]
    return bool(payors) and all(
        "Patient/" in payor or "RelatedPerson/" in payor for payor in payors
    )


def _words(resource: Resource, collection: Collection) -> Words:
    kind = elements.concept(resource.get("type"))
    certain = [coding.display for coding in kind.codings if payers.is_certain(coding)]
    others = [one.display for one in kind.codings if one.system and not payers.is_certain(one)]
    return Words(
        plan=_distinct([kind.text, *others, *_plan(resource)]),
        payer=_distinct(_payer_names(resource, collection)),
        of_codes=_distinct(certain),
        beside_codes=_distinct([coding.display for coding in kind.codings if not coding.system]),
    )


def _distinct(texts: "list[str] | Iterator[str]") -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text.strip()))


def _plan(resource: Resource) -> Iterator[str]:
    """What the classes say: names and the plan; of a group, that it is a public program's (an
    employer may be called anything). Medicare's own API says the part as the plan of the group
    Medicare."""
    of_group = [text for text in _class_texts(resource, "group") if _is_public(text)]
    plans = _class_texts(resource, "plan")
    yield from of_group
    for plan in plans:
        yield from [f"{group} {plan}" for group in of_group] or [plan]
    for item in elements.items(resource.get("class")):
        if not {"group", "plan"} & set(elements.codes(item.get("type"))):
            yield elements.text(item.get("name"))


def _class_texts(resource: Resource, kind: str) -> list[str]:
    found: list[str] = []
    for item in _classes_of(resource, kind):
        found += [elements.text(item.get(name)) for name in ("value", "name")]
    return list(dict.fromkeys(filter(None, found)))


def _classes_of(resource: Resource, kind: str) -> list[Resource]:
    """The classes of that kind (HL7 coverage-class)."""
    classes = elements.items(resource.get("class"))
    return [item for item in classes if kind in elements.codes(item.get("type"))]


def _is_public(text: str) -> bool:
    kinds = {payer.kind for payer in payers.named(text)}
    return bool(kinds & {"medicare", "medicare-advantage", "medicaid"})


def _payer_names(resource: Resource, collection: Collection) -> Iterator[str]:
    for payor in people.payors(resource):
        organization = elements.mapping(collection.resolve(payor, resource))
        yield elements.text(payor.get("display"))
        yield elements.text(organization.get("name"))
        yield from _name_in(elements.mapping(payor.get("identifier")))


def _name_in(identifier: Resource) -> Iterator[str]:
    """Medicare's own API writes the payer's name as an identifier without a system."""
    value = elements.text(identifier.get("value"))
    if not identifier.get("system") and " " in value.strip():
        yield value


def identities_of_payors(resource: Resource, collection: Collection) -> Iterator[str]:
    """Organization ids and identifiers (`system|value` and value), for the site's aliases."""
    for payor in people.payors(resource):
        yield from identities(payor, resource, collection)


def identities(payor: Resource, parent: Resource, collection: Collection) -> Iterator[str]:
    """By what an insurer is known that a Reference names."""
    key = collection.key(payor)
    if key:
        yield key
        yield key.rpartition("/")[2]
    organization = elements.mapping(collection.resolve(payor, parent))
    of_reference = elements.mapping(payor.get("identifier"))
    for item in [of_reference, *elements.items(organization.get("identifier"))]:
        if elements.text(item.get("value")):
            yield f"{elements.text(item.get('system'))}|{item['value']}"
            yield str(item["value"])


def _classes(resource: Resource) -> Iterator[str]:
    """Plan and group numbers."""
    for item in elements.items(resource.get("class")):
        yield from filter(None, [elements.text(item.get("value"))])


def _class_values(resource: Resource, kind: str) -> tuple[str, ...]:
    """The values of the classes of that kind, each once."""
    found = {elements.text(item.get("value")).strip() for item in _classes_of(resource, kind)}
    return tuple(sorted(found - {""}))


def _class_name(resource: Resource, kind: str) -> str | None:
    names = (elements.text(item.get("name")).strip() for item in _classes_of(resource, kind))
    return next(filter(None, names), None)


def eligibility(
    resource: Resource, collection: Collection, statuses: StatusReader = PLAIN
) -> Iterator[Eligibility]:
    """Of each coverage that it speaks of; STU3 said it once for all of them."""
    status = statuses.read("Coverage.status", resource.get("status"))
    if status in _NO_ANSWER or resource.get("outcome") in _UNANSWERED:
        return
    whole = elements.flag(resource.get("inforce"), "CoverageEligibilityResponse.inforce")
    rows = elements.items(resource.get("insurance"))
    for row in rows or [{}]:
        said = elements.flag(row.get("inforce"), "CoverageEligibilityResponse.insurance.inforce")
        in_force = whole if said is None else said
        if in_force is not None:
            start, end = _serviced(resource, row)
            yield Eligibility(
                source=elements.source(resource),
                coverage=collection.key(row.get("coverage")),
                in_force=in_force,
                start=start,
                end=end,
                created=elements.moment(resource.get("created")),
            )


def _serviced(resource: Resource, row: Resource) -> tuple[Moment | None, Moment | None]:
    """The days that it is about, as far as it says."""
    day = elements.moment(resource.get("servicedDate"))
    if day:
        return day, day
    return elements.period(row.get("benefitPeriod") or resource.get("servicedPeriod"))
