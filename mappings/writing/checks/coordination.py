"""2320 to 2330, 2430: who else pays, and what those before paid.

Held by tests/unit/test_claim_checks.py.
"""

from collections.abc import Sequence
from decimal import Decimal

from mappings.writing.checks import medicare
from mappings.writing.checks.about import About
from mappings.writing.checks.fault import Findings, Found, amount, element, first_of
from mappings.writing.checks.people import SEQUENCES
from mappings.writing.x12.segments import Segment


def other_payers(
    segments: Sequence[Segment], others: Sequence[tuple[int, Sequence[Segment]]], about: About
) -> Findings:
    """2320: each with OI, its subscriber and its payer; one place in the order each. What was paid
    before stands in AMT*D, or that the payer was passed over (AMT*A8).
    `segments`: the whole claim."""
    places = {about.payer_place}
    for start, loop in others:
        place = element(loop[0], 1)
        if place in places:
            yield Found(f"two payers are {place} in the order of payers (SBR01)", start)
        places.add(place)
        before = SEQUENCES.find(place) < SEQUENCES.find(about.payer_place)
        if before and not (first_of(loop, "AMT", "D") or first_of(loop, "AMT", "A8")):
            yield Found(f"payer {place} pays before, and AMT*D does not say how much (2320)", start)
        if before:
            yield from _balance(segments, start, loop)
        is_medicare = element(loop[0], 9) in medicare.FILINGS and not about.institutional
        if is_medicare and place != "P":
            yield from medicare.why_second(loop[0], start)
        if not first_of(loop, "OI"):
            yield Found("the other payer's loop has no OI (2320)", start)
        entities = {element(segment, 1) for segment in loop if segment[0] == "NM1"}
        for wanted in {"IL", "PR"} - entities:
            yield Found(f"the other payer's loop has no NM1*{wanted} (2330)", start)
        if not element(loop[0], 2):
            yield Found("SBR02 of the other payer does not say whose policy it is", start)
    if about.payer_place != "P" and "P" not in places:
        yield Found(
            f"the claim is for payer {about.payer_place} in the order, and no loop 2320 says what"
            " the first one paid",
            0,
        )


def _balance(segments: Sequence[Segment], start: int, loop: Sequence[Segment]) -> Findings:
    """What a payer paid and what it adjusted, on the claim and on its lines, come to the charge
    (X222 and X223, 1.4.4)."""
    charge, paid = amount(element(segments[0], 2)), amount(element(first_of(loop, "AMT", "D"), 2))
    number, payer = element(first_of(loop, "NM1", "PR"), 9), ""
    adjusted = [segment for segment in loop if segment[0] == "CAS"]
    for segment in segments[start + len(loop) :]:
        if segment[0] in ("LX", "SVD"):
            payer = element(segment, 1) if segment[0] == "SVD" else ""
        elif segment[0] == "CAS" and payer == number:
            adjusted.append(segment)
    total = sum((_adjustment(segment) for segment in adjusted), Decimal(0))
    if adjusted and paid is not None and charge is not None and paid + total != charge:
        place = element(loop[0], 1)
        says = f"payer {place} paid {paid} and adjusted {total}, which is not the charge {charge}"
        yield Found(says, start)


def _adjustment(segment: Segment) -> Decimal:
    """Of up to six reasons; one can be negative."""
    found = Decimal(0)
    for text in segment[3::3]:
        found += -(amount(text[1:]) or 0) if text.startswith("-") else amount(text) or 0
    return found
