"""Who renders or attends: never the nurse who gave the drug.

Held by tests/unit/test_writing_claims.py.
"""

from collections.abc import Iterable
from datetime import tzinfo
from itertools import chain

from mappings import codes
from mappings.circumstances.visit import encounter_of
from mappings.record import Administration, Encounter, PatientRecord, Practitioner
from mappings.values import words
from mappings.values.stated import only
from mappings.writing.preparing.drafts import Draft


def practitioner_of(
    draft: Draft, record: PatientRecord, zone: tzinfo | None
) -> Practitioner | None:
    """The one practitioner that the draft is by; None where nobody or several can be named."""
    found = practitioners(draft, record, zone)
    return only(found)


def practitioners(draft: Draft, record: PatientRecord, zone: tzinfo | None) -> list[Practitioner]:
    """The attender, else the primary performer of the encounters; on a professional claim else who
    gave the drug, where that may render. Each with NPI, once."""
    given = administrations(draft, record)
    visits = encounters(draft, record, zone)
    present = list(chain.from_iterable(visit.participants for visit in visits))
    gave = list(chain.from_iterable(administration.performers for administration in given))
    hands = {who.npi for who in gave if who.npi}
    attending = [who for who in present if who.role == "ATND" and not is_nurse(who)]
    primary = [who for who in present if who.role == "PPRF" and _renders(who, hands)]
    ranks = [attending, primary]
    if draft.kind == "professional":
        ranks.append([who for who in gave if may_render(who)])
    return next(filter(None, map(_distinct, ranks)), [])


def administrations(draft: Draft, record: PatientRecord) -> list[Administration]:
    references = set(chain.from_iterable(line.administrations for line in draft.lines))
    return [
        administration
        for administration in record.administrations
        if administration.source.resource in references
    ]


def encounters(draft: Draft, record: PatientRecord, zone: tzinfo | None) -> list[Encounter]:
    """The encounters in which the draft's doses were given, each once."""
    found = (
        encounter_of(administration, record, zone)
        for administration in administrations(draft, record)
    )
    return list({visit.source.resource: visit for visit in found if visit}.values())


def nurses(draft: Draft, record: PatientRecord) -> bool:
    """Whether somebody who gave the drug has an NPI and yet can't be named as who rendered."""
    given = administrations(draft, record)
    gave = chain.from_iterable(administration.performers for administration in given)
    return any(who.npi and not may_render(who) for who in gave)


def _renders(who: Practitioner, hands: set[str]) -> bool:
    """The primary performer of a visit, unless it is the one who gave the drug and nothing tells
    that they may render."""
    return may_render(who) if who.npi in hands else not is_nurse(who)


def is_nurse(who: Practitioner) -> bool:
    """Or another whose license bills nothing of its own: by taxonomy, else by credentials."""
    table = codes.claim_forms().practitioners
    if who.taxonomy:
        return who.taxonomy.startswith(table.never)
    return _said(who, table.never_words) and not _said(who, table.rendering_words)


def may_render(who: Practitioner) -> bool:
    """Whether a taxonomy, or else a credential, says so."""
    table = codes.claim_forms().practitioners
    if who.taxonomy:
        return who.taxonomy.startswith(table.rendering)
    return _said(who, table.rendering_words)


def _said(who: Practitioner, wanted: tuple[str, ...]) -> bool:
    texts = [text.replace(".", "") for text in who.credentials]
    return any(words.first_of(text, wanted) is not None for text in texts)


def _distinct(people: Iterable[Practitioner]) -> list[Practitioner]:
    return list({who.npi: who for who in people if who.npi and who.name}.values())
