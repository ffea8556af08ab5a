"""The page of what claim files may hold."""

from collections.abc import Iterable
from typing import Protocol

from docs.make.markdown import table
from mappings import codes
from mappings.values.numbers import CENT


class _Sourced(Protocol):
    @property
    def source(self) -> str: ...
    @property
    def verified(self) -> bool: ...


def claim_forms() -> str:
    forms = codes.claim_forms()
    limits, people, dialysis = forms.limits, forms.practitioners, forms.dialysis
    most = [
        ("claims in a transaction set", limits.claims_in_set),
        *((f"service lines of a claim, {kind}", count) for kind, count in limits.lines.items()),
        *((f"diagnoses of a claim, {kind}", count) for kind, count in limits.diagnoses.items()),
        ("diagnoses that a line points to", limits.pointers),
        ("modifiers of a line", limits.modifiers),
        ("charge of a claim, in dollars", limits.charge.quantize(CENT)),
    ]
    who = [
        ("may render or attend, by taxonomy (its first characters)", people.rendering),
        ("may render or attend, by credential", people.rendering_words),
        ("never, by taxonomy", people.never),
        ("never, by credential", people.never_words),
    ]
    of_dialysis = [
        ("one condition code of", dialysis.conditions),
        ("the condition code of acute kidney injury", dialysis.acute_condition),
        ("value codes (D5 not in acute kidney injury)", dialysis.values),
        ("one value code of", dialysis.one_of_values),
        ("occurrence code (not in acute kidney injury)", dialysis.occurrence),
        ("a treatment, by the first digits of its revenue code", dialysis.treatment_revenue),
    ]
    goes_on = [
        ("frequency while treatment goes on (patient status 30)", forms.frequency.still_patient),
        ("frequency when it ended", forms.frequency.ended),
    ]
    filing = [
        *(
            (f"{', '.join(row.kinds)}, by name: {', '.join(row.words)}", row.filing)
            for row in forms.filing.named
        ),
        *forms.filing.kinds.items(),
    ]
    ndcs, lists, medicare = forms.several_ndcs, forms.lists, forms.medicare
    modifiers = [("first NDC of a line", ndcs.first), ("any other", ndcs.other)]
    repeated = [("a drug", forms.repeated.drug), ("giving it", forms.repeated.service)]
    looked_up = [
        ("states", sorted(lists.states)),
        ("places of service", sorted(lists.places_of_service)),
        ("diagnoses that are divided further, and stand on no claim", sorted(lists.headings)),
        ("places where nobody is named as having rendered", sorted(lists.without_practitioner)),
        ("no number, whatever it stands for", sorted(lists.placeholders)),
    ]
    of_medicare = [
        ("years from the service to the claim", medicare.years_to_file),
        ("places where each drug has JW or JZ", sorted(medicare.discards_named_at)),
        ("the one frequency of an 837P (CLM05-3)", medicare.part_b_frequency),
        *(
            (f"claim change reasons of an 837I of frequency {frequency} (HI*BG), one of", reasons)
            for frequency, reasons in medicare.change_reasons.items()
        ),
    ]
    return f"""# Claim files

What [claims that leave](../claim-files.md) may hold, and who and what stands on them. `ferroclaim
claims check` holds any 837 to the same tables.

## At most

What is more becomes several claims.

{_rows("at most", most, limits)}

## Who may stand on a claim

A nurse who gave the drug renders nothing.

{_rows("who", who, people)}

## Frequency and patient status

{_rows("what", goes_on, forms.frequency)}

## A dialysis facility's month (72X)

{_rows("needs", of_dialysis, dialysis)}

## Which kind of payer (SBR09)

The first that holds. Original Medicare is `MB`, on an 837I `MA`.

{_rows("kind", filing, forms.filing)}

## Why Medicare pays second

X12 1336 (SBR05), by [a person's decision](../decisions.md).

{_rows("code", forms.medicare_secondary.types.items(), forms.medicare_secondary)}

## A line of two NDCs, where the payer asks for modifiers

{_rows("NDC", modifiers, ndcs)}

## A second visit of the day

{_rows("line of", repeated, forms.repeated)}

## What front ends look up

{_rows("what", looked_up, lists)}

## What Medicare's contractors refuse

{_rows("what", of_medicare, medicare)}
"""


def _rows(head: str, rows: Iterable[tuple[object, object]], part: _Sourced) -> str:
    found = [(name, value, part.source, part.verified) for name, value in rows]
    return table([head, "value", "source", "verified"], found)
