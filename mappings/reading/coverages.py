"""Coverage: which kind of payer, by source-of-payment code, coverage type, plan and payer's name
(R10a, R12)."""

from collections.abc import Iterator, Mapping
from datetime import time

from mappings import codes
from mappings.codes.tables import PayerName
from mappings.reading import people
from mappings.reading.fhir import elements
from mappings.reading.fhir.collection import Collection
from mappings.reading.fhir.elements import Resource
from mappings.record import Coding, Coverage
from mappings.site import PayerAlias
from mappings.values import words
from mappings.values.moment import Moment

_SOPT = (
    "https://nahdo.org/sopt",
    "http://nahdo.org/sopt",
    "urn:oid:2.16.840.1.113883.3.221.5",
    "sopt",
    "https://www.nahdo.org/sopt",
)
_SELF_PAY = "http://terminology.hl7.org/CodeSystem/coverage-selfpay"


class CoverageReader:
    def __init__(self, aliases: Mapping[str, PayerAlias]) -> None:
        self._by_id = dict(aliases)
        self._by_name = {words.plain(key): value for key, value in aliases.items()}

    def coverage(self, resource: Resource, collection: Collection) -> Coverage | None:
        """The Coverage; None for one that never was."""
        if elements.text(resource.get("status")) in ("entered-in-error", "draft"):
            return None
        texts = list(dict.fromkeys(_names(resource, collection)))
        identities = tuple(dict.fromkeys(_identities(resource, collection)))
        alias = self._alias(identities, texts)
        named = [row for text in texts for row in _named(text)]
        payer = alias.payer if alias else next((row.payer for row in named if row.payer), None)
        kind, conflict = (alias.kind, False) if alias else _kind(resource, named)
        start, end = map(_as_a_day, elements.period(resource.get("period")))
        order = resource.get("order")
        return Coverage(
            source=elements.source(resource),
            active=resource.get("status") == "active",
            kind=kind,
            payer=payer,
            payer_ids=identities,
            start=start,
            end=end,
            order=order if isinstance(order, int) and not isinstance(order, bool) else None,
            conflict=conflict,
            subscriber=people.subscriber(resource, collection),
            payor=people.payor(resource, collection, alias.claim_id if alias else None),
        )

    def _alias(self, identities: tuple[str, ...], texts: list[str]) -> PayerAlias | None:
        by_id = next(
            (self._by_id[identity] for identity in identities if identity in self._by_id), None
        )
        return by_id or next(
            (
                self._by_name[words.plain(text)]
                for text in texts
                if words.plain(text) in self._by_name
            ),
            None,
        )


def _as_a_day(moment: Moment | None) -> Moment | None:
    """Midnight UTC is how some EHRs write a date: it means that date, wherever the site is."""
    midnight = (
        moment is not None
        and moment.zulu
        and moment.instant is not None
        and moment.instant.time() == time()
    )
    return Moment(moment.first, moment.last) if moment and midnight else moment


def _kind(resource: Resource, named: list[PayerName]) -> tuple[str | None, bool]:
    """The kind of payer, and whether codes and names contradict each other."""
    strong = {row.kind for row in named if row.strong and row.kind}
    coded = [
        kind
        for coding in elements.concept(resource.get("type")).codings
        for kind in [_coded(coding)]
        if kind
    ]
    sopt = {kind for kind, certain in coded if certain}
    hints = {kind for kind, certain in coded if not certain}
    private = any(not row.strong for row in named)
    insurers = {row.kind for row in named if not row.strong and row.kind}
    certain = _most_special(sopt | strong)
    if certain == {"medicare"} and "managed-care" in hints:
        return "medicare-advantage", False
    # "Aetna Medicare" may be Medicare Advantage, a supplement or a drug plan: a person's decision,
    # not ours.
    if len(certain) > 1 or (certain == {"medicare"} and private):
        return None, True
    general = hints - {"managed-care", "public"} or (
        {"commercial"} if "managed-care" in hints else set()
    )
    kinds = (
        certain or insurers or general or ({"self-pay"} if _paid_by_patient(resource) else set())
    )
    return (next(iter(kinds)), False) if len(kinds) == 1 else (None, bool(kinds))


def _paid_by_patient(resource: Resource) -> bool:
    payors = [
        elements.text(payor.get("reference")) for payor in elements.items(resource.get("payor"))
    ]
    return bool(payors) and all(
        "Patient/" in payor or "RelatedPerson/" in payor for payor in payors
    )


def _most_special(kinds: set[str]) -> set[str]:
    """Drop what another kind makes more precise: Medicare Advantage, a supplement or a drug plan
    are Medicare by name as well."""
    if kinds & {"medicare-advantage", "supplement", "drug-only", "hospital-only"}:
        kinds = kinds - {"medicare"}
    if "supplement" in kinds:
        kinds = kinds - {"commercial"}
    return kinds


def _coded(coding: Coding) -> tuple[str, bool] | None:
    table = codes.payers()
    if coding.system.lower() in _SOPT or (not coding.system and coding.code.isdigit()):
        rows = [row for row in table.sopt if coding.code.startswith(row.prefix)]
        return (max(rows, key=lambda row: len(row.prefix)).kind, True) if rows else None
    if coding.system == _SELF_PAY or coding.code in table.self_pay:
        return "self-pay", True
    kind = table.act_code.get(coding.code)
    if kind is None:
        return None
    return kind, kind in ("drug-only", "dental", "vision", "not-medical", "supplement")


def _named(text: str) -> list[PayerName]:
    """The names in a text ("Medicare" is none in "Medicare Advantage")."""
    rows = {row.name: row for row in codes.payers().names}
    return [rows[name] for name in words.apart(text, rows)]


def _names(resource: Resource, collection: Collection) -> Iterator[str]:
    kind = elements.concept(resource.get("type"))
    yield from filter(None, [kind.text, *(coding.display for coding in kind.codings)])
    for item in elements.items(resource.get("class")):
        yield from filter(None, [elements.text(item.get("name"))])
        if "plan" in elements.codes(item.get("type")):
            yield from filter(None, [elements.text(item.get("value"))])
    for payor in elements.items(resource.get("payor")):
        organization = elements.mapping(collection.resolve(payor, resource))
        yield from filter(
            None, [elements.text(payor.get("display")), elements.text(organization.get("name"))]
        )


def _identities(resource: Resource, collection: Collection) -> Iterator[str]:
    """Organization ids, identifiers (`system|value` and value) and plan numbers, for the site's
    aliases."""
    for payor in elements.items(resource.get("payor")):
        key = collection.key(payor)
        if key:
            yield key
            yield key.rpartition("/")[2]
        organization = elements.mapping(collection.resolve(payor, resource))
        for item in [
            elements.mapping(payor.get("identifier")),
            *elements.items(organization.get("identifier")),
        ]:
            if elements.text(item.get("value")):
                yield f"{elements.text(item.get('system'))}|{item['value']}"
                yield str(item["value"])
    for item in elements.items(resource.get("class")):
        yield from filter(None, [elements.text(item.get("value"))])
