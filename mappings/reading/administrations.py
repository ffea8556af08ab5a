"""MedicationAdministration: what was given, when, how much, and what was thrown away (R1, R3, R5,
R12).

Held by tests/unit/test_reading_administrations.py.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from mappings import codes
from mappings.codes.conversions import mg
from mappings.reading import people
from mappings.reading.bundles import inside
from mappings.reading.bundles.collection import Collection
from mappings.reading.conditions import reason
from mappings.reading.drugs.amounts import amount
from mappings.reading.drugs.discards import (
    discarded,
    lost,
    not_read,
    only_amount,
    repeats,
    unmeasured,
)
from mappings.reading.drugs.medication import drug, named_beside
from mappings.reading.drugs.products import ProductFinder, normal_ndc
from mappings.reading.drugs.texts import (
    MOST_READ,
    SENTENCE,
    Written,
    are_too_long,
    cut,
    narrowed,
    texts,
    without,
    without_denied,
)
from mappings.reading.drugs.ungiven import not_given
from mappings.reading.fhir import elements, reasons
from mappings.reading.fhir.elements import Resource
from mappings.reading.fhir.statuses import PLAIN, StatusReader
from mappings.reading.fhir.twofold import TWICE_SAID, Twofold
from mappings.reading.giving import giving
from mappings.record import (
    Administration,
    Amount,
    Container,
    Decided,
    Discard,
    Drug,
    Giving,
    Source,
    visit_by,
)
from mappings.standing_decisions import MisreadNote
from mappings.values import own_names, words
from mappings.values.moment import Moment
from mappings.values.stated import Unread, first_unread

# What a vendor's profile or a site adds to `stopped`: a canceled order with its dose.
_AS_ORDERED = "-as-ordered"
_ORDER_NUMBERS = frozenset({"PLAC", "FILL"})
# When it was given, as R4, R5, who spells it right, and DSTU2 name it; and the forms of one time.
_EFFECTIVE = ("effective", "occurence", "occurrence", "effectiveTime")
_POINTS = ("DateTime", "Instant", "Timing")
_NONE: Mapping[str, Sequence[MisreadNote]] = {}
_NAMES = {form: tuple(f"{name}{form}" for name in _EFFECTIVE) for form in ("Period", *_POINTS)}


class NotReadable(ValueError):
    """The resource can't be read; the message says what is wrong with it."""


def administration(
    resource: Resource,
    collection: Collection,
    finder: ProductFinder,
    statuses: StatusReader = PLAIN,
    misread: Mapping[str, Sequence[MisreadNote]] = _NONE,
) -> Administration | None:
    """The Administration, or None for a drug that is none of our business. NotReadable without a
    valid status, and where it leaves open which drug it is. `misread`: by administration, that
    words of it are set aside."""
    dosages = elements.items(resource.get("dosage"))
    said = [("dosage.text", elements.text(dosage.get("text"))) for dosage in dosages]
    given = drug(resource, collection, finder, said)
    if given.unnamed and is_ordered_as_iron(resource, collection, finder):
        raise NotReadable("names no drug, and its order is for an intravenous iron")
    if given.unnamed and (element := named_beside(resource, finder)):
        raise NotReadable(f"names no drug, and its {element} names an intravenous iron")
    if not given.concerns_us and not given.lost:
        return None
    if isinstance(resource, Twofold):
        raise NotReadable(TWICE_SAID)
    status = statuses.read("MedicationAdministration.status", resource.get("status"))
    if not isinstance(status, str):
        raise NotReadable(
            "MedicationAdministration.status is missing"
            if status is None
            else "MedicationAdministration.status is not a FHIR status"
        )
    source = elements.source(resource)
    if not given.concerns_us and not is_ordered_as_iron(resource, collection, finder):
        raise NotReadable(f"medicationReference {given.lost} leads nowhere")
    start, end = _effective(resource)
    containers, containers_problem = _containers(resource, source)
    dose, bought = _dose(dosages), _bought_340b(resource)
    written = texts(resource, dosages)
    set_aside: tuple[Decided, ...] = ()
    if written and are_too_long(written):
        raise NotReadable(
            f"has notes of more than {MOST_READ:,} characters, which were not read; shorten them"
        )
    if misread:
        written, set_aside = _unmisread(written, start, misread.get(source.resource, ()))
    manner = giving(resource, status, dosages, written, dose, given, (start, end))
    visit, meta = _visit(resource, collection), elements.mapping(resource.get("meta"))
    own_order = inside.key(resource, resource.get("request"), "MedicationRequest")
    return Administration(
        source=source,
        status=status.removesuffix(_AS_ORDERED),
        as_ordered=status.endswith(_AS_ORDERED),
        drug=_as_hung(given, manner),
        start=start,
        end=end,
        unread_start=None if start else _unread_start(resource),
        dose=dose,
        giving=manner,
        encounter=visit,
        orders=(*collection.keys(resource.get("request")), *((own_order,) if own_order else ())),
        reason=reason(reasons.coded(resource), source, visit),
        reason_references=tuple(collection.keys(reasons.references(resource))),
        not_given=not_given(resource, dose),
        category=statuses.read("MedicationAdministration.category", resource.get("category")),
        discards=tuple(_discards(resource, written, given.family, source)),
        containers=containers,
        containers_problem=containers_problem,
        drug_source=_drug_source(resource),
        is_340b=bought if isinstance(bought, bool) else None,
        source_doubts=tuple(_source_doubts(resource, written, given, bought)),
        parents=_parents(resource, collection),
        identifiers=tuple(_identifiers(resource, collection)),
        updated=elements.moment(meta.get("lastUpdated")),
        misread=set_aside,
        weak=any(
            tag.get("system") == own_names.EVIDENCE for tag in elements.items(meta.get("tag"))
        ),
        performers=people.performers(resource, collection),
    )


def _unmisread(
    written: list[Written], start: Moment | None, misread: Sequence[MisreadNote]
) -> tuple[list[Written], tuple[Decided, ...]]:
    """What is written, without what people set aside of it; and their decisions."""
    used = []
    for decision, part in misread:
        left = [(element, without(text, part.words)) for element, text in written]
        if left != written and (start is None or decision.holds_on(start.first)):
            written = left
            used.append(decision.decided)
    return written, tuple(used)


def _visit(resource: Resource, collection: Collection) -> str | None:
    """The encounter that it names: by a Reference, or by an identifier alone. R4's context may be
    an episode of care, which is no visit."""
    at = elements.either(resource, "context", "encounter")
    said = elements.mapping(at)
    named = collection.key(at) or inside.key(resource, at, "Encounter")
    named = named or elements.text(said.get("reference"))
    if not named and "identifier" in said:
        named = visit_by(elements.identifier(said["identifier"]) or "")
    return named if named and "EpisodeOfCare/" not in named else None


def is_ordered_as_iron(resource: Resource, collection: Collection, finder: ProductFinder) -> bool:
    """Whether the order of an administration, which says no product, is for an IV iron."""
    request = collection.resolve(resource.get("request"), resource)
    return bool(request and drug(request, collection, finder).concerns_us)


def _effective(resource: Resource) -> tuple[Moment | None, Moment | None]:
    _, period = _of(resource, "Period")
    if period is not None:
        return elements.period(period)
    return elements.moment(_of(resource, "DateTime")[1]), None


def _of(resource: Resource, form: str) -> tuple[str, object]:
    """The element of that form which is there, and what stands in it."""
    for name in _NAMES[form]:
        if name in resource:
            return name, resource[name]
    return "", None


def _unread_start(resource: Resource) -> Unread | None:
    """A date of service that is written and can't be read."""
    name, period = _of(resource, "Period")
    start = elements.mapping(period).get("start")
    written = [(f"{name}.start", start), *(_of(resource, form) for form in _POINTS)]
    return first_unread(elements.stated(said, name) for name, said in written)


def _dose(dosages: list[Resource]) -> Amount:
    if len(dosages) > 1:
        return Amount(problem="recorded more than once in one administration")
    return amount(dosages[0].get("dose")) if dosages else Amount(problem="missing")


def _as_hung(given: Drug, manner: Giving) -> Drug:
    """The drug; a dose in mL of what the record calls a mixture is not one of the vial."""
    return msgspec.structs.replace(given, diluted=True) if manner.mixture else given


def _discards(
    resource: Resource, written: list[Written], family: str | None, source: Source
) -> Iterator[Discard]:
    """What is documented as discarded; of what a note says in words that are not read, that which
    none of the others repeats."""
    notes = [text for element, text in written if element == "note"]
    instructions = [text for element, text in written if element != "note"]
    notes += instructions
    found = [
        Discard(_discarded_amount(extension), source)
        for extension in elements.extensions(resource, own_names.DISCARDED_AMOUNT)
    ]
    for note in filter(None, notes):
        found += [Discard(amount, source, from_note=True) for amount in discarded(note, family)]
    yield from found
    read = [discard.amount for discard in found if discard.amount.value]
    for note in filter(None, notes):
        for said in not_read(note):
            if not any(repeats(said.says, amount) for amount in read):
                perhaps = None if note in instructions else only_amount(said.says)
                yield Discard(said, source, from_note=True, perhaps=perhaps)
        for said in (*(() if found else unmeasured(note)), *(() if read else lost(note))):
            yield Discard(said, source, from_note=True)


def _discarded_amount(extension: Resource) -> Amount:
    """The amount of the extension; one without a Quantity says what it has instead."""
    named = next(
        (
            name
            for name in sorted(extension)
            if name.startswith("value") and extension[name] is not None
        ),
        None,
    )
    if named == "valueQuantity":
        found = amount(extension[named])
    else:
        found = Amount(
            problem=f"as {named} instead of valueQuantity" if named else "without a value"
        )
    return (
        found
        if found.says
        else msgspec.structs.replace(found, says=f"an amount recorded {found.problem}")
    )


def _containers(resource: Resource, source: Source) -> tuple[tuple[Container, ...], str | None]:
    found: list[Container] = []
    for extension in elements.extensions(resource, own_names.CONTAINERS_OPENED):
        inner = {part.get("url"): part for part in elements.items(extension.get("extension"))}
        count = elements.mapping(inner.get("count")).get("valueInteger")
        if isinstance(count, bool) or not isinstance(count, int) or not 0 < count < 1000:
            return (), "containers-opened without a count of at least one"
        ndc = normal_ndc(elements.text(elements.mapping(inner.get("ndc")).get("valueString")))
        package = codes.packages().get(ndc or "")
        documented = mg(amount(elements.mapping(inner.get("size")).get("valueQuantity")))
        if documented is not None and (documented <= 0 or (package and package.mg != documented)):
            return (
                (),
                (
                    "size and NDC of an opened container disagree"
                    if documented > 0
                    else "containers-opened with a size that can't be"
                ),
            )
        found.append(Container(documented or (package.mg if package else None), count, ndc, source))
    return tuple(found), None


def _drug_source(resource: Resource) -> str | None:
    for extension in elements.extensions(resource, own_names.DRUG_SOURCE):
        concept = elements.concept(
            extension.get("valueCodeableConcept") or extension.get("valueCoding")
        )
        said = (extension.get("valueCode"), extension.get("valueString"))
        written = (*map(elements.text, said), *(one.code for one in concept.codings), concept.text)
        return next(filter(None, written), "a value that is not read")
    return None


def _bought_340b(resource: Resource) -> bool | Unread | None:
    for extension in elements.extensions(resource, own_names.BOUGHT_340B):
        values = [extension[name] for name in sorted(extension) if name.startswith("value")]
        return elements.flag(values[0] if values else "without a value", own_names.BOUGHT_340B)
    return None


def _source_doubts(
    resource: Resource, written: list[Written], given: Drug, bought: bool | Unread | None
) -> Iterator[Unread]:
    """What says, in words alone, that somebody else supplied the drug; and a 340B that is not
    understood."""
    if isinstance(bought, Unread):
        yield bought
    if not elements.extensions(resource, own_names.DRUG_SOURCE):
        for element, text in [("medication", given.says), *written]:
            says = _names_supplier if element == "medication" else _says_supplied
            if says(text):
                yield Unread(element, cut(narrowed(text, says)))


@codes.remembered
def _names_supplier(text: str) -> bool:
    """A drug so named: "patient provided"."""
    named = words.first_of(text, codes.products().supplied.alone)
    return named is not None or _says_supplied(text)


@codes.remembered
def _says_supplied(text: str) -> bool:
    """Words of one sentence; "patient provided" at the end of one."""
    table = codes.products().supplied
    ends = tuple(map(words.plain, table.alone))
    return any(
        table.named_in(part) or words.plain(part).endswith(ends)
        for part in SENTENCE.split(without_denied(text))
    )


def _parents(resource: Resource, collection: Collection) -> tuple[str, ...]:
    """The administrations that it is part of; one that can't be followed is named, too, so that it
    never counts as a whole."""
    said = resource.get("partOf")
    if said is None:
        return ()
    keys = [(collection.key(part), part.get("type")) for part in elements.items(said)]
    texts = elements.texts(said) if isinstance(said, list) else ()
    keys += [(collection.key({"reference": text}), None) for text in texts]
    named = [
        key
        for key, _ in keys
        if key and ("MedicationAdministration/" in key or key.startswith("urn:"))
    ]
    return tuple(
        named
        + [
            "MedicationAdministration"
            for key, kind in keys
            if key is None and kind == "MedicationAdministration"
        ]
    )


def _identifiers(resource: Resource, collection: Collection) -> Iterator[str]:
    """Business identifiers; that of the order says nothing of the dose."""
    order = collection.resolve(resource.get("request"), resource) or {}
    of_the_order = elements.identifiers(order.get("identifier"))
    for item in elements.items(resource.get("identifier")):
        named = elements.identifier(item)
        if named and named not in of_the_order and not _names_order(item):
            yield named


def _names_order(identifier: Resource) -> bool:
    """HL7 v2 table 0203: the number of the order, as who placed or filled it gives it."""
    return not _ORDER_NUMBERS.isdisjoint(elements.codes(identifier.get("type")))
