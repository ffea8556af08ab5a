"""What is too much for one claim becomes several, each with its own number and sum; a dose and its
discard never part.

Held by tests/unit/test_charges.py.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain

from mappings import codes
from mappings.assessment import ClaimLine
from mappings.site import DIALYSIS, ClaimKind
from mappings.writing.preparing.drafts import Draft, ServiceLine, draft_of, pairs

Priced = tuple[ClaimLine, tuple[ServiceLine, ...]]


def split(draft: Draft, priced: Sequence[Priced]) -> list[list[Priced]]:
    """The lines of a draft by the claims that they make, in their order. A dialysis facility's
    month is one claim."""
    if draft.bill_type == DIALYSIS:
        return [list(priced)]
    services = dict(zip([line.id for line, _ in priced], priced, strict=True))
    parts: list[list[Priced]] = []
    for pair in pairs(line for line, _ in priced):
        services_of_part = [services[line.id] for line in pair]
        if parts and not list(excess(draft.kind, [*parts[-1], *services_of_part])):
            parts[-1] += services_of_part
        else:
            parts.append(services_of_part)
    return parts


def excess(
    kind: ClaimKind, priced: Sequence[Priced], others: Sequence[Decimal] = ()
) -> Iterator[str]:
    """By what these lines, with `others` of the facility's own, are too much for one claim."""
    limits = codes.claim_forms().limits
    count = sum(len(parts) for _, parts in priced) + len(others)
    if count > limits.lines[kind]:
        yield f"{count} service lines, of which {limits.lines[kind]} fit"
    diagnoses = set(chain.from_iterable(line.diagnoses for line, _ in priced))
    if len(diagnoses) > limits.diagnoses[kind]:
        yield f"{len(diagnoses)} diagnoses, of which {limits.diagnoses[kind]} fit"
    charged = chain.from_iterable(parts for _, parts in priced)
    total = sum((part.value or Decimal(0) for part in charged), Decimal(0))
    total += sum(others, Decimal(0))
    if total > limits.charge:
        yield f"charges of {total:,}, where {limits.charge:,} is the most"


def part_of(draft: Draft, priced: Sequence[Priced]) -> Draft:
    """The draft of these lines alone, with an id of its own."""
    return draft_of(draft.patient, [line for line, _ in priced])
