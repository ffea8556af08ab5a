"""What a card offers to do in the order dialog: tests that are missing, products that the payer
prefers. A diagnosis is offered by nobody: which one it is, the clinician says, and not the payer.

Held by tests/unit/test_cds_cards.py.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from integration.cds.foreseen import Foreseen
from integration.web.entries import draft_order
from integration.wording import words
from mappings import codes
from mappings.codes.requirement import OrderableTest
from mappings.policy.choosing import PolicySet
from mappings.values import systems
from mappings.values.words import within

Resource = dict[str, Any]
_MOST_PRODUCTS = 3
# What stays of an order whose drug is changed; the dose is another one for another drug.
_KEPT = ("subject", "encounter", "reasonCode", "reasonReference", "insurance", "requester")


def tests(some: Sequence[Foreseen], patient: str) -> list[Resource]:
    """One suggestion with an order for each test that is missing. A result outside the payer's
    limit does not get better by ordering another."""
    actions: dict[str, Resource] = {}
    for one in some:
        test = codes.requirements()[one.found.requirement].test
        if test and one.found.state != "not-covered":
            actions.setdefault(test.name, _order(test, patient, one))
    if not actions:
        return []
    label = f"Order {words.joined([within(name) for name in actions])}"
    return [_suggested(label, list(actions.values()))]


def _order(test: OrderableTest, patient: str, of: Foreseen) -> Resource:
    """For the day of a dose to come; a result of today may be too old then."""
    draft = draft_order(test, patient)
    if of.is_later:
        draft["occurrenceDateTime"] = of.day.isoformat()
    return {"type": "create", "description": f"Order {within(test.name)}", "resource": draft}


def products(some: Sequence[Foreseen], policies: PolicySet, patient: str) -> list[Resource]:
    """Instead of a draft that stands by itself, an order of each product that its payer prefers,
    without a dose."""
    found: list[Resource] = []
    for one in some:
        name, order = one.draft.draft, one.draft.order
        for drug, concept in _preferred(one, policies) if name else ():
            kept = {element: order[element] for element in _KEPT if element in order}
            draft = {
                "resourceType": "MedicationRequest",
                "status": "draft",
                "intent": "order",
                "medicationCodeableConcept": concept,
                "subject": {"reference": f"Patient/{patient}"},
                **kept,
            }
            removed = {"type": "delete", "description": f"Remove {one.drug}", "resourceId": name}
            added = {"type": "create", "description": f"Order {drug}", "resource": draft}
            found.append(_suggested(f"Order {drug} instead of {one.drug}", [removed, added]))
    return found[:_MOST_PRODUCTS]


def _preferred(one: Foreseen, policies: PolicySet) -> Iterator[tuple[str, Resource]]:
    """Names and concepts of the drugs."""
    policy = policies.named(one.found.decided_by)
    is_of_product = codes.requirements()[one.found.requirement].group == "product"
    rule = policy.requirements.preferred_product if policy and is_of_product else None
    if rule is None:
        return
    known = codes.in_force().billing_codes
    families = dict.fromkeys(codes.family_of(code) for code in rule.preferred if code in known)
    for family in families:
        coded = [{"system": systems.RXNORM, "code": code} for code in family.rxnorm[:1]]
        yield family.name, {"text": family.name, **({"coding": coded} if coded else {})}


def _suggested(label: str, actions: list[Resource]) -> Resource:
    return {"label": label, "uuid": str(uuid.uuid4()), "actions": actions}
