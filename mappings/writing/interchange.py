"""837 drafts as X12 interchanges: one per receiver, a functional group for each of 837P and 837I.
ISA15 is always `T`.

A claim that lacks something is not written: what it lacks is said, in one sentence per patient.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal

from msgspec import Struct

from mappings import codes
from mappings.assessment import Assessment
from mappings.record import PatientRecord, Problem
from mappings.site import BillingProvider, Site
from mappings.writing.claim_loops import Claim, address, subscriber_loops
from mappings.writing.drafts import Draft, drafts
from mappings.writing.parties import carried_address, parties, provider_lacks
from mappings.writing.segments import COMPONENT, REPETITION, Segment, segment, text, written
from mappings.writing.x12_checks import claim_faults

Kind = Literal["professional", "institutional"]
_GUIDE: dict[Kind, str] = {"professional": "005010X222A1", "institutional": "005010X223A2"}


class Refusal(Struct, frozen=True):
    """A draft that is not written."""

    draft: Draft
    lacking: tuple[str, ...]
    faults: tuple[str, ...] = ()


class Receiver(Struct, frozen=True, order=True):
    id: str
    name: str


def x12(
    document: Assessment, records: Mapping[str, PatientRecord], site: Site, now: datetime
) -> tuple[str, list[Problem]]:
    """The drafts of every ready line as one text (empty where there is none), and what keeps others
    from being written. `now` is aware."""
    provider = site.billing_provider
    lacks = provider_lacks(provider)
    problems = [_provider_problem(lacks)] if lacks else []
    complete: list[Claim] = []
    refused: dict[str, list[Refusal]] = {}
    with codes.using(site.codes):
        drafted = [
            _claim(draft, records, site) for draft in drafts(document, dialysis_by_month=True)
        ]
    for found in drafted:
        if isinstance(found, Refusal):
            refused.setdefault(found.draft.patient, []).append(found)
        else:
            complete.append(found)
    problems += [_problem(patient, rows) for patient, rows in refused.items()]
    if provider is None or lacks:
        return "", problems
    return "".join(_interchanges(complete, provider, now)), problems


def _claim(draft: Draft, records: Mapping[str, PatientRecord], site: Site) -> Claim | Refusal:
    record = records.get(draft.patient)
    if record is None:
        return Refusal(draft, ("the patient's record",))
    found = parties(draft, record, site.zone)
    if found.lacking:
        return Refusal(draft, found.lacking)
    faults = claim_faults(subscriber_loops([(draft, found)], 1))
    return Refusal(draft, (), tuple(faults)) if faults else (draft, found)


def _provider_problem(lacks: Sequence[str]) -> Problem:
    return Problem(
        "billing_provider",
        f"No 837 draft can be written: the site's billing_provider lacks {_and(lacks)}.",
    )


def _problem(patient: str, refused: Sequence[Refusal]) -> Problem:
    """One sentence: which services stay out of the file, and everything that is lacking or
    wrong."""
    days = sorted({day for row in refused for day in row.draft.dates})
    lacking = list(dict.fromkeys(what for row in refused for what in row.lacking))
    reasons = [f"it lacks {_and(lacking)}"] if lacking else []
    reasons += dict.fromkeys(fault for row in refused for fault in row.faults)
    return Problem(patient, f"The 837 draft of {_and(days)} is not written: {'; '.join(reasons)}.")


def _and(items: Sequence[str]) -> str:
    return ", ".join(items[:-1]) + f" and {items[-1]}" if len(items) > 1 else items[0]


def _interchanges(claims: Sequence[Claim], provider: BillingProvider, now: datetime) -> list[str]:
    """One per receiver: the clearinghouse, or without one each payer."""

    def receiver(claim: Claim) -> Receiver:
        who = claim[1]
        return Receiver(
            provider.receiver_id or who.payer_id, text(provider.receiver_name or who.payer, 60)
        )

    # Nine digits that differ from file to file, since the second of writing does.
    control = int(now.timestamp())
    rows = groupby(sorted(claims, key=lambda claim: (receiver(claim), claim[0].id)), receiver)
    return [
        written(_interchange(list(some), to, provider, now, (control + place) % 10**9))
        for place, (to, some) in enumerate(rows)
    ]


def _interchange(
    claims: Sequence[Claim], to: Receiver, provider: BillingProvider, now: datetime, control: int
) -> list[Segment]:
    submitter = _submitter(provider)
    kinds = [kind for kind in _GUIDE if any(draft.kind == kind for draft, _ in claims)]
    rows: list[Segment] = [
        ("ISA", "00", " " * 10, "00", " " * 10, "ZZ", f"{submitter:15}", "ZZ", f"{to.id:15}",
            f"{now:%y%m%d}", f"{now:%H%M}",
         REPETITION, "00501", f"{control:09}", "1", "T", COMPONENT)
    ]  # fmt: skip
    for place, kind in enumerate(kinds, 1):
        rows.append(
            segment(
                "GS",
                "HC",
                submitter,
                to.id,
                f"{now:%Y%m%d}",
                f"{now:%H%M}",
                place,
                "X",
                _GUIDE[kind],
            )
        )
        rows += _transaction(
            [row for row in claims if row[0].kind == kind],
            _GUIDE[kind],
            to,
            provider,
            now,
            f"{control:09}{place}",
            place,
        )
        rows.append(segment("GE", 1, place))
    return [*rows, segment("IEA", len(kinds), f"{control:09}")]


def _transaction(
    claims: Sequence[Claim],
    guide: str,
    to: Receiver,
    provider: BillingProvider,
    now: datetime,
    reference: str,
    place: int,
) -> list[Segment]:
    """ST to SE."""
    rows = [
        segment("ST", "837", f"{place:04}", guide),
        segment("BHT", "0019", "00", reference, f"{now:%Y%m%d}", f"{now:%H%M}", "CH"),
        segment("NM1", "41", 2, text(provider.name, 60), *[""] * 4, "46", _submitter(provider)),
        segment("PER", "IC", text(provider.name, 60), "TE", provider.phone),
        segment("NM1", "40", 2, to.name, *[""] * 4, "46", to.id),
        *_billing_provider(provider),
    ]
    number = 2
    by_policy = sorted(
        claims, key=lambda claim: (claim[0].patient, claim[0].coverage, claim[0].dates, claim[0].id)
    )
    for _, some in groupby(by_policy, lambda claim: (claim[0].patient, claim[0].coverage)):
        loops = subscriber_loops(list(some), number)
        number += sum(row[0] == "HL" for row in loops)
        rows += loops
    return [*rows, segment("SE", len(rows) + 1, f"{place:04}")]


def _submitter(provider: BillingProvider) -> str:
    return provider.submitter_id or provider.npi


def _billing_provider(provider: BillingProvider) -> list[Segment]:
    """2000A and 2010AA."""
    return [
        segment("HL", 1, "", 20, 1),
        *([segment("PRV", "BI", "PXC", provider.taxonomy)] if provider.taxonomy else []),
        segment("NM1", "85", 2, text(provider.name, 60), *[""] * 4, "XX", provider.npi),
        *address(carried_address(provider.address)),
        segment("REF", "EI", provider.tax_id),
    ]
