"""R12: which authorizations are the word of the payer that is billed.

Held by tests/scenarios/authorizations.yaml.
"""

from typing import Literal

from mappings.circumstances.coverage import authorizing
from mappings.record import Authorization, Coverage, Insurer, PatientRecord
from mappings.values import words

Whose = Literal["ours", "another's", "not known"]


def whose(authorization: Authorization, billed: Coverage, record: PatientRecord) -> Whose:
    """Of the payer billed: by its coverage, else by its insurer; without either, where the patient
    has no other payer."""
    known = {coverage.source.resource: coverage for coverage in record.coverages}
    named = [known[reference] for reference in authorization.coverages if reference in known]
    if named:
        ours = any(_one_payer(coverage, billed) for coverage in named)
        return "ours" if ours else "another's"
    if authorization.insurer is not None:
        return "ours" if _is_payer_of(authorization.insurer, billed) else "another's"
    return "ours" if len(authorizing(record)) <= 1 else "not known"


def _one_payer(coverage: Coverage, billed: Coverage) -> bool:
    return coverage.source == billed.source or bool(coverage.known_as & billed.known_as)


def _is_payer_of(insurer: Insurer, billed: Coverage) -> bool:
    names = {words.plain(name) for name in insurer.names}
    return bool((names | set(insurer.ids)) & (billed.known_as | set(billed.payer_ids))) or (
        insurer.payer is not None and insurer.payer == billed.payer
    )
