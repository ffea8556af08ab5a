"""R10: one small function per requirement; each says for one administration what it finds, or that it is not asked."""

from collections.abc import Callable

from mappings.charge.charge import Charge
from mappings.policy.rules import Rule
from mappings.requirements import billing, claim, clinical, labs, safety
from mappings.requirements.result import Result

Check = Callable[[Charge], Result | None]


CHECKS: dict[str, Check] = {
    "service-date": claim.service_date,
    "product": claim.product,
    "dose": claim.dose,
    "ndc": claim.ndc,
    "discarded-amount": claim.discarded_amount,
    "units-limit": claim.units_limit,
    "infusion-time": claim.infusion_time,
    "iron-deficiency-diagnosis": clinical.iron_deficiency_diagnosis,
    "ckd-diagnosis": clinical.ckd_diagnosis,
    "anemia-ckd-link": clinical.anemia_ckd_link,
    "treatment-plan": clinical.treatment_plan,
    "oral-iron-history": clinical.oral_iron_history,
    "progress-note": clinical.progress_note,
    "ferritin": labs.ferritin,
    "transferrin-saturation": labs.transferrin_saturation,
    "hemoglobin": labs.hemoglobin,
    "coverage": billing.coverage,
    "prior-authorization": billing.prior_authorization,
    "place-of-service": billing.place_of_service,
    "esrd-consolidated-billing": billing.esrd_consolidated_billing,
    "preferred-product": billing.preferred_product,
    "drug-source": billing.drug_source,
    "dosing": safety.dosing,
    "iron-overload": safety.iron_overload,
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
    """Whether a gap of the requirement holds the line, by the policy's rule or else by what it is."""
    return rule.blocking if rule and rule.blocking is not None else name not in NOT_BLOCKING
