"""837 drafts of an assessment: what would leave, as one text. ISA15 is always `T`.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, count, groupby

from mappings import codes
from mappings.assessment import Assessment
from mappings.record import PatientRecord, Problem
from mappings.site import Site
from mappings.values.moment import shown
from mappings.writing.form837.interchange import Interchange
from mappings.writing.preparing.billers import provider_lacks
from mappings.writing.preparing.drafts import FORMS
from mappings.writing.preparing.prepare import Basis, LeftOut, listed, prepare
from mappings.writing.preparing.prepared import Claim

_DIGITS = 10**9


def x12(
    document: Assessment, records: Mapping[str, PatientRecord], site: Site, now: datetime
) -> tuple[str, list[Problem]]:
    """The drafts of every ready line as one text (empty where there is none), and what keeps others
    from being written. `now` is aware."""
    lacks = provider_lacks(site.billing_provider)
    if lacks and not site.billing_providers:
        says = f"No 837 draft can be written: the site's billing_provider lacks {listed(lacks)}."
        return "", [Problem("billing_provider", says)]
    with codes.using(site.codes):
        return _drafted(document, records, site, now)


def _drafted(
    document: Assessment, records: Mapping[str, PatientRecord], site: Site, now: datetime
) -> tuple[str, list[Problem]]:
    basis = Basis(site=site, is_draft=True)
    refused: dict[str, list[LeftOut]] = {}
    complete: list[Claim] = []
    for assessed in document.patients:
        patient = assessed.patient
        ready = [line for line in assessed.lines if line.status == "ready"]
        for found in prepare(patient, ready, records.get(patient), basis):
            if isinstance(found, Claim):
                complete.append(found)
            elif isinstance(found, LeftOut):
                refused.setdefault(patient, []).append(found)
    text = "".join(_interchanges(complete, now.astimezone(site.zone or now.tzinfo), refused))
    return text, [_problem(name, drafts) for name, drafts in sorted(refused.items())]


def _interchanges(
    claims: Sequence[Claim], now: datetime, refused: dict[str, list[LeftOut]]
) -> Iterator[str]:
    """One per receiver and kind of claim."""
    # Numbers that differ from file to file, since the second of writing does.
    numbers = (number % _DIGITS for number in count(int(now.timestamp())))
    ordered = sorted(claims, key=_address)
    for _, some in groupby(ordered, _address):
        own = list(some)
        parts: list[str] = []
        file = Interchange(parts.append, own[0].receiver, own[0].kind, now, numbers, test=True)
        for batch in by_subscriber(own):
            for claim, faults in written(file, batch):
                reasons = LeftOut(claim.draft.patient, claim.draft.lines, tuple(faults))
                refused.setdefault(claim.draft.patient, []).append(reasons)
        file.close()
        if file.claims:
            yield "".join(parts)


def written(file: Interchange, batch: Sequence[Claim]) -> list[tuple[Claim, list[str]]]:
    """Adds claims of one subscriber; those with a fault stay out, and are given back with it."""
    faults = file.add(batch)
    if not faults:
        return []
    if len(batch) == 1:
        return [(batch[0], faults)]
    return list(chain.from_iterable(written(file, [claim]) for claim in batch))


def _address(claim: Claim) -> tuple[str, str]:
    return claim.receiver.id, FORMS[claim.kind]


def by_subscriber(claims: Iterable[Claim]) -> Iterator[list[Claim]]:
    """Those that follow each other with one patient, one policy and one biller."""
    keys = groupby(
        claims, lambda claim: (claim.draft.patient, claim.draft.coverage, claim.provider)
    )
    for _, some in keys:
        yield list(some)


def _problem(patient: str, refused: Sequence[LeftOut]) -> Problem:
    """One sentence: which services stay out of the file, and every reason."""
    lines = chain.from_iterable(draft.lines for draft in refused)
    days = sorted({line.service_date or "" for line in lines})
    reasons = dict.fromkeys(chain.from_iterable(draft.reasons for draft in refused))
    return Problem(
        patient,
        f"The 837 draft of {listed(list(map(shown, days)))} is not written: {'; '.join(reasons)}.",
    )
