"""R10: one small function per requirement; each says for one administration what it finds, or
that it is not asked.

A requirement that stands in the table without a function here is decided as *no*: it holds the line
(`not-yet-decided`).
"""

from collections.abc import Callable

from mappings.charge.charge import Charge
from mappings.charge.neighbors import Neighbors
from mappings.policy.rules import Rule
from mappings.requirements import billing, claim, clinical, labs, safety
from mappings.requirements.result import Result

Check = Callable[[Charge, Neighbors], Result | None]


def _alone(check: Callable[[Charge], Result | None]) -> Check:
    """A check that asks nothing of the patient's other doses."""
    return lambda charge, _: check(charge)


CHECKS: dict[str, Check] = {
    "service-date": _alone(claim.service_date),
    "product": _alone(claim.product),
    "dose": _alone(claim.dose),
    "ndc": _alone(claim.ndc),
    "discarded-amount": claim.discarded_amount,
    "units-limit": claim.units_limit,
    "infusion-time": _alone(claim.infusion_time),
    "iron-deficiency-diagnosis": _alone(clinical.iron_deficiency_diagnosis),
    "ckd-diagnosis": _alone(clinical.ckd_diagnosis),
    "anemia-ckd-link": _alone(clinical.anemia_ckd_link),
    "treatment-plan": _alone(clinical.treatment_plan),
    "oral-iron-history": _alone(clinical.oral_iron_history),
    "progress-note": _alone(clinical.progress_note),
    "ferritin": _alone(labs.ferritin),
    "transferrin-saturation": _alone(labs.transferrin_saturation),
    "hemoglobin": _alone(labs.hemoglobin),
    "coverage": _alone(billing.coverage),
    "prior-authorization": billing.prior_authorization,
    "timely-filing": _alone(billing.timely_filing),
    "place-of-service": _alone(billing.place_of_service),
    "esrd-consolidated-billing": _alone(billing.esrd_consolidated_billing),
    "preferred-product": _alone(billing.preferred_product),
    "drug-source": _alone(billing.drug_source),
    "dosing": safety.dosing,
    "iron-overload": _alone(safety.iron_overload),
}

# What can be said of an administration whose product or date is not known.
ALWAYS = ("service-date", "product", "dose")


# What giving the drug asks where the drug itself is not billed.
OF_GIVING = (
    "service-date",
    "coverage",
    "place-of-service",
    "iron-deficiency-diagnosis",
    "infusion-time",
)


# A warning unless the policy says otherwise (R10).
NOT_BLOCKING = frozenset({"dosing", "iron-overload"})


def is_blocking(name: str, rule: Rule | None) -> bool:
    """Whether a gap of the requirement holds the line: by the policy's rule, else by what it is."""
    return rule.blocking if rule and rule.blocking is not None else name not in NOT_BLOCKING
