"""From lines that may leave to claims, or to the sentence that says why one does not.

Held by tests/unit/test_claim_contents.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

from msgspec import Struct

from mappings import codes
from mappings.assessment import ClaimLine
from mappings.record import PatientRecord
from mappings.site import DIALYSIS, BillingProvider, Receiver, Site
from mappings.values.moment import shown
from mappings.values.us_dates import us_date
from mappings.writing.preparing.billers import provider_lacks
from mappings.writing.preparing.charges import AllowedPrices, Charging
from mappings.writing.preparing.drafts import Draft, again, drawn, ndcs_of, service_lines
from mappings.writing.preparing.insurance import coverage_of
from mappings.writing.preparing.parties import Parties, parties
from mappings.writing.preparing.prepared import Claim, claim_number
from mappings.writing.preparing.splitting import Priced, excess, part_of, split
from mappings.writing.preparing.statements import FacilityFile, Statement, statement
from mappings.writing.x12.segments import carried, text


class Basis(Struct, frozen=True, kw_only=True):
    """What claims of a site rest on beside the chart. `is_draft`: it shows what would leave, and
    never leaves."""

    site: Site
    charging: Charging = AllowedPrices()
    facility: FacilityFile = FacilityFile({})
    is_draft: bool = False


class LeftOut(Struct, frozen=True):
    """Lines that stay out of every file, and why, each reason half a sentence."""

    patient: str
    lines: tuple[ClaimLine, ...]
    reasons: tuple[str, ...]

    @property
    def says(self) -> str:
        days = sorted({line.service_date or "an unknown date" for line in self.lines})
        return (
            f"The claim of {listed(list(map(shown, days)))} is not written:"
            f" {'; '.join(self.reasons)}."
        )


class ChargeLines(Struct, frozen=True):
    """A draft whose lines the facility adds to its own claim."""

    draft: Draft
    services: tuple[Priced, ...]


Prepared = Claim | LeftOut | ChargeLines


def prepare(
    patient: str,
    lines: Sequence[ClaimLine],
    record: PatientRecord | None,
    basis: Basis,
    sent: Sequence[ClaimLine] = (),
) -> Iterator[Prepared]:
    """Everything that the lines of one patient come to. `sent`: their lines that left before."""
    loose = [line for line in lines if not _placed(line)]
    if loose:
        yield LeftOut(
            patient, tuple(loose), ("it lacks a date of service, a payer or a place of service",)
        )
    for draft in drawn(patient, [line for line in lines if _placed(line)]):
        if record is None:
            yield LeftOut(patient, draft.lines, ("it lacks the patient's record",))
        else:
            yield from _prepared(draft, record, basis, sent)


def _placed(line: ClaimLine) -> bool:
    return bool(line.service_date and line.coverage and line.place_of_service)


def _prepared(
    draft: Draft, record: PatientRecord, basis: Basis, sent: Sequence[ClaimLine]
) -> Iterator[Prepared]:
    who = parties(draft, record, basis.site)
    priced, reasons = _priced(draft, record, who, basis, again(draft.lines, sent))
    entries = basis.facility.of(draft)
    if _goes_to_the_facility(draft, basis, bool(entries)):
        yield ChargeLines(draft, tuple(priced))
        return
    made, lacking = statement(draft, entries) if draft.bill_type else (None, [])
    reasons = [
        *_lacks(who.lacking, "it lacks"),
        *_lacks([] if basis.is_draft else lacking, "the facility's file lacks"),
        *reasons,
    ]
    provider = basis.site.biller(draft.kind, draft.bill_type)
    receiver = _receiver(draft, who, provider, basis)
    reasons += _addressed(draft, who, provider, receiver, basis)
    parts = split(draft, priced)
    if len(parts) > 1 and made is not None and made.lines:
        reasons.append(
            "it is too large for one claim, and the facility's own lines can't be parted"
        )
    for rows_of_claim in parts:
        found = reasons + _too_much(draft, rows_of_claim, made, basis)
        if found or provider is None or receiver is None:
            lines = tuple(line for line, _ in rows_of_claim)
            yield LeftOut(draft.patient, lines, tuple(dict.fromkeys(found)))
        else:
            part = part_of(draft, rows_of_claim)
            services = tuple(chain.from_iterable(own for _, own in rows_of_claim))
            yield Claim(
                number=claim_number(part.id),
                draft=part,
                who=who,
                services=services,
                provider=provider,
                receiver=receiver,
                statement=made,
                note=_note(part) if basis.is_draft else None,
            )


_NOTE = "DRAFT, NOT A CLAIM. CHARGES ARE PAYMENT LIMITS, 0 WHERE PACKAGED OR NOT KNOWN"
_DIALYSIS_NOTE = "DRAFT OF THE DRUG LINES ONLY. ADD DIALYSIS LINES, VALUE AND CONDITION CODES"


def _note(draft: Draft) -> str:
    return _DIALYSIS_NOTE if draft.bill_type == DIALYSIS else _NOTE


def _goes_to_the_facility(draft: Draft, basis: Basis, has_rows: bool) -> bool:
    """A hospital's lines belong on its own claim, unless the site says that ours stands alone or
    gives the other lines. A dialysis facility's month is always a claim."""
    if basis.is_draft or not draft.bill_type or draft.bill_type == DIALYSIS:
        return False
    return draft.bill_type not in basis.site.stand_alone and not has_rows


def _priced(
    draft: Draft, record: PatientRecord, who: Parties, basis: Basis, repeated: Mapping[str, str]
) -> tuple[list[Priced], list[str]]:
    """The service lines of each line; what has no price, or a drug not on the market, is named.
    `repeated`: modifiers of second visits, by line."""
    coverage = coverage_of(record, draft.coverage)
    several = coverage.payor.on_claims.several_ndcs if coverage else "apart"
    priced: list[Priced] = []
    reasons: list[str] = []
    unpriced: dict[str, None] = {}
    by_id = {line.id: line for line in draft.lines}
    for line in draft.lines:
        value = basis.charging.of(line, who.aliases)
        if value is None:
            unpriced[f"{line.code} on {shown(line.service_date or '')}"] = None
        elif not value and not basis.is_draft:
            reasons.append(
                f"the charge of {line.code} on {shown(line.service_date or '')} is nothing"
            )
        dose, modifier = by_id.get(line.discard_of or ""), repeated.get(line.id)
        parts = tuple(service_lines(line, value, several, dose, modifier))
        priced.append((line, parts))
        reasons += _faults_of(line, [len(part.modifiers) for part in parts])
    if unpriced:
        payer = f" for {who.aliases[0]}" if who.aliases else ""
        reasons.append(f"the price file has no price of {listed(list(unpriced))}{payer}")
    return priced, reasons


def _faults_of(line: ClaimLine, modifiers: Iterable[int]) -> Iterator[str]:
    day = date.fromisoformat(line.service_date or "")
    for ndc in ndcs_of(line):
        package = codes.packages().get(ndc.code)
        if package is not None and not package.holds(day):
            yield f"the NDC {ndc.code} was not on the market on {us_date(day)}"
    most = codes.claim_forms().limits.modifiers
    if any(count > most for count in modifiers):
        yield f"{line.code} on {us_date(day)} has more than {most} modifiers"


def _receiver(
    draft: Draft, who: Parties, provider: BillingProvider | None, basis: Basis
) -> Receiver | None:
    """The first that takes the claim. A draft without one is addressed to the payer itself."""
    for receiver in basis.site.receivers:
        if receiver.takes(draft.kind, who.aliases):
            return receiver
    if basis.is_draft and provider is not None:
        return Receiver(
            name=who.first.payer, id=who.first.payer_id or "PAYER", sender_id=provider.npi
        )
    return None


def _addressed(
    draft: Draft,
    who: Parties,
    provider: BillingProvider | None,
    receiver: Receiver | None,
    basis: Basis,
) -> list[str]:
    lacks = provider_lacks(provider)
    reasons = [f"the site's billing_provider lacks {listed(lacks)}"] if lacks else []
    if receiver is None and not basis.is_draft:
        payer = who.aliases[0] if who.aliases else "this payer"
        reasons.append(
            f"no receiver of the site accepts {draft.kind} claims for {payer}: add one to receivers"
        )
    if receiver is not None and not text(receiver.name, 60):
        reasons.append("the receiver's name can't be written in X12")
    if receiver is not None and receiver.sender_name and not text(receiver.sender_name, 60):
        reasons.append("the receiver's sender_name can't be written in X12")
    return reasons


def _too_much(
    draft: Draft, priced: Sequence[Priced], made: Statement | None, basis: Basis
) -> list[str]:
    others = [other.charge for other in made.lines] if made else []
    found = list(excess(draft.kind, priced, others))
    found += [
        f"a prior authorization that X12 can't carry ({line.code})" for line in _uncarried(priced)
    ]
    charged = chain.from_iterable(parts for _, parts in priced)
    total = sum(part.value or 0 for part in charged) + sum(others)
    if not total and not basis.is_draft:
        found.append("a claim of nothing is not sent")
    return found


def _uncarried(priced: Sequence[Priced]) -> list[ClaimLine]:
    return [
        line
        for line, _ in priced
        if line.prior_authorization and not carried(line.prior_authorization)
    ]


def _lacks(lacking: Sequence[str], begins: str) -> list[str]:
    return [f"{begins} {listed(lacking)}"] if lacking else []


def listed(items: Sequence[str]) -> str:
    return ", ".join(items[:-1]) + f" and {items[-1]}" if len(items) > 1 else items[0]
